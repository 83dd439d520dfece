"""Daily bars of a vendor, judged: which contradict themselves, their neighbours, or what else the vendor says.

Bars are judged by later bars as well as by earlier ones, since the first bar may be the wrong one. What is documented in
`data/corrections.yml` replaces what a vendor says and is not judged.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from shockcheck.data.market import corrections
from shockcheck.data.market.corrections import Seen
from shockcheck.errors import SourceError
from shockcheck.project.paths import current_project, shown

PRICES = ["open", "high", "low", "close"]
# A change from close to close above this fraction needs a split or a correction: a share seldom loses or gains half its
# price in a session, and a vendor's wrong number seldom differs by less.
MAX_CHANGE = 0.5
ROUNDING = 1e-6  # as a fraction: a vendor's numbers carry seven digits, so a smaller difference is none
# Power of ten from which a ratio may be a mix-up of units: 100 (pence, cents, agorot), 1000 (fils) or more. Ten itself is
# the ratio of many splits.
MIN_UNIT_POWER = 2
# Number of bars on one price level, a month, after which that level is taken to be in the vendor's currency.
SETTLED_BARS = 20
MAX_BARS_AWAY = 30  # bars within which a close that jumped must come back to be the vendor's fault and not the market's
# Ratio from which a split shows in the closes: a day's own move is seldom a tenth.
MIN_VISIBLE_RATIO = 1.2
MAX_OLD_SHARES = 100  # of a split, which gives new shares for so many old ones; 1281 for 1000 is a spin-off's ratio
MAX_TWIN_GAP = timedelta(days=30)  # two splits by one ratio within a month are one split that is listed twice
MAX_OWN_MOVE = 0.25  # fraction by which a jump may differ from the split's ratio: the day's own move
UNDIVIDED = "as if they were not divided by it, or divided twice"
WITNESSES = 3  # closes on either side of a split whose medians judge it, so that one wrong close decides nothing


class Fault(NamedTuple):
    """What is wrong with a bar, a cell or a split: `kind`, a word by which faults are grouped, and `why`, a clause."""

    kind: str
    why: str


@dataclass
class Judgement:
    """The faults of a vendor's bars, by day.

    `bars` are wrong or in doubt as a whole; `cells` are single prices of a bar, by day and column. No change can be computed
    across a day in `breaks`. `splits` are contradicted by the closes; `ratios` are splits by a ratio that no split of shares
    has. `repeats` may be right, or copies of the bar before.
    """

    bars: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    cells: dict[tuple[pd.Timestamp, str], Fault] = field(default_factory=dict)
    breaks: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    splits: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    ratios: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    repeats: dict[pd.Timestamp, Fault] = field(default_factory=dict)


def days_of(frame: pd.DataFrame | pd.Series) -> pd.DatetimeIndex:
    """Return the index of a frame of bars: the days, or the times, that the bars are of."""
    return pd.DatetimeIndex(frame.index)


def number_at(frame: pd.DataFrame, day: pd.Timestamp, column: str) -> float:
    """Return one price, ratio or volume of a frame of bars; NaN where it is missing."""
    return float(cast("float", frame.at[day, column]))


def corrected(symbol: str, bars: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """Return `bars`, as traded, with the documented closes of `symbol` from `first` to `last`; `documented` marks them.

    A corrected bar has only a close, and its own `source`. Raises SourceError where the vendor's bar is no longer the bar
    that the correction saw.
    """
    bars = bars.assign(documented=False)
    for entry in corrections.of_bars(symbol):
        day = pd.Timestamp(entry.date)
        if first <= entry.date <= last:
            vendors = _seen(bars, day)
            if vendors != entry.seen:
                raise SourceError(
                    f"{shown(current_project().corrections)} corrects {symbol} on {entry.date}, but the vendor's bar has "
                    f"changed since ({vendors or 'no bar'}, not {entry.seen or 'no bar'}); remove the correction if the "
                    "source is repaired"
                )
            if vendors is None:
                bars.loc[day, ["ratio", "split", "undo"]] = 1.0
            bars.loc[day, ["open", "high", "low", "volume"]] = float("nan")
            for column, value in (("close", entry.close), ("source", entry.source), ("documented", True)):
                bars.loc[day, column] = value
    return bars.sort_index().astype({"documented": bool})


def _seen(bars: pd.DataFrame, day: pd.Timestamp) -> Seen | None:
    """Return the vendor's bar of a day as an entry of `corrections` has it, or None where there is none."""
    if day not in bars.index:
        return None
    close = number_at(bars, day, "close")
    return Seen(close=None if math.isnan(close) else close, volume=int(number_at(bars, day, "volume")))


