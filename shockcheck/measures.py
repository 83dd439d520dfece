"""Measures: pure functions from tables or numbers to a number or a table. They know no file, share or day.

A measure marked `derived` computes on the line that it returns; given quantities it returns one, with its derivation.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from shockcheck.derivations import Quantity, check_above_zero, check_band, check_whole, derived
from shockcheck.errors import ParameterError

Numbers = TypeVar("Numbers", float, pd.Series)  # one number, or one a row


class Bar(NamedTuple):
    """The prices of one session; of some only the close is known, the others are then NaN."""

    open: float
    high: float
    low: float
    close: float


@derived("percent")
def percent_change(before: float, after: Numbers) -> Numbers:
    """The change from `before` to `after` in percent of `before`: 100 (after / before - 1)."""
    return 100 * (after / before - 1)


def percent_changes(bar: Bar | pd.Series, before: float) -> tuple[float, float | None, float | None]:
    """Close, low and high of one bar as changes in percent from the price `before`; None for a low or high not known."""
    low, high = (None if pd.isna(edge) else percent_change(before, edge) for edge in (bar.low, bar.high))
    return percent_change(before, bar.close), low, high


def gain_or_loss(change: float) -> str:
    """What a change is called by its sign: 'gain', 'loss', or 'change' where there is none."""
    return "gain" if change > 0 else "loss" if change < 0 else "change"


def _in_billions(before: Quantity, after: Quantity, shares: Quantity) -> str:
    return f"billion {before.unit}"


@derived(_in_billions)
def market_value_loss(before: float, after: float, shares: float) -> float:
    """What a fall took off the market value, in billions, negative for a rise: (before - after) x shares / 10^9."""
    return (before - after) * shares / 1e9


@derived(_in_billions)
def market_value_change(before: float, after: float, shares: float) -> float:
    """What a change of the price did to the market value, in billions, signed: (after - before) x shares / 10^9."""
    return (after - before) * shares / 1e9


def _in_the_other(amount: Quantity, rate: Quantity) -> str:
    of, _, per = rate.unit.partition(" per ")
    return amount.unit.replace(of, per)


@derived(_in_the_other)
def converted(amount: Numbers, rate: float) -> Numbers:
    """A sum in another currency: amount / rate, the rate being units of the sum's currency for one of the other."""
    return amount / rate


def losses_by_count(
    before: float, after: float, counts: pd.Series, used: float, measure: Callable[..., float] = market_value_loss
) -> dict[str, float]:
    """The loss of market value by every share count but the one `used`, in billions, by labels like 'shares of 07 Mar 2001'.

    `counts` is indexed by the day that each is of; `measure` may be `market_value_change` for the change with its sign.
    """
    others = {f"shares of {day:%d %b %Y}": count for day, count in counts.items() if count != used}
    return {label: measure(before, after, count) for label, count in others.items()}


def each_converted(amounts: Mapping[str, float], rate: float, label: str = "{}") -> dict[str, float]:
    """Several sums in another currency at one rate, by their names, which `label` may say more of."""
    return {label.format(name): converted(amount, rate) for name, amount in amounts.items()}


def at_other_rates(amount: float, rates: Mapping[str, float], used: float) -> dict[str, float]:
    """A sum in another currency at every rate but the one `used`, by labels like 'rate of ECB, 7 Mar'."""
    return {f"rate of {name}": converted(amount, rate) for name, rate in rates.items() if rate != used}


def daily_losses(closes: pd.Series, shares: float, rate: float | None = None) -> pd.Series:
    """Market value lost from each close to the next, where it fell, in billions, indexed by day.

    In the currency of the closes, or in another at one exchange rate, as `converted` has it.
    """
    losses = {
        day: market_value_loss(before, after, shares)
        for (_, before), (day, after) in pairwise(closes.dropna().items())
        if after < before
    }
    if rate is not None:
        losses = {day: converted(loss, rate) for day, loss in losses.items()}
    return pd.Series(losses, dtype=closes.dtype)


def loss_ranking(published: pd.DataFrame, own: pd.Series, company: str, symbol: str, until: str) -> pd.DataFrame:
    """The one-day losses up to the day `until`, one row a company and day, largest first.

    `published` has columns company, symbol, date, loss_usd_bn, publisher, source, status and may have several rows a day; of
    these the largest counts, so that a record has to beat every source. `own` are recomputed losses of the share
    `symbol`, billion USD by date; they take the place of the published ones. Returns the columns of `published`.
    """
    recomputed = pd.DataFrame({"date": own.index, "loss_usd_bn": own.to_numpy()}).assign(
        company=company, symbol=symbol, publisher="recomputed here", source="recomputed here", status="recomputed"
    )
    others = published.sort_values("loss_usd_bn", ascending=False, kind="stable")
    every = pd.concat([recomputed, others], join="inner").drop_duplicates(["symbol", "date"])
    every = every[every["date"] <= pd.Timestamp(until)]
    return every.sort_values("loss_usd_bn", ascending=False, kind="stable", ignore_index=True)


