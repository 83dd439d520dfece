"""Quantities: numbers that remember the formula and the sourced figures they were computed from.

A `Quantity` is a float in every respect, with a unit and an origin: the `Cell` it was read from or the `Step` that computed
it. A measure marked `derived` returns a quantity where it is given one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

import pandas as pd

from shockcheck.errors import ParameterError
from shockcheck.quantities.formula import Formula


class Bar(NamedTuple):
    """The prices of one session; of some only the close is known, the others are then NaN."""

    open: float
    high: float
    low: float
    close: float


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
PARAMETER = "given as parameter"
DEFINITION = "by definition"
COUNTED = {"shares"}  # units of what there is none of, or more: a number in them is above 0


@dataclass(frozen=True)
class Cell:
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

    formula: Formula
    inputs: dict[str, "Quantity | tuple[Quantity, ...]"]


class Quantity(float):
    """A number that knows its unit and where it comes from; `origin` is None for one that nobody vouches for."""

    unit: str
    origin: Cell | Step | None

    def __new__(cls, value: float, unit: str, origin: Cell | Step | None) -> "Quantity":
        """A quantity of that value; arithmetic without a measure gives plain numbers."""
        quantity = super().__new__(cls, value)
        quantity.unit, quantity.origin = unit, origin
        return quantity

    @property
    def source(self) -> str:
        """The id of the source that it was read from; of a computed number, and of one without origin, nothing."""
        return self.origin.source if isinstance(self.origin, Cell) else ""


def derived(unit: str | Callable[..., str]) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Mark a measure whose last line is its formula; `unit` is that of its value, or makes it from the inputs.

    Given quantities, the measure returns one; given plain numbers or columns of them, what it returns by itself.
    """

    def decorate(measure: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        formula = Formula(measure)

        @wraps(measure)
        def computed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Any:
            value = measure(*args, **kwargs)
            inputs = formula.signature.bind(*args, **kwargs).arguments
            if isinstance(value, pd.Series) or not any(map(_holds_quantity, inputs.values())):
                return value
            quantities = {name: _as_quantities(number) for name, number in inputs.items()}
            own_unit = unit(**quantities) if callable(unit) else unit
            return Quantity(float(value), own_unit, Step(formula, quantities))  # type: ignore[arg-type]  # a number by now

        computed.formula = formula  # type: ignore[attr-defined]  # read by what shows and recomputes the measure
        return computed

    return decorate


def _holds_quantity(value: Any) -> bool:
    if isinstance(value, pd.Series):
        return value.dtype == object and any(isinstance(number, Quantity) for number in value)
    return isinstance(value, Quantity) or (isinstance(value, list | tuple) and any(map(_holds_quantity, value)))


def _as_quantities(value: Any) -> Any:
    """Return a number as a quantity, several as a tuple of them; a number that is none has no unit and no origin."""
    if isinstance(value, pd.Series | list | tuple):
        return tuple(_as_quantities(number) for number in value)
    return value if isinstance(value, Quantity) else Quantity(value, "", None)


def parameter(name: str, value: float, unit: str) -> Quantity:
    """Return a number that a notebook got as its parameter `name`: no source vouches for it, which only a variant allows.

    Raises ParameterError, naming the parameter, for what is no number, is not finite, or counts what there cannot be.
    """
    if unit in COUNTED:
        check_above_zero(name, value)
    if not _is_number(value):
        raise ParameterError(f"{name} must be a number, not {value!r}; correct it")
    return Quantity(value, unit, Cell("", name, "", "", PARAMETER))


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