def in_shares_of(bars: pd.DataFrame, basis: date) -> pd.DataFrame:
    """Return `bars`, as traded, in shares of the day `basis`: splits up to that day are applied, later splits undone.

    A price times the share count of that day is then the market value of that day.
    """
    shares = bars["split"].cumprod()
    known = shares.loc[: str(basis)]
    factor = shares / known.iloc[-1] if len(known) else shares
    return bars.assign(**{name: (bars[name] * factor).map(seven_digits) for name in PRICES})


def seven_digits(price: float) -> float:
    """Return the price without the noise of 32-bit numbers, which carry seven digits."""
    return float(f"{price:.7g}")


def judge(bars: pd.DataFrame, sessions: pd.DatetimeIndex) -> Judgement:
    """Return the faults of `bars`, in shares of one day; each of the `sessions` must have a bar.

    Bars after the last session belong to a session that is not over: they are not judged, but bear witness to earlier bars.
    """
    judgement = Judgement()
    _judge_days(bars, sessions, judgement)
    _judge_prices(bars.loc[bars.index.intersection(sessions)], judgement)
    _judge_order(bars, judgement)
    sound = bars["close"].where(bars["close"] > 0).drop(index=list(judgement.bars), errors="ignore").dropna()
    _judge_levels(bars, sound, judgement)
    judgement.bars = dict(sorted(judgement.bars.items()))
    judgement.cells = {(day, name): fault for (day, name), fault in judgement.cells.items() if day not in judgement.bars}
    return judgement


def _judge_days(bars: pd.DataFrame, sessions: pd.DatetimeIndex, judgement: Judgement) -> None:
    """Judge whether each session has a bar and each bar a session; trading between sessions makes the calendar doubtful."""
    days = days_of(bars)
    for day in sessions.difference(days):
        judgement.bars[day] = Fault("missing", "the vendor has no bar for this session")
    last = sessions[-1] if len(sessions) else days[-1]
    before = bars["close"].ffill().shift()
    closed = ~days.isin(sessions) & (days <= last) & bars["close"].notna()
    for day in days[closed]:
        judgement.bars[day] = Fault("closed", "the vendor has a bar, but the exchange was closed")
        if number_at(bars, day, "volume") > 0 or number_at(bars, day, "close") != before[day]:
            judgement.breaks[day] = Fault("closed", "the vendor has a bar with another price, but the exchange was closed")


def _judge_prices(bars: pd.DataFrame, judgement: Judgement) -> None:
    """Judge whether each close is a price, other cells are near it, and no bar repeats the bar before without trading."""
    bars = bars[~bars["documented"]]
    close, days = bars["close"], days_of(bars)
    for day in days[~(np.isfinite(close) & (close > 0))]:
        problem = "the close is missing" if pd.isna(close[day]) else f"the close is {close[day]:g}, which is no price"
        judgement.bars[day] = Fault("close", problem)
    before = close.where(close > 0).ffill().shift()
    others = bars[PRICES[:-1]]
    near = others.div(close, axis=0).sub(1).abs().le(MAX_CHANGE) | others.div(before, axis=0).sub(1).abs().le(MAX_CHANGE)
    wrong = ~(near & np.isfinite(others) & (others > 0))
    for name in PRICES[:-1]:
        for day in days[wrong[name]]:
            judgement.cells[day, name] = _cell_fault(number_at(others, day, name), close[day])
    for day in days[(wrong & (others > 0)).all(axis=1) & before.isna()]:
        judgement.bars[day] = _order_fault(bars, day)  # no earlier close supports this one against the three
    _judge_stale(bars, before, judgement)


def _cell_fault(price: float, close: float) -> Fault:
    if math.isnan(price) or price == 0:
        return Fault("missing", "it is missing")
    times = _times(_unit_power(price / close)) if 0 < price < np.inf and close > 0 else ""
    return Fault(
        "far", f"it is {price:g}, {times} the close, {close:g}" if times else f"it is {price:g}, the close {close:g}"
    )


