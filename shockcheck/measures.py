"""Measures: pure functions from tables or numbers to a number or a table. They know no file, share or day."""

from typing import TypeVar

import pandas as pd

Numbers = TypeVar("Numbers", float, pd.Series)  # one number, or one a row


def percent_change(before: float, after: Numbers) -> Numbers:
    """The change from `before` to `after` in percent of `before`: 100 (after / before - 1)."""
    return 100 * (after / before - 1)


def percent_changes(bar: pd.Series, before: float) -> tuple[float, float, float]:
    """Close, low and high of one bar as changes in percent from the price `before`.

    A bar of which only the close is known has no range: its low and high are the close's own change.
    """
    low, high = (bar["close"] if pd.isna(bar[edge]) else bar[edge] for edge in ("low", "high"))
    return tuple(percent_change(before, price) for price in (bar["close"], low, high))


def gain_or_loss(change: float) -> str:
    """What a change is called by its sign: 'gain', 'loss', or 'change' where there is none."""
    return "gain" if change > 0 else "loss" if change < 0 else "change"


def market_value_change(before: float, after: float, shares: float) -> float:
    """The change of market value between two prices at a constant share count: (after - before) x shares."""
    return (after - before) * shares


def daily_losses(closes: pd.Series, shares: float) -> pd.Series:
    """Market value lost from each close to the next, where it fell: (before - after) x shares, indexed by day."""
    losses = -closes.diff().dropna() * shares
    return losses[losses > 0]


def loss_ranking(published: pd.DataFrame, own: pd.Series, company: str, symbol: str, until: str) -> pd.DataFrame:
    """The one-day losses up to the day `until`, one row a company and day, largest first.

    `published` has columns company, symbol, date, loss_usd_bn, publisher, status and may have several rows a day; of
    these the largest counts, so that a record has to beat every source. `own` are recomputed losses of the share
    `symbol`, billion USD by date; they take the place of the published ones. Returns the columns of `published`.
    """
    recomputed = pd.DataFrame({"date": own.index, "loss_usd_bn": own.to_numpy()}).assign(
        company=company, symbol=symbol, publisher="recomputed here", status="recomputed"
    )
    others = published.sort_values("loss_usd_bn", ascending=False, kind="stable")
    every = pd.concat([recomputed, others], join="inner").drop_duplicates(["symbol", "date"])
    every = every[every["date"] <= pd.Timestamp(until)]
    return every.sort_values("loss_usd_bn", ascending=False, kind="stable", ignore_index=True)


def rank(value: float, others: pd.Series) -> int:
    """The place of `value` among `others` from the largest down: 1 + how many are larger."""
    return 1 + int((others > value).sum())


def percent_regained(before: float, bottom: float, after: Numbers) -> Numbers:
    """How much of the loss from `before` to `bottom` a price `after` has made good, in percent of that loss.

    100 (after - bottom) / (before - bottom); raises ValueError where there was no loss.
    """
    if not bottom < before:
        raise ValueError(f"there is no loss to regain: the price went from {before} to {bottom}")
    return 100 * (after - bottom) / (before - bottom)


def spans_inside(path: pd.Series, low: float, high: float) -> pd.DataFrame:
    """The unbroken stretches of `path` within [low, high]: first and last index label, and how many points.

    Columns first, last, bars; a point is a bar's close, so a stretch says nothing about what lay between two closes.
    """
    inside = path.between(low, high)
    stretch = (inside != inside.shift()).cumsum()[inside]
    labels = stretch.index.to_series()
    return labels.groupby(stretch).agg(first="first", last="last", bars="size").reset_index(drop=True)


def cost(gpu_hours: Numbers, price_per_gpu_hour: float) -> Numbers:
    """What computing time costs at one price an hour: gpu_hours x price_per_gpu_hour, in the price's currency."""
    return gpu_hours * price_per_gpu_hour
