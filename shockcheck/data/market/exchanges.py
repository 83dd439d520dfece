"""Exchanges: a share as listed on one, and the sessions that it is traded in."""

from datetime import date
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from shockcheck.data.market import corrections
from shockcheck.errors import DataError, ParameterError
from shockcheck.project.paths import current_project, shown

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar


# A fixed span, since the library's own moves with the clock: from before any vendor's daily prices to some years ahead.
FIRST_DAY, LAST_DAY = pd.Timestamp("1885-01-01"), pd.Timestamp("2030-12-31")
# Days on which calendars begin later: Tel Aviv traded from Sunday to Thursday before, which the library cannot join on.
LATER_FIRST_DAYS = {"XTAE": pd.Timestamp("2026-01-05")}


class Listing(NamedTuple):
    """A share as listed: its symbol, company, exchange (ISO 10383) and the currency of its price (ISO 4217)."""

    symbol: str
    company: str
    exchange: str
    currency: str


@cache
def calendar(exchange: str) -> "ExchangeCalendar":
    """Return the library's calendar of an exchange, from 1885 to 2030 or as much of that as it knows.

    Raises ParameterError for an unknown exchange, or where the library cannot make the calendar.
    """
    import exchange_calendars  # only some kernels need it

    if exchange not in exchange_calendars.get_calendar_names():
        raise ParameterError(f"no calendar is known for the exchange {exchange!r}")
    first, last = span(exchange)
    try:
        return exchange_calendars.get_calendar(exchange, start=f"{first:%Y-%m-%d}", end=f"{last:%Y-%m-%d}")
    except Exception as error:  # the library fails in many ways, with messages of up to thousands of characters
        raise ParameterError(
            f"the calendar of the exchange {exchange} cannot be made by exchange-calendars "
            f"{metadata.version('exchange-calendars')} ({type(error).__name__}); choose a share of another exchange"
        ) from error


def span(exchange: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the first and the last day for which the calendar of an exchange can be asked."""
    import exchange_calendars

    kinds = [exchange_calendars.ExchangeCalendar]
    for kind in kinds:
        kinds += kind.__subclasses__()
    known = next(kind for kind in kinds if kind.name == exchange_calendars.resolve_alias(exchange))
    first, last = known.bound_min() or FIRST_DAY, known.bound_max() or LAST_DAY
    return max(FIRST_DAY, first, LATER_FIRST_DAYS.get(exchange, FIRST_DAY)), min(LAST_DAY, last)


class Sessions:
    """The sessions of one share: the sessions of its exchange, except as documented in `data/corrections.yml`.

    `days` holds all sessions, `documented` the entries by day. Sessions before or after the calendar can be documented too.
    """

    def __init__(self, share: Listing) -> None:
        """Raise ParameterError as `calendar` does, and DataError for an entry that only repeats the calendar."""
        self.exchange = share.exchange
        self._library = calendar(share.exchange)
        self.documented = corrections.of_sessions(share.symbol, share.exchange)
        days: pd.DatetimeIndex = self._library.sessions
        for day, entry in self.documented.items():
            if (pd.Timestamp(day) in days) == entry.held:
                raise DataError(
                    f"{shown(current_project().corrections)}: the entry of `sessions` for {share.exchange} on {day} says "
                    "what its calendar has anyway; remove it, or correct its day"
                )
        if self.documented:
            days = pd.DatetimeIndex(days.union(self._documented(True)).difference(self._documented(False)))
        self.days = days

    def _documented(self, held: bool) -> pd.DatetimeIndex:
        days = [pd.Timestamp(day) for day, entry in self.documented.items() if entry.held == held]
        return pd.DatetimeIndex(days, dtype=self._library.sessions.dtype)

    def __contains__(self, day: date) -> bool:
        """Return whether there is a session on that day."""
        return self.covers(day) and pd.Timestamp(day) in self.days

    def covers(self, day: date) -> bool:
        """Return whether the day lies within the calendar or is documented: nothing is known about other days."""
        known = self._library.sessions
        return bool(known[0].date() <= day <= known[-1].date()) or day in self.documented

    @property
    def extent(self) -> str:
        """The calendar's first and last session, in words."""
        known = self._library.sessions
        return f"{known[0]:%Y-%m-%d} to {known[-1]:%Y-%m-%d}"

    def between(self, first: date, last: date) -> pd.DatetimeIndex:
        """Return the sessions from `first` to `last`."""
        first, last = (min(max(day, FIRST_DAY.date()), LAST_DAY.date()) for day in (first, last))
        return self.days[(self.days >= pd.Timestamp(first)) & (self.days <= pd.Timestamp(last))]

    def up_to(self, day: date, count: int) -> pd.DatetimeIndex:
        """Return the last `count` sessions up to `day`, fewer where the calendar begins later."""
        end = self.days.searchsorted(pd.Timestamp(day), side="right")
        return self.days[max(0, end - count) : end]

    def after(self, day: date, count: int) -> pd.DatetimeIndex:
        """Return the first `count` sessions after `day`, fewer where the calendar ends before."""
        start = self.days.searchsorted(pd.Timestamp(day), side="right")
        return self.days[start : start + count]

    def opens(self, day: date) -> pd.Timestamp:
        """Return when the session of that day begins, in UTC."""
        return self._edge("open", day)

    def closes(self, day: date) -> pd.Timestamp:
        """Return when the session of that day ends, in UTC."""
        return self._edge("close", day)

    def _edge(self, name: str, day: date) -> pd.Timestamp:
        """Return when a session opens or closes, in UTC.

        A documented session has the local time of the calendar's last session before it, or else of its first session.
        """
        times: pd.Series[pd.Timestamp] = self._library.schedule[name]
        sessions = pd.DatetimeIndex(times.index)
        asked = pd.Timestamp(day)
        last = sessions[max(0, int(sessions.searchsorted(asked, side="right")) - 1)]
        edge = pd.Timestamp(times[last])
        if last == asked:
            return edge
        local = edge.tz_convert(self._library.tz)
        return (local.tz_localize(None) + (asked - last)).tz_localize(self._library.tz).tz_convert("UTC")
