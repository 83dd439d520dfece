"""Live prices: the real yfinance against a stand-in for Yahoo on a local port, with the faults that Yahoo is known for."""

import re
import socket
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from werkzeug import Response
from yahoo import Share

from shockcheck.data import facts, prices
from shockcheck.data.market import corrections, yahoo
from shockcheck.errors import ParameterError, SourceError

WEEK = [  # Friday to Thursday, in shares of today, which are half as large as those of the week: see SPLIT
    ("2024-03-01", 9.6, 10.2, 9.5, 10.0, 500),
    ("2024-03-04", 10.0, 11.0, 9.9, 10.5, 500),
    ("2024-03-05", 10.5, 10.6, 8.0, 8.4, 900),
    ("2024-03-06", 8.4, 9.0, 8.2, 8.8, 700),
    ("2024-03-07", 8.8, 9.2, 8.7, 9.0, 600),
]
SPLIT = {"2024-03-07": 2.0}
EARLIER = [(f"2024-02-{day}", 9.5, 9.6, 9.4, 9.5, 400) for day in (22, 23, 26, 27, 28, 29)]


SYMBOLS = iter(f"TEST{number}" for number in range(100))  # yfinance remembers answers by symbol


@pytest.fixture
def symbol():
    return next(SYMBOLS)


def changed(day, **values):
    """The week with some values of one day's bar changed."""
    names = ("open", "high", "low", "close", "volume")
    return EARLIER + [(bar[0], *(values.get(n, v) for n, v in zip(names, bar[1:], strict=True))) if bar[0] == day else bar
                      for bar in WEEK]  # fmt: skip


def test_a_session_is_in_shares_of_its_day_whatever_was_split_or_paid_since(stand_in, symbol):
    stand_in.shares[symbol] = Share(EARLIER + WEEK, splits=SPLIT, dividends={"2024-03-06": 1.0})
    days = prices.sessions(symbol, "2024-03-05", source="yahoo")
    assert list(days.index.strftime("%Y-%m-%d")) == ["2024-03-04", "2024-03-05"]
    assert list(days["close"]) == [21.0, 16.8]  # before the split, one share was worth two of today's
    assert set(days["source"]) == {"yahoo-finance"}
    later = prices.sessions(symbol, "2024-03-07", source="yahoo")
    assert list(later["close"]) == [8.8, 9.0]


def test_a_second_run_asks_nothing_and_each_row_keeps_the_day_it_was_fetched(stand_in, symbol):
    stand_in.shares[symbol] = Share(EARLIER + WEEK)
    first = prices.sessions(symbol, "2024-03-05", source="yahoo")
    asked = stand_in.charts
    again = prices.sessions(symbol, "2024-03-05", source="yahoo")
    assert stand_in.charts == asked > 0
    pd.testing.assert_frame_equal(first, again)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", again["fetched"].iloc[0])


def test_pence_are_pounds_and_a_day_is_the_exchanges(stand_in):
    stand_in.shares["TEST.L"] = Share(
        EARLIER + WEEK, currency="GBp", zone="Europe/London", exchange="LSE", name="Example plc"
    )
    assert prices.sessions("TEST.L", "2024-03-05", source="yahoo")["close"].tolist() == [0.105, 0.084]
    assert yahoo.listing("TEST.L", date(2024, 3, 5)) == ("TEST.L", "Example plc", "XLON", "GBP")


def test_a_vendors_count_is_in_shares_of_the_day_and_asked_for_once(stand_in, symbol):
    stand_in.shares[symbol] = Share(EARLIER + WEEK, splits=SPLIT, counts={"2024-02-20": 3e9, "2024-03-01": 4e9})
    assert prices.shares_outstanding(symbol, "2024-03-05", "yahoo").tolist() == [
        pd.Timestamp("2024-03-01"), 4e9, "yahoo-finance"]  # fmt: skip
    later = prices.shares_outstanding(symbol, "2024-03-07", "yahoo")
    assert later["shares"] == 8e9  # on the day of the split each had become two
    asked = stand_in.charts
    assert prices.shares_outstanding(symbol, "2024-03-07", "yahoo")["shares"] == 8e9
    assert stand_in.charts == asked
    with pytest.raises(ParameterError, match=r"no share count for 2024-02-19 .* -p shares_outstanding=NUMBER; Yahoo has no"):
        prices.shares_outstanding(symbol, "2024-02-19", "yahoo")


def test_around_a_day_a_faulty_bar_is_an_empty_row_and_said(stand_in, symbol, capsys):
    stand_in.shares[symbol] = Share(changed("2024-03-06", high=7.0))
    around = prices.daily(symbol, "2024-03-05", "yahoo")
    assert pd.isna(around.at[pd.Timestamp("2024-03-06"), "close"])
    assert around.at[pd.Timestamp("2024-03-07"), "close"] == 9.0
    said = capsys.readouterr().out
    assert f"{symbol}: Yahoo's bar for 2024-03-06 is left out: close 8.8, high 7.0 and low 8.2 cannot be right." in said
    assert f"{symbol}: closes of Yahoo Finance, in shares of 2024-03-05 and not adjusted for dividends; fetched 20" in said


