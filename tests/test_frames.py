"""Frames as data for a page, and as CSV that a spreadsheet cannot mistake."""

import csv
import io
import json
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shockcheck import frames
from shockcheck.languages.language import get_language
from shockcheck.quantities import Quantity
from shockcheck.report import pages

FRAME = pd.DataFrame(
    {"name": ["a", None], "price": [1.5, float("nan")], "count": [2_000_000, 3], "held": [True, False]},
    index=pd.DatetimeIndex(["2001-01-02", "2001-01-03"], name="date"),
)


def test_a_frame_as_data():
    data = frames.as_data(FRAME)
    assert data["headers"] == 1
    assert [(column["name"], column["kind"]) for column in data["columns"]] == [
        ("date", "day"), ("name", "text"), ("price", "number"), ("count", "number"), ("held", "text"),
    ]  # fmt: skip
    assert data["rows"] == [
        ["2001-01-02T00:00:00", "a", 1.5, 2_000_000, "yes"],
        ["2001-01-03T00:00:00", None, None, 3, "no"],
    ]


def test_a_count_as_index_is_left_out_and_levels_become_columns():
    assert frames.as_data(pd.DataFrame({"a": [1]}))["headers"] == 0
    levels = pd.DataFrame({"v": [1.0]}, index=pd.MultiIndex.from_tuples([("x", "y")], names=["one", "two"]))
    assert [column["name"] for column in frames.as_data(levels)["columns"]] == ["one", "two", "v"]
    wide = pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert [column["name"] for column in frames.as_data(wide)["columns"]] == ["a, b", "a, c"]


def test_quantities_are_numbers_and_noise_beyond_twelve_digits_is_dropped():
    column = pd.Series([Quantity(592.6580000000001, "USD", None)], dtype=object)
    data = frames.as_data(column.to_frame("loss"))
    assert (data["columns"][0]["kind"], data["rows"]) == ("number", [[592.658]])


def test_what_people_have_in_their_frames_can_be_written_as_json_and_shown():
    values = {
        "infinite": [1.5, math.inf, -math.inf],
        "missing": [pd.NA, None, np.nan],
        "numpy": np.array([1, 2, 3], dtype=np.int16),
        "single": np.array([0.1, 2, np.inf], dtype=np.float32),
        "decimal": [Decimal("1.10"), Decimal("NaN"), 2],
        "flags": pd.array([True, pd.NA, False], dtype="boolean"),
        "whole": pd.array([1, pd.NA, 3], dtype="Int64"),
        "lists": [[1, 2], {"a": 1}, np.array([1, 2])],
        "spans": [pd.Timedelta("1D"), pd.Interval(0, 1), complex(1, 2)],
        "texts": ["\ud800", "<b>", b"x"],
    }
    data = frames.as_data(pd.DataFrame(values))
    json.dumps(data, allow_nan=False)
    assert [column["kind"] for column in data["columns"]] == ["number", "text", *["number"] * 3, "text", "number"] + [
        "text"
    ] * 3
    columns = dict(zip(values, zip(*data["rows"], strict=True), strict=True))
    assert columns["infinite"] == (1.5, "inf", "-inf") and columns["missing"] == (None, None, None)
    assert columns["decimal"] == (1.1, None, 2) and columns["flags"] == ("yes", None, "no")
    assert pages.format_column(list(columns["infinite"]), "number", get_language("en")) == ["1.5", "∞", "−∞"]
    assert frames.as_csv(data).splitlines()[2].startswith("inf,,2,2,,,,")


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame([[1, 2]], columns=["a", "a"])])
def test_empty_frames_and_twin_columns_are_shown(frame):
    assert len(pages.data_table(frames.as_data(frame), "label", get_language("en")).split("<tr>")) > 1


def test_csv_has_plain_days_and_full_numbers():
    lines = frames.as_csv(frames.as_data(FRAME)).split("\r\n")
    assert lines == ["date,name,price,count,held", "2001-01-02,a,1.5,2000000,yes", "2001-01-03,,,3,no", ""]


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_is_a_formula_to_a_spreadsheet(text):
    data = frames.as_data(pd.DataFrame({text: [text], "n": [-1.0]}))
    header, row = list(csv.reader(io.StringIO(frames.as_csv(data), newline="")))
    assert header[0] == row[0] == f"'{text}"
    assert row[1] == "-1"


@given(st.lists(st.text(), min_size=1))
def test_csv_keeps_every_text(texts):
    data = frames.as_data(pd.DataFrame({"t": pd.Series(texts, dtype=object)}))
    rows = list(csv.reader(io.StringIO(frames.as_csv(data), newline="")))[1:]
    assert [row[0].removeprefix("'") if row else "" for row in rows] == [text.removeprefix("'") for text in texts]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1.0, 2.0], ["1", "2"]),
        ([1.5, 2.25], ["1.50", "2.25"]),
        ([592.658, 1.0 / 3], ["592.658", "0.333"]),
        ([24_490_000_000, 1], ["24,490,000,000", "1"]),
        ([None, 0.5], ["", "0.5"]),
        ([0.0], ["0"]),
        ([-1.25], ["−1.25"]),
    ],
)
def test_the_numbers_of_a_column_share_their_places(values, cells):
    assert pages.format_column(values, "number", get_language("en")) == cells


def test_cells_in_german():
    assert pages.format_column([1234.5], "number", get_language("de")) == ["1.234,5"]
    assert pages.format_column(["2001-01-02T00:00:00"], "day", get_language("de")) == ["2. Januar 2001"]
    assert pages.format_column(["2001-01-02T15:35:00+01:00"], "time", get_language("de")) == ["15:35"]
