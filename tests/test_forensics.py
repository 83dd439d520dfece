"""Origins and robustness, by examples that can be checked on paper and by what must hold of every combination."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shockcheck import forensics, verdicts

FIVE = verdicts.interval("5", None, None, "en")  # [4.5, 5.5)


def test_every_combination_with_its_result():
    table = forensics.origins(FIVE, "loss / rate", {"loss": {"A": 10, "B": 12}, "rate": {"Mon": 2, "Tue": 2.5}})
    assert table.astype(object).values.tolist() == [
        ["A", "Mon", 5.0, True],
        ["A", "Tue", 4.0, False],
        ["B", "Mon", 6.0, False],
        ["B", "Tue", 4.8, True],
    ]
    assert forensics.matrix(table).to_numpy().tolist() == [[5.0, 4.0], [6.0, 4.8]]
    assert forensics.matrix(table, "prints").to_numpy().tolist() == [[True, False], [False, True]]


def test_a_power_of_ten_is_no_input():
    table = forensics.origins(FIVE, "a * count / 1e9", {"a": {"A": 10, "B": 9}, "count": {"C": 0.5e9}})
    assert table["result"].tolist() == [5, 4.5]


def test_edges_are_as_the_interval_has_them():
    assert forensics.prints(FIVE, np.array([4.4999, 4.5, 5.4999, 5.5])).tolist() == [False, True, True, False]


def test_what_two_printed_numbers_share():
    rates = {"Mon": 2.0, "Tue": 2.5}
    first = forensics.origins(FIVE, "a / rate", {"a": {"A": 10}, "rate": rates})
    second = forensics.origins(FIVE, "b / rate", {"b": {"B": 10.5, "C": 12.5}, "rate": rates})
    assert forensics.shared(first, second, on="rate") == ["Mon"]


@pytest.mark.parametrize(
    ("formula", "candidates", "message"),
    [
        ("a / b", {"a": {"A": 1}, "b": {}}, "input 'b' has no candidate values"),
        ("a / b", {"a": {"A": 1}}, "needs the input 'b'"),
        ("a", {"a": {"A": 1}, "b": {"B": 1}}, "input 'b' is not in the formula"),
    ],
)
def test_inputs_that_do_not_fit_the_formula(formula, candidates, message):
    with pytest.raises(ValueError, match=message):
        forensics.origins(FIVE, formula, candidates)


candidate_values = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=5).map(
    lambda values: {f"source {number}": value for number, value in enumerate(values)}
)


@given(candidate_values, candidate_values, candidate_values)
def test_marked_are_those_and_only_those_that_print_as_stated(a, b, c):
    table = forensics.origins(FIVE, "(a - b) / c", {"a": a, "b": b, "c": c})
    assert len(table) == len(a) * len(b) * len(c)
    for row in table.itertuples():
        expected = (a[row.a] - b[row.b]) / c[row.c]
        assert row.result == expected
        assert row.prints == (expected in FIVE)


def test_a_million_combinations():
    hundred = {str(number): 1 + number / 10 for number in range(100)}
    table = forensics.origins(FIVE, "a * b / c", {"a": hundred, "b": hundred, "c": hundred})
    assert len(table) == 1_000_000
    assert 0 < table["prints"].sum() < 1_000_000


FALL = verdicts.interval("17", None, "fall", "en")


def test_robustness_gives_every_reading_its_verdict():
    readings = forensics.robustness(
        FALL, "close", {"open": -12.5, "close": -17.0, "low": (-18.0, -18.0, -16.0), "adjusted": -16.9}
    )
    assert readings["verdict"].to_dict() == {
        "close": "holds",
        "open": "off",
        "low": "held intraday",
        "adjusted": "holds",
    }
    assert readings["flips"].tolist() == [False, True, True, False]
    assert forensics.nearest_flip(readings) == "low"
    assert forensics.summary(readings) == (
        "2 of 4 readings give “holds”; the closest other one is low (-18.0: held intraday)."
    )


def test_where_only_the_chosen_reading_agrees_the_summary_says_so():
    readings = forensics.robustness(FALL, "close", {"close": -17.0, "open": -12.5})
    assert forensics.summary(readings) == "Only 1 of 2 readings gives “holds”; the closest other one is open (-12.5: off)."


def test_robust_where_no_reading_flips():
    readings = forensics.robustness(FALL, "close", {"close": -17.0, "adjusted": -16.9})
    assert forensics.nearest_flip(readings) is None
    assert forensics.summary(readings) == "All 2 readings give “holds”."


def test_the_chosen_reading_must_be_one_of_them():
    with pytest.raises(ValueError, match="the chosen reading 'x' is none of 'close'"):
        forensics.robustness(FALL, "x", {"close": -17.0})


@given(
    st.dictionaries(
        st.text(min_size=1), st.floats(-30, 30).filter(lambda value: value == 0 or abs(value) > 1e-6), min_size=1
    )
)
def test_the_nearest_flip_is_the_nearest(choices):
    chosen = next(iter(choices))
    readings = forensics.robustness(FALL, chosen, choices)
    nearest = forensics.nearest_flip(readings)
    others = {name: value for name, value in choices.items() if (value in FALL) != (choices[chosen] in FALL)}
    assert (nearest is None) == (not others)
    if others:
        assert abs(choices[nearest] - choices[chosen]) == min(abs(value - choices[chosen]) for value in others.values())
    assert isinstance(forensics.summary(readings), str)
    assert isinstance(readings, pd.DataFrame)