@pytest.mark.parametrize("day", ["2024-03-05", "2024-03-04"])
def test_a_faulty_bar_of_the_day_or_of_the_session_before_is_refused_whatever_stands_around(stand_in, symbol, day):
    stand_in.shares[symbol] = Share(changed(day, high=7.0))
    with pytest.raises(SourceError, match=rf"Yahoo's bar of {symbol} for {day} cannot be computed with: close .* high 7\.0"):
        prices.daily(symbol, "2024-03-05", "yahoo")


FIVE = [("2024-03-05T09:30", 10.5, 10.6, 10.4, 10.6, 9), ("2024-03-05T09:35", 10.6, 10.6, 8.0, 8.4, 9),
        ("2024-03-05T16:00", 8.4, 8.4, 8.4, 8.4, 0)]  # fmt: skip


def test_five_minute_bars_of_the_last_sixty_days(stand_in, symbol, monkeypatch, capsys):
    stand_in.shares[symbol] = Share(EARLIER + WEEK, splits=SPLIT, five_minutes=FIVE)
    monkeypatch.setattr(yahoo, "_now", lambda: datetime(2024, 3, 8, 22, tzinfo=UTC))
    bars = prices.intraday(symbol, "2024-03-05", "Europe/Berlin", "yahoo")
    assert [f"{when:%H:%M}" for when in bars.index] == ["15:35", "15:40"]  # closes, and none after the session
    assert list(bars["close"]) == [21.2, 16.8]  # in shares of the day, before the split
    asked = stand_in.charts
    pd.testing.assert_frame_equal(bars, prices.intraday(symbol, "2024-03-05", "Europe/Berlin", "yahoo"), check_freq=False)
    assert stand_in.charts == asked
    monkeypatch.setattr(yahoo, "_now", lambda: datetime(2024, 6, 8, tzinfo=UTC))
    assert prices.intraday(symbol, "2024-03-06", "Europe/Berlin", "yahoo").empty
    assert "Yahoo has no five-minute bars for 2024-03-06; it keeps those of the last 60 days." in capsys.readouterr().out


def test_auto_uses_the_embedded_five_minute_bars_in_place_of_none(stand_in, capsys):
    stand_in.shares["NVDA"] = Share(EARLIER + WEEK)
    assert len(prices.intraday("NVDA", "2025-01-28", "Europe/Berlin", "auto")) == 78
    assert "embedded figures are used in place of live ones" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (changed("2024-03-05", close=10.5, volume=0), r"2024-03-05 .* nothing was traded \(volume 0\) and the close before"),
        (changed("2024-03-05", high=7.0), "2024-03-05 .* high 7.0 and low 8.0 cannot be right"),
        (changed("2024-03-05", close=2.1, low=2.0), "2024-03-05 .* the close jumps from 10.5 to 2.1 without a split"),
        (EARLIER + WEEK[:1] + WEEK[2:], "2024-03-04 .* no bar for this session"),
        (EARLIER + WEEK[:1], "2024-03-04 .* no bar for this session"),
        ([*EARLIER, WEEK[0], ("2024-03-03", 10, 10, 10, 10, 5), *WEEK[2:]], "2024-03-04 .* no bar for this session"),
    ],
)  # fmt: skip
def test_a_faulty_bar_is_never_computed_with(stand_in, symbol, given, message):
    stand_in.shares[symbol] = Share(given)
    with pytest.raises(SourceError, match=message):
        prices.sessions(symbol, "2024-03-05", source="yahoo")


FRIDAY = ("2025-01-24", 58.8, 58.8, 58.8, 58.8, 0)
XETRA = [(f"2025-01-{day}", 50.34, 51.0, 50.0, 50.34, 9) for day in (16, 17, 20, 21)] + [
    ("2025-01-22", 53.4, 56.9, 53.24, 55.14, 9), ("2025-01-23", 55.5, 58.8, 55.38, 58.8, 9), FRIDAY,
    ("2025-01-27", 50.6, 52.34, 46.88, 48.32, 9),
]  # fmt: skip


def test_the_documented_correction_takes_the_place_of_the_stale_bar(stand_in):
    stand_in.shares["ENR.DE"] = Share(XETRA, currency="EUR", zone="Europe/Berlin", exchange="GER")
    days = prices.sessions("ENR.DE", "2025-01-27", source="yahoo")
    assert 100 * (days["close"].iloc[1] / days["close"].iloc[0] - 1) == pytest.approx(-19.95, abs=0.005)
    assert days["source"].iloc[0] == "finanzen-net-2025-01-24"


