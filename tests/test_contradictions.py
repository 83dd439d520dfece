"""Live prices of a vendor that contradicts itself: the real yfinance against a stand-in, by shares made up for it.

What decides the figures of the day is refused, with what was found; what does not is left out, and said.
"""

import re
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from conftest import ROOT
from ruamel.yaml import YAML
from yahoo import Share

from shockcheck import measures
from shockcheck.data import prices
from shockcheck.data.market import corrections, exchanges, yahoo
from shockcheck.data.market.embedded import EmbeddedPrices
from shockcheck.data.market.exchanges import Listing, Sessions, calendar
from shockcheck.errors import DataError, ParameterError, SourceError

pytestmark = pytest.mark.slow

DAY, BEFORE = "2023-03-14", "2023-03-13"  # a Tuesday; all exchanges here had sessions on both days
CLOSES = {BEFORE: 100.0, DAY: 90.0}
SYMBOLS = iter(f"CASE{number}" for number in range(200))  # yfinance remembers answers by symbol


def made(closes=CLOSES, exchange="XNYS", first="2023-02-01", last="2023-05-31", times=None, rows=None, **more):
    """A share whose closes hardly move but for those that are given, in a country where there is nothing but sessions.

    `times` is what the prices of a day are multiplied by, `rows` are whole bars in place of those made, None for no bar.
    """
    bars = []
    for number, day in enumerate(f"{one:%Y-%m-%d}" for one in calendar(exchange).sessions_in_range(first, last)):
        close = closes.get(day, 100 + number * 7 % 11 * 0.2) * (times(day) if times else 1)
        row = (close * 0.995, close * 1.01, close * 0.99, close, 1000 + number)
        row = (rows or {}).get(day, row)
        bars += [(day, *row)] if row else []
    return Share(bars, **{"exchange": "NYQ", "counts": {"2023-02-28": 1e9}} | more)


@pytest.fixture
def ask(stand_in, own_project):
    """What comes of a share: its change on the day in percent, its loss in billions, and what is said besides."""

    def asked(share, symbol=None, day=DAY, documented=""):
        symbol = symbol or next(SYMBOLS)
        own_project.corrections.write_text("corrections: []\n" if "corrections:" not in documented else "", encoding="utf-8")
        with own_project.corrections.open("a", encoding="utf-8") as file:
            file.write(documented.replace("SYMBOL", symbol))
        stand_in.shares[symbol] = share
        before, after = prices.bars(prices.sessions(symbol, day, source="yahoo"))
        prices.daily(symbol, day, "yahoo")
        shares = prices.shares_outstanding(symbol, day, "yahoo")["shares"]
        change, *_ = measures.percent_changes(after, before.close)
        return round(change, 2), round(measures.market_value_loss(before.close, after.close, shares), 3)

    return asked


def entry(name, **fields):
    pairs = ", ".join(
        f"{key}: {value}" for key, value in (fields | {"source": "yahoo-finance", "reason": "as told"}).items()
    )
    return f"{name}:\n  - {{{pairs}}}\n"


# Exchanges


@pytest.mark.parametrize(
    "exchange", sorted({*yahoo.EXCHANGES.values(), *yahoo.INDEX_EXCHANGES.values(), "XNAS", "XSAU", "24/7"})
)
def test_every_calendar_has_a_span_that_does_not_move_with_the_clock(exchange):
    first, last = exchanges.span(exchange)
    assert exchanges.FIRST_DAY <= first < last <= exchanges.LAST_DAY
    assert first <= pd.Timestamp("2026-02-01") < pd.Timestamp("2026-12-30") <= last


@pytest.mark.parametrize(
    ("symbol", "exchange", "given"),
    [
        ("CASE.NS", "XBOM", {"currency": "INR", "zone": "Asia/Kolkata"}),
        ("CASE.BO", "XBOM", {"currency": "INR", "zone": "Asia/Kolkata"}),
        ("CASE.SZ", "XSHG", {"currency": "CNY", "zone": "Asia/Shanghai"}),
        ("CASE.SI", "XSES", {"currency": "SGD", "zone": "Asia/Singapore"}),
        ("CASE.SR", "XSAU", {"currency": "SAR", "zone": "Asia/Riyadh"}),
        ("CASE.IS", "XIST", {"currency": "TRY", "zone": "Europe/Istanbul"}),
        ("CASE.TWO", "XTAI", {"currency": "TWD", "zone": "Asia/Taipei"}),
    ],
)
def test_exchanges_whose_calendars_are_shorter_or_were_not_known(ask, symbol, exchange, given):
    assert ask(made(exchange=exchange, **given), symbol) == (-10.0, 10.0)


