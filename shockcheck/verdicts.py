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
from fractions import Fraction
from typing import Literal

import pandas as pd
from babel.numbers import NumberFormatError, parse_decimal

from shockcheck import numerals

Hedge = Literal["about", "less than", "more than", "almost", "between", "exactly"]
Direction = Literal["rise", "fall"]
ComputedVerdict = Literal["holds", "held intraday", "off"]
DocumentedVerdict = Literal["supported", "imprecise", "contradicted", "unchecked"]

DIGITS = re.compile(r"[0-9](?:[0-9.,]*[0-9])?")
GROUPED = re.compile("[0-9]{1,3}(?:([ \u00a0\u2009\u202f'’])[0-9]{3})(?:\\1[0-9]{3})*(?:[.,][0-9]+)?")
BETWEEN = re.compile(r"\s*(?:\bund\b|\bbis\b|\band\b|\bto\b|–|-)\s*")
SIGNED = re.compile(r"(?:[+\-−–±]|minus\b|plus\b)\s*", re.IGNORECASE)
WITH_UNIT = re.compile(r"[^0-9.,]*?([0-9](?:[0-9.,]*[0-9])?)(?!e[0-9+-])[^0-9/'’]*", re.IGNORECASE)  # '$5', '5 bn', '60fach'
OTHER_SIGNS = str.maketrans(".,", ",.")


def number(printed: str, language: str) -> Decimal:
    """The value of one number as printed, in digits or in words, with its decimal places kept ('5,70' -> 5.70).

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
    """The fraction as a decimal, or None for one like a third that has no end."""
    found = Decimal(named.numerator) / Decimal(named.denominator)
    return found if Fraction(found) == named else None


def _remedy(text: str, language: str) -> str:
    """What to write in place of what is no number."""
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
    """The one number of a stated value, or the two of one that is hedged by `between`, smaller first.

    Raises ValueError for anything else.
    """
    if hedge != "between":
        return [number(stated, language)]
    smaller, larger = _ends(stated, language)
    if not smaller < larger:
        raise ValueError(f"{stated!r} must name the smaller number first")
    return [smaller, larger]


def _ends(stated: str, language: str) -> tuple[Decimal, Decimal]:
    """The two numbers between which a value is stated to be: what joins them may stand in a number as well."""
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
    """How many decimal places the stated value is printed with; a finding is shown with two more."""
    return max(-min(value.as_tuple().exponent, 0) for value in numbers(stated, hedge, language))


def interval(stated: str, hedge: Hedge | None, direction: Direction | None, language: str) -> pd.Interval:
    """The values that the printed one allows, by the table above, in the claim's unit; falls are negative."""
    values = numbers(stated, hedge, language)
    unit = Decimal(1).scaleb(min(values[0].as_tuple().exponent, 0))
    low, high, closed = {
        None: (values[0] - unit / 2, values[0] + unit / 2, "left"),
        "about": (values[0] - unit, values[0] + unit, "both"),
        "almost": (values[0] * Decimal("0.9"), values[0], "left"),
        "less than": (Decimal("-Infinity"), values[0], "neither"),
        "more than": (values[0], Decimal("Infinity"), "neither"),
        "between": (values[0], values[-1], "both"),
        "exactly": (values[0], values[0], "both"),
    }[hedge]
    if direction == "fall":
        low, high, closed = -high, -low, {"left": "right"}.get(closed, closed)
    return pd.Interval(float(low), float(high), closed=closed)


def verdict(value: float, allowed: pd.Interval, low: float | None = None, high: float | None = None) -> ComputedVerdict:
    """`holds` if `value` is allowed, `held intraday` if only the day's range low..high meets `allowed`, else `off`.

    All numbers in the claim's unit. Raises ValueError for a value that is not finite, half a range, or a range
    without the value.
    """
    if not math.isfinite(value):
        raise ValueError(f"the recomputed value is {value}, not a number")
    if (low is None) != (high is None):
        raise ValueError("give the day's low and high together, or neither")
    if low is not None and not low <= value <= high:
        raise ValueError(f"the recomputed value {value} is outside the day's range {low} to {high}")
    if value in allowed:
        return "holds"
    if low is not None and allowed.overlaps(pd.Interval(low, high, closed="both")):
        return "held intraday"
    return "off"
