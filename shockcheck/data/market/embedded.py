"""The embedded prices: the tables of `data/`."""

from collections.abc import Hashable
from datetime import date, timedelta
from typing import Any

import pandas as pd

from shockcheck.data import tables
from shockcheck.data.market import live
from shockcheck.data.market.bars import days_of
from shockcheck.data.market.exchanges import Listing, Sessions, calendar
from shockcheck.data.market.source import BAR_COLUMNS, Window
from shockcheck.errors import DataError, ParameterError
from shockcheck.project.context import tell_reader

MORE_ROWS = "add the rows with their source to data/{}.csv and run `make checksums` to get more"
SHARE_COUNT_MAX_AGE = timedelta(days=190)  # a company reports its share count at least twice a year


class EmbeddedPrices:
    """The prices and share counts in the tables of `data/`, and no others."""

    def listing(self, symbol: str, event_date: date | None = None) -> Listing:
        """Return how a share is listed; raises ParameterError, naming the embedded symbols, for any other."""
        listings = tables.load("listings").set_index("symbol", drop=False)
        if symbol not in listings.index:
            raise ParameterError(
                f"no share {symbol!r} is embedded; there are {', '.join(sorted(listings.index))}; "
                "add it to data/listings.csv, or ask Yahoo Finance by -p source=yahoo"
            )
        return Listing(**listings.loc[symbol, list(Listing._fields)])

    def daily(self, symbol: str, event_date: date | None = None) -> pd.DataFrame:
        """Return every embedded bar, with a column `status` where the table has one."""
        bars = rows_of("prices", self.listing(symbol)).set_index("date")
        return bars[[*BAR_COLUMNS, *bars.columns.intersection(["status"])]]

    def closes(self, symbol: str, window: Window) -> pd.Series:
        """Return every embedded close, those of the estimation window included."""
        share = self.listing(symbol)
        parts: list[pd.Series] = [rows_of(name, share).set_index("date")["close"] for name in ("closes", "prices")]
        embedded: pd.Series = pd.concat(parts).sort_index()
        return embedded

    def sessions(self, symbol: str, event_date: date, before: int) -> pd.DataFrame:
        """Return the bars of a session and of those before it.

        Raises ParameterError for a day without a session or one that is not embedded, DataError for a row of such a day.
        """
        share = self.listing(symbol)
        bars, sessions = self.daily(symbol), Sessions(share)
        days = days_of(bars)
        if not sessions.covers(event_date):
            is_embedded = f"{event_date}" in days.strftime("%Y-%m-%d")
            raise ParameterError(live.outside(sessions, event_date) if is_embedded else _outside(share, bars, event_date))
        if event_date not in sessions:
            raise ParameterError(live.closed(sessions, event_date))
        window = sessions.up_to(event_date, before + 1)
        missing = window.difference(days)
        if len(missing):
            raise ParameterError(_outside(share, bars, missing[-1].date()))
        if len(window) <= before:
            raise ParameterError(live.outside(sessions, event_date))
        between = days[(days > window[0]) & (days < window[-1])].difference(window)
        if len(between):
            raise DataError(
                f"data/prices.csv has a row of {symbol} for {between[0]:%Y-%m-%d}, on which {share.exchange} had no "
                "session; remove the row, or document the session in data/corrections.yml"
            )
        for notice in live.documented(symbol, sessions, window):
            tell_reader(notice)
        return bars.loc[window]

    def five_minutes(self, symbol: str, event_date: date) -> pd.DataFrame:
        """Return the five-minute bars of a session, with the `start` of each; raises ParameterError where there are none."""
        share = self.listing(symbol)
        bars = rows_of("intraday", share)
        day = bars["start"].dt.tz_convert(calendar(share.exchange).tz).dt.date
        of_day = bars[day == event_date]
        if of_day.empty:
            days = ", ".join(map(str, sorted(day.unique()))) or "none"
            raise ParameterError(
                f"{symbol} has no embedded five-minute bars for {event_date}; days with bars: {days}; "
                f"{MORE_ROWS.format('intraday')}"
            )
        return pd.DataFrame(of_day)

    def in_shares_of(self, basis: date, symbol: str, filed: pd.Series) -> pd.Series:
        """Return a filing's share count as it is: embedded prices are in the shares of the filing's time."""
        return filed

    def share_count(self, symbol: str, on: date, basis: date) -> pd.Series:
        """Raise ParameterError: only the counts of filings are embedded."""
        raise ParameterError(f"{no_share_count(symbol, on)}, or {MORE_ROWS.format('shares_outstanding')}")


def filed_counts(symbol: str) -> pd.DataFrame:
    """Return the share counts of a share as filed, by the day each is of."""
    return tables.load("shares_outstanding").query("symbol == @symbol").sort_values("as_of")


def no_share_count(symbol: str, on: date) -> str:
    """Return the sentence for a day without a share count."""
    days = ", ".join(f"{day:%Y-%m-%d}" for day in filed_counts(symbol)["as_of"]) or "none"
    return (
        f"{symbol} has no share count for {on} or the half year before; embedded counts: {days}; "
        "give it by -p shares_outstanding=NUMBER"
    )


def about(share: Listing, file: str | None = None) -> dict[Hashable | None, Any]:
    """Return what all bars of a share have in common, for `tables.cells`."""
    common: dict[Hashable | None, Any] = {"table": "prices", "symbol": share.symbol, "currency": share.currency}
    return common | ({"file": file} if file else {})


def rows_of(name: str, share: Listing) -> pd.DataFrame:
    """Return the rows of a share in the table `name`, in order of time."""
    table = tables.load(name)
    rows = table[table["symbol"] == share.symbol].sort_values(table.columns[1])
    rows.attrs = about(share) | {"table": name}
    return rows


def _outside(share: Listing, bars: pd.DataFrame, day: date) -> str:
    if bars.empty:
        return f"{share.symbol} has no embedded bar at all; {MORE_ROWS.format('prices')}"
    return (
        f"{share.symbol} has no embedded bar for {day}: the embedded sessions run from "
        f"{days_of(bars)[0]:%Y-%m-%d} to {days_of(bars)[-1]:%Y-%m-%d}; {MORE_ROWS.format('prices')}"
    )
