"""Prices and share counts of listed companies; days are sessions of the share's exchange.

Bars come from the embedded tables or from Yahoo Finance, as `source` says: "embedded", "yahoo", or "auto" for Yahoo with
the embedded tables as a fallback. All prices of one table are in the shares of the event's day and are never adjusted for
dividends.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from shockcheck.data import tables
from shockcheck.data.market.embedded import SHARE_COUNT_MAX_AGE, EmbeddedPrices, filed_counts, rows_of
from shockcheck.data.market.exchanges import Listing
from shockcheck.data.market.source import BAR_COLUMNS, PriceSource, Window
from shockcheck.data.market.yahoo_prices import AutoPrices, YahooPrices
from shockcheck.errors import NoBarsError, ParameterError
from shockcheck.formats.days import parse_day as day
from shockcheck.project.context import tell_reader
from shockcheck.quantities import Bar, check_whole, parameter

__all__ = [
    "Listing",
    "bars",
    "closes",
    "closes_around",
    "daily",
    "day",
    "intraday",
    "listing",
    "sessions",
    "share_counts",
    "shares_outstanding",
]

BAR_LENGTH = timedelta(minutes=5)
SOURCES: dict[str, type[PriceSource]] = {"embedded": EmbeddedPrices, "yahoo": YahooPrices, "auto": AutoPrices}


def listing(symbol: str, event_date: str = "", source: str = "embedded") -> Listing:
    """Return how `symbol` is listed; raises ParameterError, naming the embedded symbols, for any other symbol.

    A live source gives the listing of a share with a price on the day `event_date`; raises SourceError as `sessions` does.
    """
    return _source(source).listing(symbol, _event_day(event_date, source))


def daily(symbol: str, event_date: str = "", source: str = "embedded") -> pd.DataFrame:
    """Return open, high, low, close and source by session: every embedded session, or the live ones around `event_date`.

    There is a column `status` where the table has one. A faulty live bar is a row without prices, and the reader is told
    why. Raises errors as `sessions` does.
    """
    return _source(source).daily(symbol, _event_day(event_date, source))


def bars(days: pd.DataFrame) -> list[Bar]:
    """Return the rows of `daily` or `sessions`, each as a bar of quantities."""
    return [Bar(*row) for row in zip(*(tables.cells(days, name) for name in Bar._fields), strict=True)]


def closes(*symbols: str, event_date: str = "", before: int = 0, after: int = 0, source: str = "embedded") -> pd.DataFrame:
    """Return the closes of several shares, with one column per symbol, indexed by date.

    Embedded prices: every day, the estimation window included. Live prices: from `before` sessions before the day
    `event_date` to `after` sessions after it, without faulty bars. Raises errors as `sessions` does, and ParameterError
    where `before` or `after` is not a number of sessions.
    """
    check_whole("the number of sessions before the event", before, least=0)
    check_whole("the number of sessions after the event (days_after)", after, least=0)
    prices, window = _source(source), Window(_event_day(event_date, source), before, after)
    return pd.DataFrame({symbol: prices.closes(symbol, window) for symbol in symbols})


def sessions(symbol: str, event_date: str, before: int = 1, source: str = "embedded") -> pd.DataFrame:
    """Return the daily bars of the session `event_date` and of the `before` sessions before it, oldest first.

    Columns open, high, low, close, source and, for live prices, fetched, the day of fetching. Raises ParameterError for
    a day on which the exchange is closed (naming its neighbours) and for a session that is not embedded (naming the
    window); SourceError where live prices are not available or one of the bars is faulty.
    """
    return _source(source).sessions(symbol, day(event_date, "event_date"), before)


def intraday(symbol: str, event_date: str, time_zone: str, source: str = "embedded") -> pd.DataFrame:
    """Return the five-minute bars of `symbol` on one session, indexed by the time of their close in `time_zone`.

    Raises ParameterError where none are embedded, naming the days that have some, and for an unknown time zone. Yahoo
    keeps the bars of the last 60 days: for an earlier day the table is empty, and the reader is told why.
    """
    event = day(event_date, "event_date")
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise ParameterError(f"time_zone must be an IANA name like 'Europe/Berlin', not {time_zone!r}") from error
    try:
        of_day = _source(source).five_minutes(symbol, event)
    except NoBarsError as error:
        tell_reader(f"{error}.")
        of_day = _no_bars()
    closed_at = (of_day["start"] + BAR_LENGTH).dt.tz_convert(time_zone)
    return of_day.set_index(closed_at.rename("closed at"))[BAR_COLUMNS]


def closes_around(symbols: Iterable[str], event_date: str, source: str = "embedded") -> pd.DataFrame:
    """Return the closes of each share on the session `event_date` and on the session before, indexed by symbol.

    Columns company, before, after and source. Raises errors as `sessions` does.
    """
    rows = {}
    for symbol in symbols:
        days = sessions(symbol, event_date, source=source)
        before, after = days["close"]
        sources = ", ".join(days["source"].unique())
        company = listing(symbol, event_date, source).company
        rows[symbol] = {"company": company, "before": before, "after": after, "source": sources}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("symbol")


def share_counts(symbol: str) -> pd.Series:
    """Return every embedded share count of `symbol` as a quantity, indexed by the day of each count."""
    return tables.cells(rows_of("shares_outstanding", listing(symbol)).set_index("as_of"), "shares")


def shares_outstanding(
    symbol: str, as_of: str, source: str = "embedded", event_date: str = "", given: float = 0.0
) -> pd.Series:
    """Return the last share count of `symbol` published on or before the day `as_of`: as_of, shares (a quantity), source.

    Where a filing's count is embedded it comes first; of a live source the vendor's dated count takes its place, marked as
    the vendor's. With live prices it is in shares of the day `event_date`, by default `as_of`. A count of more than half a
    year before is out of date. A count that is `given` comes before all of them, if it is not 0.

    Raises ParameterError where there is none, or where the counts contradict each other, naming the embedded counts and the
    way to give a count.
    """
    on = day(as_of, "shares_outstanding_as_of")
    if given:
        shares = parameter("shares_outstanding", given, "shares")
        return pd.Series({"as_of": pd.NaT, "shares": shares, "source": shares.source})
    prices, basis = _source(source), day(event_date, "event_date") if event_date else on
    counts = filed_counts(symbol)
    known = counts[(counts["as_of"] <= str(on)) & (counts["as_of"] > str(on - SHARE_COUNT_MAX_AGE))]
    if known.empty:
        return prices.share_count(symbol, on, basis)
    filed = known.assign(shares=tables.cells(known, "shares")).iloc[-1]
    return prices.in_shares_of(basis, symbol, filed[["as_of", "shares", "source"]])


def _source(name: str) -> PriceSource:
    if name not in SOURCES:
        raise ParameterError(f"source must be one of {', '.join(SOURCES)}, not {name!r}")
    return SOURCES[name]()


def _event_day(event_date: str, source: str) -> date | None:
    """Return the event's day for a live source; the embedded prices need none."""
    return None if source == "embedded" else day(event_date, "event_date")


def _no_bars() -> pd.DataFrame:
    start = pd.DatetimeIndex([], tz="UTC", name="start")
    return pd.DataFrame(columns=BAR_COLUMNS, dtype=float, index=start).reset_index()
