"""Prices and share counts of listed companies; days are sessions of the share's exchange.

Bars come from the embedded tables or, where `source` says so, from Yahoo Finance: "embedded", "yahoo", or "auto" for
Yahoo with the embedded ones in its place where it cannot be used. All prices of one table are in the shares of its
event's day and never adjusted for dividends.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd

from shockcheck import live, tables, yahoo
from shockcheck.derivations import Quantity, Row, check_whole, parameter
from shockcheck.errors import DataError, NoBarsError, ParameterError, SourceError
from shockcheck.exchanges import Listing, Sessions, calendar
from shockcheck.live import AROUND, VENDOR
from shockcheck.measures import Bar

BAR = timedelta(minutes=5)
BARS = ["open", "high", "low", "close", "source"]
MORE = "add the rows with their source to data/{}.csv and run `make checksums` to get more"
SOURCES = ("embedded", "yahoo", "auto")
LONGEST = timedelta(days=190)  # a company reports its share count twice a year at least: an older one is out of date
Answer = TypeVar("Answer")


def day(text: str, name: str = "date") -> date:
    """The date written as 'YYYY-MM-DD'; raises ParameterError, naming the parameter `name`, for anything else."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except (TypeError, ValueError):
        pass
    raise ParameterError(f"{name} must be a date written as text, 'YYYY-MM-DD', not {text!r}")


def listing(symbol: str, event_date: str = "", source: str = "embedded") -> Listing:
    """How `symbol` is listed; raises ParameterError, naming the embedded symbols, for one that is not embedded.

    From a live source, the listing of a share that has a price on the day `event_date`; raises SourceError as `sessions`.
    """
    return _from(source, symbol, live=lambda: yahoo.listing(symbol, day(event_date, "event_date")), embedded=_listed(symbol))


def _listed(symbol: str) -> Callable[[], Listing]:
    def found() -> Listing:
        listings = tables.load("listings").set_index("symbol", drop=False)
        if symbol not in listings.index:
            raise ParameterError(
                f"no share {symbol!r} is embedded; there are {', '.join(sorted(listings.index))}; "
                "add it to data/listings.csv, or ask Yahoo Finance by -p source=yahoo"
            )
        return Listing(**listings.loc[symbol, list(Listing._fields)])

    return found


def daily(symbol: str, event_date: str = "", source: str = "embedded") -> pd.DataFrame:
    """Open, high, low, close and source by session: every embedded one, or of live prices those around `event_date`.

    Where the table says which rows are confirmed, a column `status` says so too.
    A live bar that is faulty is a row without prices, and what is wrong with it is said. Raises errors as `sessions` does.
    """
    return _from(
        source,
        symbol,
        live=lambda: _live(symbol, day(event_date, "event_date"), *AROUND)[[*BARS, "fetched"]],
        embedded=lambda: _bars(listing(symbol)),
    )


def _bars(share: Listing) -> pd.DataFrame:
    rows = _rows("prices", share).set_index("date")
    return rows[[*BARS, *rows.columns.intersection(["status"])]]


def bars(days: pd.DataFrame) -> list[Bar]:
    """The rows of `daily` or `sessions`, each as a bar of quantities."""
    return [Bar(*row) for row in zip(*(tables.cells(days, name) for name in Bar._fields), strict=True)]


def _about(share: Listing, file: str | None = None) -> dict[str, Any]:
    """What all rows of one share's bars have in common, for `tables.cells`."""
    about = {"table": "prices", "symbol": share.symbol, "currency": share.currency}
    return about | ({"file": file} if file else {})


def closes(*symbols: str, event_date: str = "", before: int = 0, after: int = 0, source: str = "embedded") -> pd.DataFrame:
    """Closes of several shares; a column a symbol, indexed by date.

    Every embedded day, those of the estimation window included; of live prices the `before` sessions before the day
    `event_date` to the `after` after it, without those whose bar is faulty. Raises errors as `sessions` does, and
    ParameterError for numbers of sessions that are none.
    """

    check_whole("the number of sessions before the event", before, least=0)
    check_whole("the number of sessions after the event (days_after)", after, least=0)

    def embedded(symbol: str) -> pd.Series:
        rows = [_rows(name, listing(symbol)).set_index("date")["close"] for name in ("closes", "prices")]
        return pd.concat(rows).sort_index()

    return pd.DataFrame(
        {
            symbol: _from(
                source,
                symbol,
                live=lambda one=symbol: _live_closes(one, day(event_date, "event_date"), before, after),
                embedded=lambda one=symbol: embedded(one),
            )
            for symbol in symbols
        }
    )


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
        live=lambda: _live(symbol, wanted, before, strict=True)[[*BARS, "fetched"]],
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
        try:
            answer = embedded()
        except ParameterError as other:
            raise SourceError(f"{error}; and in its place {other}") from error
        _say(f"{symbol}: embedded figures are used in place of live ones. {error}.")
        return answer


