"""Every measure by an example that can be checked on paper."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from shockcheck import event_study, measures
from shockcheck.errors import ParameterError
from shockcheck.quantities import Quantity


def days(*values: float) -> pd.Series:
    return pd.Series(values, index=pd.date_range("2001-01-01", periods=len(values)))


def test_percent_change():
    assert measures.percent_change(200, 150) == -25
    assert measures.percent_change(200, 250) == 25


def test_percent_changes_of_a_bar():
    bar = pd.Series({"open": 190, "high": 210, "low": 150, "close": 180})
    assert measures.percent_changes(bar, 200) == pytest.approx((-10, -25, 5))


def test_a_bar_of_which_only_the_close_is_known_has_no_range():
    bar = pd.Series({"open": None, "high": None, "low": None, "close": 180.0})
    assert measures.percent_changes(bar, 200) == (pytest.approx(-10), None, None)
    half = pd.Series({"open": None, "high": 210.0, "low": None, "close": 180.0})
    assert measures.percent_changes(half, 200) == (pytest.approx(-10), None, pytest.approx(5))


@pytest.mark.parametrize(
    ("change", "noun", "adverb"),
    [(3, "gain", "up"), (0.5, "gain", "up"), (0, "change", "change of"), (-0.5, "loss", "down"), (-3, "loss", "down")],
)
def test_a_change_is_called_by_its_sign(change, noun, adverb):
    assert measures.gain_or_loss(change) == noun
    assert measures.up_or_down(change) == adverb


def test_market_value():
    assert measures.market_value(10, 2e9) == 20
    assert measures.market_value(pd.Series([10.0, 7.0]), 2e9).tolist() == [20, 14]


def test_market_value_knows_its_unit():
    value = measures.market_value(Quantity(10, "USD", None), Quantity(2e9, "shares", None))
    assert (value, value.unit) == (20, "billion USD")


def test_market_value_loss():
    assert measures.market_value_loss(10, 7, 2e9) == 6
    assert measures.market_value_loss(7, 10, 2e9) == -6


def test_market_value_change_is_signed():
    assert measures.market_value_change(10, 7, 2e9) == -6
    assert measures.market_value_change(7, 10, 2e9) == 6


def test_a_sum_is_converted_by_a_rate_that_says_how_much_of_it_one_of_the_other_is_worth():
    assert measures.converted(6, 1.5) == 4


def test_a_loss_by_the_other_share_counts():
    counts = pd.Series([1e9, 2e9], index=pd.to_datetime(["2001-03-07", "2001-06-07"]))
    assert measures.losses_by_count(10, 7, counts, used=2e9) == {"share count of 07 Mar 2001": 3}
    signed = measures.losses_by_count(10, 7, counts, used=2e9, measure=measures.market_value_change)
    assert signed == {"share count of 07 Mar 2001": -3}


def test_sums_at_one_rate_and_a_sum_at_the_other_rates():
    assert measures.each_converted({"A": 6, "B": 3}, 1.5, label="loss of {}") == {"loss of A": 4, "loss of B": 2}
    assert measures.each_converted({"A": 6}, 1.5) == {"A": 4}
    assert measures.at_other_rates(6, {"A": 1.5, "B": 2}, used=2) == {"the rate of A": 4}
    assert measures.at_other_rates(6, {"ECB, 7 Mar": 1.5}, used=2) == {"the ECB rate of 7 Mar": 4}


def test_daily_losses_leave_gains_out():
    losses = measures.daily_losses(days(10, 7, 9, 8), 1e9, 0.5)
    assert losses.to_dict() == {pd.Timestamp("2001-01-02"): 6, pd.Timestamp("2001-01-04"): 2}
    assert measures.daily_losses(days(10, 7, 9, 8), 1e9).tolist() == [3, 1]  # in the currency of the closes


def test_a_day_without_a_fall_is_no_loss():
    assert measures.daily_losses(days(10, 10, 9), 1e9).to_dict() == {pd.Timestamp("2001-01-03"): 1}
    none = measures.daily_losses(days(1.0, 2.0), 1e9)
    assert (len(none), none.dtype) == (0, float)


PUBLISHED = pd.DataFrame(
    [
        ("Acme", "ACM", "2001-01-02", 250, "A", "confirmed"),
        ("Acme", "ACM", "2001-01-02", 400, "B", "unconfirmed"),
        ("Bolt", "BLT", "2000-05-05", 260, "A", "confirmed"),
        ("Bolt", "BLT", "2000-05-05", 270, "B", "confirmed"),
        ("Bolt", "BLT", "2001-02-01", 999, "A", "confirmed"),
    ],
    columns=["company", "symbol", "date", "loss_usd_bn", "publisher", "status"],
).astype({"date": "datetime64[us]"})


def test_loss_ranking_takes_the_highest_print_and_its_own_computation_first():
    own = pd.Series({pd.Timestamp("2001-01-02"): 300.0, pd.Timestamp("2001-01-04"): 100.0})
    ranking = measures.loss_ranking(PUBLISHED, own, "Acme", "ACM", until="2001-01-31")
    assert ranking[["company", "loss_usd_bn", "publisher"]].values.tolist() == [
        ["Acme", 300, "recomputed here"],  # not the 400 that one source prints
        ["Bolt", 270, "B"],
        ["Acme", 100, "recomputed here"],
    ]


def test_loss_ranking_has_the_columns_of_what_is_published_and_the_last_day_in_it():
    published = PUBLISHED.assign(source="a-source")
    own = pd.Series({pd.Timestamp("2001-01-02"): 300.0})
    ranking = measures.loss_ranking(published, own, "Acme", "ACM", until="2001-02-01")
    assert set(ranking.columns) == set(published.columns)
    assert ranking.index.tolist() == [0, 1, 2]
    assert ranking["loss_usd_bn"].tolist() == [999, 300, 270]
    assert ranking.iloc[1].to_dict() == {
        "company": "Acme",
        "symbol": "ACM",
        "date": pd.Timestamp("2001-01-02"),
        "loss_usd_bn": 300,
        "publisher": "recomputed here",
        "source": "recomputed here",
        "status": "recomputed",
    }
    assert set(measures.loss_ranking(PUBLISHED, own, "Acme", "ACM", until="2001-02-01").columns) == set(PUBLISHED.columns)


def test_equal_losses_stay_in_the_order_of_the_table():
    names = [f"{number:03}" for number in range(100)]
    losses = [float(number % 3) for number in range(100)]
    published = pd.DataFrame({"company": names, "symbol": names, "date": pd.Timestamp("2001-01-02"), "loss_usd_bn": losses})
    prints = pd.concat([published.assign(publisher="first"), published.assign(publisher="second")])
    own = days(*losses[:50])  # from 1 January on, in the same order of sizes
    ranking = measures.loss_ranking(prints, own, "Acme", "ACM", until="2001-12-31")
    rows = [("Acme", day, loss) for day, loss in own.items()]
    rows += [(name, pd.Timestamp("2001-01-02"), loss) for name, loss in zip(names, losses, strict=True)]
    ranked = list(zip(ranking["company"], ranking["date"], ranking["loss_usd_bn"], strict=True))
    assert ranked == sorted(rows, key=lambda row: -row[2])
    assert set(ranking["publisher"]) == {"recomputed here", "first"}


def test_rank():
    assert measures.rank(300, pd.Series([300, 270, 100])) == 1
    assert measures.rank(200, pd.Series([300, 270, 100])) == 3


def test_rank_from_below():
    assert measures.rank_from_below(-9.5, [-18.0, -12.0, -9.0]) == 3
    assert measures.rank_from_below(-9.5, [-9.5, 2.0]) == 1  # an equal fall is no larger one
    assert measures.rank_from_below(-9.5, []) == 1


def test_days_above():
    assert measures.days_above([209.0, 200.0, 200.1, 193.0], 200) == 2
    assert measures.days_above([], 200) == 0


def test_percent_regained():
    assert measures.percent_regained(100, 80, 85) == 25
    assert measures.percent_regained(100, 80, 80) == 0
    with pytest.raises(ParameterError, match="no loss to regain"):
        measures.percent_regained(100, 100, 105)


def test_spans_inside_are_unbroken_and_take_their_ends_in():
    path = pd.Series([4, 5, 6, 7, 5.5, 3], index=list("abcdef"))
    spans = measures.spans_inside(path, 5, 6)
    assert spans.values.tolist() == [["b", "c", 2], ["e", "e", 1]]


def test_no_span_inside():
    assert measures.spans_inside(pd.Series([1, 2], index=["a", "b"]), 5, 6).empty


def test_cost():
    assert measures.total([1, 2, 3.5]) == 6.5
    assert measures.cost(2_788_000, 2.0) == 5.576


def q(value: float, unit: str) -> Quantity:
    return Quantity(value, unit, None)


UNITS = [
    (measures.percent_change, (q(200, "USD"), q(150, "USD")), -25, "percent"),
    (measures.market_value, (q(10, "USD"), q(2e9, "shares")), 20, "billion USD"),
    (measures.market_value_loss, (q(10, "USD"), q(7, "USD"), q(2e9, "shares")), 6, "billion USD"),
    (measures.market_value_change, (q(10, "USD"), q(7, "USD"), q(2e9, "shares")), -6, "billion USD"),
    (measures.converted, (q(6, "billion USD"), q(1.5, "USD per EUR")), 4, "billion EUR"),
    (measures.rank, (q(200, "USD"), [q(300, "USD")]), 2, "rank"),
    (measures.rank_from_below, (q(200, "USD"), [q(300, "USD")]), 1, "rank"),
    (measures.days_above, ([q(210, "USD")], q(200, "USD")), 1, "days"),
    (measures.percent_regained, (q(100, "USD"), q(80, "USD"), q(85, "USD")), 25, "percent of the loss"),
    (measures.total, ([q(1, "billion EUR"), q(2, "billion EUR")],), 3, "billion EUR"),
    (measures.total, ([q(1, "GPU-hours")],), 1, "GPU-hours"),
    (measures.cost, (q(3e6, "GPU-hours"), q(2, "USD per GPU-hour")), 6, "million USD"),
    (measures.price_earnings, (q(500, "USD"), q(10, "USD per share")), 50, "times"),
    (measures.trailing_earnings, ([q(10, "USD")] * 4, [q(10, ""), 1, 1, 1]), 31, "USD per share"),
    (measures.trailing_earnings, ([q(10, "EUR")], [1]), 10, "EUR per share"),
    (measures.falling_days, ([q(10, "USD"), q(9, "USD")],), 1, "falling days"),
]


@pytest.mark.parametrize(("measure", "inputs", "value", "unit"), UNITS)
def test_a_measure_of_quantities_knows_its_unit(measure, inputs, value, unit):
    quantity = measure(*inputs)
    assert (quantity, quantity.unit) == (value, unit)


def test_what_is_paid_at_a_price_without_a_currency_has_none():
    assert measures.cost(q(3e6, "GPU-hours"), 2.0).unit.split() == ["million"]


def test_every_quarter_needs_its_split_factor():
    with pytest.raises(ValueError, match="shorter"):
        measures.trailing_earnings([1.0, 2.0], [1])


@pytest.mark.parametrize("price", [0, -2, float("nan")])
def test_what_costs_nothing_has_no_cost(price):
    with pytest.raises(ParameterError, match=rf"^price_per_gpu_hour must be a number above 0, not {price!r}; correct it$"):
        measures.cost(1e6, price)


EARNINGS = pd.DataFrame(
    [("2000-12-31", "GAAP", 10.0, 10), ("2001-03-31", "GAAP", 2.0, 1), ("2001-06-30", "GAAP", 3.0, 1),
     ("2001-09-30", "GAAP", 4.0, 1), ("2001-12-31", "GAAP", 99.0, 1), ("2001-09-30", "non-GAAP", 5.0, 1)],
    columns=["quarter_end", "basis", "eps_printed", "split_factor"],
).astype({"quarter_end": "datetime64[us]"})  # fmt: skip


def test_trailing_earnings_are_of_four_quarters_in_shares_of_today():
    quarters = measures.last_quarters(EARNINGS, "GAAP", on="2001-10-15")
    assert measures.trailing_earnings(quarters["eps_printed"], quarters["split_factor"]) == 1 + 2 + 3 + 4
    assert measures.price_earnings(500, 10) == 50
    with pytest.raises(ParameterError) as raised:
        measures.last_quarters(EARNINGS, "non-GAAP", on="2001-10-15")
    assert str(raised.value) == (
        "only 1 of four quarters of non-GAAP earnings are known before 2001-10-15; add the others, "
        "or give their sum by -p earnings_per_share=NUMBER"
    )


@pytest.mark.parametrize(("on", "printed"), [("2001-12-31", [10, 2, 3, 4]), ("2002-01-15", [2, 3, 4, 99])])
def test_a_quarter_counts_from_the_day_after_its_end(on, printed):
    assert measures.last_quarters(EARNINGS, "GAAP", on)["eps_printed"].tolist() == printed


def test_falling_days():
    assert measures.falling_days(days(10, 9, 8)) == 2
    assert measures.falling_days(days(10, 9, 9)) == 1


def test_electricity():
    assert measures.electricity_gwh(1_000_000, 700, 1.5) == 1.05
    with pytest.raises(ParameterError, match=r"^watts must be a number above 0, not 0; correct it$"):
        measures.electricity_gwh(1_000_000, 0, 1.5)


# --- Event study ---

HAND = pd.DataFrame({"firm": [0.0, 0.03, 0.02, 0.05], "market": [0.0, 0.01, 0.02, 0.03]})  # r = 0.004 + 1.4 m by hand


def test_market_model_by_hand():
    model = event_study.market_model(HAND["firm"], HAND["market"])
    assert (model.alpha, model.beta) == pytest.approx((0.004, 1.4))
    assert list(model.residuals) == pytest.approx([-0.004, 0.012, -0.012, 0.004])
    assert model.standard_error == pytest.approx(np.sqrt((0.004**2 + 0.012**2) * 2 / 2))


def test_abnormal_return_by_hand():
    model = event_study.market_model(HAND["firm"], HAND["market"])
    abnormal, low, high = event_study.abnormal_return(model, firm=-0.10, market=0.015)
    assert abnormal == pytest.approx(-0.10 - 0.004 - 1.4 * 0.015)
    margin = stats.t.ppf(0.975, 2) * model.standard_error * np.sqrt(1 + 1 / 4)  # the market was at its mean
    assert (low, high) == pytest.approx((abnormal - margin, abnormal + margin))


def sample(number=60, seed=1):
    random = np.random.default_rng(seed)
    market = random.normal(0, 0.01, number)
    return pd.DataFrame(
        {"firm": 0.001 + 1.5 * market + random.standard_t(3, number) * 0.01, "market": market},
        index=pd.date_range("2001-01-01", periods=number),
    )


def test_market_model_against_linregress():
    window = sample()
    fit = stats.linregress(window["market"], window["firm"])
    model = event_study.market_model(window["firm"], window["market"])
    assert (model.alpha, model.beta) == (fit.intercept, fit.slope)
    spread = ((window["market"] - window["market"].mean()) ** 2).sum()
    assert fit.stderr == pytest.approx(model.standard_error / np.sqrt(spread))


@pytest.mark.parametrize(("abnormal", "rank"), [(-0.02, 1), (-0.004, 3), (0.05, 5)])
def test_sample_quantile_test_by_hand(abnormal, rank):
    model = event_study.market_model(HAND["firm"], HAND["market"])
    found, p_value = event_study.sample_quantile_test(model._replace(residuals=model.residuals.round(9)), abnormal)
    assert (found, p_value) == (rank, rank / 5)


def test_permutation_test_against_a_new_fit_for_every_day():
    every = sample(40, seed=5)
    window, event = every.iloc[:-1], every.iloc[-1]
    abnormal = []
    for day in every.index:
        model = event_study.market_model(*(every.drop(day)[name] for name in every))
        abnormal.append(event_study.abnormal_return(model, *every.loc[day])[0])
    expected = np.mean(np.array(abnormal) <= abnormal[-1])
    assert event_study.permutation_test(window, event) == pytest.approx(expected)
    crash = event.copy()
    crash["firm"] = -0.5
    assert event_study.permutation_test(window, crash) == 1 / 40


def test_cumulative_abnormal_returns_by_hand():
    model = event_study.market_model(HAND["firm"], HAND["market"])
    car = event_study.cumulative_abnormal_returns(model, pd.DataFrame({"firm": [-0.1, 0.05], "market": [0.0, 0.0]}))
    assert list(car["car"]) == pytest.approx([-10.4, -5.8])
    margin = 100 * stats.t.ppf(0.975, 2) * model.standard_error
    assert list(car["high"] - car["car"]) == pytest.approx([margin, margin * np.sqrt(2)])


def test_estimation_window_ends_before_the_event_by_the_gap():
    returns = sample(30)
    window = event_study.estimation_window(returns, "2001-01-25", sessions=10, gap=11)
    assert (window.index[0].day, window.index[-1].day, len(window)) == (5, 14, 10)


def test_an_estimation_window_that_is_too_short_says_what_is_missing():
    with pytest.raises(ParameterError, match="the estimation window of 20 sessions lacks 6; give earlier closes"):
        event_study.estimation_window(sample(30), "2001-01-25", sessions=20, gap=11)


def test_daily_returns_are_of_days_on_which_all_have_a_close():
    closes = pd.DataFrame({"a": [100.0, 110.0, np.nan, 121.0], "b": [10.0, 10.0, 11.0, 11.0]})
    assert event_study.daily_returns(closes).to_numpy() == pytest.approx(np.array([[0.1, 0.0], [0.1, 0.1]]))