@pytest.mark.parametrize(
    ("symbol", "sentence"),
    [
        (
            "CASE.TA",
            "event_date 2023-03-14 lies outside the calendar of XTAE, 2026-01-05 to 2030-12-31, or at its beginning",
        ),
        (
            "CASE.AT",
            "the calendar of the exchange ASEX cannot be made by exchange-calendars .{,60}; choose a share of another",
        ),
        ("CASE.QA", r"the exchange of CASE.QA \(NYQ at Yahoo\) has no known calendar of sessions"),
    ],
)
def test_an_exchange_without_a_calendar_is_one_sentence(ask, symbol, sentence):
    with pytest.raises((ParameterError, SourceError), match=f"^{sentence}") as raised:
        ask(made(), symbol)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("kind", "word"), [("CURRENCY", "CASE=X"), ("CRYPTOCURRENCY", "CASE-USD"), ("FUTURE", "CASE=F"), (None, "CASE")]
)
def test_what_is_traded_on_no_exchange_is_refused_by_its_kind(ask, kind, word):
    with pytest.raises(
        SourceError, match=rf"^{word} is of the kind {kind} at Yahoo, .* choose a share, a fund or an index$"
    ):
        ask(made(kind=kind, zone="Europe/London"), word)


def test_prices_in_no_currency_are_refused(ask):
    with pytest.raises(SourceError, match="in 'Pts', which is no currency"):
        ask(made(currency="Pts"))


def test_days_before_2000_and_at_the_ends_of_a_calendar(ask, stand_in):
    old = {"1987-10-16": 100.0, "1987-10-19": 79.5}
    share = made(old, first="1987-08-03", last="1988-02-26", counts={"1987-09-30": 1e9})
    assert ask(share, day="1987-10-19") == (-20.5, 20.5)
    first = {"1999-12-31": 100.0, "2000-01-03": 96.0}
    share = made(first, first="1999-11-01", last="2000-03-31", counts={"1999-11-30": 1e9})
    assert ask(share, day="2000-01-03") == (-4.0, 4.0)
    rupees = {"currency": "INR", "zone": "Asia/Kolkata", "counts": {"1997-01-02": 1e9}}
    share = made({"1997-01-02": 100.0, "1997-01-03": 90.0}, "XBOM", "1997-01-01", "1997-04-30", **rupees)
    share.bars.insert(0, ("1996-12-31", 100.0, 101.0, 99.0, 100.0, 5))
    assert ask(share, "OLD.NS", day="1997-01-03") == (-10.0, 10.0)
    with pytest.raises(ParameterError, match=r"outside the calendar of XBOM, 1997-01-01 to 2026-12-31, or at its begin"):
        prices.sessions("OLD.NS", "1997-01-01", source="yahoo")
    with pytest.raises(ParameterError, match=r"event_date 1996-12-31 lies outside the calendar of XBOM, 1997-01-01 to "):
        prices.sessions("OLD.NS", "1996-12-31", source="yahoo")
    with pytest.raises(SourceError, match="a day that has not come"):
        prices.sessions("OLD.NS", "2030-12-30", source="yahoo")


class Embedded(EmbeddedPrices):
    """The embedded prices with these rows of one share."""

    def __init__(self, rows, exchange):
        self.rows, self.share = rows, Listing("A", "A", exchange, "JPY")

    def listing(self, symbol, event_date=None):
        return self.share

    def daily(self, symbol, event_date=None):
        return self.rows


