"""Daily bars as a vendor gives them: which contradict themselves, their neighbours, or what else the vendor says.

Bars are judged by later ones as well as by earlier ones, since the first may be the wrong one. What is documented in
`data/corrections.yml` takes the place of what a vendor says and is not judged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd

from shockcheck import corrections
from shockcheck.corrections import Seen
from shockcheck.errors import SourceError
from shockcheck.paths import shown

PRICES = ["open", "high", "low", "close"]
# A close further than this from the one before, as a fraction of it, needs a split or a correction: a share seldom loses or
# gains half its price in a session, and a vendor's wrong number seldom differs by less.
JUMP = 0.5
ROUNDING = 1e-6  # seven digits are all that a vendor's numbers carry: a difference below that is none
# A vendor that mixes up units is wrong by 100 (pence, cents, agorot), 1000 (fils) or a higher power of ten. Ten itself is
# left out: it is the ratio of many splits.
UNIT = 2
# Bars on one level after which it is taken for the one that the vendor's currency is of: as long as a month.
SETTLED = 20
BACK = 30  # bars within which a close that jumped away has to come back to be the vendor's fault and not the market's
# What a split divides a price by shows in the closes from this ratio on: a day's own move is seldom a tenth.
VISIBLE = 1.2
OLD_SHARES = 100  # new shares are given for up to so many old ones, in whole percent; 1281 for 1000 is a spin-off's ratio
TWIN = timedelta(days=30)  # two splits by one ratio within a month are one that is listed twice
NEAR = 0.25  # what closes jump by is a split's ratio where it differs from it by less than this, the day's own move
UNDIVIDED = "as if they were not divided by it, or divided twice"
WITNESSES = 3  # closes on either side of a split by whose median it is judged, so that one wrong close decides nothing


class Fault(NamedTuple):
    """What is wrong: a word for its kind, by which many are told as one, and the sentence for this one."""

    kind: str
    why: str


@dataclass
class Judgement:
    """What of a vendor's bars cannot be computed with, by day.

    `bars` are wrong or in doubt as a whole; `cells` are single prices of a bar, by day and column. No change can be computed
    across a day of `breaks`. `splits` are those that the closes contradict, `ratios` those by a ratio that no split of
    shares has. `repeats` may be right, or a copy of the bar before.
    """

    bars: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    cells: dict[tuple[pd.Timestamp, str], Fault] = field(default_factory=dict)
    breaks: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    splits: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    ratios: dict[pd.Timestamp, Fault] = field(default_factory=dict)
    repeats: dict[pd.Timestamp, Fault] = field(default_factory=dict)


def corrected(symbol: str, bars: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """`bars`, as traded, with the documented closes of `symbol` from `first` to `last`, which a column `documented` marks.

    A corrected bar has a close alone, and in `source` where it is from. Raises SourceError where the vendor's bar is no
    longer the one that was seen.
    """
    bars = bars.assign(documented=False)
    for entry in corrections.of_bars(symbol):
        day = pd.Timestamp(entry.date)
        if first <= entry.date <= last:
            vendors = _seen(bars, day)
            if vendors != entry.seen:
                raise SourceError(
                    f"{shown(corrections.FILE)} corrects {symbol} on {entry.date}, but the vendor's bar has changed since "
                    f"({vendors or 'no bar'}, not {entry.seen or 'no bar'}); remove the correction if the source is repaired"
                )
            if vendors is None:
                bars.loc[day, ["ratio", "split", "undo"]] = 1.0
            bars.loc[day, ["open", "high", "low", "volume"]] = float("nan")
            bars.loc[day, ["close", "source", "documented"]] = [entry.close, entry.source, True]
    return bars.sort_index().astype({"documented": bool})


def _seen(bars: pd.DataFrame, day: pd.Timestamp) -> Seen | None:
    """The vendor's bar of a day as an entry of `corrections` names it, None where there is none."""
    if day not in bars.index:
        return None
    close = bars.at[day, "close"]
    return Seen(close=None if pd.isna(close) else close, volume=int(bars.at[day, "volume"]))