_said: set[str] = set()


def _say(sentence: str) -> None:
    """Tell the reader, once; a notebook prints it and the page shows it as a notice."""
    if sentence not in _said:
        _said.add(sentence)
        print(sentence)  # noqa: T201 - the way out of a notebook


def _embedded(share: Listing, wanted: date, before: int) -> pd.DataFrame:
    bars, calendar = daily(share.symbol), Sessions(share)
    if not calendar.covers(wanted):
        embedded = f"{wanted}" in bars.index.strftime("%Y-%m-%d")
        raise ParameterError(live.outside(calendar, wanted) if embedded else _outside(share, bars, wanted))
    if wanted not in calendar:
        raise ParameterError(live.closed(calendar, wanted))
    window = calendar.up_to(wanted, before + 1)
    missing = window.difference(bars.index)
    if len(missing):
        raise ParameterError(_outside(share, bars, missing[-1].date()))
    if len(window) <= before:
        raise ParameterError(live.outside(calendar, wanted))
    between = bars.index[(bars.index > window[0]) & (bars.index < window[-1])].difference(window)
    if len(between):
        raise DataError(
            f"data/prices.csv has a row of {share.symbol} for {between[0]:%Y-%m-%d}, on which {share.exchange} had no "
            "session; remove the row, or document the session in data/corrections.yml"
        )
    for notice in live.documented(share.symbol, calendar, window):
        _say(notice)
    return bars.loc[window]


def _live(symbol: str, wanted: date, before: int, after: int = 0, strict: bool = False) -> pd.DataFrame:
    """Yahoo's bars from `before` sessions before the day `wanted` to `after` after it, as `live.around` has them."""
    found = live.around(symbol, wanted, before, after, strict)
    for notice in (*found.cell_notices, *found.notices):
        _say(notice)
    answer = found.bars
    answer.attrs = _about(found.share, "Yahoo Finance")
    return answer


def _live_closes(symbol: str, wanted: date, before: int, after: int) -> pd.Series:
    found = live.around(symbol, wanted, before, after)
    for notice in found.notices:
        _say(notice)
    return found.bars["close"]


def _outside(share: Listing, bars: pd.DataFrame, wanted: date) -> str:
    if bars.empty:
        return f"{share.symbol} has no embedded bar at all; {MORE.format('prices')}"
    return (
        f"{share.symbol} has no embedded bar for {wanted}: the embedded sessions run from "
        f"{bars.index[0]:%Y-%m-%d} to {bars.index[-1]:%Y-%m-%d}; {MORE.format('prices')}"
    )


def intraday(symbol: str, event_date: str, time_zone: str, source: str = "embedded") -> pd.DataFrame:
    """The five-minute bars of `symbol` on one session, indexed by the time of their close in `time_zone`.

    Raises ParameterError where none are embedded, naming the days that have some, and for an unknown time zone. Yahoo
    keeps those of the last 60 days: of an earlier day the table is empty, and the reason is said.
    """
    wanted = day(event_date, "event_date")
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise ParameterError(f"time_zone must be an IANA name like 'Europe/Berlin', not {time_zone!r}") from error
    of_day = _from(
        source,
        symbol,
        live=lambda: _live_intraday(symbol, wanted, source),
        embedded=lambda: _embedded_intraday(listing(symbol), wanted),
    )
    closed_at = (of_day["start"] + BAR).dt.tz_convert(time_zone)
    return of_day.set_index(closed_at.rename("closed at"))[BARS]


def _live_intraday(symbol: str, wanted: date, source: str) -> pd.DataFrame:
    try:
        found, notices = live.intraday(symbol, wanted)
        for notice in notices:
            _say(notice)
    except NoBarsError as error:
        if source == "auto":
            raise
        _say(f"{error}.")
        found = pd.DataFrame(columns=BARS, dtype=float, index=pd.DatetimeIndex([], tz="UTC", name="start"))
    return found.assign(source=VENDOR).reset_index()