def test_an_embedded_row_of_before_a_calendar_is_not_said_to_be_missing(own_project):
    """Where its sessions are documented it can be computed with."""
    rows = pd.DataFrame({"open": None, "high": None, "low": None, "close": [25746.56, 21910.08], "source": "s"},
                        index=pd.to_datetime(["1987-10-19", "1987-10-20"]))  # fmt: skip
    tokyo = Embedded(rows, "XTKS")
    with pytest.raises(
        ParameterError, match=r"^event_date 1987-10-20 lies outside the calendar of XTKS, 1997-01-06 to 2030-"
    ):
        tokyo.sessions("A", date(1987, 10, 20), 1)
    with pytest.raises(ParameterError, match="has no embedded bar for 1987-10-21"):
        tokyo.sessions("A", date(1987, 10, 21), 1)
    days = Embedded(rows, "XNYS").sessions("A", date(1987, 10, 20), 1)
    assert list(days["close"]) == [25746.56, 21910.08]
    told = "".join(
        f"  - {{exchange: XTKS, date: 1987-10-{day}, held: true, source: yahoo-finance, reason: one}}\n" for day in (19, 20)
    )
    own_project.corrections.write_text(f"corrections: []\nsessions:\n{told}")
    days = tokyo.sessions("A", date(1987, 10, 20), 1)
    assert list(days["close"]) == [25746.56, 21910.08]
    assert Sessions(tokyo.share).closes(date(1987, 10, 19)) == pd.Timestamp("1987-10-19 06:00", tz="UTC")


def test_an_embedded_row_on_a_day_without_a_session_is_not_passed_over():
    rows = pd.DataFrame({"close": [3.0, 2.0, 1.0]}, index=pd.to_datetime(["2024-10-18", "2024-10-19", "2024-10-21"]))
    with pytest.raises(DataError, match=r"prices.csv has a row of A for 2024-10-19, on which XNYS had no session; remove"):
        Embedded(rows, "XNYS").sessions("A", date(2024, 10, 21), 1)


# Sessions that the calendar does not know of


@pytest.mark.parametrize("thing", ["exchange: XNYS", "symbol: SYMBOL"])
def test_a_session_that_was_not_held_can_be_documented(ask, thing, capsys):
    """As after a storm: the day before is then the session before it."""
    share = made({"2023-03-10": 100.0, DAY: 90.0}, rows={BEFORE: None})
    with pytest.raises(
        SourceError, match=r"2023-03-13 .* no bar .* a correction, or that there was no session, .*seen: null"
    ):
        ask(share)
    told = f"sessions:\n  - {{{thing}, date: {BEFORE}, held: false, source: yahoo-finance, reason: a storm}}\n"
    assert ask(share, documented=told) == (-10.0, 10.0)
    assert f"{BEFORE} was not a session, as documented: a storm." in capsys.readouterr().out
    with pytest.raises(
        ParameterError, match=r"event_date 2023-03-13 is no session of XNYS \(a storm\); .* 2023-03-10 and 20"
    ):
        ask(share, day=BEFORE, documented=told)


def test_a_session_that_the_calendar_lacks_can_be_documented(ask):
    """On a Saturday, say: its bar is between two sessions, and no change goes over it without a word."""
    share = made({"2023-03-10": 100.0, BEFORE: 90.0})
    share.bars.append(("2023-03-11", 95.0, 96.0, 94.0, 95.0, 7))
    share.bars.sort()
    with pytest.raises(
        SourceError, match="across 2023-03-11: the vendor has a bar with another price, but the exchange was"
    ):
        ask(share, day=BEFORE)
    with pytest.raises(ParameterError, match=r"2023-03-11 is no session of XNYS; .* Yahoo has a bar with trading for it"):
        ask(share, day="2023-03-11")
    told = entry("sessions", exchange="XNYS", date="2023-03-11", held="true")
    assert ask(share, day="2023-03-11", documented=told) == (-5.0, 5.0)
    assert ask(share, day=BEFORE, documented=told) == (-5.26, 5.0)


def test_a_filler_on_a_holiday_is_no_contradiction(ask):
    share = made({"2023-03-10": 100.0, BEFORE: 90.0})
    share.bars.append(("2023-03-11", 100.0, 100.0, 100.0, 100.0, 0))
    share.bars.sort()
    assert ask(share, day=BEFORE) == (-10.0, 10.0)


