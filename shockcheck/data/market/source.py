"""What a source of prices answers: the embedded tables, Yahoo Finance, or Yahoo with the tables as a fallback."""

from datetime import date
from typing import NamedTuple, Protocol

import pandas as pd

from shockcheck.data.market.exchanges import Listing

BAR_COLUMNS = ["open", "high", "low", "close", "source"]


class Window(NamedTuple):
    """Sessions around an event: the event's day, and how many before and after it."""

    event_date: date | None
    before: int
    after: int


class PriceSource(Protocol):
    """Prices and share counts of listed companies, by session; see `prices` for what each answer holds.

    Raises ParameterError for a day or share that does not exist, and SourceError where a source cannot be asked or its
    answer cannot be used.
    """

    def listing(self, symbol: str, event_date: date | None = None) -> Listing:
        """Return how a share is listed."""

    def daily(self, symbol: str, event_date: date | None = None) -> pd.DataFrame:
        """Return all known daily bars, or those around an event."""

    def closes(self, symbol: str, window: Window) -> pd.Series:
        """Return all known closes, or those of the window."""

    def sessions(self, symbol: str, event_date: date, before: int) -> pd.DataFrame:
        """Return the bars of a session and of those before it."""

    def five_minutes(self, symbol: str, event_date: date) -> pd.DataFrame:
        """Return the five-minute bars of a session, with the `start` of each."""

    def in_shares_of(self, basis: date, symbol: str, filed: pd.Series) -> pd.Series:
        """Return a filing's share count in the shares that the prices of the day `basis` are in."""

    def share_count(self, symbol: str, on: date, basis: date) -> pd.Series:
        """Return the last share count up to a day, where no filing has one, in the shares of the day `basis`."""
