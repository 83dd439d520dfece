"""Derivations: numbers that remember the formula and the sourced figures they were computed from.

A `Quantity` is a float in every respect, with a unit and an origin: the `Row` it was read from or the `Step` that
computed it. A measure marked `derived` returns one where it is given one. The line that the measure returns is its
formula: it is read from the source, so that a page shows what Python computed and JavaScript can compute it again.
"""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, wraps
from typing import Any

import pandas as pd

from shockcheck.errors import ParameterError

PARAMETER = "given as parameter"
DEFINITION = "by definition"
COUNTED = {"shares"}  # units of what there is none of, or more: a number in them is above 0
OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Gt: ">", ast.Lt: "<"}


@dataclass(frozen=True)
class Row:
    """The place of a sourced figure: file, key of its row, column, day it is of, id of its source, and its status."""

    file: str
    row: str
    column: str
    as_of: str
    source: str
    status: str = "confirmed"


@dataclass(frozen=True, eq=False)
class Step:
    """The formula that computed a number, and each of its inputs by name: a quantity, or several."""

    formula: "Formula"
    inputs: dict[str, "Quantity | tuple[Quantity, ...]"]


class Quantity(float):
    """A number that knows its unit and where it comes from; `origin` is None for one that nobody vouches for."""

    unit: str
    origin: Row | Step | None

    def __new__(cls, value: float, unit: str, origin: Row | Step | None) -> "Quantity":
        """A quantity of that value; arithmetic without a measure gives plain numbers."""
        quantity = super().__new__(cls, value)
        quantity.unit, quantity.origin = unit, origin
        return quantity


class Formula:
    """The line that a measure returns, as text and as JavaScript."""

    def __init__(self, measure: Callable[..., float]) -> None:
        """The formula of `measure`; its source is read when it is first asked for."""
        self.name, self._measure = measure.__name__, measure
        self.signature = inspect.signature(measure)

    @cached_property
    def expression(self) -> ast.expr:
        """What the measure returns, parsed; raises ValueError where it does not end on one `return`."""
        body = ast.parse(self._source).body[0].body
        if not isinstance(body[-1], ast.Return) or body[-1].value is None:
            raise ValueError(f"the measure {self.name} must end on the line that it returns")
        return body[-1].value

    @cached_property
    def _source(self) -> str:
        return textwrap.dedent(inspect.getsource(self._measure))

    @property
    def text(self) -> str:
        """The formula as it is written."""
        return ast.get_source_segment(self._source, self.expression)

    def javascript(self) -> str:
        """An arrow function of the same parameters; raises ValueError for what has no counterpart in JavaScript."""
        return f"({', '.join(self.signature.parameters)}) => {_javascript(self.expression)}"


def _javascript(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=int() | float() as value):
            return repr(value)
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(-{_javascript(operand)})"
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            return f"({_javascript(left)} {OPERATORS[type(sign)]} {_javascript(right)})"
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in OPERATORS:
            return f"({_javascript(left)} {OPERATORS[type(sign)]} {_javascript(right)})"
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id=name)]):
            return f"{name}.reduce((total, one) => total + one, 0)"
        case ast.Call(
            func=ast.Name(id="sum"), args=[ast.GeneratorExp(elt=each, generators=[ast.comprehension(ifs=[]) as loop])]
        ) if isinstance(loop.target, ast.Name):
            each_text = _javascript(each)
            return f"{_javascript(loop.iter)}.reduce((total, {loop.target.id}) => total + {each_text}, 0)"
    raise ValueError(f"{ast.unparse(node)!r} has no counterpart in JavaScript; write the formula with + - * / and sum")


