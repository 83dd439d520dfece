"""Days, shares and counts: what is found, and what is said where nothing is."""

from datetime import date

import pytest

from shockcheck.data import prices
from shockcheck.errors import ParameterError
from shockcheck.formats.days import parse_day

pytestmark = pytest.mark.usefixtures("sample")


def test_sessions_skip_the_weekend_and_the_holiday():
    assert list(prices.sessions("EXAG", "2001-03-05").index.strftime("%m-%d")) == ["03-02", "03-05"]
    assert list(prices.sessions("EXUS", "2001-04-16").index.strftime("%m-%d")) == ["04-12", "04-16"]  # but for Good Friday
    assert list(prices.sessions("EXUS", "2001-03-08", before=2)["close"]) == [140, 119, 125]


def test_a_day_is_written_in_one_way():
    assert parse_day("2001-03-07") == date(2001, 3, 7)


@pytest.mark.parametrize("wrong", ["20010307", 20010307, "soon", "07.03.2001", "2001-02-30", "2001-3-07", "", None])
def test_what_is_no_day(wrong):
    with pytest.raises(ParameterError, match="event_date must be a date written as text, 'YYYY-MM-DD', not"):
        parse_day(wrong, "event_date")


@pytest.mark.parametrize(
    ("day", "message"),
    [
        ("2001-03-10", "no session of XNAS; the sessions before and after it are 2001-03-09 and 2001-03-12"),
        ("2001-04-13", "no session of XNAS; the sessions before and after it are 2001-04-12 and 2001-04-16"),
        ("2001-05-02", "the embedded sessions run from 2001-03-06 to 2001-04-16; add the rows"),
        ("2001-03-06", "no embedded bar for 2001-03-05"),
        ("1975-01-02", "no embedded bar for 1975-01-02"),
        ("2090-01-03", "no embedded bar for 2090-01-03"),
    ],
)
def test_no_such_session(day, message):
    with pytest.raises(ParameterError) as raised:
        prices.sessions("EXUS", day)
    assert message in str(raised.value)


def test_an_unknown_share():
    with pytest.raises(ParameterError, match=r"no share 'ACME' is embedded; there are EXAG, EXUS"):
        prices.daily("ACME")


def test_five_minute_bars_are_dated_by_their_close_in_the_readers_time():
    bars = prices.intraday("EXUS", "2001-03-07", "Europe/Berlin")
    assert [f"{close:%H:%M}" for close in bars.index] == ["15:35", "15:40", "22:00"]
    assert list(bars["close"]) == [127.5, 126.2, 119]


@pytest.mark.parametrize(
    ("day", "zone", "message"),
    [
        ("2001-03-09", "UTC", "no embedded five-minute bars for 2001-03-09; days with bars: 2001-03-07, 2001-03-08"),
        ("2001-03-08", "Berlin", "time_zone must be an IANA name like 'Europe/Berlin', not 'Berlin'"),
    ],
)
def test_no_such_bars(day, zone, message):
    with pytest.raises(ParameterError, match=message):
        prices.intraday("EXUS", day, zone)


@pytest.mark.parametrize(
    ("as_of", "billions"), [("2000-08-25", 24.53), ("2000-11-16", 24.53), ("2000-11-17", 24.49), ("2001-08-25", 24.40)]
)
def test_the_last_share_count_known_on_a_day(as_of, billions):
    assert prices.shares_outstanding("EXUS", as_of)["shares"] == billions * 1e9


def test_closes_reach_from_the_estimation_window_to_the_days_after():
    closes = prices.closes("EXUS")
    assert (f"{closes.index[0]:%Y-%m-%d}", f"{closes.index[-1]:%Y-%m-%d}") == ("2001-03-02", "2001-04-16")
    assert not closes.isna().any().any()


def test_closes_around_a_session():
    around = prices.closes_around(["EXUS", "EXAG"], "2001-03-07")
    assert around.values.tolist() == [
        ["Example Inc", 140, 119, "example-prices"],
        ["Example AG", 40, 37, "example-repair, example-prices"],
    ]


def test_every_share_count():
    assert list(prices.share_counts("EXUS") / 1e9) == [24.53, 24.49, 24.40]


@pytest.mark.parametrize("as_of", ["2000-08-24", "2002-03-15"])
def test_no_share_count_yet_or_none_that_is_not_out_of_date(as_of):
    message = f"no share count for {as_of} or the half year before; embedded counts: 2000-08-25, .* -p shares_outstanding="
    with pytest.raises(ParameterError, match=message):
        prices.shares_outstanding("EXUS", as_of)
