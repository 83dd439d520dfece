"""Yahoo's prices as a source, and a source that falls back to the embedded prices."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeVar

import pandas as pd

from shockcheck.data.market import live, yahoo
from shockcheck.data.market.embedded import SHARE_COUNT_MAX_AGE, EmbeddedPrices, about, no_share_count
from shockcheck.data.market.exchanges import Listing
from shockcheck.data.market.live import SESSIONS_AROUND, VENDOR
from shockcheck.data.market.source import BAR_COLUMNS, PriceSource, Window
from shockcheck.errors import ParameterError, SourceError
from shockcheck.project.context import tell_reader
from shockcheck.quantities import Cell, Quantity

Answer = TypeVar("Answer")


class YahooPrices:
    """The prices of Yahoo Finance as they are now, corrected as documented and judged; the reader is told what is left out.

    Raises SourceError where Yahoo cannot be asked, or where a figure that decides the answer is in doubt.
    """

    def listing(self, symbol: str, event_date: date | None = None) -> Listing:
        """Return the listing of a share that has a price on the day of the event."""
        return yahoo.listing(symbol, _required(event_date))

    def daily(self, symbol: str, event_date: date | None = None) -> pd.DataFrame:
        """Return the bars around an event; a faulty bar is a row without prices."""
        return self._around(symbol, _required(event_date), *SESSIONS_AROUND)

    def closes(self, symbol: str, window: Window) -> pd.Series:
        """Return the closes of the window, without those whose bar is faulty."""
        around = live.around(symbol, _required(window.event_date), window.before, window.after)
        for notice in around.notices:
            tell_reader(notice)
        return around.bars["close"]

    def sessions(self, symbol: str, event_date: date, before: int) -> pd.DataFrame:
        """Return the bars of a session and of those before it; none of them may be faulty."""
        return self._around(symbol, event_date, before, strict=True)

    def five_minutes(self, symbol: str, event_date: date) -> pd.DataFrame:
        """Return the five-minute bars; raises NoBarsError where Yahoo keeps none, as for days more than 60 days ago."""
        bars, notices = live.intraday(symbol, event_date)
        for notice in notices:
            tell_reader(notice)
        return bars.assign(source=VENDOR).reset_index()

    def in_shares_of(self, basis: date, symbol: str, filed: pd.Series) -> pd.Series:
        """Return a filing's count with the splits between it and the day `basis`.

        Raises ParameterError where one of them is in doubt: then embedded prices would not be in those shares either.
        """
        try:
            split = live.carried(symbol, filed["as_of"].date(), basis)
        except live.DoubtfulSplitError as error:
            raise ParameterError(f"{error} by -p shares_outstanding=NUMBER") from error
        if split == 1:
            return filed
        cell = replace(filed["shares"].origin, column=f"shares, times {split:g} for the splits since")
        return pd.Series({**filed, "shares": Quantity(filed["shares"] * split, "shares", cell)})

    def share_count(self, symbol: str, on: date, basis: date) -> pd.Series:
        """Return the vendor's own dated count; raises ParameterError where there is none, or a doubtful one."""
        try:
            count = live.share_count(symbol, on, since=on - SHARE_COUNT_MAX_AGE, basis=basis)
        except SourceError as error:
            raise ParameterError(f"{no_share_count(symbol, on)}; {error}") from error
        for doubt in count.doubts:
            tell_reader(f"{doubt}.")
        tell_reader(f"{symbol}: the share count of {count.as_of} is Yahoo Finance's own, not a filing's.")
        cell = Cell("Yahoo Finance", f"{symbol}:{count.as_of}", "shares", f"{count.as_of}", VENDOR)
        shares = Quantity(count.shares, "shares", cell)
        return pd.Series({"as_of": pd.Timestamp(count.as_of), "shares": shares, "source": VENDOR})

    @staticmethod
    def _around(symbol: str, event_date: date, before: int, after: int = 0, strict: bool = False) -> pd.DataFrame:
        around = live.around(symbol, event_date, before, after, strict)
        for notice in (*around.cell_notices, *around.notices):
            tell_reader(notice)
        bars = around.bars[[*BAR_COLUMNS, "fetched"]]
        bars.attrs = about(around.share, "Yahoo Finance")
        return bars


class AutoPrices:
    """Yahoo's prices, or the embedded prices where Yahoo's are not available, which the reader is told.

    Raises SourceError where neither are available.
    """

    def __init__(self, live_prices: PriceSource | None = None, embedded: PriceSource | None = None) -> None:
        """Ask `live_prices` first, by default Yahoo, then `embedded`, by default the tables."""
        self._live: PriceSource = live_prices or YahooPrices()
        self._embedded: PriceSource = embedded or EmbeddedPrices()

    def listing(self, symbol: str, event_date: date | None = None) -> Listing:
        """Return how a share is listed."""
        return self._first(symbol, lambda source: source.listing(symbol, event_date))

    def daily(self, symbol: str, event_date: date | None = None) -> pd.DataFrame:
        """Return the bars around an event, or every embedded one."""
        return self._first(symbol, lambda source: source.daily(symbol, event_date))

    def closes(self, symbol: str, window: Window) -> pd.Series:
        """Return the closes of the window, or every embedded one."""
        return self._first(symbol, lambda source: source.closes(symbol, window))

    def sessions(self, symbol: str, event_date: date, before: int) -> pd.DataFrame:
        """Return the bars of a session and of those before it."""
        return self._first(symbol, lambda source: source.sessions(symbol, event_date, before))

    def five_minutes(self, symbol: str, event_date: date) -> pd.DataFrame:
        """Return the five-minute bars of a session."""
        return self._first(symbol, lambda source: source.five_minutes(symbol, event_date))

    def in_shares_of(self, basis: date, symbol: str, filed: pd.Series) -> pd.Series:
        """Return a filing's count in the shares that the prices are in."""
        return self._first(symbol, lambda source: source.in_shares_of(basis, symbol, filed))

    def share_count(self, symbol: str, on: date, basis: date) -> pd.Series:
        """Return the vendor's own count; it is asked for only where there is no filing's."""
        return self._live.share_count(symbol, on, basis)

    def _first(self, symbol: str, question: Callable[[PriceSource], Answer]) -> Answer:
        """Return the answer of the live source, or else of the embedded one."""
        try:
            return question(self._live)
        except SourceError as error:
            try:
                answer = question(self._embedded)
            except ParameterError as other:
                raise SourceError(f"{error}; and in its place {other}") from error
            tell_reader(f"{symbol}: embedded figures are used in place of live ones. {error}.")
            return answer


def _required(event_date: date | None) -> date:
    if event_date is None:
        raise ParameterError("live prices need the day of the event; give event_date as 'YYYY-MM-DD'")
    return event_date