def derived(unit: str | Callable[..., str]) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Mark a measure whose last line is its formula; `unit` is that of its value, or makes it from the inputs.

    Given quantities, the measure returns one; given plain numbers or columns of them, what it returns by itself.
    """

    def decorate(measure: Callable[..., float]) -> Callable[..., float]:
        formula = Formula(measure)

        @wraps(measure)
        def computed(*args: Any, **named: Any) -> Any:
            value = measure(*args, **named)
            given = formula.signature.bind(*args, **named).arguments
            if isinstance(value, pd.Series) or not any(_known(one) for one in given.values()):
                return value
            inputs = {name: _quantities(one) for name, one in given.items()}
            return Quantity(value, unit(**inputs) if callable(unit) else unit, Step(formula, inputs))

        computed.formula = formula
        return computed

    return decorate


def _known(given: Any) -> bool:
    if isinstance(given, pd.Series):
        return given.dtype == object and any(isinstance(one, Quantity) for one in given)
    return isinstance(given, Quantity) or (isinstance(given, list | tuple) and any(map(_known, given)))


def _quantities(given: Any) -> Quantity | tuple[Quantity, ...]:
    if isinstance(given, pd.Series | list | tuple):
        return tuple(_quantities(one) for one in given)
    return given if isinstance(given, Quantity) else Quantity(given, "", None)


def parameter(name: str, value: float, unit: str) -> Quantity:
    """A number that a notebook was given as its parameter `name`: no source vouches for it, which only a variant allows.

    Raises ParameterError, naming the parameter, for what is no number, is not finite, or counts what there cannot be.
    """
    if unit in COUNTED:
        check_above_zero(name, value)
    if not _is_number(value):
        raise ParameterError(f"{name} must be a number, not {value!r}; correct it")
    return Quantity(value, unit, Row("", name, "", "", PARAMETER))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def check_above_zero(name: str, value: float) -> None:
    """Raise ParameterError, naming the parameter, for what is no number above 0."""
    if not _is_number(value) or value <= 0:
        raise ParameterError(f"{name} must be a number above 0, not {value!r}; correct it")


def check_whole(name: str, value: int, least: int) -> None:
    """Raise ParameterError, naming the parameter, for what is no whole number from `least` on."""
    if not _is_number(value) or value != int(value) or value < least:
        raise ParameterError(f"{name} must be a whole number from {least} on, not {value!r}; correct it")


def check_band(low: float, high: float) -> None:
    """Raise ParameterError for a band that does not run from a number up to another."""
    if not (_is_number(low) and _is_number(high) and low <= high):
        raise ParameterError(
            f"a band must run from a number up to another, not from {low!r} to {high!r}; correct band_low or band_high"
        )


def graph(numbers: Mapping[str, float | None]) -> dict[str, Any]:
    """How the named numbers were computed, for JSON: `nodes`, inputs before what is computed from them, and `roots`.

    A node has `value` and `unit`; one that was read has `row`; one that was computed has `measure`, `formula` and
    `inputs`. Inputs and roots are pairs of a name and the number of a node, or of several, in order: a notebook sorts the
    names of its JSON. A number that is no quantity is a node without row and formula. A row that several numbers were
    computed from is one node.
    """
    nodes: list[dict[str, Any]] = []
    places: dict[Any, int] = {}

    def add(number: float) -> int:
        origin = getattr(number, "origin", None)
        key = (origin, float(number)) if isinstance(origin, Row) else id(number)
        if key not in places:
            node: dict[str, Any] = {"value": float(number), "unit": getattr(number, "unit", "")}
            if isinstance(origin, Row):
                node["row"] = asdict(origin)
            elif isinstance(origin, Step):
                inputs = [
                    [name, list(map(add, one)) if isinstance(one, tuple) else add(one)]
                    for name, one in origin.inputs.items()
                ]
                node |= {"measure": origin.formula.name, "formula": origin.formula.text, "inputs": inputs}
            nodes.append(node)
            places[key] = len(nodes) - 1
        return places[key]

    roots = [[name, add(number)] for name, number in numbers.items() if number is not None]
    return {"nodes": nodes, "roots": roots}


def place(derivation: Mapping[str, Any], number: Quantity) -> int | None:
    """The node of a derivation that is the quantity `number`, by its value, unit and origin, or None."""
    [own] = graph({"": number})["nodes"][-1:]
    alike = [
        here
        for here, node in enumerate(derivation["nodes"])
        if all(node.get(key) == own.get(key) for key in ("value", "unit", "row", "formula"))
    ]
    return alike[0] if alike else None


def inputs(node: Mapping[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """The inputs of a node by name, each as the numbers of its nodes, of which there may be one."""
    for name, numbers in node.get("inputs", []):
        yield name, numbers if isinstance(numbers, list) else [numbers]


def rows(derivation: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The rows that a derivation rests on."""
    return (node["row"] for node in derivation["nodes"] if "row" in node)


def part(derivation: Mapping[str, Any], root: str) -> dict[str, Any]:
    """The nodes of a derivation that one of its numbers was computed from, that number's own included."""
    wanted = [dict(derivation["roots"])[root]]
    for number in wanted:
        wanted += [one for _, numbers in inputs(derivation["nodes"][number]) for one in numbers if one not in wanted]
    return {"nodes": [derivation["nodes"][number] for number in sorted(set(wanted))]}


def empty_cell(number: float) -> Row | None:
    """The first empty cell that a number was computed from, by its row and column, or None where there is none."""
    origin = getattr(number, "origin", None)
    if isinstance(origin, Row):
        return origin if math.isnan(number) else None
    given = origin.inputs.values() if origin else ()
    numbers = (one for value in given for one in (value if isinstance(value, tuple) else (value,)))
    return next(filter(None, map(empty_cell, numbers)), None)


def unknown_source(derivation: Mapping[str, Any], sources: Iterable[str]) -> str | None:
    """The id of the first source that a row of the derivation names and that is none of `sources`, or None."""
    known = {*sources, DEFINITION, PARAMETER, ""}
    return next((row["source"] for row in rows(derivation) if row["source"] not in known), None)


def unsourced(derivation: Mapping[str, Any], sources: Iterable[str]) -> str | None:
    """The first input of a derivation that comes from none of the `sources` and is no definition, in words, or None."""
    nodes, known = derivation["nodes"], {*sources, DEFINITION}
    for node in nodes:
        for name, numbers in inputs(node):
            for number in numbers:
                if not _vouched(nodes[number], known):
                    return f"the input {name} = {nodes[number]['value']:.15g} of {node['measure']}"
    for name, number in derivation["roots"]:
        if not _vouched(nodes[number], known):
            return f"the number “{name}” = {nodes[number]['value']:.15g}"
    return None


def _vouched(node: Mapping[str, Any], known: set[str]) -> bool:
    return "measure" in node or ("row" in node and node["row"]["source"] in known)
