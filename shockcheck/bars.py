"""Daily bars as a vendor gives them: which are faulty, and the documented corrections of some."""

from datetime import date

import pandas as pd
from pydantic import Field

from shockcheck import documents
from shockcheck.documents import Entry
from shockcheck.errors import SourceError
from shockcheck.paths import DATA, note, shown

CORRECTIONS = DATA / "corrections.yml"
JUMP = 0.5  # a close further than this from the last good one, as a fraction of it, needs a split or a correction


class Seen(Entry):
    """The bar that the vendor gave when the correction was written."""

    close: float
    volume: int


class Correction(Entry):
    """A close that takes the place of a vendor's bar, as long as the vendor's bar is the one that was `seen`."""

    symbol: str
    date: date
    seen: Seen | None  # null: the vendor had no bar
    close: float = Field(gt=0)
    source: str
    reason: str = Field(min_length=1)


class Corrections(Entry):
    """The document `data/corrections.yml`."""

    corrections: list[Correction]


def corrections() -> list[Correction]:
    """The documented corrections; raises SourceError with file and line where the document is at fault."""
    note(shown(CORRECTIONS))
    return documents.read(CORRECTIONS, Corrections, SourceError).corrections


def corrected(symbol: str, bars: pd.DataFrame) -> pd.DataFrame:
    """`bars` with the corrections of `symbol` that fall among their days, in a column `source` the one of each.

    A corrected bar has a close alone. Raises SourceError where the vendor's bar is no longer the one that was seen.
    """
    bars = bars.copy()
    for entry in corrections():
        day = pd.Timestamp(entry.date)
        if entry.symbol == symbol and bars.index[0] <= day <= bars.index[-1]:
            given = Seen(close=bars.at[day, "close"], volume=int(bars.at[day, "volume"])) if day in bars.index else None
            if given != entry.seen:
                raise SourceError(
                    f"{shown(CORRECTIONS)} corrects {symbol} on {entry.date}, but the vendor's bar has changed since "
                    f"({given or 'no bar'}, not {entry.seen or 'no bar'}); remove the correction if the source is repaired"
                )
            bars.loc[day, ["open", "high", "low", "volume"]] = float("nan")
            bars.loc[day, ["close", "source"]] = [entry.close, entry.source]
    return bars.sort_index()


def faults(bars: pd.DataFrame, sessions: pd.DatetimeIndex) -> dict[pd.Timestamp, str]:
    """What is wrong with which bar: open, high, low, close and volume by day, against the exchange's `sessions`.

    A bar must fall on a session and each session have one; no bar without trading may repeat the close before, no high
    lie below a low, no close jump by more than half from the last good one and from the bar before. A first bar is
    only judged by itself.
    """
    found = {day: "the vendor has no bar for this session" for day in sessions.difference(bars.index)}
    good = jumped = None
    for day, bar in bars.iterrows():
        if day not in sessions:
            found[day] = "the vendor has a bar, but the exchange was closed"
        elif not bar["close"] > 0 or bar["high"] < bar["low"]:
            found[day] = f"close {bar['close']}, high {bar['high']} and low {bar['low']} cannot be right"
        elif bar["volume"] == 0 and good == bar["close"]:
            found[day] = f"nothing was traded (volume 0) and the close before, {good}, is repeated"
        elif good and all(abs(bar["close"] / close - 1) > JUMP for close in (good, jumped) if close):
            found[day] = f"the close jumps from {good} to {bar['close']} without a split"
            jumped = bar["close"]
        else:
            good, jumped = bar["close"], None
    return dict(sorted(found.items()))