def test_a_documented_session_ends_when_others_do(own_project):
    told = "".join(
        f"  - {{exchange: XNYS, date: {day}, held: true, source: yahoo-finance, reason: one}}\n"
        for day in ("2023-03-11", "2023-03-12")
    )
    own_project.corrections.write_text(f"corrections: []\nsessions:\n{told}")
    sessions = Sessions(Listing("A", "A", "XNYS", "USD"))
    assert sessions.closes(date(2023, 3, 11)) == pd.Timestamp("2023-03-11 21:00", tz="UTC")
    assert sessions.opens(date(2023, 3, 12)) == pd.Timestamp("2023-03-12 13:30", tz="UTC")  # clocks went forward


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (entry("sessions", exchange="XNYS", date=DAY, held="true"), "XNYS on 2023-03-14 says what its calendar has anyway"),
        (entry("sessions", date=DAY, held="false"), "line 3: give either `exchange`, for all its shares, or `symbol`"),
        (entry("sessions", exchange="XNYS", symbol="A", date=DAY, held="false"), "line 3: give either `exchange`"),
        (entry("sessions", exchange="XNYS", date=DAY, held="'no'"), "line 3: `held`: must be true or false, without quotes"),
        (entry("sessions", exchange="XNYS", date=DAY), "line 3: `held`: the field is missing; add it"),
        (entry("splits", symbol="A", date=DAY, seen=2, shares=0, divided="true"), "line 3: `shares`: must be above 0"),
        (entry("splits", symbol="A", date=DAY, seen=".inf", shares=1, divided="true"), "`seen`: must be a number, not .inf"),
        (entry("corrections", symbol="A", date=DAY, seen="null", close=-37.63), "line 2: `close`: must be above 0"),
        (
            entry("sessions", exchange="XNYS", date=DAY, held="false").replace("yahoo-finance", "nobody"),
            "the entry of `sessions` for XNYS on 2023-03-14 names the source 'nobody', which is not in data/sources",
        ),
        (
            entry("sessions", exchange="XNYS", date=DAY, held="false") + entry("sessions", exchange="XNYS", date=DAY,
                                                                             held="false").partition("\n")[2],
            "`sessions` has two entries for XNYS on 2023-03-14; keep one",
        ),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_meant_is_refused(ask, told, sentence):
    with pytest.raises(DataError) as raised:
        ask(made(), documented=told)
    assert sentence in str(raised.value)


def test_what_can_be_documented_is_shown_as_it_is_read():
    text = (ROOT / "data/README.md").read_text(encoding="utf-8")
    shown = YAML(typ="safe").load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert [len(entries) for entries in shown.values()] == [1, 1, 1]
    assert len(corrections.Corrections.model_validate(shown).all()) == 3


def test_a_project_without_corrections_has_none(own_project):
    own_project.corrections.unlink()
    assert corrections.load().all() == []


# Splits

SPLIT = "2023-04-17"  # later than the day


def by_ten(day):
    """As a vendor has closes that it has not yet divided by a split of that day."""
    return 10 if day < SPLIT else 1


def test_a_split_that_is_taken_into_account_is_undone(ask):
    assert ask(made(splits={SPLIT: 10})) == (-10.0, 100.0)
    assert ask(made(splits={SPLIT: (1, 20)})) == (-10.0, 0.5)
    assert ask(made(splits={SPLIT: (1, 1)})) == (-10.0, 10.0)


def test_a_split_that_is_not_yet_taken_into_account_is_refused_until_it_is_documented(ask, stand_in):
    """The documented entry says that closes before it are as they were traded."""
    share = made(splits={SPLIT: 10}, times=by_ten)
    with pytest.raises(
        SourceError, match=r"lists a split of 10:1 on 2023-04-17, and its closes go from .* document what the"
    ):
        ask(share)
    told = entry("splits", symbol="SYMBOL", date=SPLIT, seen=10, shares=10, divided="false")
    assert ask(share, documented=told) == (-10.0, 100.0)
    symbol = next(SYMBOLS)
    stand_in.shares[symbol] = share
    assert len(prices.sessions(symbol, "2023-04-18", source="yahoo")) == 2  # after it no price is in doubt


def test_a_split_that_is_taken_into_account_twice_or_listed_twice_is_refused(ask):
    with pytest.raises(SourceError, match="as if they were not divided by it, or divided twice"):
        ask(made(splits={SPLIT: 10}, times=lambda day: 0.1 if day < SPLIT else 1))
    with pytest.raises(SourceError, match="lists a split of 10:1 on 2023-04-17, and again on 2023-04-19"):
        ask(made(splits={SPLIT: 10, "2023-04-19": 10}))


