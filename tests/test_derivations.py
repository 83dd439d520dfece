"""Derivations: a number remembers its formula and its rows, by examples that can be checked on paper."""

import math
from dataclasses import FrozenInstanceError

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shockcheck import measures, quantities
from shockcheck.data import facts, fx, prices, tables
from shockcheck.errors import DataError, ParameterError
from shockcheck.formats.days import parse_day
from shockcheck.quantities import Cell, Quantity, derived, parameter, quantity
from shockcheck.quantities import graph as graphs
from shockcheck.quantities.graph import empty_cell, graph, unknown_source, unsourced
from shockcheck.quantities.quantity import DEFINITION


def row(key: str, source: str = "a-source") -> Cell:
    return Cell("data/t.csv", key, "close", "2001-01-02", source)


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
    assert [one["row"] for one in graphs.cited_rows(derivation)] == ["A:1", "A:2", "A:3", "A:4"]
    assert graphs.node_number(derivation, RATE) == 4
    assert graphs.node_number(derivation, Quantity(2, "USD per EUR", row("B:4"))) is None


def test_a_node_is_found_by_its_value_unit_and_origin():
    loss = measures.market_value_loss(BEFORE, AFTER, SHARES)
    derivation = graph({"loss": loss, "n": 12.5})
    assert graphs.node_number(derivation, loss) == 3
    assert graphs.node_number(derivation, BEFORE) == 0
    alike = [
        Quantity(101, "USD", BEFORE.origin),
        Quantity(100, "EUR", BEFORE.origin),
        Quantity(100, "USD", row("A:7")),
        measures.market_value_change(AFTER, BEFORE, SHARES),  # 100 billion USD by another formula
    ]
    assert [graphs.node_number(derivation, number) for number in alike] == [None] * 4


def test_a_node_that_was_read_has_its_row_and_one_that_nobody_vouches_for_has_none():
    cell = {
        "file": "data/t.csv",
        "row": "A:1",
        "column": "close",
        "as_of": "2001-01-02",
        "source": "a-source",
        "status": "confirmed",
    }
    nodes = graph({"read": BEFORE, "plain": 12.5, "nothing": None})["nodes"]
    assert nodes == [{"value": 100, "unit": "USD", "row": cell}, {"value": 12.5, "unit": ""}]


def test_equal_numbers_without_a_row_are_nodes_of_their_own():
    nodes = graph({"place": measures.rank(BEFORE, [7.0, 7.0])})["nodes"]
    assert [node["value"] for node in nodes] == [100, 7, 7, 1]


def test_plain_numbers_and_columns_give_plain_results():
    assert type(measures.percent_change(100.0, 80.0)) is float
    assert type(measures.rank(100.0, pd.Series([80.0, 120.0]))) is int
    assert type(measures.rank(100.0, pd.Series([80.0, 120.0], dtype=object))) is int
    column = measures.percent_change(BEFORE, pd.Series([80.0, 120.0]))
    assert column.tolist() == pytest.approx([-20, 20])


def test_one_quantity_in_a_column_makes_the_result_one():
    place = measures.rank(100.0, pd.Series([80.0, Quantity(120, "USD", row("A:5"))], dtype=object))
    assert (place, place.unit) == (2, "rank")
    low, high = place.origin.inputs["others"]
    assert (low, low.unit, low.origin) == (80, "", None)
    assert (high, high.unit, high.origin) == (120, "USD", row("A:5"))


def test_a_measure_takes_its_inputs_by_name_and_keeps_its_own():
    change = measures.percent_change(after=AFTER, before=BEFORE)
    assert change == pytest.approx(-20)
    assert list(change.origin.inputs) == ["before", "after"]
    assert measures.percent_change.__name__ == "percent_change"
    assert measures.percent_change.__doc__.startswith("Return the change")


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
        (measures.percent_change(quantities.parameter("p", 3, "USD"), AFTER), "the input before = 3 of percent_change"),
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

    nameless = derived("percent")(lambda value: value)
    with pytest.raises(ValueError, match="<lambda> must end on the line that it returns"):
        _ = nameless.formula.text


@derived("percent")
def negative(value):
    return -value


