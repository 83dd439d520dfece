"""Documented corrections of a vendor and a calendar: bars, splits and sessions, each with its source and the reason.

They are in `data/corrections.yml`. Nothing is corrected without an entry there, and an entry says what the vendor had when
it was written: once the vendor has something else, the entry is refused.
"""

from collections.abc import Iterable
from datetime import date
from functools import cache
from math import isclose
from typing import Annotated, Any

from pydantic import Field, model_validator

from shockcheck.data import tables
from shockcheck.errors import DataError, SourceError
from shockcheck.formats.yaml_models import StrictModel
from shockcheck.project import yaml_files
from shockcheck.project.context import note
from shockcheck.project.paths import current_project, shown

SOURCES = "data/sources.csv"
Text = Annotated[str, Field(min_length=1)]
# Above 0: a change in percent from a price of 0 or less has no meaning, whoever vouches for the price.
Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Seen(StrictModel):
    """The bar that the vendor had when the correction was written; an empty close is null."""

    close: float | None
    volume: int


class Correction(StrictModel):
    """A close that replaces a vendor's bar, in shares of its own day."""

    symbol: Text
    date: date
    seen: Seen | None  # null: the vendor had no bar
    close: Price
    source: Text
    reason: Text


class Session(StrictModel):
    """Whether an exchange, or a single share, traded on a day for which the calendar is wrong."""

    exchange: Annotated[str, Field(pattern="^[A-Z]{4}$")] | None = None
    symbol: Text | None = None
    date: date
    held: bool
    source: Text
    reason: Text

    @model_validator(mode="after")
    def _names_one_subject(self) -> "Session":
        if (self.exchange is None) == (self.symbol is None):
            raise ValueError("give either `exchange`, for all its shares, or `symbol`, for one")
        return self


class Split(StrictModel):
    """What a vendor's split really was: how many shares one share became, and whether earlier prices are divided by it.

    `shares` is 1 where nobody got another share, as in a spin-off.
    """

    symbol: Text
    date: date
    seen: Price  # the vendor's ratio: new shares for an old one
    shares: Price
    divided: bool
    source: Text
    reason: Text


class Corrections(StrictModel):
    """The document `data/corrections.yml`."""

    corrections: list[Correction]
    sessions: list[Session] = Field(default=[])
    splits: list[Split] = Field(default=[])

    def all(self) -> list[tuple[str, Correction | Session | Split]]:
        """Return every entry with the name of its list."""
        return [(name, entry) for name in ("corrections", "sessions", "splits") for entry in getattr(self, name)]


def load() -> Corrections:
    """Return the document, empty for a project without one.

    Raises DataError, with file and line, for a document that breaks the format, for two entries about the same thing, and
    for an entry whose source is not in `data/sources.csv`.
    """
    note(shown(current_project().corrections))
    if not current_project().corrections.exists():
        return Corrections(corrections=[])
    loaded = _read(
        current_project().corrections.stat().st_mtime_ns,
        current_project().corrections.read_bytes(),
        tables.checksum_now("sources"),
    )
    for _, entry in loaded.all():
        note(f"{SOURCES}#{entry.source}")
    return loaded


@cache
def _read(changed: int, content: bytes, sources: str) -> Corrections:
    """Return the document; the arguments tell one state of the files from another."""
    loaded = yaml_files.load_model(current_project().corrections, Corrections, DataError)
    known: set[tuple[Any, ...]] = set()
    for name, entry in loaded.all():
        key = (name, getattr(entry, "exchange", None), entry.symbol, entry.date)
        if key in known:
            raise DataError(
                f"{shown(current_project().corrections)}: `{name}` has two entries for {_subject(entry)} on {entry.date}; "
                "keep one"
            )
        known.add(key)
    sourced = set(tables.load("sources", watched=False)["id"]) if known else set()
    for name, entry in loaded.all():
        if entry.source not in sourced:
            raise DataError(
                f"{shown(current_project().corrections)}: the entry of `{name}` for {_subject(entry)} on {entry.date} names "
                f"the source {entry.source!r}, which is not in {SOURCES}; add it there or correct the entry"
            )
    return loaded


def _subject(entry: Correction | Session | Split) -> str:
    """Return the exchange or the share that an entry is about."""
    return (entry.exchange if isinstance(entry, Session) else None) or entry.symbol or ""


def of_bars(symbol: str) -> list[Correction]:
    """Return the documented closes of a share."""
    return [entry for entry in load().corrections if entry.symbol == symbol]


def of_sessions(symbol: str, exchange: str) -> dict[date, Session]:
    """Return the documented sessions of a share on an exchange, by day; an entry for the share takes precedence."""
    entries = load().sessions
    of_exchange = {entry.date: entry for entry in entries if entry.exchange == exchange}
    return of_exchange | {entry.date: entry for entry in entries if entry.symbol == symbol}


def of_splits(symbol: str, listed: Iterable[tuple[date, float]]) -> dict[date, Split]:
    """Return the documented splits among those that a vendor lists for a share, by day; `listed` gives days and ratios.

    Raises SourceError where the vendor's ratio is no longer the one seen.
    """
    ratios = dict(listed)
    documented = {entry.date: entry for entry in load().splits if entry.symbol == symbol and entry.date in ratios}
    for day, entry in documented.items():
        if not isclose(ratios[day], entry.seen, rel_tol=1e-6):
            raise SourceError(
                f"{shown(current_project().corrections)} documents a split of {symbol} on {day}, but the vendor's ratio has "
                f"changed since ({ratios[day]:g}, not {entry.seen:g}); correct or remove the entry"
            )
    return documented