def test_a_split_of_the_day_itself(ask):
    assert ask(made(splits={DAY: 10})) == (-10.0, 100.0)  # the count is of before: each share has become ten
    with pytest.raises(SourceError, match=r"for 2023-03-13 .* lists a split of 10:1 on 2023-03-14"):
        ask(made({BEFORE: 1000.0, DAY: 90.0}, splits={DAY: 10}, times=lambda day: 10 if day < BEFORE else 1))


@pytest.mark.parametrize("zero", [(1, 0), (-2, 1)])
def test_a_split_by_no_ratio_is_refused(ask, zero):
    with pytest.raises(SourceError, match=r"lists a split by .* which is no ratio"):
        ask(made(splits={SPLIT: zero}))


def test_a_ratio_that_is_no_splits_decides_what_a_share_was_worth_and_no_change(ask, capsys):
    """As a spin-off is listed: nobody got more shares, and whether closes are divided by it, the vendor does not say."""
    share = made(splits={SPLIT: (1281, 1000)})
    with pytest.raises(ParameterError, match=r"lists 1.281:1 on 2023-04-17 as a split, .*; document what the split was in"):
        ask(share)
    assert "lists 1.281:1 on 2023-04-17 as a split, a ratio that no split of shares has" in capsys.readouterr().out
    told = entry("splits", symbol="SYMBOL", date=SPLIT, seen=1.281, shares=1, divided="true")
    assert ask(share, documented=told) == (-10.0, 12.81)
    assert "taken as documented: as told." in capsys.readouterr().out
    assert ask(share, documented=told.replace("true", "false")) == (-10.0, 10.0)
    with pytest.raises(SourceError, match=r"has changed since \(1.281, not 1.3\)"):
        ask(share, documented=told.replace("1.281", "1.3"))


def test_a_ratio_that_is_no_splits_on_or_before_the_day(ask):
    with pytest.raises(SourceError, match=f"no change of .* can be computed across {DAY}: the vendor lists 1.281:1"):
        ask(made(splits={DAY: (1281, 1000)}))
    share = made(splits={"2023-03-07": (1046, 1000)})  # between count and day: 1,000,000,000 shares, not 1,046,000,000
    with pytest.raises(
        ParameterError, match=r"count of CASE\d+ of 2023-02-28 cannot be put into shares of 2023-03-14: .* 1.046"
    ):
        ask(share)
    told = entry("splits", symbol="SYMBOL", date="2023-03-07", seen=1.046, shares=1, divided="true")
    assert ask(share, documented=told) == (-10.0, 10.0)


def test_a_jump_without_a_split_may_be_one_that_is_not_listed(ask):
    with pytest.raises(ParameterError, match=r"share count .* of 2023-02-28 cannot be put .* jumps from .* without a split"):
        ask(made(times=lambda day: 10 if day < "2023-03-07" else 1))


def test_a_filings_count_goes_across_no_doubtful_split_either(stand_in):
    """The embedded count of 15 November is of shares that the vendor has split in December, by a ratio of none."""
    share = made({}, first="2024-10-01", last="2025-03-31", splits={"2024-12-16": (1046, 1000)}, exchange="XNYS")
    stand_in.shares["NVDA"] = share
    with pytest.raises(
        ParameterError, match=r"of 2024-11-15 .* lists 1.046:1 .* or give the count by -p shares_outstanding="
    ):
        prices.shares_outstanding("NVDA", "2025-01-27", "auto")


def test_a_count_of_an_earlier_day_is_in_shares_of_the_event(stand_in):
    stand_in.shares["NVDA"] = made({}, first="2024-10-01", last="2025-03-31", splits={"2024-12-16": 10})
    earlier = prices.shares_outstanding("NVDA", "2024-11-20", "yahoo", "2025-01-27")["shares"]
    assert earlier == 10 * prices.shares_outstanding("NVDA", "2024-11-20", "yahoo")["shares"]


def test_a_split_counts_from_the_day_after_the_one_that_a_share_is_of(stand_in):
    """A share of the day of the split is one of those that there are after it."""
    symbol = next(SYMBOLS)
    stand_in.shares[symbol] = made(splits={"2023-03-07": 10})
    days = [date(2023, 3, day) for day in (6, 7, 8)]
    assert [yahoo.split_since(symbol, day, date(2023, 3, 14)) for day in days] == [10, 1, 1]
    assert [yahoo.split_since(symbol, days[0], day) for day in days] == [1, 10, 10]


# Units


