"""Judging a vendor's bars, by figures made up: what contradicts itself is found wherever it stands, and nothing else is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shockcheck.data.market import bars
from shockcheck.data.market.bars import PRICES

FEW = settings(max_examples=40, deadline=None)  # each judges sixty bars, which takes longer where others run
DAYS = pd.bdate_range("2001-01-01", periods=60, name="date")


def quiet(**changes):
    """Bars of sixty days that hardly move, with volume; `changes` are whole columns."""
    close = pd.Series(100 + np.arange(60) * 7 % 11 * 0.2, index=DAYS)
    columns = {"open": close * 0.999, "high": close * 1.01, "low": close * 0.99, "close": close}
    more = {"volume": 1000 + np.arange(60), "ratio": 1.0, "split": 1.0, "undo": 1.0, "documented": False}
    return pd.DataFrame(columns).assign(**more | changes)


def judged(table, sessions=DAYS):
    return bars.judge(table, sessions)


def days(found):
    return [DAYS.get_loc(day) for day in found]


def test_nothing_is_wrong_with_quiet_bars():
    assert judged(quiet()) == bars.Judgement()


def test_bars_and_sessions_are_the_same_days():
    found = judged(quiet().drop(index=DAYS[7]), DAYS.drop(DAYS[30]))
    assert {day: fault.why for day, fault in found.bars.items()} == {
        DAYS[7]: "the vendor has no bar for this session",
        DAYS[30]: "the vendor has a bar, but the exchange was closed",
    }
    assert days(found.breaks) == [30]  # with trading: perhaps the calendar is wrong, and no change goes across it
    filler = quiet()
    filler.loc[DAYS[30], [*PRICES, "volume"]] = [*[filler.at[DAYS[29], "close"]] * 4, 0]
    assert judged(filler, DAYS.drop(DAYS[30])).breaks == {}


@pytest.mark.slow
@FEW
@given(st.sampled_from(PRICES), st.integers(0, 59), st.sampled_from([100, 0.01, 1000, 0.001, 1e6, 3, 0.3]))
def test_a_cell_in_another_unit_is_never_used(column, place, factor):
    """Where it is the close, or a cell beyond it, the bar is not used; another cell alone is left out."""
    table = quiet()
    table.iloc[place, table.columns.get_loc(column)] *= factor
    found = judged(table)
    if column == "close":
        assert days(found.bars) == [place]
    else:
        assert found.bars == found.breaks == {}
        assert list(found.cells) == [(DAYS[place], column)]


@pytest.mark.slow
@FEW
@given(st.integers(1, 59), st.integers(1, 59), st.sampled_from([100, 0.01, 1000, 1e-6]))
def test_bars_that_are_used_are_in_one_unit(start, length, factor):
    """Whatever stretch is in another, up to the end or not: those in the unit of the last bars are used, or none."""
    table = quiet()
    other = pd.Series(range(60), index=DAYS).between(start, start + length - 1)
    table.loc[other, PRICES] *= factor
    found = judged(table)
    used = ~other.index.isin(list(found.bars))
    assert found.breaks == {}
    if start + length >= 60:  # a unit that lasts is the vendor's own, once it has stood for long enough
        assert list(used) == list(other & (other.sum() >= bars.SETTLED_BARS or other.mean() > 0.5))
    else:
        assert not (used & other).any()


RATIOS = st.sampled_from([2, 3, 10, 1.5, 1.25, 50, 0.05, 0.1, 2 / 3])


@pytest.mark.slow
@FEW
@given(st.integers(3, 57), RATIOS, st.sampled_from([0, 1, 2]))
def test_a_split_must_have_been_taken_into_account_once(place, ratio, times):
    """Closes before it are divided by its ratio once, or every bar before it is in doubt; `times` counts the divisions."""
    table = quiet()
    table.iloc[place, table.columns.get_loc("ratio")] = ratio
    before = np.arange(60) < place
    table.loc[before, PRICES] *= ratio ** (1 - times)
    found = judged(table)
    assert days(found.bars) == ([] if times == 1 else list(range(place)))
    assert days(found.splits) == ([] if times == 1 else [place])
    assert found.breaks == {}


@pytest.mark.slow
@FEW
@given(st.integers(5, 50), st.integers(-5, 5), RATIOS)
def test_closes_that_are_divided_up_to_another_day_than_the_splits_are_in_doubt(place, late, ratio):
    """As they are where a vendor has not divided old ones, or has another day for the split."""
    table = quiet()
    table.iloc[place, table.columns.get_loc("ratio")] = ratio
    undivided = np.arange(60) < place + late
    table.loc[undivided, PRICES] *= ratio
    assert set(np.flatnonzero(undivided)) <= set(days(judged(table).bars))


def test_only_what_was_not_divided_is_in_doubt():
    """As where a vendor has divided the closes of the last weeks before a split, and no earlier ones."""
    table = quiet()
    table.loc[DAYS[50], "ratio"] = 10
    table.loc[np.arange(60) < 10, PRICES] *= 10
    assert days(judged(table).bars) == list(range(10))


def test_a_fall_that_is_by_no_ratio_is_the_markets():
    table = quiet()
    table.loc[DAYS[50], "ratio"] = 10
    table.loc[np.arange(60) < 20, PRICES] *= 3
    found = judged(table)
    assert found.bars == {}
    assert days(found.breaks) == [20]


def test_a_split_without_a_close_since_and_one_that_is_listed_twice_are_in_doubt():
    table = quiet()
    table.loc[DAYS[59], [*PRICES, "ratio"]] = [np.nan] * 4 + [10]
    assert "no close since" in judged(table, DAYS[:59]).splits[DAYS[59]].why
    table = quiet()
    table.loc[DAYS[[30, 33]], "ratio"] = 10
    assert "and again on" in judged(table).splits[DAYS[33]].why
    table = quiet()
    table.loc[DAYS[30], "ratio"] = np.inf
    assert days(judged(table).splits) == [30]


@pytest.mark.parametrize(
    ("ratio", "of_shares", "text"),
    [
        (2, True, "2:1"), (0.05, True, "1:20"), (1.5, True, "3:2"), (1.05, True, "21:20"), (7 / 3, True, "7:3"),
        (1.281, False, "1.281:1"), (1.046, False, "1.046:1"), (0.955, False, "0.955:1"),
    ],
)  # fmt: skip
def test_a_ratio_of_shares_is_by_whole_numbers(ratio, of_shares, text):
    assert bars.is_of_shares(ratio) is of_shares
    assert bars.as_ratio(ratio) == text
    table = quiet()
    table.loc[DAYS[30], "ratio"] = ratio
    found = judged(table)
    assert days(found.ratios) == ([] if of_shares else [30])
    assert found.bars == {}


@pytest.mark.parametrize(("change", "far"), [(1.49, False), (1.51, True), (0.51, False), (0.49, True)])
def test_a_close_that_jumps_by_more_than_half_is_no_change(change, far):
    table = quiet()
    table.loc[np.arange(60) >= 30, PRICES] *= change * table["close"].iloc[29] / table["close"].iloc[30]
    found = judged(table)
    assert days(found.breaks) == ([30] if far else [])
    assert found.bars == {}


def test_a_first_bar_that_is_wrong_is_known_by_later_ones():
    table = quiet()
    table.loc[DAYS[0], PRICES] *= 4
    found = judged(table)
    assert days(found.breaks) == [1]
    assert found.bars == {}  # later bars are used, and no change from the first to them


def test_a_bar_that_jumps_away_and_back_is_wrong_and_its_neighbours_are_not():
    table = quiet()
    table.loc[DAYS[30:33], PRICES] *= 0.3
    found = judged(table)
    assert days(found.bars) == [30, 31, 32]
    assert "without a split, and is back on" in found.bars[DAYS[30]].why
    assert found.breaks == {}


def test_what_is_documented_is_not_judged():
    table = quiet()
    table.loc[DAYS[30], [*PRICES[:-1], "close", "volume", "documented"]] = [np.nan, np.nan, np.nan, 20.0, 0, True]
    found = judged(table)
    assert DAYS[30] not in found.bars
    assert [day for day, _ in found.cells] == []


@pytest.mark.parametrize("column", PRICES)
@pytest.mark.parametrize("price", [np.nan, 0.0, -1.0, np.inf])
def test_what_is_no_price_is_named(column, price):
    table = quiet()
    table.loc[DAYS[30], column] = price
    found = judged(table)
    if column == "close":
        assert days(found.bars) == [30]
        assert found.bars[DAYS[30]].why.startswith("the close is")
    else:
        assert list(found.cells) == [(DAYS[30], column)]
        assert found.bars == {}


@pytest.mark.parametrize(
    ("changes", "bar", "cells"),
    [
        ({"high": 95.0}, True, []),
        ({"low": 105.0}, True, []),
        ({"high": 99.0, "low": 105.0}, True, []),
        ({"open": 120.0}, False, ["open", "high"]),
        ({"open": 80.0}, False, ["open", "low"]),
    ],
)
def test_prices_of_a_bar_lie_between_its_low_and_high(changes, bar, cells):
    table = quiet()
    table.loc[DAYS[30], list(changes)] = list(changes.values())
    found = judged(table)
    assert days(found.bars) == ([30] if bar else [])
    assert [name for _, name in found.cells] == cells


@pytest.mark.parametrize("volume", [0, 5])
@pytest.mark.parametrize("flat", [False, True])
def test_a_close_that_is_repeated_without_volume_is_stale_where_volume_is_counted(volume, flat):
    counted = quiet()
    counted.loc[DAYS[30], "close"] = counted["close"].iloc[29]
    if flat:
        counted.loc[DAYS[30], PRICES] = counted["close"].iloc[29]
    counted.loc[DAYS[30], "volume"] = volume
    assert days(judged(counted).bars) == ([] if volume else [30])
    never = counted.assign(volume=0)
    assert days(judged(never).bars) == ([30] if flat else [])  # of an index, only a flat bar among others is none
    every_flat = never.assign(**dict.fromkeys(PRICES, never["close"]))
    assert judged(every_flat).bars == {}  # a fund has one price a day


def test_a_bar_that_is_a_copy_of_the_one_before():
    table = quiet()
    table.loc[DAYS[30], [*PRICES, "volume"]] = table.loc[DAYS[29], [*PRICES, "volume"]]
    assert judged(table).bars[DAYS[30]].why == "all prices and the volume are those of the bar before"
    without = table.assign(volume=0)
    assert judged(without).bars == {}
    assert days(judged(without).repeats) == [30]


@FEW
@given(st.sampled_from(PRICES), st.integers(0, 19), st.sampled_from([100, 0.01, np.nan, 0]))
def test_a_five_minute_bar_in_another_unit_is_left_out(column, place, factor):
    table = quiet()[PRICES].head(20)
    table.iloc[place, table.columns.get_loc(column)] *= factor
    assert days(bars.judge_intraday(table, [100])) == [place]


def test_five_minute_bars_of_a_day_that_moves_are_used():
    falling = pd.DataFrame({"open": [480.0, 300, 190], "high": [483.0, 310, 200], "low": [460.0, 290, 112],
                            "close": [470.0, 295, 193]}, index=DAYS[:3])  # fmt: skip
    assert bars.judge_intraday(falling, [470, 193]) == {}
    assert days(bars.judge_intraday(falling, [193])) == [0, 1]  # where no other price of the day is known
