"""Measures: pure functions of numbers or tables. They know no file, share or day.

The last line of a measure marked `derived` is its formula. Given quantities, such a measure returns a quantity, with its
derivation.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TypeVar

import pandas as pd

from shockcheck.errors import ParameterError
from shockcheck.quantities import Quantity, check_above_zero, check_band, derived
from shockcheck.quantities.quantity import Bar
from shockcheck.units import Money, Rate, convert, parse_rate

__all__ = [
    "at_other_rates",
    "converted",
    "cost",
    "daily_losses",
    "days_above",
    "each_converted",
    "electricity_gwh",
    "falling_days",
    "gain_or_loss",
    "last_quarters",
    "loss_ranking",
    "losses_by_count",
    "market_value",
    "market_value_change",
    "market_value_loss",
    "percent_change",
    "percent_changes",
    "percent_regained",
    "price_earnings",
    "rank",
    "rank_from_below",
    "spans_inside",
    "total",
    "trailing_earnings",
    "up_or_down",
]

Numbers = TypeVar("Numbers", float, pd.Series)  # one number, or a column of them


@derived("percent")
def percent_change(before: float, after: Numbers) -> Numbers:
    """Return the change from `before` to `after` in percent of `before`: 100 (after / before - 1)."""
    return 100 * (after / before - 1)


def percent_changes(bar: Bar | pd.Series, before: float) -> tuple[float, float | None, float | None]:
    """Return a bar's close, low and high as changes in percent from the price `before`; None for an unknown low or high."""
    low, high = (None if pd.isna(price) else percent_change(before, price) for price in (bar.low, bar.high))
    return percent_change(before, bar.close), low, high


def gain_or_loss(change: float) -> str:
    """Return what a change is called by its sign: 'gain', 'loss', or 'change' for zero."""
    return "gain" if change > 0 else "loss" if change < 0 else "change"


def up_or_down(change: float) -> str:
    """Return the word before a change without its sign: 'up', 'down', or 'change of' where there is none."""
    return "up" if change > 0 else "down" if change < 0 else "change of"


def _billions(price: Quantity, shares: Quantity) -> str:
    return str(Money(price.unit, "billion"))


@derived(_billions)
def market_value(price: Numbers, shares: float) -> Numbers:
    """Return the market value in billions of the price's currency: price x shares / 10^9."""
    return price * shares / 1e9


def _billions_between(before: Quantity, after: Quantity, shares: Quantity) -> str:
    return _billions(before, shares)


@derived(_billions_between)
def market_value_loss(before: float, after: float, shares: float) -> float:
    """Return the market value lost in a fall, in billions, negative for a rise: (before - after) x shares / 10^9."""
    return (before - after) * shares / 1e9


@derived(_billions_between)
def market_value_change(before: float, after: float, shares: float) -> float:
    """Return the change of the market value with the price, in billions, signed: (after - before) x shares / 10^9."""
    return (after - before) * shares / 1e9


def _other_currency(amount: Quantity, rate: Quantity) -> str:
    return convert(amount.unit, rate.unit)


@derived(_other_currency)
def converted(amount: Numbers, rate: float) -> Numbers:
    """Return a sum in another currency: amount / rate, where rate is the price of one unit of the other currency."""
    return amount / rate


def losses_by_count(
    before: float, after: float, counts: pd.Series, used: float, measure: Callable[..., float] = market_value_loss
) -> dict[str, float]:
    """Return the loss of market value, in billions, with every share count except `used`.

    The labels are like 'share count of 07 Mar 2001'. `counts` is indexed by the day of each count; `measure` may be
    `market_value_change` for the change with its sign.
    """
    dated = zip(pd.DatetimeIndex(counts.index), counts, strict=True)
    return {f"share count of {day:%d %b %Y}": measure(before, after, count) for day, count in dated if count != used}


def each_converted(amounts: Mapping[str, float], rate: float, label: str = "{}") -> dict[str, float]:
    """Return several sums in another currency at one rate, by their names as put into `label`."""
    return {label.format(name): converted(amount, rate) for name, amount in amounts.items()}


def at_other_rates(amount: float, rates: Mapping[str, float], used: float) -> dict[str, float]:
    """Return a sum in another currency at every rate except `used`, by labels like 'the ECB rate of 7 Mar'.

    The names of the rates are publisher and day, as in 'ECB, 7 Mar'.
    """
    return {_rate_label(name): converted(amount, rate) for name, rate in rates.items() if rate != used}


def _rate_label(name: str) -> str:
    publisher, _, day = name.rpartition(", ")
    return f"the {publisher} rate of {day}" if publisher else f"the rate of {day}"


def daily_losses(closes: pd.Series, shares: float, rate: float | None = None) -> pd.Series:
    """Return the market value lost from each close to the next where the price fell, in billions, indexed by day.

    The losses are in the currency of the closes, or `converted` at one exchange rate `rate`.
    """
    losses = {
        day: market_value_loss(before, after, shares)
        for (_, before), (day, after) in pairwise(closes.dropna().items())
        if after < before
    }
    if rate is not None:
        losses = {day: converted(loss, rate) for day, loss in losses.items()}
    return pd.Series(losses, dtype=closes.dtype)