def in_pence(**more):
    return made(currency="GBp", zone="Europe/London", exchange="XLON", **more)


@pytest.mark.parametrize(
    ("times", "why"),
    [
        (
            lambda day: 0.01 if "2023-03-10" < day < "2023-03-16" else 1,
            "1/100 of it, without a split, and is back on 2023-03-16",
        ),
        (lambda day: 0.01 if "2023-02-14" < day < "2023-05-02" else 1, "the closes change by a unit on 2023-02-15"),
        (lambda day: 0.01 if day < "2023-04-17" else 1, "the closes change by a unit on 2023-04-17, from .*, 100 times it"),
        (lambda day: 0.01 if day > DAY else 1, "the closes change by a unit on 2023-03-15, from .*, 1/100 of it"),
        (lambda day: 1000 if day < "2023-04-17" else 1, "the closes change by a unit on 2023-04-17, from .*, 1/1,000 of it"),
        (lambda day: 0.01 if day == DAY else 1, "1/100 of it, without a split, and is back"),
    ],
)
def test_a_bar_in_another_unit_than_others_is_refused(ask, times, why):
    with pytest.raises(SourceError, match=f"Yahoo's bar of .* for 2023-03-1[34] cannot be computed with: .*{why}"):
        ask(in_pence(times=times), f"{next(SYMBOLS)}.L")


def test_bars_in_another_unit_that_are_not_of_the_day_are_left_out_in_one_sentence(ask, capsys):
    share = in_pence(times=lambda day: 0.01 if day < "2023-03-07" else 1)
    assert ask(share, f"{next(SYMBOLS)}.L") == (-10.0, 0.1)
    said = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert len(said) == 1
    assert "Yahoo's bars for 10 days from 2023-02-21 to 2023-03-06 are left out: the closes change by a unit" in said[0]


def test_closes_that_are_documented_take_the_place_of_doubtful_ones(ask):
    share = in_pence(times=lambda day: 0.01 if day < "2023-04-17" else 1)
    symbol = f"{next(SYMBOLS)}.L"
    with pytest.raises(SourceError, match=r"Yahoo's bar as an entry has it: `seen: \{close: 0.01, volume: 1028\}`"):
        ask(share, symbol)
    told = entry("corrections", symbol=symbol, date=BEFORE, seen="{close: 0.01, volume: 1028}", close=1.0)
    told += entry("", symbol=symbol, date=DAY, seen="{close: 0.009, volume: 1029}", close=0.9).partition("\n")[2]
    assert ask(share, symbol, documented=told) == (-10.0, 0.1)


@pytest.mark.parametrize(("place", "name"), [(0, "open"), (1, "high"), (2, "low")])
@pytest.mark.parametrize("factor", [0.01, None])
def test_a_cell_that_is_empty_or_in_another_unit_is_left_out_and_named(ask, capsys, place, name, factor):
    row = [91.0, 93.0, 89.0, 90.0, 1000]
    row[place] = factor and row[place] * factor
    symbol = next(SYMBOLS)
    assert ask(made(rows={DAY: tuple(row)}), symbol) == (-10.0, 10.0)
    assert f"{symbol}: Yahoo's {name} for {DAY} is left out: it is " in capsys.readouterr().out
    [_, bar] = prices.bars(prices.sessions(symbol, DAY, source="yahoo"))
    assert pd.isna(getattr(bar, name))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ((91.0, 93.0, 89.0, None, 1000), "the close is missing"),
        ((91.0, 93.0, 89.0, 0, 1000), "the close is 0, which is no price"),
        ((91.0, 93.0, 89.0, -37.63, 1000), "the close is -37.63, which is no price"),
        ((91.0, 93.0, 89.0, 0.9, 1000), "close 0.9, high 93.0 and low 89.0 cannot be right"),
        ((91.0, 89.5, 89.0, 90.0, 1000), "close 90.0, high 89.5 and low 89.0 cannot be right"),
    ],
)
def test_a_close_that_cannot_be_right_is_refused_with_its_day(ask, row, why):
    with pytest.raises(SourceError, match=f"for {BEFORE} cannot be computed with: {why}; document a correction in data/"):
        ask(made({BEFORE: 90.0, DAY: 90.0}, rows={BEFORE: row}))