def in_shares_of(bars: pd.DataFrame, basis: date) -> pd.DataFrame:
    """`bars`, as traded, in shares of the day `basis`: splits up to it are applied and later ones undone.

    A price times the share count of that day is then the market value of that day.
    """
    shares = bars["split"].cumprod()
    known = shares.loc[: str(basis)]
    factor = shares / known.iloc[-1] if len(known) else shares
    return bars.assign(**{name: (bars[name] * factor).map(seven_digits) for name in PRICES})


def seven_digits(price: float) -> float:
    """The price without the noise of 32-bit numbers, which carry seven digits."""
    return float(f"{price:.7g}")


def judge(bars: pd.DataFrame, sessions: pd.DatetimeIndex) -> Judgement:
    """What is wrong with which of `bars`, in shares of one day, against the `sessions` that there must be a bar for.

    Bars after the last session are of one that is not over: they are not judged, and bear witness of those before.
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
    """Each session has a bar, each bar is of a session; with trading between two sessions the calendar may be wrong."""
    for day in sessions.difference(bars.index):
        judgement.bars[day] = Fault("missing", "the vendor has no bar for this session")
    last = sessions[-1] if len(sessions) else bars.index[-1]
    before = bars["close"].ffill().shift()
    closed = ~bars.index.isin(sessions) & (bars.index <= last) & bars["close"].notna()
    for day in bars.index[closed]:
        judgement.bars[day] = Fault("closed", "the vendor has a bar, but the exchange was closed")
        if bars.at[day, "volume"] > 0 or bars.at[day, "close"] != before[day]:
            judgement.breaks[day] = Fault("closed", "the vendor has a bar with another price, but the exchange was closed")


def _judge_prices(bars: pd.DataFrame, judgement: Judgement) -> None:
    """A close is a price, the other cells are prices of the same day, and no bar repeats the one before without trading."""
    bars = bars[~bars["documented"]]
    close = bars["close"]
    for day in close.index[~(np.isfinite(close) & (close > 0))]:
        what = "the close is missing" if pd.isna(close[day]) else f"the close is {close[day]:g}, which is no price"
        judgement.bars[day] = Fault("close", what)
    before = close.where(close > 0).ffill().shift()
    others = bars[PRICES[:-1]]
    near = others.div(close, axis=0).sub(1).abs().le(JUMP) | others.div(before, axis=0).sub(1).abs().le(JUMP)
    wrong = ~(near & np.isfinite(others) & (others > 0))
    for name in others:
        for day in others.index[wrong[name]]:
            judgement.cells[day, name] = _cell_fault(others.at[day, name], close[day])
    for day in others.index[(wrong & (others > 0)).all(axis=1) & before.isna()]:
        judgement.bars[day] = _order_fault(bars, day)  # nothing before bears the close out against the three
    _judge_stale(bars, before, judgement)


def _cell_fault(price: float, close: float) -> Fault:
    if pd.isna(price) or price == 0:
        return Fault("missing", "it is missing")
    times = _times(_unit_power(price / close)) if 0 < price < np.inf and close > 0 else ""
    return Fault(
        "far", f"it is {price:g}, {times} the close, {close:g}" if times else f"it is {price:g}, the close {close:g}"
    )


def _judge_stale(bars: pd.DataFrame, before: pd.Series, judgement: Judgement) -> None:
    """A close that is repeated without trading is no close, where trading is ever counted.

    Of what has no volume at all, as an index, a flat bar that repeats the close before is none, where others are not flat.
    """
    counted, flat = bars["volume"].gt(0).any(), bars[PRICES].eq(bars["close"], axis=0).all(axis=1)
    repeated = bars["close"].eq(before)
    stale = repeated & bars["volume"].eq(0) & (counted | (flat & ~flat.all()))
    for day in bars.index[stale]:
        judgement.bars[day] = Fault(
            "stale", f"nothing was traded (volume 0) and the close before, {bars.at[day, 'close']:g}, is repeated"
        )
    copied = bars[PRICES].eq(bars[PRICES].shift()).all(axis=1) & ~flat & ~stale
    for day in bars.index[copied]:
        if bars.at[day, "volume"] > 0 and bars["volume"].eq(bars["volume"].shift())[day]:
            judgement.bars[day] = Fault("copied", "all prices and the volume are those of the bar before")
        else:
            judgement.repeats[day] = Fault("repeated", "all four prices are those of the bar before")


def _judge_order(bars: pd.DataFrame, judgement: Judgement) -> None:
    """No high lies below another price of its bar, no low above one."""
    kept = bars[PRICES].copy()
    for day, name in judgement.cells:
        kept.at[day, name] = float("nan")
    least, most = 1 - ROUNDING, 1 + ROUNDING
    wrong = (kept["high"] < kept[["low", "close"]].max(axis=1) * least) | (kept["low"] > kept["close"] * most)
    for day in kept.index[wrong & ~kept.index.isin(list(judgement.bars)) & ~bars["documented"]]:
        judgement.bars[day] = _order_fault(bars, day)
    for name, outside in (("high", kept["open"] > kept["high"] * most), ("low", kept["open"] < kept["low"] * least)):
        for day in kept.index[outside & ~kept.index.isin(list(judgement.bars))]:
            side = "above the high" if name == "high" else "below the low"
            fault = Fault("outside", f"the open, {bars.at[day, 'open']:g}, lies {side}, {bars.at[day, name]:g}")
            judgement.cells[day, "open"] = judgement.cells[day, name] = fault


def _order_fault(bars: pd.DataFrame, day: pd.Timestamp) -> Fault:
    close, high, low = (f"{bars.at[day, name]}" for name in ("close", "high", "low"))
    return Fault("order", f"close {close}, high {high} and low {low} cannot be right")


def judge_intraday(bars: pd.DataFrame, known: Sequence[float]) -> dict[pd.Timestamp, Fault]:
    """What is wrong with which bar of one day: open, high, low and close by time, by prices that are `known` of that day.

    Each price must be near one of those, or near the close of the last bar without a fault; no high lies below another.
    """
    faults, near = {}, list(known)
    for time, bar in bars[PRICES].iterrows():
        far = [name for name in PRICES if not _is_near(bar[name], near)]
        if far:
            prices = " and ".join(f"{price:g}" for price in known)
            faults[time] = Fault("far", f"the {far[0]} is {bar[far[0]]:g}, where prices of the day are {prices}")
        elif bar["high"] < bar.max() * (1 - ROUNDING) or bar["low"] > bar.min() * (1 + ROUNDING):
            cells = ", ".join(f"{name} {bar[name]:g}" for name in PRICES)
            faults[time] = Fault("order", f"{cells} cannot be right")
        else:
            near = [*known, bar["close"]]
    return faults


def _is_near(price: float, others: Sequence[float]) -> bool:
    return price > 0 and any(abs(price / other - 1) <= JUMP for other in others)


def _judge_levels(bars: pd.DataFrame, close: pd.Series, judgement: Judgement) -> None:
    """Closes that jump: away and back, by a unit, by what a split divides by, or without a reason that can be told."""
    jumps = _jumps(close, bars["documented"])
    jumps = _away_and_back(close, jumps, judgement)
    close = close.drop(index=list(judgement.bars), errors="ignore")
    jumps = _judge_units(bars, close, jumps, judgement)
    jumps = _judge_splits(bars, close, jumps, judgement)
    for day, before in jumps.items():
        judgement.breaks[day] = Fault("jump", f"the close jumps from {before:g} to {close[day]:g} without a split")


def _jumps(close: pd.Series, documented: pd.Series) -> dict[pd.Timestamp, float]:
    """The days whose close is further than `JUMP` from that of the day before, with that close."""
    before = close.shift()
    far = (close / before - 1).abs().gt(JUMP) & ~documented.reindex(close.index)
    return {day: float(before[day]) for day in close.index[far]}


def _away_and_back(close: pd.Series, jumps: dict[pd.Timestamp, float], judgement: Judgement) -> dict[pd.Timestamp, float]:
    """The jumps that are left once bars are taken out whose close jumped away and came back soon after."""
    left, over = {}, None
    for day, before in jumps.items():
        if over is not None and day <= over:
            continue
        start = close.index.get_loc(day)
        back = _back(close.iloc[start : start + BACK + 1], before)
        if back is None:
            left[day] = before
            continue
        over = back
        times = _times(_unit_power(close[day] / before))
        how = f"the close jumps from {before:g} to {close[day]:g}{times and f', {times} it,'} without a split"
        for away in close.loc[day:back].index[:-1]:
            judgement.bars[away] = Fault("jump", f"{how}, and is back on {back:%Y-%m-%d}")
    return left


def _back(after: pd.Series, level: float) -> pd.Timestamp | None:
    """The first close after one that jumped, the first of `after`, that is nearer to the `level` before than to the last."""
    for (_, last), (day, price) in zip(after.items(), after.iloc[1:].items(), strict=False):
        if abs(price / level - 1) <= JUMP and abs(np.log(price / level)) < abs(np.log(price / last)):
            return day
    return None


def _unit_power(ratio: float) -> int:
    """The power of ten that a ratio is, but for a day's own move, where units are mixed up by it; else 0."""
    power = round(float(np.log10(ratio)))
    return power if abs(power) >= UNIT and abs(np.log10(ratio) - power) <= np.log10(1 + JUMP) else 0


