"""Share counts as a vendor dates them: which count applies on a day, and whether the other counts support it."""

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from shockcheck.data.market.bars import days_of
from shockcheck.errors import SourceError

# Differences of two counts, as fractions of the smaller count.
MAX_WITHIN_DAY = 0.01  # more shares than this are not issued or bought back in a day
MAX_USUAL = 0.1  # issues and buybacks seldom change a count by more in half a year; above, the reader is told
MAX_POSSIBLE = 0.5  # two counts that differ by more cannot both be right


class Count(NamedTuple):
    """The share count of a day, in shares of the day that it was asked for, with what a reader must be told about it."""

    as_of: date
    shares: float
    doubts: list[str]


def judge(symbol: str, counts: pd.Series, on: date) -> Count:
    """Return the last count up to the day `on`; `counts` are by day, in shares of `on`, and later counts bear witness.

    Raises SourceError where there is none, where two counts of one day differ, and where at least half of the others
    contradict it: then there is no way to tell which is wrong.
    """
    possible = np.isfinite(counts) & (counts > 0)
    impossible = counts[~possible]
    doubts = [
        f"{symbol}: Yahoo's share count of {day:%Y-%m-%d}, {count:,.0f}, is left out: it is no number of shares"
        for day, count in zip(days_of(impossible), impossible, strict=True)
    ]
    known = counts[possible].loc[: str(on)]
    if known.empty:
        raise SourceError(f"Yahoo has no share count of {symbol} up to {on}")
    day, shares = days_of(known)[-1], float(known.iloc[-1])
    doubts += _doubts_within_day(symbol, known[known.index == day])
    others = counts[possible].groupby(level=0).last().drop(index=day)
    doubts += _doubts_by_other_days(symbol, day, shares, others)
    return Count(day.date(), shares, doubts)


def _doubts_within_day(symbol: str, counts: pd.Series) -> list[str]:
    if counts.nunique() == 1:
        return []
    numbers = " and ".join(f"{count:,.0f}" for count in counts.unique())
    counts_of_day = f"share counts of {symbol} for {days_of(counts)[0]:%Y-%m-%d}, {numbers}"
    if counts.max() > counts.min() * (1 + MAX_WITHIN_DAY):
        raise SourceError(f"Yahoo gives several {counts_of_day}, which cannot all be right")
    return [f"{symbol}: Yahoo gives several {counts_of_day}; the last is used"]


def _doubts_by_other_days(symbol: str, day: pd.Timestamp, shares: float, others: pd.Series) -> list[str]:
    apart = np.maximum(others / shares, shares / others) - 1
    against = others[apart > MAX_POSSIBLE]
    used = f"of {day:%Y-%m-%d}, {shares:,.0f}"
    if len(against):
        other = f"{against.iloc[-1]:,.0f} of {days_of(against)[-1]:%Y-%m-%d}"
        if len(against) * 2 >= len(others):
            raise SourceError(f"Yahoo's share count of {symbol} {used}, and {other} cannot both be right")
        return [f"{symbol}: Yahoo's share count {used}, is used, which {other} contradicts and the others bear out"]
    if len(others) and apart.max() > MAX_USUAL:
        farthest = int(apart.argmax())
        other = f"{others.iloc[farthest]:,.0f} of {days_of(others)[farthest]:%Y-%m-%d}"
        return [f"{symbol}: Yahoo's share count {used}, is used; it has {other} too"]
    return []