@pytest.mark.parametrize(
    ("measure", "script"),
    [
        (measures.percent_change, "(before, after) => (100 * ((after / before) - 1))"),
        (measures.market_value_loss, "(before, after, shares) => (((before - after) * shares) / 1000000000.0)"),
        (measures.rank, "(value, others) => (1 + others.reduce((total, other) => total + (other > value), 0))"),
        (measures.rank_from_below, "(value, others) => (1 + others.reduce((total, other) => total + (other < value), 0))"),
        (measures.days_above, "(values, bound) => values.reduce((total, value) => total + (value > bound), 0)"),
        (negative, "(value) => (-value)"),
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


def test_figures_of_the_tables_know_their_rows(sample):
    close = prices.bars(prices.sessions("EXUS", "2001-03-07"))[-1].close
    assert (close, close.unit) == (119, "USD")
    assert close.origin == Cell("data/prices.csv", "EXUS:2001-03-07", "close", "2001-03-07", "example-prices")
    count = prices.shares_outstanding("EXUS", "2001-03-07")["shares"]
    assert (count.unit, count.origin.row, count.origin.as_of) == ("shares", "EXUS:2000-11-17", "2000-11-17")
    fact = facts.number("afternoon")
    assert (fact.unit, fact.origin.row, fact.origin.status) == ("percent", "afternoon", "unconfirmed")
    rate = fx.rate("USD", "EUR", parse_day("2001-03-07"))
    assert (rate, rate.unit, rate.origin.row, rate.origin.column) == (0.9307, "USD per EUR", "2001-03-07", "USD")
    assert fx.rate("EUR", "EUR", parse_day("2001-03-07")).origin.source == DEFINITION
    assert facts.or_given("rent", "rent", 2.0).origin.file == "data/facts.csv"
    assert facts.or_given("rent", "rent", 3.0).origin.source == quantity.PARAMETER


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
    assert parameter("shares_outstanding", 0.5, "shares") == 0.5
    assert parameter("rate", 3, "USD").origin == Cell("", "rate", "", "", "given as parameter")
    assert parameter("shares_outstanding", 24_000_000_000, "shares").unit == "shares"


def test_the_empty_cell_that_a_number_was_computed_from_is_known():
    empty = Quantity(math.nan, "USD", Cell("data/prices.csv", "A:2001-02-03", "open", "2001-02-03", "a-source"))
    change = measures.percent_change(AFTER, empty)
    assert math.isnan(change)
    assert empty_cell(change) is empty.origin
    assert empty_cell(measures.total([AFTER, empty])) is empty.origin
    assert empty_cell(measures.percent_change(AFTER, AFTER)) is None
    assert empty_cell(math.nan) is None


def test_a_source_that_no_table_has_is_named():
    change = measures.percent_change(parameter("p", 3, "USD"), AFTER)
    assert unknown_source(graph({"n": change}), ["a-source"]) is None
    assert unknown_source(graph({"n": change}), []) == "a-source"
    assert unknown_source(graph({"n": Quantity(1, "", row("A:1", ""))}), []) is None  # of a table without sources


def test_a_part_of_a_derivation_is_what_one_of_its_numbers_rests_on():
    loss = measures.market_value_loss(BEFORE, AFTER, SHARES)
    derivation = graph({"other": measures.percent_change(BEFORE, AFTER), "loss": loss})
    part = graphs.part(derivation, "loss")
    assert [node["value"] for node in part["nodes"]] == [100, 80, 5e9, 100]
    assert [node.get("measure") for node in part["nodes"]] == [None, None, None, "market_value_loss"]
    assert [node["value"] for node in graphs.part(derivation, "other")["nodes"]] == [100, 80, pytest.approx(-20)]
    ranked = graph({"place": measures.rank(AFTER, [BEFORE, AFTER, 7.0])})
    assert [node["value"] for node in graphs.part(ranked, "place")["nodes"]] == [80, 100, 7, 2]


def test_where_a_number_is_from_cannot_be_changed_and_two_steps_are_never_one():
    with pytest.raises(FrozenInstanceError):
        BEFORE.origin.row = "A:2"
    first, second = (measures.percent_change(BEFORE, AFTER).origin for _ in range(2))
    assert first != second
    assert len({first, second}) == 2
    with pytest.raises(FrozenInstanceError):
        first.inputs = {}
    assert (row("A:1"), row("A:1").status) == (row("A:1"), "confirmed")
    assert (quantity.PARAMETER, quantity.DEFINITION) == ("given as parameter", "by definition")  # as pages say it


def test_a_quantity_knows_the_source_of_its_cell_alone():
    assert BEFORE.source == "a-source"
    assert measures.percent_change(BEFORE, AFTER).source == ""
    assert Quantity(1, "USD", None).source == ""


@pytest.mark.parametrize("value", [2, 10, 3.0])
def test_a_whole_number_is_taken(value):
    quantity.check_whole("sessions", value, 2)


@pytest.mark.parametrize("value", [1, 2.5, -3, math.nan, math.inf, "3", None])
def test_a_number_that_is_not_whole_or_too_small_is_refused(value):
    with pytest.raises(ParameterError, match=rf"^sessions must be a whole number from 2 on, not {value!r}; correct it$"):
        quantity.check_whole("sessions", value, 2)


@pytest.mark.parametrize("band", [(5, 6), (5, 5), (-6.5, -5)])
def test_a_band_runs_from_a_number_up_to_another(band):
    quantity.check_band(*band)


@pytest.mark.parametrize("band", [(6, 5), (5, None), (math.nan, 6), (5, math.inf), ("5", 6)])
def test_what_is_no_band_is_refused(band):
    sentence = (
        f"a band must run from a number up to another, not from {band[0]!r} to {band[1]!r}; correct band_low or band_high"
    )
    with pytest.raises(ParameterError, match=rf"^{sentence}$"):
        quantity.check_band(*band)