def _times(power: int) -> str:
    """A power of ten in words, '100 times' or '1/100 of'; nothing for none."""
    return f"{10**power:,} times" if power > 0 else f"1/{10**-power:,} of" if power else ""


def _judge_units(
    bars: pd.DataFrame, close: pd.Series, jumps: dict[pd.Timestamp, float], judgement: Judgement
) -> dict[pd.Timestamp, float]:
    """The jumps that are by no unit; bars on another level than the last are doubted, and the last too until it has settled.

    The vendor's currency is that of its last bars: it does not say that earlier ones were in another unit.
    """
    listed = bars["ratio"][(bars["ratio"] != 1) & (bars["ratio"] > 0) & np.isfinite(bars["ratio"])]
    moves = _moves(bars, close)
    powers = {
        day: power
        for day, before in jumps.items()
        if (power := _unit_power(close[day] / before))
        and not any(day in _turns(moves, split, ratio, jumps) for split, ratio in listed.items())
    }
    if not powers:
        return jumps
    level = pd.Series(0, index=close.index)
    for day, power in powers.items():
        level.loc[: day - pd.Timedelta(days=1)] -= power
    own = level.eq(0)
    doubted = ~own if own.sum() >= SETTLED or own.mean() > 0.5 else own | ~own
    for day in close.index[doubted & ~bars["documented"].reindex(close.index)]:
        turn = min(powers, key=lambda change: abs(change - day))
        judgement.bars[day] = Fault(
            "unit",
            f"the closes change by a unit on {turn:%Y-%m-%d}, from {jumps[turn]:g} to {close[turn]:g}, "
            f"{_times(powers[turn])} it, and the vendor gives one currency for both",
        )
    return {day: before for day, before in jumps.items() if day not in powers}