def _judge_stale(bars: pd.DataFrame, before: pd.Series, judgement: Judgement) -> None:
    """Judge closes that are repeated without trading, where trading is counted at all.

    Where nothing has a volume, as for an index, flat bars that repeat the close before are judged unless all bars are flat.
    """
    is_counted, flat = bool(bars["volume"].gt(0).any()), bars[PRICES].eq(bars["close"], axis=0).all(axis=1)
    repeated = bars["close"].eq(before)
    stale = repeated & bars["volume"].eq(0) & (is_counted | (flat & (not flat.all())))
    days = days_of(bars)
    for day in days[stale]:
        judgement.bars[day] = Fault(
            "stale", f"nothing was traded (volume 0) and the close before, {number_at(bars, day, 'close'):g}, is repeated"
        )
    copied = bars[PRICES].eq(bars[PRICES].shift()).all(axis=1) & ~flat & ~stale
    for day in days[copied]:
        if number_at(bars, day, "volume") > 0 and bars["volume"].eq(bars["volume"].shift())[day]:
            judgement.bars[day] = Fault("copied", "all prices and the volume are those of the bar before")
        else:
            judgement.repeats[day] = Fault("repeated", "all four prices are those of the bar before")


def _judge_order(bars: pd.DataFrame, judgement: Judgement) -> None:
    """Judge whether no high lies below another price of its bar and no low above one."""
    kept = bars[PRICES].copy()
    for day, name in judgement.cells:
        kept.at[day, name] = float("nan")
    least, most = 1 - ROUNDING, 1 + ROUNDING
    wrong = (kept["high"] < kept[["low", "close"]].max(axis=1) * least) | (kept["low"] > kept["close"] * most)
    days = days_of(kept)
    for day in days[wrong & ~days.isin(list(judgement.bars)) & ~bars["documented"]]:
        judgement.bars[day] = _order_fault(bars, day)
    for name, outside in (("high", kept["open"] > kept["high"] * most), ("low", kept["open"] < kept["low"] * least)):
        for day in days[outside & ~days.isin(list(judgement.bars))]:
            side = "above the high" if name == "high" else "below the low"
            fault = Fault(
                "outside", f"the open, {number_at(bars, day, 'open'):g}, lies {side}, {number_at(bars, day, name):g}"
            )
            judgement.cells[day, "open"] = judgement.cells[day, name] = fault


def _order_fault(bars: pd.DataFrame, day: pd.Timestamp) -> Fault:
    close, high, low = (f"{number_at(bars, day, name)}" for name in ("close", "high", "low"))
    return Fault("order", f"close {close}, high {high} and low {low} cannot be right")


def judge_intraday(bars: pd.DataFrame, known: Sequence[float]) -> dict[pd.Timestamp, Fault]:
    """Return the faults of the bars of one day, by time: open, high, low and close, against `known` prices of that day.

    Each price must be near a known price or near the last close without a fault, and no high may lie below another price.
    """
    faults: dict[pd.Timestamp, Fault] = {}
    near = list(known)
    for time, prices in zip(days_of(bars), bars[PRICES].itertuples(index=False), strict=True):
        bar = dict(zip(PRICES, map(float, prices), strict=True))
        far = [name for name in PRICES if not _is_near(bar[name], near)]
        if far:
            of_the_day = " and ".join(f"{price:g}" for price in known)
            faults[time] = Fault("far", f"the {far[0]} is {bar[far[0]]:g}, where prices of the day are {of_the_day}")
        elif bar["high"] < max(bar.values()) * (1 - ROUNDING) or bar["low"] > min(bar.values()) * (1 + ROUNDING):
            cells = ", ".join(f"{name} {bar[name]:g}" for name in PRICES)
            faults[time] = Fault("order", f"{cells} cannot be right")
        else:
            near = [*known, bar["close"]]
    return faults


def _is_near(price: float, others: Sequence[float]) -> bool:
    return price > 0 and any(abs(price / other - 1) <= MAX_CHANGE for other in others)


def _judge_levels(bars: pd.DataFrame, close: pd.Series, judgement: Judgement) -> None:
    """Judge closes that jump: away and back, by a unit, by the ratio of a split, or for no known reason."""
    jumps = _jumps(close, bars["documented"])
    jumps = _away_and_back(close, jumps, judgement)
    close = close.drop(index=list(judgement.bars), errors="ignore")
    jumps = _judge_units(bars, close, jumps, judgement)
    jumps = _judge_splits(bars, close, jumps, judgement)
    for day, before in jumps.items():
        judgement.breaks[day] = Fault("jump", f"the close jumps from {before:g} to {close[day]:g} without a split")