def test_five_minute_bars_in_another_unit_are_left_out(stand_in, monkeypatch, capsys):
    symbol = f"{next(SYMBOLS)}.L"
    five = [
        (f"{DAY}T{time}", 95.0, 96.0, 89.0, close, 9) for time, close in (("10:00", 95.0), ("10:05", 0.9), ("10:10", 90.0))
    ]
    stand_in.shares[symbol] = in_pence(last=DAY, five_minutes=five)
    monkeypatch.setattr(yahoo, "_now", lambda: datetime(2023, 3, 14, 22, tzinfo=UTC))
    assert list(prices.intraday(symbol, DAY, "UTC", "yahoo")["close"]) == [0.95, 0.9]
    assert "1 of Yahoo's 3 five-minute bars for 2023-03-14 are left out; of the first, of 10:05 UTC: the close is 0.009" in (
        capsys.readouterr().out
    )


# Volume


@pytest.mark.parametrize("volume", [0, None])
def test_what_never_has_volume_may_repeat_a_close(ask, volume):
    """As an index does; where volume is counted, a repeated close without any is no close."""
    share = made({BEFORE: 100.0, DAY: 100.0}, kind="INDEX", zone="America/New_York")
    share.bars = [(*bar[:5], volume) for bar in share.bars]
    share.bars = [(day, low * 1.001 if day == DAY else low, *rest) for day, low, *rest in share.bars]
    assert ask(share, f"^{next(SYMBOLS)}") == (0.0, 0.0)
    stale = made({BEFORE: 100.0}, rows={DAY: (100.0, 100.0, 100.0, 100.0, volume)})
    with pytest.raises(SourceError, match=r"nothing was traded \(volume 0\) and the close before, 100, is repeated"):
        ask(stale)


def test_a_fund_has_one_price_a_day(ask):
    share = made({BEFORE: 100.0, DAY: 100.0}, kind="MUTUALFUND")
    share.bars = [(day, close, close, close, close, 0) for day, _, _, _, close, _ in share.bars]
    assert ask(share) == (0.0, 0.0)


# Share counts

LAST = "2023-03-10"


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([(LAST, 1e9), (LAST, 1.4e9)], "several share counts of .* for 2023-03-10, 1,000,000,000 and 1,400,000,000"),
        (
            [("2022-12-01", 1e9), ("2023-01-09", 1e9), (LAST, 1e6)],
            "2023-03-10, 1,000,000, and 1,000,000,000 of 2023-01-09 cannot",
        ),
        ([("2022-12-01", 1e9), (LAST, 1e12)], "1,000,000,000,000, and 1,000,000,000 of 2022-12-01 cannot both be right"),
        ([("2022-12-01", 1e9), (LAST, 1e10)], "10,000,000,000, and 1,000,000,000 of 2022-12-01 cannot both be right"),
        ([(LAST, 1e9), ("2023-04-03", 5e9)], "1,000,000,000, and 5,000,000,000 of 2023-04-03 cannot both be right"),
        ([(LAST, 0)], "has no share count of .* up to 2023-03-14"),
        ([(LAST, -1e9)], "has no share count of .* up to 2023-03-14"),
        ([(LAST, None)], "has no share count of .* from .* to 2023-03-14"),
    ],
)
def test_counts_that_cannot_all_be_right_are_refused(ask, counts, sentence):
    with pytest.raises(ParameterError, match=f"give it by -p shares_outstanding=NUMBER; Yahoo.*{sentence}"):
        ask(made(counts=counts))


@pytest.mark.parametrize(
    ("counts", "loss", "said"),
    [
        ([(LAST, 1e9)], 10.0, None),
        ([("2022-12-01", 1.05e9), (LAST, 1e9)], 10.0, None),
        ([("2022-12-01", 1e9), (LAST, 1.3e9)], 13.0, "1,300,000,000, is used; it has 1,000,000,000 of 2022-12-01 too."),
        ([(LAST, 1.004e9), (LAST, 1e9)], 10.0, "2023-03-10, 1,004,000,000 and 1,000,000,000; the last is used."),
        ([("2023-02-28", 1e9), (LAST, 0)], 10.0, "of 2023-03-10, 0, is left out: it is no number of shares."),
        (
            [("2022-11-01", 1e6), ("2022-12-01", 1e9), ("2023-02-01", 1e9), (LAST, 1e9)],
            10.0,
            "which 1,000,000 of 2022-11-01",
        ),
    ],
)
def test_counts_that_differ_without_deciding_are_said(ask, capsys, counts, loss, said):
    assert ask(made(counts=counts)) == (-10.0, loss)
    assert (said or "Yahoo Finance's own, not a filing's") in capsys.readouterr().out