def _turns(moves: pd.Series, day: pd.Timestamp, ratio: float, jumps: Iterable[pd.Timestamp]) -> pd.DatetimeIndex:
    """The days on which closes change as if those before were not divided by the ratio of a split of `day`, or twice.

    A vendor that has not divided old closes, or has another day for the split, shows it by a jump before, or by any change
    near the day. Neither can be told of a ratio that is no larger than a day's own move. `moves` are by `_moves`.
    """
    size, days = abs(np.log(ratio)), moves.index
    by_ratio = (moves.abs() - size).abs() < min(np.log(1 + NEAR), size / 2)
    in_reach = (abs(days - day) <= TWIN) | ((days < day) & days.isin(list(jumps)))
    return days[by_ratio & in_reach & (size >= np.log(VISIBLE))]


def _moves(bars: pd.DataFrame, close: pd.Series) -> pd.Series:
    """The logarithm of what each close is of the one before; none into one that is documented."""
    return np.log(close / close.shift()).where(~bars["documented"].reindex(close.index))


def _judge_splits(
    bars: pd.DataFrame, close: pd.Series, jumps: dict[pd.Timestamp, float], judgement: Judgement
) -> dict[pd.Timestamp, float]:
    """The jumps that no listed split explains; bars before what contradicts a split are doubted."""
    ratios = bars["ratio"][bars["ratio"] != 1]
    unexplained, moves = dict(jumps), _moves(bars, close)
    for day, ratio in ratios.items():
        if not (0 < ratio < np.inf):
            _doubt(judgement, bars, close, day, f"lists a split by {ratio:g} on {day:%Y-%m-%d}, which is no ratio")
            continue
        split = f"a split of {as_ratio(ratio)} on {day:%Y-%m-%d}"
        if not is_of_shares(ratio):
            why = f"the vendor lists {as_ratio(ratio)} on {day:%Y-%m-%d} as a split, a ratio that no split of shares has"
            judgement.ratios[day] = Fault("ratio", why)
        turns = _turns(moves, day, ratio, jumps)
        twins = [twin for twin in ratios.index if day < twin <= day + TWIN and ratios[twin] == ratio]
        for turn in turns:
            unexplained.pop(turn, None)
            moved = f"its closes go from {close.shift()[turn]:g} to {close[turn]:g} on {turn:%Y-%m-%d}"
            _doubt(judgement, bars, close, turn, f"lists {split}, and {moved} {UNDIVIDED}")
        if turns.empty and twins:
            _doubt(judgement, bars, close, twins[0], f"lists {split}, and again on {twins[0]:%Y-%m-%d}")
        elif turns.empty and (contradiction := _contradiction(close, day, ratio)):
            _doubt(judgement, bars, close, day, f"lists {split}, and {contradiction}")
    return unexplained