def _jumps(close: pd.Series, documented: pd.Series) -> dict[pd.Timestamp, float]:
    """Return the days on which the close changed by more than `MAX_CHANGE`, each with the close before."""
    before = close.shift()
    far = (close / before - 1).abs().gt(MAX_CHANGE) & ~documented.reindex(close.index)
    return {day: float(before[day]) for day in days_of(close)[far]}


def _away_and_back(close: pd.Series, jumps: dict[pd.Timestamp, float], judgement: Judgement) -> dict[pd.Timestamp, float]:
    """Return the jumps that remain after taking out bars whose close jumped away and came back soon after."""
    left: dict[pd.Timestamp, float] = {}
    over: pd.Timestamp | None = None
    for day, before in jumps.items():
        if over is not None and day <= over:
            continue
        start = int(days_of(close).searchsorted(day))
        back = _back(close.iloc[start : start + MAX_BARS_AWAY + 1], before)
        if back is None:
            left[day] = before
            continue
        over = back
        times = _times(_unit_power(close[day] / before))
        how = f"the close jumps from {before:g} to {close[day]:g}{times and f', {times} it,'} without a split"
        for away in days_of(close.loc[day:back])[:-1]:
            judgement.bars[away] = Fault("jump", f"{how}, and is back on {back:%Y-%m-%d}")
    return left


def _back(after: pd.Series, level: float) -> pd.Timestamp | None:
    """Return the first day on which the close is back near the `level` before the jump that `after` begins with, or None."""
    for last, price, day in zip(after, after.iloc[1:], days_of(after)[1:], strict=False):
        if abs(price / level - 1) <= MAX_CHANGE and abs(np.log(price / level)) < abs(np.log(price / last)):
            return day
    return None


def _unit_power(ratio: float) -> int:
    """Return the power of ten by which units seem to be mixed up, allowing for a day's own move; 0 where they do not."""
    power = round(float(np.log10(ratio)))
    return power if abs(power) >= MIN_UNIT_POWER and abs(np.log10(ratio) - power) <= np.log10(1 + MAX_CHANGE) else 0


def _times(power: int) -> str:
    """Return a power of ten in words, '100 times' or '1/100 of'; nothing for the power 0."""
    return f"{10**power:,} times" if power > 0 else f"1/{10**-power:,} of" if power else ""


def _judge_units(
    bars: pd.DataFrame, close: pd.Series, jumps: dict[pd.Timestamp, float], judgement: Judgement
) -> dict[pd.Timestamp, float]:
    """Return the jumps that no mix-up of units explains; bars on another level than the last bars are doubted.

    The vendor's currency is taken to be that of its last bars, which are doubted too until their level has settled.
    """
    listed = bars["ratio"][(bars["ratio"] != 1) & (bars["ratio"] > 0) & np.isfinite(bars["ratio"])]
    moves = _moves(bars, close)
    powers = {
        day: power
        for day, before in jumps.items()
        if (power := _unit_power(close[day] / before))
        and not any(day in _turns(moves, split, ratio, jumps) for split, ratio in zip(days_of(listed), listed, strict=True))
    }
    if not powers:
        return jumps
    level = pd.Series(0, index=close.index)
    for day, power in powers.items():
        level.loc[: day - pd.Timedelta(days=1)] -= power
    in_currency = level.eq(0)
    is_settled = in_currency.sum() >= SETTLED_BARS or in_currency.mean() > 0.5
    doubted = ~in_currency if is_settled else in_currency | ~in_currency
    for day in days_of(close)[doubted & ~bars["documented"].reindex(close.index)]:
        turn = _nearest(powers, day)
        judgement.bars[day] = Fault(
            "unit",
            f"the closes change by a unit on {turn:%Y-%m-%d}, from {jumps[turn]:g} to {close[turn]:g}, "
            f"{_times(powers[turn])} it, and the vendor gives one currency for both",
        )
    return {day: before for day, before in jumps.items() if day not in powers}


def _nearest(days: Iterable[pd.Timestamp], day: pd.Timestamp) -> pd.Timestamp:
    return min(days, key=lambda other: abs(other - day))


def _turns(moves: pd.Series, day: pd.Timestamp, ratio: float, jumps: Iterable[pd.Timestamp]) -> pd.DatetimeIndex:
    """Return the days on which closes change as if earlier closes were not divided by a split's ratio, or divided twice.

    Where a vendor has not divided old closes, or has another day for the split, there is a jump before `day` or a change
    near it. Neither shows for a ratio that is no larger than a day's own move. `moves` are from `_moves`.
    """
    size, days = abs(np.log(ratio)), days_of(moves)
    by_ratio = (moves.abs() - size).abs() < min(np.log(1 + MAX_OWN_MOVE), size / 2)
    near = (days >= day - MAX_TWIN_GAP) & (days <= day + MAX_TWIN_GAP)
    in_reach = near | ((days < day) & days.isin(list(jumps)))
    return pd.DatetimeIndex(days[by_ratio & in_reach & (size >= np.log(MIN_VISIBLE_RATIO))])


