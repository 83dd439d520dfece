"""Exchanges: a share as listed on one, and the calendar of its sessions."""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from shockcheck.errors import ParameterError

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar


class Listing(NamedTuple):
    """A share as listed: its symbol, company, exchange (ISO 10383) and the currency of its price (ISO 4217)."""

    symbol: str
    company: str
    exchange: str
    currency: str


@cache
def calendar(exchange: str) -> "ExchangeCalendar":
    """The sessions of an exchange from 2000 to 2030; raises ParameterError for an exchange without a known calendar."""
    import exchange_calendars  # which only kernels need, and not all of them

    first, last = "2000-01-01", "2030-12-31"  # explicit, since the library's own bounds move with the clock
    try:
        return exchange_calendars.get_calendar(exchange, start=first, end=last)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise ParameterError(f"no calendar is known for the exchange {exchange!r}") from error
