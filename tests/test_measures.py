"""Every measure by an example that can be checked on paper."""

import pandas as pd
import pytest

from shockcheck import measures


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
    assert measures.percent_changes(bar, 200) == pytest.approx((-10, -10, -10))


@pytest.mark.parametrize(("change", "word"), [(3, "gain"), (-3, "loss"), (0, "change")])
def test_gain_or_loss(change, word):
    assert measures.gain_or_loss(change) == word


def test_market_value_change():
    assert measures.market_value_change(10, 7, 100) == -300


def test_daily_losses_leave_gains_out():
    losses = measures.daily_losses(days(10, 7, 9, 8), 100)
    assert losses.to_dict() == {pd.Timestamp("2001-01-02"): 300, pd.Timestamp("2001-01-04"): 100}


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


def test_rank():
    assert measures.rank(300, pd.Series([300, 270, 100])) == 1
    assert measures.rank(200, pd.Series([300, 270, 100])) == 3


def test_percent_regained():
    assert measures.percent_regained(100, 80, 85) == 25
    assert measures.percent_regained(100, 80, 80) == 0
    with pytest.raises(ValueError, match="no loss to regain"):
        measures.percent_regained(100, 100, 105)


def test_spans_inside_are_unbroken_and_take_their_ends_in():
    path = pd.Series([4, 5, 6, 7, 5.5, 3], index=list("abcdef"))
    spans = measures.spans_inside(path, 5, 6)
    assert spans.values.tolist() == [["b", "c", 2], ["e", "e", 1]]


def test_no_span_inside():
    assert measures.spans_inside(pd.Series([1, 2], index=["a", "b"]), 5, 6).empty


def test_cost():
    assert measures.cost(2_788_000, 2.0) == 5_576_000