def _moves(bars: pd.DataFrame, close: pd.Series) -> pd.Series:
    """Return the logarithm of each close divided by the close before; NaN where the close is documented."""
    return pd.Series(np.log(close / close.shift())).where(~bars["documented"].reindex(close.index))


def _judge_splits(
    bars: pd.DataFrame, close: pd.Series, jumps: dict[pd.Timestamp, float], judgement: Judgement
) -> dict[pd.Timestamp, float]:
    """Return the jumps that no listed split explains; bars before a contradiction of a split are doubted."""
    ratios = bars["ratio"][bars["ratio"] != 1]
    unexplained, moves = dict(jumps), _moves(bars, close)
    for day, ratio in zip(days_of(ratios), ratios, strict=True):
        if not (0 < ratio < np.inf):
            _doubt(judgement, bars, close, day, f"lists a split by {ratio:g} on {day:%Y-%m-%d}, which is no ratio")
            continue
        split = f"a split of {as_ratio(ratio)} on {day:%Y-%m-%d}"
        if not is_of_shares(ratio):
            why = f"the vendor lists {as_ratio(ratio)} on {day:%Y-%m-%d} as a split, a ratio that no split of shares has"
            judgement.ratios[day] = Fault("ratio", why)
        turns = _turns(moves, day, ratio, jumps)
        twins = [twin for twin in days_of(ratios) if day < twin <= day + MAX_TWIN_GAP and ratios[twin] == ratio]
        for turn in turns:
            unexplained.pop(turn, None)
            moved = f"its closes go from {close.shift()[turn]:g} to {close[turn]:g} on {turn:%Y-%m-%d}"
            _doubt(judgement, bars, close, turn, f"lists {split}, and {moved} {UNDIVIDED}")
        if turns.empty and twins:
            _doubt(judgement, bars, close, twins[0], f"lists {split}, and again on {twins[0]:%Y-%m-%d}")
        elif turns.empty and (contradiction := _contradiction(close, day, ratio)):
            _doubt(judgement, bars, close, day, f"lists {split}, and {contradiction}")
    return unexplained


def _doubt(judgement: Judgement, bars: pd.DataFrame, close: pd.Series, day: pd.Timestamp, finding: str) -> None:
    """Put every undocumented bar before a day in doubt, because of what the vendor says about a split."""
    judgement.splits[day] = Fault("split", f"the vendor {finding}")
    for doubted in days_of(close)[(close.index < day) & ~bars["documented"].reindex(close.index)]:
        judgement.bars[doubted] = judgement.splits[day]


def _contradiction(close: pd.Series, day: pd.Timestamp, ratio: float) -> str | None:
    """Return how the closes around a split contradict it, or None: in shares of one day they must continue across it."""
    before, after = close[close.index < day].tail(WITNESSES), close[close.index >= day].head(WITNESSES)
    if before.empty:
        return None
    if after.empty:
        return "has no close since by which it could be told whether those before are divided by it"
    moved, size = np.log(after.median() / before.median()), abs(np.log(ratio))
    if size < np.log(MIN_VISIBLE_RATIO) or abs(moved) <= size / 2:
        return None
    return f"its closes go from {before.iloc[-1]:g} to {after.iloc[0]:g} on that day {UNDIVIDED}"


def is_of_shares(ratio: float) -> bool:
    """Return whether a split of shares can have this ratio: whole numbers of new and old shares, at most 100 old ones."""
    larger = max(ratio, 1 / ratio)
    nearest = Fraction(larger).limit_denominator(MAX_OLD_SHARES)
    return abs(float(nearest) / larger - 1) <= ROUNDING


def as_ratio(ratio: float) -> str:
    """Return the ratio of a split as two whole numbers, '10:1', or, if it is no split's ratio, as '1.281:1'."""
    if not is_of_shares(ratio):
        return f"{ratio:g}:1"
    larger = Fraction(max(ratio, 1 / ratio)).limit_denominator(MAX_OLD_SHARES)
    pair = (larger.numerator, larger.denominator)
    return "{}:{}".format(*(pair if ratio >= 1 else pair[::-1]))