def loss_ranking(published: pd.DataFrame, recomputed: pd.Series, company: str, symbol: str, until: str) -> pd.DataFrame:
    """Return the one-day losses up to the day `until`, one row per company and day, largest first.

    `published` has columns company, symbol, date, loss_usd_bn, publisher, source, status, and may have several rows for a
    day: the largest counts, so that a record has to beat every source. `recomputed` holds the losses of the share `symbol`
    in billion USD by date; they replace the published ones. The result has the columns of `published`.
    """
    rows = pd.DataFrame({"date": recomputed.index, "loss_usd_bn": recomputed.to_numpy()}).assign(
        company=company, symbol=symbol, publisher="recomputed here", source="recomputed here", status="recomputed"
    )
    others = published.sort_values("loss_usd_bn", ascending=False, kind="stable")
    every = pd.concat([rows, others], join="inner").drop_duplicates(["symbol", "date"])
    every = every[every["date"] <= pd.Timestamp(until)]
    return every.sort_values("loss_usd_bn", ascending=False, kind="stable", ignore_index=True)


@derived("rank")
def rank(value: float, others: Iterable[float]) -> int:
    """Return the place of `value` among `others` from the largest down: 1 + how many are larger."""
    return 1 + sum(other > value for other in others)


@derived("rank")
def rank_from_below(value: float, others: Iterable[float]) -> int:
    """Return the place of `value` among `others` from the smallest up, as for falls: 1 + how many are smaller."""
    return 1 + sum(other < value for other in others)


@derived("days")
def days_above(values: Iterable[float], bound: float) -> int:
    """Return on how many days a daily value was above a bound in its unit."""
    return sum(value > bound for value in values)


@derived("percent of the loss")
def percent_regained(before: float, bottom: float, after: Numbers) -> Numbers:
    """Return how much of the loss from `before` to `bottom` a price `after` has recovered, in percent of that loss.

    100 (after - bottom) / (before - bottom). Raises ParameterError where there was no loss.
    """
    if not bottom < before:
        raise ParameterError(f"there is no loss to regain: the price went from {before} to {bottom}")
    return 100 * (after - bottom) / (before - bottom)


def spans_inside(path: pd.Series, low: float, high: float) -> pd.DataFrame:
    """Return the unbroken stretches of `path` within [low, high], with columns first, last (index labels) and bars (points).

    A point is the close of a bar: a stretch says nothing about prices between two closes. Raises ParameterError for a band
    that does not run from a number up to another.
    """
    check_band(low, high)
    inside = path.between(low, high)
    stretch = (inside != inside.shift()).cumsum()[inside]
    labels = stretch.index.to_series()
    stretches = labels.groupby(stretch).agg(first="first", last="last", bars="size")
    return pd.DataFrame(stretches).reset_index(drop=True)


def _unit_of_first(parts: tuple[Quantity, ...]) -> str:
    return parts[0].unit


@derived(_unit_of_first)
def total(parts: Iterable[float]) -> float:
    """Return the sum of the parts, in their unit."""
    return sum(parts)


def _millions(gpu_hours: Quantity, price_per_gpu_hour: Quantity) -> str:
    price = parse_rate(price_per_gpu_hour.unit)
    return str(Money(price.currency if price else "", "million"))


@derived(_millions)
def cost(gpu_hours: Numbers, price_per_gpu_hour: float) -> Numbers:
    """Return what computing time costs at one price per hour, in millions: gpu_hours x price_per_gpu_hour / 10^6.

    Raises ParameterError for a price that is not a number above 0.
    """
    check_above_zero("price_per_gpu_hour", price_per_gpu_hour)
    return gpu_hours * price_per_gpu_hour / 1e6


@derived("times")
def price_earnings(price: Numbers, earnings_per_share: float) -> Numbers:
    """Return the price as a multiple of the earnings per share of four quarters: price / earnings_per_share."""
    return price / earnings_per_share


def last_quarters(earnings: pd.DataFrame, basis: str, on: str) -> pd.DataFrame:
    """Return the rows of the last four quarters on one accounting basis that ended before the day `on`, earliest first.

    Raises ParameterError where fewer than four are known.
    """
    known = earnings[(earnings["basis"] == basis) & (earnings["quarter_end"] < pd.Timestamp(on))]
    last = known.sort_values("quarter_end").tail(4)
    if len(last) < 4:
        raise ParameterError(
            f"only {len(last)} of four quarters of {basis} earnings are known before {on}; add the others, "
            "or give their sum by -p earnings_per_share=NUMBER"
        )
    return last


def _per_share(printed: tuple[Quantity, ...], split_factors: tuple[Quantity, ...]) -> str:
    return str(Rate(printed[0].unit, "share"))


@derived(_per_share)
def trailing_earnings(printed: Iterable[float], split_factors: Iterable[float]) -> float:
    """Return the earnings per share of several quarters in shares of today: the sum of printed earnings / later splits."""
    return sum(earnings / factor for earnings, factor in zip(printed, split_factors, strict=True))


@derived("falling days")
def falling_days(closes: Iterable[float]) -> int:
    """Return on how many days after the first the close was below the close of the day before."""
    return sum(after < before for before, after in pairwise(closes))


def electricity_gwh(gpu_hours: float, watts: float, power_usage_effectiveness: float) -> float:
    """Return the electricity used in training, in GWh: gpu_hours x watts x power_usage_effectiveness / 10^9.

    Raises ParameterError for a power that is not a number above 0.
    """
    check_above_zero("watts", watts)
    return gpu_hours * watts * power_usage_effectiveness / 1e9
