"""Languages: numbers, sums and days as readers of a language expect them, by Babel, and labels by a catalogue.

The notebooks' own prose stays as it is written. A catalogue is `LANGUAGE.po`, a format that translators know; that
of English holds only what is not written as it is called.
"""

import re
from collections.abc import Callable
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
from shockcheck.project.context import current_run
from shockcheck.units import Money, parse_money

CODES = ("en", "de")
CATALOGUES = Path(__file__).resolve().parent
MINUS, SPACE = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
QUOTATION_MARKS = {"en": "“{}”", "de": "„{}“"}
INTERVALS = {  # by whether the lower and the upper end belong to the interval
    (True, True): "{low} to {high}",
    (True, False): "at least {low}, less than {high}",
    (False, True): "more than {low}, up to {high}",
    (False, False): "more than {low}, less than {high}",
}


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
            return {str(entry.id): str(entry.string) for entry in read_po(file) if entry.id and entry.string}

    def text(self, label: str, **values: object) -> str:
        """Return the label in this language, with its {values} filled in; one that the catalogue lacks stays English."""
        translated = self._labels.get(label, label)
        return translated.format(**values) if values else translated

    def number(self, value: float, digits: int | None = None, signed: bool = False) -> str:
        """Return a number with that many decimal places; by default with seven digits, or two places if that is more."""
        return self._signed(self._decimal, value, digits, signed)

    def quantity(self, value: float, unit: str, digits: int | None = None, signed: bool = False) -> str:
        """Return a number with its unit: a sum of money or percentage with its sign where the language puts it."""
        if unit == "percent":
            return self._signed(self._percent, value, digits, signed)
        money = parse_money(unit)
        if money and money.currency in self._locale.currencies:
            return self._signed(lambda number, places: self._money(number, places, money), value, digits, signed)
        return self.with_unit(self.number(value, digits, signed), unit)

    def with_unit(self, number: str, unit: str) -> str:
        """Return a number as text with a unit in words, which may be any text."""
        before, _, after = self.text(f"{{}} {unit}").partition("{}")
        return f"{before}{number}{after}"

    def day(self, day: date) -> str:
        """Return a day with its month and year in words: '7 March 2001'."""
        return format_date(day, "d MMMM y" if self.code == "en" else "long", locale=self._locale)

    def short_day(self, day: date) -> str:
        """Return a day without its year, with a short month: '7 Mar'."""
        return format_date(day, "d MMM" if self.code == "en" else "d. MMM", locale=self._locale)

    def unit(self, unit: str) -> str:
        """Return a unit as it stands at an axis: '€ billion', 'percent'."""
        money = parse_money(unit)
        if not money or money.currency not in self._locale.currencies:
            return self.text(unit)
        sign = self._locale.currency_symbols.get(money.currency, money.currency)
        return self.text("{sign} {scale}", sign=sign, scale=self.text(money.scale)) if money.scale else sign

    def interval(self, allowed: pd.Interval) -> str:
        """Return the interval in words: 'at least 16.5, less than 17.5' or 'more than −17.5, up to −16.5'."""
        low, high = (
            self.number(edge, decimal_places(edge)) if edge not in (float("-inf"), float("inf")) else None
            for edge in (allowed.left, allowed.right)
        )
        if low == high:
            return self.text("exactly {low}", low=low)
        if low is None:
            return self.text("below {high}", high=high)
        if high is None:
            return self.text("above {low}", low=low)
        return self.text(INTERVALS[allowed.closed_left, allowed.closed_right], low=low, high=high)

    def _signed(self, write: Callable[[Decimal, int], str], value: float, digits: int | None, signed: bool) -> str:
        exact, places = _exact(value, digits)
        sign = MINUS if exact < 0 else "+" if signed and exact > 0 else ""
        return sign + write(abs(exact), places)

    def _decimal(self, number: Decimal, places: int) -> str:
        return format_decimal(number, self._pattern("#,##0", places), locale=self._locale)

    def _percent(self, number: Decimal, places: int) -> str:
        pattern = str(self._locale.percent_formats[None].pattern).replace("#,##0", self._pattern("#,##0", places))
        return format_percent(number / 100, pattern, locale=self._locale)

    def _money(self, number: Decimal, places: int, money: Money) -> str:
        word = f"{SPACE}'{self.text(money.scale)}'" if money.scale else ""
        pattern = self._locale.currency_formats["standard"].pattern
        pattern = re.sub(r"#,##0\.00", self._pattern("#,##0", places) + word, pattern)
        return format_currency(number, money.currency, pattern, locale=self._locale, currency_digits=False)

    @staticmethod
    def _pattern(whole: str, places: int) -> str:
        return f"{whole}.{'0' * places}" if places else whole


def _exact(value: float, digits: int | None) -> tuple[Decimal, int]:
    """Return the value in decimal and its number of decimal places."""
    if digits is not None:
        return Decimal(f"{float(value):.{digits}f}"), digits
    if value == int(value):
        return Decimal(int(value)), 0
    exact = Decimal(f"{float(value):.7g}" if abs(value) < 1e5 else f"{float(value):.2f}").normalize()
    return exact, _places(exact)


def decimal_places(value: float) -> int:
    """Return how many decimal places a figure has that was written down, as a price or the end of an interval was."""
    return _places(Decimal(f"{float(value):.15g}").normalize())


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0  # no number, or infinite


def quoted(text: str, language: str) -> str:
    """Return the text in the quotation marks of the language that it is in."""
    return QUOTATION_MARKS[language].format(text)


@cache
def get_language(code: str) -> Language:
    """Return the language of that code; raises ParameterError for an unknown one."""
    return Language(code)


def current_language() -> Language:
    """Return the language that the build runs in; English where none is set."""
    return get_language(current_run().language)
