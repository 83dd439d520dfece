"""Derivations: a number remembers its formula and its rows, by examples that can be checked on paper."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shockcheck import derivations, facts, fx, measures, prices, tables
from shockcheck.derivations import (
    DEFINITION,
    Quantity,
    Row,
    derived,
    empty_cell,
    graph,
    parameter,
    unknown_source,
    unsourced,
)
from shockcheck.errors import DataError, ParameterError


def row(key: str, source: str = "a-source") -> Row:
    return Row("data/t.csv", key, "close", "2001-01-02", source)


BEFORE, AFTER = Quantity(100, "USD", row("A:1")), Quantity(80, "USD", row("A:2"))
SHARES, RATE = Quantity(5e9, "shares", row("A:3")), Quantity(2, "USD per EUR", row("A:4"))


def test_a_measure_of_quantities_is_a_quantity_with_its_formula():
    loss = measures.converted(measures.market_value_loss(BEFORE, AFTER, SHARES), RATE)
    assert (loss, loss.unit) == (50, "billion EUR")
    derivation = graph({"loss": loss})
    assert [node["value"] for node in derivation["nodes"]] == [100, 80, 5e9, 100, 2, 50]
    assert derivation["nodes"][3] | {"unit": ""} == {
        "value": 100,
        "unit": "",
        "measure": "market_value_loss",
        "formula": "(before - after) * shares / 1e9",
        "inputs": [["before", 0], ["after", 1], ["shares", 2]],
    }
    assert derivation["roots"] == [["loss", 5]]
    assert [one["row"] for one in derivations.rows(derivation)] == ["A:1", "A:2", "A:3", "A:4"]
    assert derivations.place(derivation, RATE) == 4
    assert derivations.place(derivation, Quantity(2, "USD per EUR", row("B:4"))) is None


def test_plain_numbers_and_columns_give_plain_results():
    assert type(measures.percent_change(100.0, 80.0)) is float
    column = measures.percent_change(BEFORE, pd.Series([80.0, 120.0]))
    assert column.tolist() == pytest.approx([-20, 20])


def test_a_list_of_quantities_is_one_input():
    fall = measures.falling_days([BEFORE, AFTER, BEFORE])
    assert (fall, fall.unit) == (1, "falling days")
    assert graph({"fall": fall})["nodes"][-1]["inputs"] == [["closes", [0, 1, 0]]]


def test_a_row_that_two_numbers_rest_on_is_one_node():
    change = measures.percent_change(BEFORE, AFTER)
    again = measures.percent_change(Quantity(100, "USD", row("A:1")), Quantity(90, "USD", row("A:5")))
    assert len(graph({"one": change, "other": again})["nodes"]) == 5


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (measures.percent_change(BEFORE, AFTER), None),
        (measures.percent_change(100.0, AFTER), "the input before = 100 of percent_change"),
        (measures.percent_change(derivations.parameter("p", 3, "USD"), AFTER), "the input before = 3 of percent_change"),
        (measures.rank(BEFORE, [AFTER, 7.0]), "the input others = 7 of rank"),
        (
            measures.percent_change(BEFORE, Quantity(8, "USD", row("A:9", "unknown"))),
            "the input after = 8 of percent_change",
        ),
        (measures.converted(BEFORE, Quantity(1, "USD per USD", row("USD is USD", DEFINITION))), None),
        (12.5, "the number “n” = 12.5"),
        (BEFORE, None),
    ],
)
def test_an_input_without_a_source_is_named(number, fault):
    assert unsourced(graph({"n": number}), ["a-source"]) == fault


def test_a_measure_that_does_not_end_on_its_formula_is_refused():
    @derived("percent")
    def unclear(value):
        if value:
            return value
        return None

    assert unclear.formula.text == "None"
    with pytest.raises(ValueError, match="has no counterpart in JavaScript; write the formula with"):
        unclear.formula.javascript()

    @derived("percent")
    def endless(value):
        if value:
            value += 1

    with pytest.raises(ValueError, match="endless must end on the line that it returns"):
        _ = endless.formula.text


@pytest.mark.parametrize(
    ("measure", "script"),
    [
        (measures.percent_change, "(before, after) => (100 * ((after / before) - 1))"),
        (measures.market_value_loss, "(before, after, shares) => (((before - after) * shares) / 1000000000.0)"),
        (measures.rank, "(value, others) => (1 + others.reduce((total, other) => total + (other > value), 0))"),
        (measures.rank_from_below, "(value, others) => (1 + others.reduce((total, other) => total + (other < value), 0))"),
        (measures.days_above, "(values, bound) => values.reduce((total, value) => total + (value > bound), 0)"),
        (measures.total, "(parts) => parts.reduce((total, one) => total + one, 0)"),
    ],
)
def test_a_formula_is_written_in_javascript_from_the_line_that_python_runs(measure, script):
    assert measure.formula.javascript() == script


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_quantity_is_its_number(value):
    quantity = Quantity(value, "USD", None)
    assert quantity == value
    assert repr(quantity) == repr(value)
    assert f"{quantity:,.2f}" == f"{value:,.2f}"
    assert math.isclose(quantity + 1, value + 1)
    assert pd.Series([quantity]).astype(float).tolist() == [value]


def test_figures_of_the_tables_know_their_rows():
    close = prices.bars(prices.sessions("NVDA", "2025-01-27"))[-1].close
    assert (close, close.unit) == (118.42, "USD")
    assert close.origin == Row("data/prices.csv", "NVDA:2025-01-27", "close", "2025-01-27", "nasdaq-daily-bars")
    count = prices.shares_outstanding("NVDA", "2025-01-27")["shares"]
    assert (count.unit, count.origin.row, count.origin.as_of) == ("shares", "NVDA:2024-11-15", "2024-11-15")
    fact = facts.number("nvidia-frankfurt")
    assert (fact.unit, fact.origin.row, fact.origin.status) == ("percent", "nvidia-frankfurt", "unconfirmed")
    rate = fx.rate("USD", "EUR", prices.day("2025-01-27"))
    assert (rate, rate.unit, rate.origin.row, rate.origin.column) == (1.053, "USD per EUR", "2025-01-27", "USD")
    assert fx.rate("EUR", "EUR", prices.day("2025-01-27")).origin.source == DEFINITION
    scores = tables.cells(tables.load("image_benchmarks").set_index(["benchmark", "model"]), "score")
    assert scores["GenEval"].iloc[0].origin.as_of  # that of its source, since the table has no day of its own
    assert facts.or_given("deepseek-v3-assumed-rent", "rent", 2.0).origin.file == "data/facts.csv"
    assert facts.or_given("deepseek-v3-assumed-rent", "rent", 3.0).origin.source == derivations.PARAMETER


def test_a_column_of_no_table_has_no_rows():
    with pytest.raises(DataError, match="the column 'a' is of no table of data/"):
        tables.cells(pd.DataFrame({"a": [1.0]}), "a")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "24e9", None])
def test_a_parameter_is_a_finite_number(value):
    with pytest.raises(ParameterError, match=rf"^earnings_per_share must be a number, not {value!r}; correct it$"):
        parameter("earnings_per_share", value, "USD per share")
    with pytest.raises(ParameterError, match=r"^shares_outstanding must be a number above 0, not "):
        parameter("shares_outstanding", value, "shares")


def test_a_count_is_above_zero_and_a_loss_per_share_is_not():
    for value in (-24e9, 0, -1):
        with pytest.raises(ParameterError, match=r"^shares_outstanding must be a number above 0, not "):
            parameter("shares_outstanding", value, "shares")
    assert parameter("earnings_per_share", -1.5, "USD per share") == -1.5
    assert parameter("shares_outstanding", 24_000_000_000, "shares").unit == "shares"


def test_the_empty_cell_that_a_number_was_computed_from_is_known():
    empty = Quantity(math.nan, "USD", Row("data/prices.csv", "A:2001-02-03", "open", "2001-02-03", "a-source"))
    change = measures.percent_change(AFTER, empty)
    assert math.isnan(change)
    assert empty_cell(change) is empty.origin
    assert empty_cell(measures.percent_change(AFTER, AFTER)) is None
    assert empty_cell(math.nan) is None


def test_a_source_that_no_table_has_is_named():
    change = measures.percent_change(parameter("p", 3, "USD"), AFTER)
    assert unknown_source(graph({"n": change}), ["a-source"]) is None
    assert unknown_source(graph({"n": change}), []) == "a-source"
