"""What if: the inputs of a finding that a reader may change on its page, and the formulas that a browser recomputes it by.

The formulas are those of the measures, emitted as JavaScript from the lines that Python runs; the numbers are those of
the finding's own derivation. `templates/what_if.js` does the rest.
"""

import math
from collections.abc import Iterable
from typing import Any

from shockcheck import markup, measures
from shockcheck.findings import Finding
from shockcheck.findings.finding import RECOMPUTED
from shockcheck.languages.language import Language
from shockcheck.quantities import graph
from shockcheck.verdicts import Verdict


def inputs(finding: Finding, language: Language) -> list[dict[str, Any]]:
    """Return the inputs that a reader may change: label, unit, the finding's own value and, if there are any, choices."""
    nodes = finding.derivation.get("nodes", [])
    return [
        {
            "label": language.text(entry["label"]),
            "node": entry["node"],
            "value": nodes[entry["node"]]["value"],
            "unit": language.text(nodes[entry["node"]]["unit"]),
            "choices": [
                {"label": label, "value": value, "text": language.number(value)} for label, value in entry["choices"] or []
            ],
        }
        for entry in finding.adjustable
    ]


def data(finding: Finding, language: Language) -> dict[str, Any]:
    """Return what the browser needs for one card: the derivation's numbers, the allowed interval and how a value is written.

    A node is a number, or the name of its measure with the nodes of its inputs in order. The ends of the interval are
    null where it is open to infinity.
    """
    allowed = finding.interval
    ends = [edge if math.isfinite(edge) else None for edge in (allowed.left, allowed.right)]
    before, after = finding.in_words(language).quantity(0).split(language.number(0, finding.decimals))
    return {
        "nodes": _nodes(finding),
        "root": dict(finding.derivation["roots"])[RECOMPUTED],
        "allowed": [*ends, allowed.closed_left, allowed.closed_right],
        "decimals": finding.decimals,
        "signed": bool(finding.claim.direction),
        "around": [before, after],
    }


def _nodes(finding: Finding) -> list[float | list[Any]]:
    """Return the nodes of a derivation; what no adjustable input changes, or is one itself, is a plain number."""
    adjustable = {entry["node"] for entry in finding.adjustable}
    moving = set(adjustable)
    nodes: list[float | list[Any]] = []
    for number, node in enumerate(finding.derivation["nodes"]):
        inputs_of_node = {input_node for _, numbers in graph.node_inputs(node) for input_node in numbers}
        if number not in adjustable and inputs_of_node & moving:
            moving.add(number)
            nodes.append([node["measure"], *(numbers for _, numbers in node["inputs"])])
        else:
            nodes.append(node["value"])
    return nodes


def script(findings: Iterable[Finding], language: Language) -> str | None:
    """Return what the script of a page starts from, as JSON and formulas in JavaScript; None where nothing can be changed.

    Raises ValueError for a measure that has no counterpart in JavaScript.
    """
    adjustable = [finding for finding in findings if finding.adjustable]
    if not adjustable:
        return None
    used = {node[0] for finding in adjustable for node in _nodes(finding) if isinstance(node, list)}
    formulas = ", ".join(f"{name}: {getattr(measures, name).formula.javascript()}" for name in sorted(used))
    words = {verdict: [verdict.sign, language.text(verdict)] for verdict in (Verdict.HOLDS, Verdict.OFF)}
    cards = {finding.id: data(finding, language) for finding in adjustable}
    start = {"language": language.code, "words": words, "cards": cards}
    values = ", ".join(f"{name} = {markup.script(value)}" for name, value in start.items())
    return f"const {values}, formulas = {{{formulas}}};"
