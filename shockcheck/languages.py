"""Languages: numbers, sums and days as readers of a language expect them, by Babel, and labels by a catalogue.

The notebooks' own prose stays as it is written. A catalogue is `locale/LANGUAGE.po`, a format that translators know; that
of English holds only what is not written as it is called.
"""

import os
import re
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path

import pandas as pd
from babel import Locale
from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

from shockcheck.errors import ParameterError

CODES = ("en", "de")
VARIABLE = "SHOCKCHECK_LANGUAGE"  # set by the build while notebooks run, so that charts are in the page's language
CATALOGUES = Path(__file__).resolve().parent / "locale"
MINUS, SPACE = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
QUOTATION_MARKS = {"en": "“{}”", "de": "„{}“"}
SUM = re.compile(r"(?:(million|billion|trillion) )?([A-Z]{3})")


class Language:
    """How one language writes numbers, sums, days and this project's labels."""

    def __init__(self, code: str) -> None:
        """The language of that code; raises ParameterError, naming those there are, for an unknown one."""
        if code not in CODES:
            raise ParameterError(f"lang must be one of {', '.join(CODES)}, not {code!r}")
        self.code, self._locale = code, Locale.parse(code)

    @cached_property
    def _labels(self) -> dict[str, str]:
        path = CATALOGUES / f"{self.code}.po"
        if not path.exists():
            return {}
        with path.open("rb") as file:
            return {entry.id: entry.string for entry in read_po(file) if entry.id and entry.string}

    def text(self, label: str, **values: object) -> str:
        """The label in this language, with its {values} filled in; one that the catalogue lacks stays English."""
        translated = self._labels.get(label, label)
        return translated.format(**values) if values else translated

    def number(self, value: float, digits: int | None = None, signed: bool = False) -> str:
        """A number with that many decimal places; without, with seven digits in all, or two places where that is more."""
        return self._signed(self._decimal, value, digits, signed)

    def quantity(self, value: float, unit: str, digits: int | None = None, signed: bool = False) -> str:
        """A number with its unit: a sum of money or percentage with its sign where the language puts it."""
        if unit == "percent":
            return self._signed(self._percent, value, digits, signed)
        money = SUM.fullmatch(unit)
        if money and money[2] in self._locale.currencies:
            return self._signed(lambda number, places: self._money(number, places, *money.groups()), value, digits, signed)
        return self.with_unit(self.number(value, digits, signed), unit)

    def with_unit(self, number: str, unit: str) -> str:
        """A number as text with a unit in words, which may be any text."""
        before, _, after = self.text(f"{{}} {unit}").partition("{}")
        return f"{before}{number}{after}"

    def day(self, day: date) -> str:
        """A day with its month and year in words: '7 March 2001'."""
        return format_date(day, "d MMMM y" if self.code == "en" else "long", locale=self._locale)

    def short_day(self, day: date) -> str:
        """A day without its year, with a short month: '7 Mar'."""
        return format_date(day, "d MMM" if self.code == "en" else "d. MMM", locale=self._locale)

    def unit(self, unit: str) -> str:
        """A unit as it stands at an axis: '€ billion', 'percent'."""
        money = SUM.fullmatch(unit)
        if not money or money[2] not in self._locale.currencies:
            return self.text(unit)
        sign = self._locale.currency_symbols.get(money[2], money[2])
        return self.text("{sign} {scale}", sign=sign, scale=self.text(money[1])) if money[1] else sign

    def interval(self, allowed: pd.Interval) -> str:
        """The interval as a reader would say it: 'from 16.5 to below 17.5', 'from above −17.5 to −16.5'."""
        low, high = (
            self.number(edge, places(edge)) if edge not in (float("-inf"), float("inf")) else None
            for edge in (allowed.left, allowed.right)
        )
        if low == high:
            return self.text("exactly {low}", low=low)
        if low is None:
            return self.text("below {high}", high=high)
        if high is None:
            return self.text("above {low}", low=low)
        start = self.text("from {low}" if allowed.closed_left else "from above {low}", low=low)
        return f"{start} {self.text('to {high}' if allowed.closed_right else 'to below {high}', high=high)}"

    def _signed(self, write, value: float, digits: int | None, signed: bool) -> str:
        exact, places = _exact(value, digits)
        sign = MINUS if exact < 0 else "+" if signed and exact > 0 else ""
        return sign + write(abs(exact), places)

    def _decimal(self, number: Decimal, places: int) -> str:
        return format_decimal(number, self._pattern("#,##0", places), locale=self._locale)

    def _percent(self, number: Decimal, places: int) -> str:
        pattern = self._locale.percent_formats[None].pattern.replace("#,##0", self._pattern("#,##0", places))
        return format_percent(number / 100, pattern, locale=self._locale)

    def _money(self, number: Decimal, places: int, scale: str | None, currency: str) -> str:
        word = f"{SPACE}'{self.text(scale)}'" if scale else ""
        pattern = self._locale.currency_formats["standard"].pattern
        pattern = re.sub(r"#,##0\.00", self._pattern("#,##0", places) + word, pattern)
        return format_currency(number, currency, pattern, locale=self._locale, currency_digits=False)

    @staticmethod
    def _pattern(whole: str, places: int) -> str:
        return f"{whole}.{'0' * places}" if places else whole


def _exact(value: float, digits: int | None) -> tuple[Decimal, int]:
    """The value in decimal and its number of decimal places."""
    if digits is not None:
        return Decimal(f"{float(value):.{digits}f}"), digits
    if value == int(value):
        return Decimal(int(value)), 0
    exact = Decimal(f"{float(value):.7g}" if abs(value) < 1e5 else f"{float(value):.2f}").normalize()
    return exact, max(0, -exact.as_tuple().exponent)


def places(value: float) -> int:
    """How many decimal places a figure has that was written down, as a price or the end of an interval was."""
    return max(0, -Decimal(f"{float(value):.15g}").normalize().as_tuple().exponent)


def quoted(text: str, language: str) -> str:
    """The text in the quotation marks of the language that it is in."""
    return QUOTATION_MARKS[language].format(text)


@cache
def get(code: str) -> Language:
    """The language of that code; raises ParameterError for an unknown one."""
    return Language(code)


def current() -> Language:
    """The language that the build runs in; English where none is set."""
    return get(os.environ.get(VARIABLE, "en"))
