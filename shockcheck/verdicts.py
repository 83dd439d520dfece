"""The rule that turns a printed value into an interval, and a recomputed value into a verdict.

The interval follows from how the value is printed, never from how the recomputation came out:

| printed                 | hedge     | interval     |                                                  |
| ----------------------- | --------- | ------------ | ------------------------------------------------ |
| 17                      | (none)    | [16.5, 17.5) | half a unit of the last printed digit            |
| 5,7                     | (none)    | [5.65, 5.75) |                                                  |
| zwischen fünf und sechs | between   | [5, 6]       | both ends belong to it                           |
| weniger als 5,7         | less than | (-inf, 5.7)  | the bound itself is a claim of its own           |
| more than 206           | more than | (206, inf)   | the same                                         |
| fast 60                 | almost    | [54, 60)     | up to a tenth below                              |
| rund 17                 | about     | [16, 18]     | a whole unit of the last printed digit           |
| a superlative: rank 1   | exactly   | [1, 1]       |                                                  |

A fall is printed without a sign and recomputed with one: its interval is mirrored, (-17.5, -16.5].
"""

import math
import re
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Literal, NamedTuple

import pandas as pd
from babel.numbers import NumberFormatError, parse_decimal

from shockcheck import numerals

Hedge = Literal["about", "less than", "more than", "almost", "between", "exactly"]
Direction = Literal["rise", "fall"]


class Verdict(StrEnum):
    """What is said of a claim: of a computed one by the rule below, of a documented one by an editor who cites facts."""

    HOLDS = "holds"
    HELD_INTRADAY = "held intraday"
    OFF = "off"
    SUPPORTED = "supported"
    IMPRECISE = "imprecise"
    CONTRADICTED = "contradicted"
    UNCHECKED = "unchecked"

    @property
    def sign(self) -> str:
        """The verdict as a sign."""
        return _ABOUT[self].sign

    @property
    def meaning(self) -> str:
        """What the verdict means, in a line."""
        return _ABOUT[self].meaning

    @property
    def rating(self) -> int | None:
        """From 1, false, over 3, true in part, to 5, true; None for a claim that nothing at hand can decide."""
        return _ABOUT[self].rating


class _About(NamedTuple):
    sign: str
    rating: int | None
    meaning: str


_ABOUT = {
    Verdict.HOLDS: _About("✓", 5, "rounds to the number in the article (for prices: at the close)"),
    Verdict.HELD_INTRADAY: _About("◐", 3, "true at some point in the day, not at the close"),
    Verdict.OFF: _About("✗", 1, "does not match the number in the article, and no price of the day does"),
    Verdict.SUPPORTED: _About("✓", 5, "backed by the cited sources"),
    Verdict.IMPRECISE: _About("◐", 3, "true only in part"),
    Verdict.CONTRADICTED: _About("✗", 1, "a primary source or two independent ones say otherwise"),
    Verdict.UNCHECKED: _About("?", None, "no source at hand can decide it"),
}
# The meaning of `off` for one finding, of which it is known whether there is a range.
OFF_WITH_RANGE = "does not match the close or any price of the day"
OFF_WITHOUT_RANGE = "does not match the number in the article"
DocumentedVerdict = Literal[Verdict.SUPPORTED, Verdict.IMPRECISE, Verdict.CONTRADICTED, Verdict.UNCHECKED]

DIGITS = re.compile(r"[0-9](?:[0-9.,]*[0-9])?")
GROUPED = re.compile("[0-9]{1,3}(?:([ \u00a0\u2009\u202f'’])[0-9]{3})(?:\\1[0-9]{3})*(?:[.,][0-9]+)?")
BETWEEN = re.compile(r"\s*(?:\bund\b|\bbis\b|\band\b|\bto\b|–|-)\s*")
SIGNED = re.compile(r"(?:[+\-−–±]|minus\b|plus\b)\s*", re.IGNORECASE)
WITH_UNIT = re.compile(r"[^0-9.,]*?([0-9](?:[0-9.,]*[0-9])?)[^0-9/'’]*")  # '$5', '5 bn', '60fach'
OTHER_SIGNS = str.maketrans(".,", ",.")


def number(printed: str, language: str) -> Decimal:
    """Return the value of one number as printed, in digits or in words, with its decimal places kept ('5,70' -> 5.70).

    Thousands may be grouped by the sign of the language, by an apostrophe or by blanks, fractions be words or signs. Raises
    ValueError, with what to write instead, where `printed` is not a number in `language` ('5.7' is none in German).
    """
    text = printed.strip()
    exact = _in_digits(text, language)
    if exact is None:
        named = numerals.value(text, language)
        exact = named if named is None else _decimal(named)
    if exact is None:
        problem = f"{printed!r} is not an unsigned number as printed in language {language!r}"
        raise ValueError(f"{problem}; {_remedy(text, language)}")
    return exact


