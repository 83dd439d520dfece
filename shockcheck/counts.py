"""Share counts as a vendor dates them: which one counts on a day, and whether the others bear it out."""

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from shockcheck.errors import SourceError

SAME_DAY = 0.01  # counts of one day may differ by this: nobody issues or buys back more shares in a day
WORTH_SAYING = 0.1  # issuing shares and buying them back changes a count by less in half a year, as a rule
MOST = 0.5  # counts that differ by more than this, as a fraction of the smaller one, cannot both be right


class Count(NamedTuple):
    """The share count of a day, in the shares of the day that it was asked for, and what a reader must be told of it."""

    as_of: date
    shares: float
    doubts: list[str]


def judge(symbol: str, counts: pd.Series, on: date) -> Count:
    """The last of the counts up to the day `on`; `counts` are by day, in shares of that day, and later ones bear witness.

    Raises SourceError where there is none, where two of that day differ, and where more of the others contradict it than
    bear it out: with all of them alike there would be no way to tell which is wrong.
    """
    possible = np.isfinite(counts) & (counts > 0)
    doubts = [
        f"{symbol}: Yahoo's share count of {day:%Y-%m-%d}, {count:,.0f}, is left out: it is no number of shares"
        for day, count in counts[~possible].items()
    ]
    known = counts[possible].loc[: str(on)]
    if known.empty:
        raise SourceError(f"Yahoo has no share count of {symbol} up to {on}")
    day, shares = known.index[-1], float(known.iloc[-1])
    doubts += _of_one_day(symbol, known[known.index == day])
    others = counts[possible].groupby(level=0).last().drop(index=day)
    doubts += _of_other_days(symbol, pd.Series(shares, index=[day]), others)
    return Count(day.date(), shares, doubts)


def _of_one_day(symbol: str, counts: pd.Series) -> list[str]:
    if counts.nunique() == 1:
        return []
    numbers = " and ".join(f"{count:,.0f}" for count in counts.unique())
    what = f"share counts of {symbol} for {counts.index[0]:%Y-%m-%d}, {numbers}"
    if counts.max() > counts.min() * (1 + SAME_DAY):
        raise SourceError(f"Yahoo gives several {what}, which cannot all be right")
    return [f"{symbol}: Yahoo gives several {what}; the last is used"]


def _of_other_days(symbol: str, used: pd.Series, others: pd.Series) -> list[str]:
    [(day, shares)] = used.items()
    apart = np.maximum(others / shares, shares / others) - 1
    against = others[apart > MOST]
    what = f"of {day:%Y-%m-%d}, {shares:,.0f}"
    if len(against):
        other = f"{against.iloc[-1]:,.0f} of {against.index[-1]:%Y-%m-%d}"
        if len(against) * 2 >= len(others):
            raise SourceError(f"Yahoo's share count of {symbol} {what}, and {other} cannot both be right")
        return [f"{symbol}: Yahoo's share count {what}, is used, which {other} contradicts and the others bear out"]
    if len(others) and apart.max() > WORTH_SAYING:
        other = f"{others[apart.idxmax()]:,.0f} of {apart.idxmax():%Y-%m-%d}"
        return [f"{symbol}: Yahoo's share count {what}, is used; it has {other} too"]
    return []
