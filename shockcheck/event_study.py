"""The event study of one firm on one day: the market model and tests of the abnormal return.

The market model r = alpha + beta m + e is fitted by least squares on a window that ends well before the event; the abnormal
return is the part of the event day's return that the model leaves unexplained. One firm and one day give one number: its
sampling error does not shrink as over many firms, and daily returns have fatter tails than the normal distribution, so that
the plain t-test is wrong. The SQ test (Gelbach, Helland and Klick, "Valid Inference in Single-Firm, Single-Event Studies",
2013) takes the critical value from the sample quantiles of the window's own abnormal returns.
"""

from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from shockcheck.errors import ParameterError
from shockcheck.quantities import check_whole

__all__ = [
    "MarketModel",
    "abnormal_return",
    "cumulative_abnormal_returns",
    "daily_returns",
    "estimation_window",
    "market_model",
    "permutation_test",
    "sample_quantile_test",
]


class MarketModel(NamedTuple):
    """A least-squares fit of a firm's daily returns to the market's, both as fractions, over an estimation window."""

    alpha: float
    beta: float
    standard_error: float  # of the residuals, with two degrees of freedom spent
    residuals: pd.Series
    market: pd.Series


def daily_returns(closes: pd.DataFrame) -> pd.DataFrame:
    """Return the returns from close to close as fractions, one column per share, on the days on which all have a close."""
    return closes.dropna().pct_change().dropna()


def estimation_window(returns: pd.DataFrame, event: str, sessions: int, gap: int) -> pd.DataFrame:
    """Return the `sessions` returns that end `gap` sessions before the day `event`.

    Raises ParameterError for a window that is too short for the model or that holds the event itself, and, with the number
    of missing sessions, where the table does not reach back far enough.
    """
    check_whole("sessions", sessions, least=3)
    check_whole("gap", gap, least=1)
    last = cast("int", returns.index.get_loc(pd.Timestamp(event))) - gap  # one position, since days are unique
    missing = sessions - (last + 1)
    if missing > 0:
        raise ParameterError(
            f"the estimation window of {sessions} sessions lacks {missing}; give earlier closes or ask for fewer"
        )
    return returns.iloc[last + 1 - sessions : last + 1]


def market_model(firm: pd.Series, market: pd.Series) -> MarketModel:
    """Return the market model of the returns in one window, by least squares.

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
    """Return one day's abnormal return with the ends of its confidence band, as fractions.

    firm - alpha - beta market, plus and minus the t-quantile times the standard error of a forecast,
    s sqrt(1 + 1/n + (market - mean)^2 / sum of squares).
    """
    abnormal = firm - model.alpha - model.beta * market
    n, spread = len(model.market), model.market - model.market.mean()
    forecast = model.standard_error * np.sqrt(1 + 1 / n + (market - model.market.mean()) ** 2 / (spread**2).sum())
    margin = _t_quantile(confidence, n - 2) * forecast
    return float(abnormal), float(abnormal - margin), float(abnormal + margin)


def _t_quantile(confidence: float, degrees_of_freedom: int) -> float:
    """Return the bound on both sides of zero that Student's t stays within with that confidence."""
    from scipy.special import stdtrit  # all of scipy.stats would take most of a second to import, for the event study alone

    return float(stdtrit(degrees_of_freedom, (1 + confidence) / 2))


def sample_quantile_test(model: MarketModel, abnormal: float) -> tuple[int, float]:
    """Return the SQ test against a fall: the placebo rank of the event day, and its p-value.

    The rank counts from the lowest abnormal return: 1 is lower than every day of the window; p = rank / (n + 1).
    """
    rank_from_below = 1 + int((model.residuals <= abnormal).sum())
    return rank_from_below, rank_from_below / (len(model.residuals) + 1)


def permutation_test(window: pd.DataFrame, event: pd.Series) -> float:
    """Return the p-value of a fall by a permutation test: every day of the window changes places with the event day.

    For each of the n + 1 days in turn the model is fitted to the others and gives the day's abnormal return; p is the share
    of days whose abnormal return is as low as the event day's. `window` and `event` have the firm's return first, the
    market's second. Leaving a day out needs no new fit: its abnormal return is residual / (1 - leverage).
    """
    firm, market = pd.concat([window, event.to_frame().T]).to_numpy(dtype=float).T
    model = market_model(pd.Series(firm), pd.Series(market))
    deviation = market - market.mean()
    leverage = 1 / len(market) + deviation**2 / (deviation**2).sum()
    left_out = model.residuals.to_numpy() / (1 - leverage)
    return float(np.mean(left_out <= left_out[-1]))


def cumulative_abnormal_returns(model: MarketModel, returns: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Return abnormal returns summed from the first row on, with the ends of their band, in percent: car, low, high.

    `returns` has the firm's returns in its first column and the market's in its second. After k days the band is plus and
    minus the t-quantile times s sqrt(k).
    """
    firm, market = returns.iloc[:, 0], returns.iloc[:, 1]
    car = (firm - model.alpha - model.beta * market).cumsum()
    margin = _t_quantile(confidence, len(model.residuals) - 2) * model.standard_error * np.sqrt(np.arange(1, len(car) + 1))
    return 100 * pd.DataFrame({"car": car, "low": car - margin, "high": car + margin})
