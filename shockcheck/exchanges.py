"""Exchanges: a share as listed on one, and the sessions that it is traded in."""

from datetime import date
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from shockcheck import corrections
from shockcheck.errors import DataError, ParameterError
from shockcheck.paths import shown

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

# A span of its own, since the library's moves with the clock: from before any vendor's daily prices to some years ahead.
FIRST, LAST = pd.Timestamp("1885-01-01"), pd.Timestamp("2030-12-31")
# Tel Aviv was traded from Sunday to Thursday before, which the library cannot join to what came after.
LATER = {"XTAE": pd.Timestamp("2026-01-05")}


class Listing(NamedTuple):
    """A share as listed: its symbol, company, exchange (ISO 10383) and the currency of its price (ISO 4217)."""

    symbol: str
    company: str
    exchange: str
    currency: str


@cache
def calendar(exchange: str) -> "ExchangeCalendar":
    """The library's calendar of an exchange, from 1885 to 2030 or for as much of that as it knows.

    Raises ParameterError for an exchange that it does not know, and for one whose calendar it cannot make.
    """
    import exchange_calendars  # which only kernels need, and not all of them

    if exchange not in exchange_calendars.get_calendar_names():
        raise ParameterError(f"no calendar is known for the exchange {exchange!r}")
    first, last = span(exchange)
    try:
        return exchange_calendars.get_calendar(exchange, start=f"{first:%Y-%m-%d}", end=f"{last:%Y-%m-%d}")
    except Exception as error:  # the library fails in many ways, some of them thousands of signs long
        raise ParameterError(
            f"the calendar of the exchange {exchange} cannot be made by exchange-calendars "
            f"{metadata.version('exchange-calendars')} ({type(error).__name__}); choose a share of another exchange"
        ) from error


def span(exchange: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and the last day that the calendar of an exchange can be asked for."""
    import exchange_calendars

    kinds = [exchange_calendars.ExchangeCalendar]
    for kind in kinds:
        kinds += kind.__subclasses__()
    own = next(kind for kind in kinds if kind.name == exchange_calendars.resolve_alias(exchange))
    first, last = own.bound_min() or FIRST, own.bound_max() or LAST
    return max(FIRST, first, LATER.get(exchange, FIRST)), min(LAST, last)


class Sessions:
    """The sessions of one share: those of its exchange, but for the days that are documented to be otherwise.

    `days` holds all of them, `documented` what is documented by day. Sessions of before or after the calendar can be
    documented too.
    """

    def __init__(self, share: Listing) -> None:
        """Raises ParameterError as `calendar` does, and DataError for an entry that says what the calendar says."""
        self.exchange = share.exchange
        self._library = calendar(share.exchange)
        self.documented = corrections.of_sessions(share.symbol, share.exchange)
        days = self._library.sessions
        for day, entry in self.documented.items():
            if (pd.Timestamp(day) in days) == entry.held:
                raise DataError(
                    f"{shown(corrections.FILE)}: the entry of `sessions` for {share.exchange} on {day} says what its "
                    "calendar has anyway; remove it, or correct its day"
                )
        self.days = days.union(self._documented(True)).difference(self._documented(False)) if self.documented else days

    def _documented(self, held: bool) -> pd.DatetimeIndex:
        days = [pd.Timestamp(day) for day, entry in self.documented.items() if entry.held == held]
        return pd.DatetimeIndex(days, dtype=self._library.sessions.dtype)

    def __contains__(self, day: date) -> bool:
        """Whether there is a session on that day."""
        return self.covers(day) and pd.Timestamp(day) in self.days

    def covers(self, day: date) -> bool:
        """Whether the day lies within the calendar, or is documented: of others before and after it nothing is known."""
        own = self._library.sessions
        return own[0].date() <= day <= own[-1].date() or day in self.documented

    @property
    def extent(self) -> str:
        """The calendar's first and last session, in words."""
        own = self._library.sessions
        return f"{own[0]:%Y-%m-%d} to {own[-1]:%Y-%m-%d}"

    def between(self, first: date, last: date) -> pd.DatetimeIndex:
        """The sessions from `first` to `last`."""
        first, last = (min(max(day, FIRST.date()), LAST.date()) for day in (first, last))
        return self.days[(self.days >= pd.Timestamp(first)) & (self.days <= pd.Timestamp(last))]

    def up_to(self, day: date, count: int) -> pd.DatetimeIndex:
        """The last `count` sessions up to `day`, fewer where the calendar begins later."""
        end = self.days.searchsorted(pd.Timestamp(day), side="right")
        return self.days[max(0, end - count) : end]

    def after(self, day: date, count: int) -> pd.DatetimeIndex:
        """The first `count` sessions after `day`, fewer where the calendar ends before."""
        start = self.days.searchsorted(pd.Timestamp(day), side="right")
        return self.days[start : start + count]

    def opens(self, day: date) -> pd.Timestamp:
        """When the session of that day begins, UTC."""
        return self._edge("open", day)

    def closes(self, day: date) -> pd.Timestamp:
        """When the session of that day ends, UTC."""
        return self._edge("close", day)

    def _edge(self, name: str, day: date) -> pd.Timestamp:
        """The library's, or on a day that it has no session, that of its last one before, by the clock of the place.

        Of a day before all of them, that of its first.
        """
        known = self._library.schedule[name]
        own = pd.Timestamp(day)
        if own in known.index:
            return known[own]
        last = known.index[max(0, known.index.searchsorted(own) - 1)]
        local = known[last].tz_convert(self._library.tz)
        return (local.tz_localize(None) + (own - last)).tz_localize(self._library.tz).tz_convert("UTC")
