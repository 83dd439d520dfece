"""Prices and share counts of listed companies; days are sessions of the share's exchange.

Bars come from the embedded tables or, where `source` says so, from Yahoo Finance: "embedded", "yahoo", or "auto" for
Yahoo with the embedded ones in its place where it cannot be used. All prices of one table are in the shares of its
event's day and never adjusted for dividends.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import TypeVar

import pandas as pd

from shockcheck import bars as vendor
from shockcheck import tables, yahoo
from shockcheck.errors import ParameterError, SourceError
from shockcheck.exchanges import Listing, calendar

BAR = timedelta(minutes=5)
BARS = ["open", "high", "low", "close", "source"]
MORE = "add the rows with their source to data/{}.csv and run `make checksums` to get more"


SOURCES = ("embedded", "yahoo", "auto")
BEFORE = 5  # sessions before the first that is asked for, by which a vendor's first bars are judged
VENDOR = "yahoo-finance"  # id in data/sources.csv
Answer = TypeVar("Answer")


def day(text: str, name: str = "date") -> date:
    """The date written as 'YYYY-MM-DD'; raises ParameterError, naming the parameter `name`, for anything else."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except (TypeError, ValueError):
        pass
    raise ParameterError(f"{name} must be a date written as text, 'YYYY-MM-DD', not {text!r}")


def listing(symbol: str) -> Listing:
    """The embedded listing of `symbol`; raises ParameterError, naming the embedded symbols, for an unknown one."""
    listings = tables.load("listings").set_index("symbol", drop=False)
    if symbol not in listings.index:
        raise ParameterError(f"no share {symbol!r} is embedded; there are {', '.join(sorted(listings.index))}")
    return Listing(**listings.loc[symbol, list(Listing._fields)])


def daily(symbol: str) -> pd.DataFrame:
    """Open, high, low, close and source of every embedded session of `symbol`, in its currency, indexed by date."""
    return _rows("prices", listing(symbol)).set_index("date")[BARS]


def closes(*symbols: str) -> pd.DataFrame:
    """The closes of every embedded day, those of the estimation window included; a column a symbol, indexed by date."""
    series = {}
    for symbol in symbols:
        rows = [_rows(name, listing(symbol)).set_index("date")["close"] for name in ("closes", "prices")]
        series[symbol] = pd.concat(rows).sort_index()
    return pd.DataFrame(series)


def sessions(symbol: str, event_date: str, before: int = 1, source: str = "embedded") -> pd.DataFrame:
    """The daily bars of the session `event_date` and of the `before` sessions before it, oldest first.

    Columns open, high, low, close, source and, of live prices, the day they were fetched on. Raises ParameterError for
    a day on which the exchange is closed (naming its neighbours) and for a session that is not embedded (naming the
    window); SourceError where live prices cannot be had or one of the bars is faulty.
    """
    wanted = day(event_date, "event_date")
    return _from(
        source,
        symbol,
        live=lambda: _live(yahoo.listing(symbol, wanted), wanted, before),
        embedded=lambda: _embedded(listing(symbol), wanted, before),
    )


def _from(source: str, symbol: str, live: Callable[[], Answer], embedded: Callable[[], Answer]) -> Answer:
    """The answer of the source that is asked for; `auto` says so where it falls back."""
    if source not in SOURCES:
        raise ParameterError(f"source must be one of {', '.join(SOURCES)}, not {source!r}")
    if source == "embedded":
        return embedded()
    try:
        return live()
    except SourceError as error:
        if source == "yahoo":
            raise
        print(f"{symbol}: embedded prices are used in place of live ones. {error}")  # noqa: T201 - the page shows it
        return embedded()


def _window(share: Listing, wanted: date, before: int) -> pd.DatetimeIndex:
    """The sessions that end with the day `wanted`; raises ParameterError where the exchange is closed on it."""
    days = calendar(share.exchange)
    if not days.is_session(wanted.isoformat()):
        last, following = (days.date_to_session(wanted.isoformat(), side) for side in ("previous", "next"))
        raise ParameterError(
            f"event_date {wanted} is no session of {share.exchange}; "
            f"the sessions before and after it are {last:%Y-%m-%d} and {following:%Y-%m-%d}"
        )
    return days.sessions_window(wanted.isoformat(), -(before + 1))