def test_counts_must_go_together_with_splits(ask):
    split = {"2023-03-07": 10}
    assert ask(made(splits=split, counts=[("2023-02-28", 1e8)])) == (-10.0, 10.0)
    assert ask(made(splits=split, counts=[("2023-02-28", 1e8), (LAST, 1e9)])) == (-10.0, 10.0)
    with pytest.raises(ParameterError, match="1,000,000,000, and 10,000,000,000 of 2023-02-28 cannot both be right"):
        ask(made(splits=split, counts=[("2023-02-28", 1e9), (LAST, 1e9)]))


# The first day, gaps, and what is kept


def test_before_its_first_day_a_share_was_not_listed(ask, capsys):
    share = made(first=BEFORE, counts={BEFORE: 1e9})
    share.first = BEFORE
    symbol = next(SYMBOLS)
    assert ask(share, symbol) == (-10.0, 10.0)
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "first day" in line] == [
        f"{symbol}: the first day that Yahoo has a price of is {BEFORE}."
    ]
    assert not [line for line in said if "left out" in line]
    for first in (BEFORE, None):  # whether Yahoo says so or its bars just begin
        share.first = first
        with pytest.raises(SourceError, match=rf"was not listed before {BEFORE}, .* there is no close of 2023-03-10"):
            ask(share, day=BEFORE)


def test_days_without_a_bar_are_summed_up(ask, capsys):
    gaps = dict.fromkeys(("2023-03-01", "2023-03-02", "2023-03-03", "2023-03-20"))
    assert ask(made(rows=gaps)) == (-10.0, 10.0)
    said = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert len(said) == 1
    assert (
        "Yahoo's bars for 4 days from 2023-03-01 to 2023-03-20 are left out: the vendor has no bar for this session."
        in said[0]
    )


def test_a_bar_may_be_used_half_an_hour_after_the_close_and_is_kept_a_day_after(stand_in, monkeypatch):
    """New York closes at 20 hours UTC: until half past, the vendor may still change the bar."""
    symbol = next(SYMBOLS)
    stand_in.shares[symbol] = made(last=DAY)

    def at(*time):
        monkeypatch.setattr(yahoo, "_now", lambda: datetime(2023, 3, *time, tzinfo=UTC))
        prices.sessions(symbol, DAY, source="yahoo")
        return stand_in.charts

    with pytest.raises(SourceError, match=r"^the session of 2023-03-14 is not over, or not for long enough"):
        at(14, 20, 29)
    asked = at(14, 20, 31)
    asked_again = at(15, 19, 59)
    assert asked_again > asked  # not final yet
    assert at(15, 20, 1) > asked_again
    final = stand_in.charts
    assert at(15, 20, 2) == final


def test_what_was_refused_is_asked_for_again(ask, stand_in):
    """A vendor that repairs its bars is believed the next time, without anything to be removed first."""
    symbol = next(SYMBOLS)
    with pytest.raises(SourceError, match="lists a split of 10:1"):
        ask(made(splits={SPLIT: 10}, times=by_ten), symbol)
    from yfinance.data import YfData

    YfData.cache_get.cache_clear()
    assert ask(made(splits={SPLIT: 10}), symbol) == (-10.0, 100.0)


def test_an_event_study_leaves_doubtful_closes_out(ask, stand_in, capsys):
    symbol = next(SYMBOLS)
    stand_in.shares[symbol] = made(rows={"2023-02-14": (1.0, 1.0, 1.0, 1.0, 9)})
    closes = prices.closes(symbol, event_date=DAY, before=25, after=5, source="yahoo")[symbol]
    assert pd.isna(closes["2023-02-14"])
    assert closes.notna().sum() == 30
    assert f"{symbol}: Yahoo's bar for 2023-02-14 is left out: the close jumps from " in capsys.readouterr().out
    for given in ({"before": -1}, {"after": -1}, {"before": 2.5}, {"after": float("nan")}):
        with pytest.raises(ParameterError, match="must be a whole number from 0 on, not"):
            prices.closes(symbol, event_date=DAY, source="yahoo", **given)
