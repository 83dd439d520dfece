"""Uses of a row of `data/`: the claims whose numbers or citations rest on it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from shockcheck.data import tables
from shockcheck.data.facts import FILE as FACTS
from shockcheck.data.facts import SOURCES
from shockcheck.errors import ParameterError
from shockcheck.findings import Finding
from shockcheck.notebooks.execution import stored_findings
from shockcheck.project.paths import current_project, shown
from shockcheck.quantities import graph
from shockcheck.verdicts import Verdict


@dataclass(frozen=True)
class Use:
    """A claim that uses a row: as which input of its numbers, or as which fact or source that it cites."""

    claim: str
    verdict: Verdict | None
    as_what: str
    page: str


def uses_of(address: str) -> list[Use]:
    """Return the claims that use the row at an address like 'data/prices.csv:SYMBOL:2001-02-03', in the article's order.

    A fact is used by the claims that cite it, a source by the claims that use any of its rows. The uses are read from the
    outputs stored in the notebooks. Raises ParameterError, with the possible addresses, for an address without a row.
    """
    file, key = _checked_row(address)
    source_of, uses = tables.load("facts").set_index("id")["source"], []
    for finding, notebook in stored_findings().values():
        ways = [*_as_input(finding, file, key), *_as_citation(finding, file, key, source_of)]
        if ways:
            uses.append(Use(finding.id, finding.verdict, "; ".join(dict.fromkeys(ways)), f"{notebook.name}.html"))
    return uses


def _checked_row(address: str) -> tuple[str, str]:
    """Return the file and key of an address; raises ParameterError where there is no such file or row."""
    file, _, key = address.partition(":")
    entries = {f"data/{entry['path']}": entry for entry in tables.package()["resources"]}
    if file not in entries:
        raise ParameterError(f"there is no table {file!r}; there are {', '.join(entries)}")
    records = tables.load(entries[file]["name"]).to_dict("records")
    rows = [tables.key(entries[file], {str(name): value for name, value in record.items()}) for record in records]
    if key not in rows:
        similar = [row for row in rows if key and row.startswith(key.split(":")[0])] or rows
        raise ParameterError(
            f"{file} has no row {key!r}; write {file}:{':'.join(entries[file]['schema']['primaryKey'])}, "
            f"as in {file}:{similar[0]}"
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
        for name, numbers in graph.node_inputs(node):
            if reached & set(numbers):
                yield f"{name} in {node['measure']}, {node['formula']}"
    for name, number in finding.derivation.get("roots", []):
        if number in reached:
            yield name


def _as_citation(finding: Finding, file: str, key: str, sources: pd.Series) -> Iterator[str]:
    """Yield how the claim's own facts lead to the row: as a fact, or as its source; `sources` is the source of each fact."""
    for fact in finding.claim.facts:
        if file == FACTS and fact == key:
            yield f"cited in {shown(current_project().ledger)}"
        if file == SOURCES and sources[fact] == key:
            yield f"source of the fact {fact}"