@derived("rank")
def rank(value: float, others: Iterable[float]) -> int:
    """The place of `value` among `others` from the largest down: 1 + how many are larger."""
    return 1 + sum(other > value for other in others)


@derived("rank")
def rank_from_below(value: float, others: Iterable[float]) -> int:
    """The place of `value` among `others` from the smallest up, of a fall by its change: 1 + how many are smaller."""
    return 1 + sum(other < value for other in others)


@derived("days")
def days_above(values: Iterable[float], bound: float) -> int:
    """On how many days a value, of which there is one a day, was above a bound in its unit."""
    return sum(value > bound for value in values)


@derived("percent of the loss")
def percent_regained(before: float, bottom: float, after: Numbers) -> Numbers:
    """How much of the loss from `before` to `bottom` a price `after` has made good, in percent of that loss.

    100 (after - bottom) / (before - bottom); raises ParameterError where there was no loss.
    """
    if not bottom < before:
        raise ParameterError(f"there is no loss to regain: the price went from {before} to {bottom}")
    return 100 * (after - bottom) / (before - bottom)


def spans_inside(path: pd.Series, low: float, high: float) -> pd.DataFrame:
    """The unbroken stretches of `path` within [low, high]: first and last index label, and how many points.

    Columns first, last, bars; a point is a bar's close, so a stretch says nothing about what lay between two closes.
    Raises ParameterError for a band that does not run from a number up to another.
    """
    check_band(low, high)
    inside = path.between(low, high)
    stretch = (inside != inside.shift()).cumsum()[inside]
    labels = stretch.index.to_series()
    return labels.groupby(stretch).agg(first="first", last="last", bars="size").reset_index(drop=True)


def _of_the_first(parts: tuple[Quantity, ...]) -> str:
    return parts[0].unit


@derived(_of_the_first)
def total(parts: Iterable[float]) -> float:
    """The sum of the parts, in their unit."""
    return sum(parts)


def _in_millions(gpu_hours: Quantity, price_per_gpu_hour: Quantity) -> str:
    return f"million {price_per_gpu_hour.unit.partition(' ')[0]}"


@derived(_in_millions)
def cost(gpu_hours: Numbers, price_per_gpu_hour: float) -> Numbers:
    """What computing time costs at one price an hour, in millions: gpu_hours x price_per_gpu_hour / 10^6.

    Raises ParameterError for a price that is no number above 0.
    """
    check_above_zero("price_per_gpu_hour", price_per_gpu_hour)
    return gpu_hours * price_per_gpu_hour / 1e6


@derived("times")
def price_earnings(price: float, earnings_per_share: float) -> float:
    """The price as a multiple of the earnings per share of four quarters: price / earnings_per_share."""
    return price / earnings_per_share