def _embedded(share: Listing, wanted: date, before: int) -> pd.DataFrame:
    bars, days = daily(share.symbol), calendar(share.exchange)
    if not days.first_session.date() <= wanted <= days.last_session.date():
        raise ParameterError(_outside(share, bars, wanted))
    window = _window(share, wanted, before)
    missing = window.difference(bars.index)
    if len(missing):
        raise ParameterError(_outside(share, bars, missing[-1].date()))
    return bars.loc[window]


def _live(share: Listing, wanted: date, before: int) -> pd.DataFrame:
    days = calendar(share.exchange)
    if not days.first_session.date() <= wanted <= days.last_session.date():
        raise ParameterError(f"event_date {wanted} lies outside the calendar of {share.exchange}, 2000 to 2030")
    window = _window(share, wanted, before)
    judged = _window(share, wanted, before + BEFORE)
    given = yahoo.daily(share.symbol, judged[0].date(), wanted, basis=wanted).assign(source=VENDOR)
    bars = vendor.corrected(share.symbol, given)
    for when, fault in vendor.faults(bars, judged).items():
        if when >= window[0]:
            raise SourceError(
                f"Yahoo's bar of {share.symbol} for {when:%Y-%m-%d} cannot be computed with: {fault}; "
                "document a correction in data/corrections.yml, or choose another day or source"
            )
    return bars.loc[window, [*BARS, "fetched"]]


def _outside(share: Listing, bars: pd.DataFrame, wanted: date) -> str:
    return (
        f"{share.symbol} has no embedded bar for {wanted}: the embedded sessions run from "
        f"{bars.index[0]:%Y-%m-%d} to {bars.index[-1]:%Y-%m-%d}; {MORE.format('prices')}"
    )


def intraday(symbol: str, event_date: str, time_zone: str) -> pd.DataFrame:
    """The embedded five-minute bars of `symbol` on one session, indexed by the time of their close in `time_zone`.

    Raises ParameterError where there are none, naming the days that have some, and for an unknown time zone.
    """
    share, wanted = listing(symbol), day(event_date, "event_date")
    bars = _rows("intraday", share)
    session = bars["start"].dt.tz_convert(calendar(share.exchange).tz).dt.date
    of_day = bars[session == wanted]
    if of_day.empty:
        days = ", ".join(str(one) for one in sorted(session.unique())) or "none"
        raise ParameterError(
            f"{symbol} has no embedded five-minute bars for {wanted}; days with bars: {days}; {MORE.format('intraday')}"
        )
    try:
        closed_at = (of_day["start"] + BAR).dt.tz_convert(time_zone)
    except (KeyError, ValueError) as error:
        raise ParameterError(f"time_zone must be an IANA name like 'Europe/Berlin', not {time_zone!r}") from error
    return of_day.set_index(closed_at.rename("closed at"))[BARS]


def share_counts(symbol: str) -> pd.Series:
    """Every embedded share count of `symbol`, indexed by the day it is of."""
    return _rows("shares_outstanding", listing(symbol)).set_index("as_of")["shares"]


def closes_around(symbols: Iterable[str], event_date: str) -> pd.DataFrame:
    """The closes of each share on the session `event_date` and the one before it: columns company, before, after, source.

    Raises ParameterError as `sessions` does.
    """
    rows = {}
    for symbol in symbols:
        days = sessions(symbol, event_date)
        before, after = days["close"]
        sources = ", ".join(days["source"].unique())
        rows[symbol] = {"company": listing(symbol).company, "before": before, "after": after, "source": sources}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("symbol")


def shares_outstanding(symbol: str, as_of: str) -> pd.Series:
    """The last share count of `symbol` published on or before the day `as_of`: as_of, shares, source.

    Raises ParameterError where none is embedded, naming those that are.
    """
    wanted = day(as_of, "shares_outstanding_as_of")
    counts = _rows("shares_outstanding", listing(symbol))
    known = counts[counts["as_of"] < pd.Timestamp(wanted + timedelta(days=1))]
    if known.empty:
        days = ", ".join(f"{one:%Y-%m-%d}" for one in counts["as_of"]) or "none"
        raise ParameterError(
            f"{symbol} has no share count for {wanted} or before; embedded counts: {days}; "
            f"{MORE.format('shares_outstanding')}"
        )
    return known.iloc[-1][["as_of", "shares", "source"]]


def _rows(name: str, share: Listing) -> pd.DataFrame:
    table = tables.load(name)
    return table[table["symbol"] == share.symbol].sort_values(table.columns[1])