def _in_digits(text: str, language: str) -> Decimal | None:
    grouped = GROUPED.fullmatch(text)
    if grouped:
        text = text.replace(grouped[1], "")
    if not DIGITS.fullmatch(text):  # Babel alone would also take 'NaN', '1e3' and a trailing comma
        return None
    try:
        return parse_decimal(text, locale=language, strict=True)
    except NumberFormatError:
        return None


def _decimal(named: Fraction) -> Decimal | None:
    """Return the fraction as a decimal, or None for one like a third that has no end."""
    quotient = Decimal(named.numerator) / Decimal(named.denominator)
    return quotient if Fraction(quotient) == named else None


def _remedy(text: str, language: str) -> str:
    """Return what to write in place of what is no number."""
    example, other = ("3.5", "comma") if language == "en" else ("3,5", "point")
    named, signed = numerals.value(text, language), SIGNED.match(text)
    if named is not None:
        digits = f"{float(named):.2f}".replace(".", example[1])
        return f"it has no end as a decimal: write it as far as it is meant, as {digits!r}, and hedge it by `about`"
    if signed and signed.end() < len(text):
        return f"leave out the sign, as in {text[signed.end() :]!r}; `direction` says whether it is a rise or a fall"
    swapped = text.translate(OTHER_SIGNS)
    if swapped != text and _in_digits(swapped, language) is not None:
        return f"a {other} marks no decimals in this language: write {swapped!r}"
    with_unit = WITH_UNIT.fullmatch(text)
    if with_unit and re.search(r"[^0-9.,]", text) and _in_digits(with_unit[1], language) is not None:
        return f"write the number alone, as {with_unit[1]!r}; what it counts or multiplies is the `unit`"
    return f"write it in digits, as in {example!r}"


def numbers(stated: str, hedge: Hedge | None, language: str) -> list[Decimal]:
    """Return the one number of a stated value, or the two of one that is hedged by `between`, smaller first.

    Raises ValueError for anything else.
    """
    if hedge != "between":
        return [number(stated, language)]
    smaller, larger = _ends(stated, language)
    if not smaller < larger:
        raise ValueError(f"{stated!r} must name the smaller number first")
    return [smaller, larger]


def _ends(stated: str, language: str) -> tuple[Decimal, Decimal]:
    """Return the two numbers between which a value is stated to be: what joins them may stand in a number as well."""
    faults = []
    for join in BETWEEN.finditer(stated):
        try:
            return number(stated[: join.start()], language), number(stated[join.end() :], language)
        except ValueError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    raise ValueError(f"{stated!r} is hedged by 'between' and must hold two numbers, as in '5 to 6'")


def decimals(stated: str, hedge: Hedge | None, language: str) -> int:
    """Return how many decimal places the stated value is printed with; a finding is shown with two more."""
    return max(-_exponent(value) for value in numbers(stated, hedge, language))


def _exponent(value: Decimal) -> int:
    """Return the power of ten of the last printed digit: -2 for 5.70, 0 for 1700."""
    return int(value.as_tuple().exponent)  # an int already, as every printed number is finite


Closed = Literal["left", "right", "both", "neither"]
Ends = tuple[Decimal, Decimal, Closed]


def interval(stated: str, hedge: Hedge | None, direction: Direction | None, language: str) -> "pd.Interval[float]":
    """Return the values that the printed one allows, by the table above, in the claim's unit; falls are negative.

    Raises ValueError where `stated` is no number as printed in `language`.
    """
    values = numbers(stated, hedge, language)
    unit = Decimal(1).scaleb(_exponent(values[0]))
    ends: dict[Hedge | None, Ends] = {
        None: (values[0] - unit / 2, values[0] + unit / 2, "left"),
        "about": (values[0] - unit, values[0] + unit, "both"),
        "almost": (values[0] * Decimal("0.9"), values[0], "left"),
        "less than": (Decimal("-Infinity"), values[0], "neither"),
        "more than": (values[0], Decimal("Infinity"), "neither"),
        "between": (values[0], values[-1], "both"),
        "exactly": (values[0], values[0], "both"),
    }
    low, high, closed = ends[hedge]
    if direction == "fall":
        low, high, closed = -high, -low, "right" if closed == "left" else closed
    return pd.Interval(float(low), float(high), closed=closed)


def verdict(value: float, allowed: "pd.Interval[float]", low: float | None = None, high: float | None = None) -> Verdict:
    """Return `holds` if `value` is allowed, `held intraday` if only the day's range low..high meets it, else `off`.

    All numbers in the claim's unit. Raises ValueError for a value that is not finite, half a range, or a range
    without the value.
    """
    if not math.isfinite(value):
        raise ValueError(f"the recomputed value is {value}, not a number")
    if (low is None) != (high is None):
        raise ValueError("give the day's low and high together, or neither")
    day_range = None if low is None or high is None else (low, high)
    if day_range and not day_range[0] <= value <= day_range[1]:
        raise ValueError(f"the recomputed value {value} is outside the day's range {low} to {high}")
    if value in allowed:
        return Verdict.HOLDS
    if day_range and allowed.overlaps(pd.Interval(*day_range, closed="both")):
        return Verdict.HELD_INTRADAY
    return Verdict.OFF
