"""Recipes of the explorer, by prices of a size to compute by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from shockcheck import explore
from shockcheck.data import fx, prices
from shockcheck.errors import ParameterError
from shockcheck.explore import panel as explore_panel

DAYS = pd.DatetimeIndex(["2020-03-11", "2020-03-12", "2020-03-13"], name="date")


@pytest.fixture
def three_days(monkeypatch):
    """A share at 100, 80 and 120 dollars, of which five were counted; a euro is two dollars."""
    bars = pd.DataFrame({"low": [99.0, 75, 90], "high": [101.0, 95, 130], "close": [100.0, 80, 120]}, index=DAYS)
    monkeypatch.setattr(prices, "listing", lambda symbol, *_: prices.Listing(symbol, "Company", "XNAS", "USD"))
    monkeypatch.setattr(prices, "daily", lambda *_: bars)
    monkeypatch.setattr(prices, "sessions", lambda symbol, day, before=1, source="": bars.loc[:day].iloc[-before - 1 :])
    monkeypatch.setattr(prices, "shares_outstanding", lambda *_: pd.Series({"shares": 5e9}))
    monkeypatch.setattr(fx, "rate", lambda of, per, on: 1.0 if of == per else 2.0)


def test_a_change_has_the_days_range_and_a_chart_of_all_closes(three_days):
    answer = explore.Change(symbol="ABC", day="2020-03-12").answer()
    assert (answer.value, answer.low, answer.high) == pytest.approx((-20, -25, -5))
    assert answer.chart.caption == "Company, daily closes: down 20.00% on 12 March 2020"
    assert "marked: 100.00 on 2020-03-11, 80.00 on 2020-03-12" in answer.chart.alt


def test_falling_days_are_counted_over_two_sessions(three_days):
    assert explore.FallingDays(symbol="ABC", day="2020-03-13").answer().value == 1


def test_a_loss_is_the_fall_times_the_shares_at_the_rate(three_days):
    loss = explore.MarketLoss(symbol="ABC", day="2020-03-12", rate_day="2020-03-12", currency="EUR")
    assert loss.answer().value == pytest.approx(20 * 5 / 2)
    assert replace(loss, shares=1e9, currency="USD").answer().value == pytest.approx(20)
    assert replace(loss, day="2020-03-13").answer().value == pytest.approx(-40 * 5 / 2)


def test_a_loss_is_ranked_among_the_published_ones(three_days):
    rank = explore.LossRank(symbol="ABC", day="2020-03-12", rate_day="2020-03-12", currency="USD", until="2020-03-13")
    answer = rank.answer()  # 100 billion USD; up to that day one larger loss had been published
    assert answer.value == 2
    assert "Company, 2020-03-12 100" in answer.chart.alt
    with pytest.raises(
        ParameterError, match=r"^ABC did not fall on 2020-03-13: there is no loss to rank; choose another day$"
    ):
        replace(rank, day="2020-03-13").answer()


def test_a_multiple_needs_four_quarters_of_earnings(three_days):
    with pytest.raises(ParameterError, match=r"^ABC: only 0 of four quarters of GAAP earnings are known before 2020-03-12"):
        explore.PriceEarnings(symbol="ABC", day="2020-03-12", basis="GAAP").answer()


def test_a_cost_is_of_all_stages_at_the_price_and_the_rate(monkeypatch):
    hours = pd.DataFrame({"model": ["A", "A", "B"], "stage": ["one", "two", "one"], "gpu_hours": [1e6, 5e5, 9e9]})
    monkeypatch.setattr(explore_panel.tables, "load", lambda name: hours)
    monkeypatch.setattr(fx, "rate", lambda of, per, on: 2.0)
    cost = explore.TrainingCost(model="A", price_per_gpu_hour=3.0, rate_day="2020-03-12", currency="EUR")
    assert cost.answer().value == pytest.approx(2.25)
    assert "one 1.500, two 0.750, together 2.250" in cost.answer().chart.alt
    with pytest.raises(ParameterError, match=r"^no GPU-hours of 'C'; there are those of A, B$"):
        replace(cost, model="C").answer()


def test_a_sum_is_converted_at_the_rate_of_the_day():
    answer = explore.Converted(amount=10.0, rate_day="2020-03-12", currency="EUR").answer()
    assert answer.value == pytest.approx(10 / 1.1240)
    assert answer.chart.alt.count("ECB") == 5  # of that day, and of two before and after it
