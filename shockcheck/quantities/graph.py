"""A derivation as JSON: how numbers were computed, as a graph of nodes that ends in cells of sourced tables."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from shockcheck.quantities import quantity
from shockcheck.quantities.quantity import Cell, Quantity, Step


def graph(numbers: Mapping[str, float | None]) -> dict[str, Any]:
    """Return how the named numbers were computed, for JSON: `nodes`, inputs before what is computed from them, and `roots`.

    A node has `value` and `unit`; one that was read has `row`; one that was computed has `measure`, `formula` and
    `inputs`. Inputs and roots are pairs of a name and the number of a node, or of several, in order: a notebook sorts the
    names of its JSON. A number that is no quantity is a node without row and formula. A row that several numbers were
    computed from is one node.
    """
    nodes: list[dict[str, Any]] = []
    places: dict[Any, int] = {}

    def add(number: float) -> int:
        origin = getattr(number, "origin", None)
        key = (origin, float(number)) if isinstance(origin, Cell) else id(number)
        if key not in places:
            node: dict[str, Any] = {"value": float(number), "unit": getattr(number, "unit", "")}
            if isinstance(origin, Cell):
                node["row"] = asdict(origin)
            elif isinstance(origin, Step):
                inputs = [
                    [name, list(map(add, value)) if isinstance(value, tuple) else add(value)]
                    for name, value in origin.inputs.items()
                ]
                node |= {"measure": origin.formula.name, "formula": origin.formula.text, "inputs": inputs}
            nodes.append(node)
            places[key] = len(nodes) - 1
        return places[key]

    roots = [[name, add(number)] for name, number in numbers.items() if number is not None]
    return {"nodes": nodes, "roots": roots}


def node_number(derivation: Mapping[str, Any], number: Quantity) -> int | None:
    """Return the node of a derivation that is the quantity `number`, by its value, unit and origin, or None."""
    [own] = graph({"": number})["nodes"][-1:]
    alike = [
        here
        for here, node in enumerate(derivation["nodes"])
        if all(node.get(key) == own.get(key) for key in ("value", "unit", "row", "formula"))
    ]
    return alike[0] if alike else None


def node_inputs(node: Mapping[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """Return the inputs of a node by name, each as the numbers of its nodes, of which there may be one."""
    for name, numbers in node.get("inputs", []):
        yield name, numbers if isinstance(numbers, list) else [numbers]


def cited_rows(derivation: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Return the rows that a derivation rests on."""
    return (node["row"] for node in derivation["nodes"] if "row" in node)


def part(derivation: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Return the nodes of a derivation that one of its numbers was computed from, that number's own included."""
    nodes = derivation["nodes"]
    reached = [dict(derivation["roots"])[root]]
    for number in reached:
        inputs = [input_number for _, numbers in node_inputs(nodes[number]) for input_number in numbers]
        reached += [input_number for input_number in inputs if input_number not in reached]
    return {"nodes": [nodes[number] for number in sorted(set(reached))]}


def empty_cell(number: float) -> Cell | None:
    """Return the first empty cell that a number was computed from, by its row and column, or None where there is none."""
    origin = getattr(number, "origin", None)
    if isinstance(origin, Cell):
        return origin if math.isnan(number) else None
    inputs = origin.inputs.values() if origin else ()
    numbers = (number for value in inputs for number in (value if isinstance(value, tuple) else (value,)))
    return next(filter(None, map(empty_cell, numbers)), None)


def unknown_source(derivation: Mapping[str, Any], sources: Iterable[str]) -> str | None:
    """Return the id of the first source that a row of the derivation names and that is none of `sources`, or None."""
    known = {*sources, quantity.DEFINITION, quantity.PARAMETER, ""}
    return next((row["source"] for row in cited_rows(derivation) if row["source"] not in known), None)


def unsourced(derivation: Mapping[str, Any], sources: Iterable[str]) -> str | None:
    """Return the first input that comes from none of the `sources` and is no definition, in words, or None."""
    nodes, known = derivation["nodes"], {*sources, quantity.DEFINITION}
    for node in nodes:
        for name, numbers in node_inputs(node):
            for number in numbers:
                if not _is_sourced(nodes[number], known):
                    return f"the input {name} = {nodes[number]['value']:.15g} of {node['measure']}"
    for name, number in derivation["roots"]:
        if not _is_sourced(nodes[number], known):
            return f"the number “{name}” = {nodes[number]['value']:.15g}"
    return None


def _is_sourced(node: Mapping[str, Any], known: set[str]) -> bool:
    return "measure" in node or ("row" in node and node["row"]["source"] in known)
