"""Traces: how a recomputed number was computed, step by step back to the rows of `data/`."""

import re
from dataclasses import dataclass
from typing import Any

from shockcheck.data import fx, tables
from shockcheck.errors import BuildError
from shockcheck.findings import Finding
from shockcheck.findings.finding import HIGH, LOW, RECOMPUTED
from shockcheck.languages.language import Language, decimal_places
from shockcheck.quantities import graph

MANY_ROWS = 3  # rows that an input may have before they are folded


@dataclass(frozen=True)
class TraceStep:
    """One number of a derivation as a page shows it: by which formula, from what, or from which row.

    `inputs` are views by name, or several; a step that stands on the card already has none and links to it by `number`.
    """

    name: str
    number: int
    value: str
    formula: str | None = None
    filled: str | None = None
    inputs: tuple[tuple[str, tuple["TraceStep", ...]], ...] = ()
    again: bool = False
    row: dict[str, str] | None = None
    source: dict[str, Any] | None = None


def trace_steps(finding: Finding, language: Language) -> list[TraceStep]:
    """Return how the numbers of a finding came about: the recomputed value, the ends of the day's range, every reading."""
    if not finding.derivation:
        return []
    sources = tables.load("sources").set_index("id", drop=False).to_dict("index")
    seen: set[int] = set()
    called = {RECOMPUTED: "Recomputed", LOW: "Day’s low", HIGH: "Day’s high"}
    return [
        _trace_step(
            finding, language.text(called.get(name, name.removeprefix("reading: "))), number, language, sources, seen
        )
        for name, number in finding.derivation["roots"]
    ]


def _trace_step(
    finding: Finding, name: str, number: int, language: Language, sources: dict[Any, Any], seen: set[int]
) -> TraceStep:
    node = finding.derivation["nodes"][number]
    value = language.quantity(node["value"], node["unit"], _places(node))
    if "row" in node:
        return TraceStep(name, number, value, row=node["row"], source=sources.get(node["row"]["source"]))
    if "measure" not in node or number in seen:
        return TraceStep(name, number, value, again=number in seen)
    seen.add(number)
    inputs = tuple(
        (part, tuple(_trace_step(finding, part, input_number, language, sources, seen) for input_number in numbers))
        for part, numbers in graph.node_inputs(node)
    )
    return TraceStep(name, number, value, node["formula"], _filled(node, finding.derivation["nodes"], language), inputs)


def _filled(node: dict[str, Any], nodes: list[dict[str, Any]], language: Language) -> str | None:
    """Return the formula with its numbers in place of its names; None where an input is a list."""
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
    """Return the decimal places of a figure that was read, which is shown as it is; None for one that was computed."""
    return decimal_places(node["value"]) if "row" in node else None


def check_sources(finding: Finding) -> None:
    """Raise BuildError, naming claim and number, where a number of the finding rests on something without a source."""
    if finding.recomputed is None:
        return
    sources = tables.load("sources")["id"]
    missing = graph.unknown_source(finding.derivation, sources)
    if missing:
        row = fx.SOURCES_ROW if missing == fx.SOURCE else f"{missing},PUBLISHER,TITLE,,,TERMS"
        raise BuildError(
            f"claim {finding.id}: data/sources.csv has no row {missing!r}, the source of a figure that it is computed from; "
            f"add one and run `make checksums`: {row}"
        )
    fault = graph.unsourced(finding.derivation, sources)
    if fault:
        raise BuildError(
            f"claim {finding.id}: {fault} has no source; compute it by a measure from quantities "
            "(tables.cells, prices.bars, facts.number, fx.rate)"
        )
