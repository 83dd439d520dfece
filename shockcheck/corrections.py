"""What is documented against a vendor and a calendar: bars, splits and sessions, each with its source and the reason.

They stand in `data/corrections.yml`. Nothing is corrected without an entry there, and an entry says what the vendor had
when it was written: once the vendor has something else, the entry is refused rather than followed.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache
from math import isclose
from typing import Annotated, Any

from pydantic import Field, model_validator

from shockcheck import documents, tables
from shockcheck.documents import Entry
from shockcheck.errors import DataError, SourceError
from shockcheck.paths import DATA, note, shown

FILE = DATA / "corrections.yml"
SOURCES = "data/sources.csv"
Text = Annotated[str, Field(min_length=1)]
# Above 0: a change in percent from a price of 0 or less has no meaning, whoever vouches for the price.
Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Seen(Entry):
    """The bar that the vendor had when the correction was written; a close that it left empty is null."""

    close: float | None
    volume: int


class Correction(Entry):
    """A close that takes the place of a vendor's bar, in shares of its own day."""

    symbol: Text
    date: date
    seen: Seen | None  # null: the vendor had no bar
    close: Price
    source: Text
    reason: Text


class Session(Entry):
    """Whether an exchange, or only a share, was traded on a day on which the calendar has it otherwise."""

    exchange: Annotated[str, Field(pattern="^[A-Z]{4}$")] | None = None
    symbol: Text | None = None
    date: date
    held: bool
    source: Text
    reason: Text

    @model_validator(mode="after")
    def _is_of_one_thing(self) -> "Session":
        if (self.exchange is None) == (self.symbol is None):
            raise ValueError("give either `exchange`, for all its shares, or `symbol`, for one")
        return self


class Split(Entry):
    """What a vendor's split really was: how many shares one became, and whether the vendor's prices before it are divided.

    `shares` is 1 where nobody got another share, as in a spin-off.
    """

    symbol: Text
    date: date
    seen: Price  # the vendor's ratio: new shares for an old one
    shares: Price
    divided: bool
    source: Text
    reason: Text


class Corrections(Entry):
    """The document `data/corrections.yml`."""

    corrections: list[Correction]
    sessions: list[Session] = Field(default=[])
    splits: list[Split] = Field(default=[])

    def all(self) -> list[tuple[str, Correction | Session | Split]]:
        """Every entry with the name of its list."""
        return [(name, entry) for name in ("corrections", "sessions", "splits") for entry in getattr(self, name)]


def load() -> Corrections:
    """The document, empty for a project without one.

    Raises DataError with file and line where it is no such document, where two entries are of the same thing, and where
    the source of an entry is not in `data/sources.csv`.
    """
    note(shown(FILE))
    if not FILE.exists():
        return Corrections(corrections=[])
    loaded = _read(FILE.stat().st_mtime_ns, FILE.read_bytes(), tables.as_it_stands("sources"))
    for _, entry in loaded.all():
        note(f"{SOURCES}#{entry.source}")
    return loaded


@cache
def _read(changed: int, content: bytes, sources: str) -> Corrections:
    """The document; the arguments tell one state of the files from another."""
    loaded = documents.read(FILE, Corrections, DataError)
    known: set[tuple[Any, ...]] = set()
    for name, entry in loaded.all():
        key = (name, getattr(entry, "exchange", None), entry.symbol, entry.date)
        if key in known:
            raise DataError(f"{shown(FILE)}: `{name}` has two entries for {_thing(entry)} on {entry.date}; keep one")
        known.add(key)
    sourced = set(tables.load("sources", watched=False)["id"]) if known else set()
    for name, entry in loaded.all():
        if entry.source not in sourced:
            raise DataError(
                f"{shown(FILE)}: the entry of `{name}` for {_thing(entry)} on {entry.date} names the source "
                f"{entry.source!r}, which is not in {SOURCES}; add it there or correct the entry"
            )
    return loaded


def _thing(entry: Correction | Session | Split) -> str:
    return getattr(entry, "exchange", None) or entry.symbol


def of_bars(symbol: str) -> list[Correction]:
    """The documented closes of a share."""
    return [entry for entry in load().corrections if entry.symbol == symbol]


def of_sessions(symbol: str, exchange: str) -> dict[date, Session]:
    """By day, what is documented of the sessions of a share on an exchange; what is of the share alone comes first."""
    entries = load().sessions
    of_exchange = {entry.date: entry for entry in entries if entry.exchange == exchange}
    return of_exchange | {entry.date: entry for entry in entries if entry.symbol == symbol}


def of_splits(symbol: str, listed: Iterable[tuple[date, float]]) -> dict[date, Split]:
    """By day, what is documented of the splits of a share that a vendor lists, each with its ratio.

    Raises SourceError where the vendor's ratio is no longer the one that was seen.
    """
    ratios = dict(listed)
    documented = {entry.date: entry for entry in load().splits if entry.symbol == symbol and entry.date in ratios}
    for day, entry in documented.items():
        if not isclose(ratios[day], entry.seen, rel_tol=1e-6):
            raise SourceError(
                f"{shown(FILE)} documents a split of {symbol} on {day}, but the vendor's ratio has changed since "
                f"({ratios[day]:g}, not {entry.seen:g}); correct or remove the entry"
            )
    return documented
