"""Traces: a recomputed number back to the rows of `data/` it rests on, and a row forward to the claims it touches."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from shockcheck import derivations, fx, notebooks, tables
from shockcheck.errors import BuildError, ParameterError
from shockcheck.facts import FILE as FACTS
from shockcheck.facts import SOURCES
from shockcheck.findings import HIGH, LOW, RECOMPUTED, Finding, shown_in
from shockcheck.languages import Language, places
from shockcheck.paths import LEDGER, shown

MANY = 3  # rows that an input may have before they are folded


@dataclass(frozen=True)
class View:
    """One number of a derivation as a page shows it: by which formula, from what, or from which row.

    `inputs` are views by name, or several; a step that stands on the card already has none and links to it by `number`.
    """

    name: str
    number: int
    value: str
    formula: str | None = None
    filled: str | None = None
    inputs: tuple[tuple[str, tuple["View", ...]], ...] = ()
    again: bool = False
    row: dict[str, str] | None = None
    source: dict[str, Any] | None = None


def views(finding: Finding, language: Language) -> list[View]:
    """How the numbers of a finding came about: the recomputed value, the ends of the day's range, every reading."""
    if not finding.derivation:
        return []
    sources = tables.load("sources").set_index("id", drop=False).to_dict("index")
    seen: set[int] = set()
    called = {RECOMPUTED: "Recomputed", LOW: "at the day’s low", HIGH: "at the day’s high"}
    return [
        _view(finding, language.text(called.get(name, name.removeprefix("reading: "))), number, language, sources, seen)
        for name, number in finding.derivation["roots"]
    ]


def _view(finding: Finding, name: str, number: int, language: Language, sources: dict, seen: set[int]) -> View:
    node = finding.derivation["nodes"][number]
    value = language.quantity(node["value"], node["unit"], _places(node))
    if "row" in node:
        return View(name, number, value, row=node["row"], source=sources.get(node["row"]["source"]))
    if "measure" not in node or number in seen:
        return View(name, number, value, again=number in seen)
    seen.add(number)
    inputs = tuple(
        (part, tuple(_view(finding, part, one, language, sources, seen) for one in numbers))
        for part, numbers in derivations.inputs(node)
    )
    return View(name, number, value, node["formula"], _filled(node, finding.derivation["nodes"], language), inputs)


def _filled(node: dict[str, Any], nodes: list[dict[str, Any]], language: Language) -> str | None:
    """The formula with its numbers in place of its names; None where an input is a list."""
    inputs = dict(node["inputs"])
    if any(isinstance(numbers, list) for numbers in inputs.values()):
        return None
    return re.sub(
        r"[A-Za-z_]\w*|\d\.?\d*e\d+",
        lambda word: _written(nodes[inputs[word[0]]], language) if word[0] in inputs else language.number(float(word[0])),
        node["formula"],
    )


def _written(node: dict[str, Any], language: Language) -> str:
    return language.number(node["value"], _places(node))


def _places(node: dict[str, Any]) -> int | None:
    """The decimal places of a figure that was read, which is shown as it is; None for one that was computed."""
    return places(node["value"]) if "row" in node else None


def check_sources(finding: Finding) -> None:
    """Raise BuildError, naming claim and number, where a number of the finding rests on something without a source."""
    if finding.recomputed is None:
        return
    sources = tables.load("sources")["id"]
    missing = derivations.unknown_source(finding.derivation, sources)
    if missing:
        row = fx.SOURCES_ROW if missing == fx.SOURCE else f"{missing},PUBLISHER,TITLE,,,TERMS"
        raise BuildError(
            f"claim {finding.id}: data/sources.csv has no row {missing!r}, the source of a figure that it is computed from; "
            f"add one and run `make checksums`: {row}"
        )
    fault = derivations.unsourced(finding.derivation, sources)
    if fault:
        raise BuildError(
            f"claim {finding.id}: {fault} has no source; compute it by a measure from quantities "
            "(tables.cells, prices.bars, facts.number, fx.rate)"
        )


@dataclass(frozen=True)
class Touch:
    """A claim that a row touches: by which of its numbers, or as a fact or source that it cites."""

    claim: str
    verdict: str
    as_what: str
    page: str


def touched(address: str) -> list[Touch]:
    """The claims that the row at an address like 'data/prices.csv:SYMBOL:2001-02-03' touches, in the article's order.

    A fact touches the claims that cite it, a source those of all its rows. Read from the outputs stored in the notebooks.
    Raises ParameterError, with what there is, for an address of no row.
    """
    file, key = _row(address)
    sources, found = tables.load("facts").set_index("id")["source"], []
    for notebook in notebooks.discover():
        for entry in shown_in(notebook.node):
            finding = Finding(**entry)
            uses = [*_as_input(finding, file, key), *_as_citation(finding, file, key, sources)]
            if uses:
                found.append(Touch(finding.id, finding.verdict, "; ".join(dict.fromkeys(uses)), f"{notebook.name}.html"))
    return found


def _row(address: str) -> tuple[str, str]:
    """The file and key of an address; raises ParameterError where there is no such file or row."""
    file, _, key = address.partition(":")
    entries = {f"data/{entry['path']}": entry for entry in tables.package()["resources"]}
    if file not in entries:
        raise ParameterError(f"there is no table {file!r}; there are {', '.join(entries)}")
    rows = [tables.key(entries[file], row) for row in tables.load(entries[file]["name"]).to_dict("records")]
    if key not in rows:
        begun = [row for row in rows if key and row.startswith(key.split(":")[0])] or rows
        raise ParameterError(
            f"{file} has no row {key!r}; write {file}:{':'.join(entries[file]['schema']['primaryKey'])}, "
            f"as in {file}:{begun[0]}"
        )
    return file, key


def _as_input(finding: Finding, file: str, key: str) -> Iterator[str]:
    nodes = finding.derivation.get("nodes", [])
    of_source = file == SOURCES
    reached = {
        number
        for number, node in enumerate(nodes)
        if "row" in node
        and (node["row"]["source"] == key if of_source else (node["row"]["file"], node["row"]["row"]) == (file, key))
    }
    for node in nodes:
        for name, numbers in derivations.inputs(node):
            if reached & set(numbers):
                yield f"{name} in {node['measure']}, {node['formula']}"
    for name, number in finding.derivation.get("roots", []):
        if number in reached:
            yield name


def _as_citation(finding: Finding, file: str, key: str, sources: pd.Series) -> Iterator[str]:
    """How the claim's own facts lead to the row: as the fact, or as its source by `sources`, the source of each fact."""
    for fact in finding.claim.facts:
        if file == FACTS and fact == key:
            yield f"cited in {shown(LEDGER)}"
        if file == SOURCES and sources[fact] == key:
            yield f"source of the fact {fact}"