def test_a_correction_is_refused_once_the_source_is_repaired(stand_in):
    repaired = [("2025-01-24", 59.0, 60.9, 58.5, 60.36, 7) if bar is FRIDAY else bar for bar in XETRA]
    stand_in.shares["ENR.DE"] = Share(repaired, currency="EUR", zone="Europe/Berlin", exchange="GER")
    yahoo_answers_again()
    with pytest.raises(SourceError, match=r"corrects ENR.DE on 2025-01-24, but the vendor's bar has changed"):
        prices.sessions("ENR.DE", "2025-01-27", source="yahoo")


def yahoo_answers_again():
    from yfinance.data import YfData

    YfData.cache_get.cache_clear()


def test_the_committed_corrections_are_sourced_and_agree_with_the_facts():
    known = facts.load()
    for entry in corrections.load().corrections:
        assert entry.close in set(known[known["source"] == entry.source]["value"].astype(float))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            Response("Too Many Requests", 429),
            r"refuses more requests for now \(HTTP 429, asked 3 times\)",
        ),
        (Response("<html>Sorry</html>"), "answered with something that is no price table"),
        (
            Response('{"chart": {"result": [], "error": null}}'),
            "answered with something that is no price table",
        ),
        (None, "Yahoo knows no prices of 'FAULTY3'"),
    ],
)
def test_a_fault_of_the_line_is_one_sentence_and_writes_nothing(stand_in, request, tmp_path, answer, message):
    """Of a share that is never answered about: yfinance asks otherwise where it remembers a share's time zone."""
    symbol = f"FAULTY{request.node.callspec.indices['answer']}"
    stand_in.fault = answer
    with pytest.raises(SourceError, match=message):
        prices.sessions(symbol, "2024-03-05", source="yahoo")
    assert not list(tmp_path.rglob("FAULTY*"))


@pytest.mark.slow
def test_a_time_out(stand_in, symbol, monkeypatch):
    monkeypatch.setattr(yahoo, "REQUEST_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv(yahoo.ADDRESS_VARIABLE, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SourceError, match=r"Yahoo did not answer within 0.2 seconds"):
            prices.sessions(symbol, "2024-03-05", source="yahoo")


def test_a_refused_connection_and_what_auto_makes_of_it(stand_in, monkeypatch, capsys):
    monkeypatch.setenv(yahoo.ADDRESS_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(SourceError, match="Yahoo cannot be reached; look at the network"):
        prices.sessions("NVDA", "2025-01-27", source="yahoo")
    assert list(prices.sessions("NVDA", "2025-01-27", source="auto")["close"]) == [142.62, 118.42]
    assert capsys.readouterr().out.startswith("NVDA: embedded figures are used in place of live ones. NVDA: Yahoo cannot")


def test_there_is_no_other_source():
    with pytest.raises(ParameterError, match="source must be one of embedded, yahoo, auto, not 'Yahoo'"):
        prices.sessions("NVDA", "2025-01-27", source="Yahoo")


TOKYO = [
    (f"2025-01-{day}", price, price, price, price, 9) for day, price in ((16, 9700), (17, 9700), (20, 9700), (21, 9700))
]
TOKYO += [(f"2025-01-{day}", price, price + 9, price - 9, price, 9)
          for day, price in ((22, 9819), (23, 10050), (24, 10220), (27, 9340), (28, 8300))]  # fmt: skip


@pytest.mark.slow
def test_a_notebook_on_live_prices_says_minus_nineteen_ninety_five(project, stand_in):
    stand_in.shares["ENR.DE"] = Share(XETRA, currency="EUR", zone="Europe/Berlin", exchange="GER")
    for name in ("6857.T", "^N225"):
        stand_in.shares[name] = Share(TOKYO, currency="JPY", zone="Asia/Tokyo", exchange="JPX")
    done = project.run("report", "--only", "03-siemens-energy-and-advantest", "-p", "source=yahoo")
    assert done.returncode == 0, done.stderr
    found = project.findings("reports/variants/03-siemens-energy-and-advantest-source=yahoo")
    assert found["siemens-energy-monday-fall"]["recomputed"] == -19.95
    assert found["advantest-monday-fall"]["recomputed"] == -8.61
    html = (project.root / done.stdout.strip()).read_text(encoding="utf-8")
    assert "finanzen-net-2025-01-24" in html
    assert "yahoo-finance" in html
    assert project.reports()["reports/index.html"] == b"an earlier build"


@pytest.mark.slow
def test_a_notebook_stops_at_a_faulty_bar_and_writes_nothing(project, stand_in):
    """Without the correction the fall would be the -17.8 percent that the stale bar gives."""
    project.edit("data/corrections.yml", "date: 2025-01-24", "date: 2024-01-24")
    stand_in.shares["ENR.DE"] = Share(XETRA, currency="EUR", zone="Europe/Berlin", exchange="GER")
    said = project.fails("report", "--only", "03-siemens-energy-and-advantest", "-p", "source=yahoo")
    assert "Yahoo's bar of ENR.DE for 2025-01-24 cannot be computed with: nothing was traded (volume 0)" in said
    assert "document a correction in data/corrections.yml" in said