def last_quarters(earnings: pd.DataFrame, basis: str, on: str) -> pd.DataFrame:
    """The last four quarters on one accounting basis that ended before the day `on`, the earliest first.

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


def _of_the_printed(printed: tuple[Quantity, ...], split_factors: tuple[Quantity, ...]) -> str:
    return f"{printed[0].unit} per share"


@derived(_of_the_printed)
def trailing_earnings(printed: Iterable[float], split_factors: Iterable[float]) -> float:
    """Earnings per share of several quarters in shares of today: the sum of what was printed / the split since."""
    return sum(earnings / factor for earnings, factor in zip(printed, split_factors, strict=True))


@derived("falling days")
def falling_days(closes: Iterable[float]) -> int:
    """On how many days after the first the close was below that of the day before."""
    return sum(after < before for before, after in pairwise(closes))


def electricity_gwh(gpu_hours: float, watts: float, power_usage_effectiveness: float) -> float:
    """Electricity of a training in GWh: gpu_hours x watts x power usage effectiveness / 10^9.

    Raises ParameterError for a power that is no number above 0.
    """
    check_above_zero("watts", watts)
    return gpu_hours * watts * power_usage_effectiveness / 1e9


# --- Event study of one firm on one day ---
# Method: the market model r = alpha + beta m + e by least squares on a window that ends well before the event; the
# abnormal return is what the event day's return leaves over. One firm and one day give one number: its sampling error
# does not shrink as over many firms, and daily returns have fatter tails than the normal distribution, so that the
# plain t-test is wrong. The SQ test (Gelbach, Helland and Klick, "Valid Inference in Single-Firm, Single-Event
# Studies", 2013) takes the critical value from the sample quantiles of the window's own abnormal returns.


class MarketModel(NamedTuple):
    """A least-squares fit of a firm's daily returns to the market's, both as fractions, over an estimation window."""

    alpha: float
    beta: float
    standard_error: float  # of the residuals, with two degrees of freedom spent
    residuals: pd.Series
    market: pd.Series


def daily_returns(closes: pd.DataFrame) -> pd.DataFrame:
    """Returns from close to close as fractions, one column a share, on the days on which all have a close."""
    return closes.dropna().pct_change().dropna()


def estimation_window(returns: pd.DataFrame, event: str, sessions: int, gap: int) -> pd.DataFrame:
    """The `sessions` returns that end `gap` sessions before the day `event`.

    Raises ParameterError for a window that the model cannot be fitted in, or that holds the event itself, and, saying how
    many sessions are missing, where the table does not reach back far enough.
    """
    check_whole("sessions", sessions, least=3)
    check_whole("gap", gap, least=1)
    last = returns.index.get_loc(pd.Timestamp(event)) - gap
    missing = sessions - (last + 1)
    if missing > 0:
        raise ParameterError(
            f"the estimation window of {sessions} sessions lacks {missing}; give earlier closes or ask for fewer"
        )
    return returns.iloc[last + 1 - sessions : last + 1]


def market_model(firm: pd.Series, market: pd.Series) -> MarketModel:
    """The market model of the returns in one window, by least squares.

    beta = cov(market, firm) / var(market), alpha = mean(firm) - beta mean(market).
    """
    x, y = market.to_numpy(), firm.to_numpy()
    (variance, covariance), _ = np.cov(x, y, bias=True)
    beta = covariance / variance
    alpha = y.mean() - beta * x.mean()
    residuals = firm - (alpha + beta * market)
    error = float(np.sqrt((residuals**2).sum() / (len(residuals) - 2)))
    return MarketModel(float(alpha), float(beta), error, residuals, market)


def abnormal_return(model: MarketModel, firm: float, market: float, confidence: float = 0.95) -> tuple[float, float, float]:
    """One day's abnormal return with the ends of its confidence band, as fractions.

    firm - alpha - beta market, plus and minus the t-quantile times the standard error of a forecast,
    s sqrt(1 + 1/n + (market - mean)^2 / sum of squares).
    """
    abnormal = firm - model.alpha - model.beta * market
    n, spread = len(model.market), model.market - model.market.mean()
    forecast = model.standard_error * np.sqrt(1 + 1 / n + (market - model.market.mean()) ** 2 / (spread**2).sum())
    margin = _t_quantile(confidence, n - 2) * forecast
    return float(abnormal), float(abnormal - margin), float(abnormal + margin)


def _t_quantile(confidence: float, degrees_of_freedom: int) -> float:
    """How far Student's t strays to either side of zero, with that confidence."""
    from scipy.special import stdtrit  # all of scipy.stats would take most of a second to import, for the event study alone

    return float(stdtrit(degrees_of_freedom, (1 + confidence) / 2))


def sample_quantile_test(model: MarketModel, abnormal: float) -> tuple[int, float]:
    """The SQ test against a fall: placebo rank of the event day and its p-value.

    The rank counts from the lowest abnormal return, 1 being lower than every day of the window; p = rank / (n + 1).
    """
    rank_from_below = 1 + int((model.residuals <= abnormal).sum())
    return rank_from_below, rank_from_below / (len(model.residuals) + 1)


def permutation_test(window: pd.DataFrame, event: pd.Series) -> float:
    """The p-value of a fall by letting every day of the window change places with the event day.

    Each of the n + 1 days in turn is left out, the model fitted to the others, and the day's abnormal return taken; p is
    the share of days whose return is as low as the event day's. `window` and `event` have the firm's return first, the
    market's second. Leaving a day out needs no new fit: its abnormal return is residual / (1 - leverage).
    """
    firm, market = pd.concat([window, event.to_frame().T]).to_numpy(dtype=float).T
    model = market_model(pd.Series(firm), pd.Series(market))
    deviation = market - market.mean()
    leverage = 1 / len(market) + deviation**2 / (deviation**2).sum()
    left_out = model.residuals.to_numpy() / (1 - leverage)
    return float(np.mean(left_out <= left_out[-1]))


def cumulative_abnormal_returns(model: MarketModel, returns: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Abnormal returns summed from the first row on, with the ends of the band, in percent; columns car, low, high.

    `returns` has the firm's returns in its first column and the market's in its second. The band is
    plus and minus the t-quantile times s sqrt(k) after k days.
    """
    firm, market = returns.iloc[:, 0], returns.iloc[:, 1]
    car = (firm - model.alpha - model.beta * market).cumsum()
    margin = _t_quantile(confidence, len(model.residuals) - 2) * model.standard_error * np.sqrt(np.arange(1, len(car) + 1))
    return 100 * pd.DataFrame({"car": car, "low": car - margin, "high": car + margin})