def _doubt(judgement: Judgement, bars: pd.DataFrame, close: pd.Series, day: pd.Timestamp, what: str) -> None:
    """Put every bar before a day in doubt, but those that are documented, by what the vendor says of a split."""
    judgement.splits[day] = Fault("split", f"the vendor {what}")
    for doubted in close.index[(close.index < day) & ~bars["documented"].reindex(close.index)]:
        judgement.bars[doubted] = judgement.splits[day]


def _contradiction(close: pd.Series, day: pd.Timestamp, ratio: float) -> str | None:
    """How the closes around a split contradict it, or None: in the shares of one day they must go on across it."""
    before, after = close[close.index < day].tail(WITNESSES), close[close.index >= day].head(WITNESSES)
    if before.empty:
        return None
    if after.empty:
        return "has no close since by which it could be told whether those before are divided by it"
    moved, size = np.log(after.median() / before.median()), abs(np.log(ratio))
    if size < np.log(VISIBLE) or abs(moved) <= size / 2:
        return None
    return f"its closes go from {before.iloc[-1]:g} to {after.iloc[0]:g} on that day {UNDIVIDED}"


def is_of_shares(ratio: float) -> bool:
    """Whether so many new shares can have been given for one: for some whole number of old ones up to a hundred."""
    larger = max(ratio, 1 / ratio)
    nearest = Fraction(larger).limit_denominator(OLD_SHARES)
    return abs(float(nearest) / larger - 1) <= ROUNDING


def as_ratio(ratio: float) -> str:
    """The ratio of a split as two whole numbers, '10:1', or for one that is no split's as a number for one, '1.281:1'."""
    if not is_of_shares(ratio):
        return f"{ratio:g}:1"
    larger = Fraction(max(ratio, 1 / ratio)).limit_denominator(OLD_SHARES)
    pair = (larger.numerator, larger.denominator)
    return "{}:{}".format(*(pair if ratio >= 1 else pair[::-1]))