def _embedded_intraday(share: Listing, wanted: date) -> pd.DataFrame:
    bars = _rows("intraday", share)
    session = bars["start"].dt.tz_convert(calendar(share.exchange).tz).dt.date
    of_day = bars[session == wanted]
    if of_day.empty:
        days = ", ".join(str(one) for one in sorted(session.unique())) or "none"
        raise ParameterError(
            f"{share.symbol} has no embedded five-minute bars for {wanted}; days with bars: {days}; "
            f"{MORE.format('intraday')}"
        )
    return of_day


def closes_around(symbols: Iterable[str], event_date: str, source: str = "embedded") -> pd.DataFrame:
    """The closes of each share on the session `event_date` and the one before it: columns company, before, after, source.

    Raises errors as `sessions` does.
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
    """Every embedded share count of `symbol` as a quantity, indexed by the day it is of."""
    return tables.cells(_rows("shares_outstanding", listing(symbol)).set_index("as_of"), "shares")


def shares_outstanding(
    symbol: str, as_of: str, source: str = "embedded", event_date: str = "", given: float = 0.0
) -> pd.Series:
    """The last share count of `symbol` published on or before the day `as_of`: as_of, shares (a quantity), source.

    Where a filing's count is embedded it comes first; of a live source the vendor's dated count takes its place, marked as
    the vendor's. With live prices it is in shares of the day `event_date`, by default `as_of`. A count of more than half a
    year before is out of date. A count that is `given` comes before all of them, if it is not 0.

    Raises ParameterError where there is none, or only such as contradict each other, naming those that are embedded and the
    way to give one.
    """
    wanted = day(as_of, "shares_outstanding_as_of")
    if given:
        shares = parameter("shares_outstanding", given, "shares")
        return pd.Series({"as_of": pd.NaT, "shares": shares, "source": shares.origin.source})
    basis = day(event_date, "event_date") if event_date else wanted
    counts = tables.load("shares_outstanding").query("symbol == @symbol").sort_values("as_of")
    known = counts[(counts["as_of"] <= str(wanted)) & (counts["as_of"] > str(wanted - LONGEST))]
    if not known.empty:
        filed = known.assign(shares=tables.cells(known, "shares")).iloc[-1]
        return _in_shares_of(basis, symbol, filed[["as_of", "shares", "source"]], source)
    days = ", ".join(f"{one:%Y-%m-%d}" for one in counts["as_of"]) or "none"
    missing = (
        f"{symbol} has no share count for {wanted} or the half year before; embedded counts: {days}; "
        "give it by -p shares_outstanding=NUMBER"
    )
    if source == "embedded":
        raise ParameterError(f"{missing}, or {MORE.format('shares_outstanding')}")
    try:
        count = live.share_count(symbol, wanted, since=wanted - LONGEST, basis=basis)
    except SourceError as error:
        raise ParameterError(f"{missing}; {error}") from error
    for doubt in count.doubts:
        _say(f"{doubt}.")
    _say(f"{symbol}: the share count of {count.as_of} is Yahoo Finance's own, not a filing's.")
    row = Row("Yahoo Finance", f"{symbol}:{count.as_of}", "shares", f"{count.as_of}", VENDOR)
    shares = Quantity(count.shares, "shares", row)
    return pd.Series({"as_of": pd.Timestamp(count.as_of), "shares": shares, "source": VENDOR})


def _in_shares_of(basis: date, symbol: str, filed: pd.Series, source: str) -> pd.Series:
    """A filing's count with the splits between it and the day `basis`, which live prices of that day are in.

    Raises ParameterError where one of them is in doubt: then embedded prices would not be in those shares either.
    """

    def carried() -> pd.Series:
        try:
            split = live.carried(symbol, filed["as_of"].date(), basis)
        except live.DoubtfulSplitError as error:
            raise ParameterError(f"{error} by -p shares_outstanding=NUMBER") from error
        if split == 1:
            return filed
        row = replace(filed["shares"].origin, column=f"shares, times {split:g} for the splits since")
        return pd.Series({**filed, "shares": Quantity(filed["shares"] * split, "shares", row)})

    return _from(source, symbol, live=carried, embedded=lambda: filed)


def _rows(name: str, share: Listing) -> pd.DataFrame:
    table = tables.load(name)
    rows = table[table["symbol"] == share.symbol].sort_values(table.columns[1])
    rows.attrs = _about(share) | {"table": name}
    return rows
