"""Days, shares and counts: what is found, and what is said where nothing is."""

from datetime import date

import pytest

from shockcheck import prices
from shockcheck.errors import ParameterError


def test_sessions_skip_the_weekend_and_the_holiday():
    assert list(prices.sessions("NVDA", "2025-01-27").index.strftime("%m-%d")) == ["01-24", "01-27"]
    assert list(prices.sessions("NVDA", "2025-01-10").index.strftime("%m-%d")) == ["01-08", "01-10"]
    assert list(prices.sessions("NVDA", "2025-01-28", before=2)["close"]) == [142.62, 118.42, 128.99]


def test_a_day_is_written_in_one_way():
    assert prices.day("2025-01-27") == date(2025, 1, 27)


@pytest.mark.parametrize("wrong", ["20250127", 20250127, "soon", "27.01.2025", "2025-02-30", "2025-1-27", "", None])
def test_what_is_no_day(wrong):
    with pytest.raises(ParameterError, match="event_date must be a date written as text, 'YYYY-MM-DD', not"):
        prices.day(wrong, "event_date")


@pytest.mark.parametrize(
    ("day", "message"),
    [
        ("2025-01-26", "no session of XNAS; the sessions before and after it are 2025-01-24 and 2025-01-27"),
        ("2025-01-09", "no session of XNAS; the sessions before and after it are 2025-01-08 and 2025-01-10"),
        ("2025-03-03", "the embedded sessions run from 2025-01-02 to 2025-02-14; add the rows"),
        ("2025-01-02", "no embedded bar for 2024-12-31"),
        ("1975-01-02", "no embedded bar for 1975-01-02"),
        ("2090-01-02", "no embedded bar for 2090-01-02"),
    ],
)
def test_no_such_session(day, message):
    with pytest.raises(ParameterError) as raised:
        prices.sessions("NVDA", day)
    assert message in str(raised.value)


def test_an_unknown_share():
    with pytest.raises(ParameterError, match=r"no share 'ACME' is embedded; there are 6857\.T, 9984\.T, "):
        prices.daily("ACME")


def test_five_minute_bars_are_dated_by_their_close_in_the_readers_time():
    bars = prices.intraday("NVDA", "2025-01-28", "Europe/Berlin")
    assert (f"{bars.index[0]:%H:%M}", f"{bars.index[-1]:%H:%M}") == ("15:35", "22:00")
    assert len(bars) == 78


@pytest.mark.parametrize(
    ("day", "zone", "message"),
    [
        ("2025-01-29", "UTC", "no embedded five-minute bars for 2025-01-29; days with bars: 2025-01-27, 2025-01-28"),
        ("2025-01-28", "Berlin", "time_zone must be an IANA name like 'Europe/Berlin', not 'Berlin'"),
    ],
)
def test_no_such_bars(day, zone, message):
    with pytest.raises(ParameterError, match=message):
        prices.intraday("NVDA", day, zone)


@pytest.mark.parametrize(
    ("as_of", "billions"), [("2024-08-23", 24.53), ("2024-11-14", 24.53), ("2024-11-15", 24.49), ("2025-08-01", 24.40)]
)
def test_the_last_share_count_known_on_a_day(as_of, billions):
    assert prices.shares_outstanding("NVDA", as_of)["shares"] == billions * 1e9


def test_closes_reach_from_the_estimation_window_to_the_days_after():
    closes = prices.closes("NVDA", "^GSPC")
    assert (f"{closes.index[0]:%Y-%m-%d}", f"{closes.index[-1]:%Y-%m-%d}") == ("2024-07-01", "2025-02-14")
    assert not closes.isna().any().any()


def test_closes_around_a_session():
    around = prices.closes_around(["NVDA", "ENR.DE"], "2025-01-27")
    assert around.values.tolist() == [
        ["Nvidia", 142.62, 118.42, "nasdaq-daily-bars"],
        ["Siemens Energy", 60.36, 48.32, "finanzen-net-2025-01-24, xetra-daily-bars"],
    ]


def test_every_share_count():
    assert list(prices.share_counts("NVDA") / 1e9) == [24.53, 24.49, 24.40]


@pytest.mark.parametrize("as_of", ["2024-08-22", "2025-09-01"])
def test_no_share_count_yet_or_none_that_is_not_out_of_date(as_of):
    message = f"no share count for {as_of} or the half year before; embedded counts: 2024-08-23, .* -p shares_outstanding="
    with pytest.raises(ParameterError, match=message):
        prices.shares_outstanding("NVDA", as_of)
