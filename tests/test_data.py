"""The tables: valid by their data package, of one piece, in use; and the exchange rates that the report uses."""

import re
from datetime import date, timedelta

import pandas as pd
import pytest
from currency_converter import CurrencyConverter
from frictionless import Package

from shockcheck import facts, fx, ledger, prices, tables
from shockcheck.errors import DataError, ParameterError
from shockcheck.paths import DATA, NOTEBOOKS

NAMES = [entry["name"] for entry in tables.package()["resources"]]


def test_the_data_package_is_valid():
    report = Package(str(DATA / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "rowNumber", "message"])


def test_every_table_is_as_its_checksum_says():
    tables.check()


def test_every_file_in_data_is_described():
    described = {entry["path"] for entry in tables.package()["resources"]}
    assert {path.name for path in DATA.glob("*.csv")} == described


def test_every_number_has_a_unit_or_is_said_to_have_none():
    for entry in tables.package()["resources"]:
        for field in entry["schema"]["fields"]:
            assert field["title"], (entry["name"], field)
            if field["type"] in ("number", "integer"):
                assert field["unit"], (entry["name"], field)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("listings", "cost_definitions", "sources")])
def test_every_row_has_a_source(name):
    sourced = facts.with_sources(tables.load(name))
    assert len(sourced) == len(tables.load(name))
    assert sourced["publisher"].str.len().min() > 0


def test_no_table_fact_or_source_is_unused():
    code = "".join(path.read_text(encoding="utf-8") for path in NOTEBOOKS.glob("*.ipynb"))
    cited = {fact for claim in ledger.load().claims for fact in claim.facts}
    by_prefix = tuple(re.findall(r'facts\.labelled\(\\"([a-z0-9-]+)', code))
    unused = [
        fact for fact in facts.load().index if fact not in cited and fact not in code and not fact.startswith(by_prefix)
    ]
    assert unused == []
    named = set().union(*(tables.load(name)["source"] for name in NAMES if "source" in tables.load(name)))
    assert set(tables.load("sources")["id"]) == named | {prices.VENDOR, fx.SOURCE}


def test_contradicted_only_with_a_primary_or_two_independent_sources():
    for claim in ledger.load().claims:
        if claim.verdict == "contradicted":
            cited = facts.load().loc[claim.facts]
            cited = cited[cited["status"] == "confirmed"]
            assert cited["url"].str.len().max() > 0 or cited["publisher"].nunique() >= 2, claim.id


def test_image_benchmarks_have_every_part_of_what_they_score():
    scores = tables.load("image_benchmarks")
    whole = scores[scores["model"].isin(["Janus-Pro-7B", "Janus-Pro-1B", "DALL-E 3"])]
    assert whole.groupby(["model", "benchmark"]).size().unique().tolist() == [6, 7]
    geneval = scores[(scores["benchmark"] == "GenEval") & (scores["part"] != "overall")]
    means = geneval.groupby("model")["score"].mean().rename("mean").to_frame()
    overall = scores[(scores["benchmark"] == "GenEval") & (scores["part"] == "overall")].set_index("model")["score"]
    unlike = (means["mean"] - overall).abs().dropna() > 0.011
    assert list(unlike.index[unlike]) == ["TokenFlow-XL"]  # the only printed total that is not the mean of its parts


def test_earnings_are_of_consecutive_quarters_on_both_bases():
    ends = tables.load("earnings").groupby("basis")["quarter_end"].apply(list)
    assert ends["GAAP"] == ends["non-GAAP"]
    assert all(80 < (later - earlier).days < 100 for earlier, later in zip(ends["GAAP"], ends["GAAP"][1:], strict=False))


def test_daily_bars_agree_with_what_the_press_printed():
    close = prices.daily("ENR.DE")["close"]
    assert close["2025-01-24"] == facts.number("siemens-energy-friday-close")
    assert close["2025-01-23"] == facts.number("siemens-energy-thursday-close")
    rise = 100 * (close["2025-01-28"] / close["2025-01-27"] - 1)
    assert round(rise, 1) == facts.number("siemens-energy-close-change")
    nikkei = prices.daily("^N225")["close"]
    assert round(100 * (nikkei["2025-01-28"] / nikkei["2025-01-27"] - 1), 2) == facts.number("nikkei-tuesday")
    advantest = prices.daily("6857.T")["close"]
    fall = 100 * (advantest["2025-01-28"] / advantest["2025-01-27"] - 1)
    assert round(fall, 1) == facts.number("advantest-tuesday-close")


def test_embedded_bars_are_every_session_of_their_window():
    for symbol in tables.load("listings")["symbol"]:
        assert not prices.closes(symbol).index.has_duplicates
        bars = prices.daily(symbol)
        last = f"{bars.index[-1]:%Y-%m-%d}"
        assert prices.sessions(symbol, last, before=len(bars) - 1).index.equals(bars.index)


def test_five_minute_bars_agree_with_the_daily_bar():
    for day in ("2025-01-27", "2025-01-28"):
        bars, whole = prices.intraday("NVDA", day, "UTC"), prices.daily("NVDA").loc[day]
        assert len(bars) == 78
        assert (bars["open"].iloc[0], bars["high"].max(), bars["low"].min()) == (whole.open, whole.high, whole.low)
        assert bars["close"].iloc[-1] == pytest.approx(whole.close, abs=0.25)  # the closing auction is not in the bars


def test_parts_of_a_training_sum_to_the_printed_total():
    hours = tables.load("gpu_hours").groupby("model")["gpu_hours"].sum()
    stated = tables.load("training_costs").query("definition == 'assumed-rent'").set_index("model")["cost_usd"]
    rent = facts.number("deepseek-v3-assumed-rent")
    assert hours["DeepSeek-V3"] == 2_788_000
    assert hours["DeepSeek-V3"] * rent == stated["DeepSeek-V3"]
    assert hours["DeepSeek-R1"] * rent == pytest.approx(stated["DeepSeek-R1"], rel=0.005)


@pytest.mark.parametrize(("day", "dollars"), [(23, 1.0404), (24, 1.0472), (27, 1.0530), (28, 1.0421), (29, 1.0396)])
def test_exchange_rates_in_use(day, dollars):
    assert fx.rate("USD", per="EUR", on=date(2025, 1, day)) == dollars


def test_rates_around_a_day_skip_the_weekend():
    rates = fx.rates_around("USD", "EUR", date(2025, 1, 27))
    assert rates == {
        "ECB, 23 Jan": 1.0404,
        "ECB, 24 Jan": 1.0472,
        "ECB, 27 Jan": 1.053,
        "ECB, 28 Jan": 1.0421,
        "ECB, 29 Jan": 1.0396,
    }


def test_the_last_rate_before_easter_monday_is_of_thursday():
    assert fx.last_day("USD", "EUR", date(2024, 4, 1)) == date(2024, 3, 28)
    assert fx.last_day("USD", "EUR", date(1999, 1, 10)) == date(1999, 1, 8)
    with pytest.raises(ParameterError, match="no reference rate USD/EUR for 1999-01-03"):
        fx.last_day("USD", "EUR", date(1999, 1, 3))


def test_rates_around_easter_and_at_the_end_of_what_is_shipped():
    assert list(fx.rates_around("USD", "EUR", date(2024, 4, 2), days=1)) == ["ECB, 28 Mar", "ECB, 2 Apr", "ECB, 3 Apr"]
    assert len(fx.rates_around("USD", "EUR", fx.known()[1])) == 3


def test_rates_are_those_of_the_library_whatever_year():
    every = CurrencyConverter()
    first, last = every.bounds["EUR"]
    assert fx.known() == (first, last)
    for on in (first, date(2008, 7, 15), date(2024, 12, 31), date(2025, 1, 2), last):
        assert fx.rate("USD", "EUR", on) == every.convert(1, "EUR", "USD", date=on)
        assert fx.rate("JPY", "CHF", on) == every.convert(1, "CHF", "JPY", date=on)


@pytest.mark.parametrize("on", [date(1998, 12, 31), date(2025, 1, 1), date(2025, 1, 26), fx.known()[1] + timedelta(days=1)])
def test_a_day_without_a_rate_is_refused(on):
    with pytest.raises(ParameterError, match=f"no reference rate USD/EUR for {on}"):
        fx.rate("USD", "EUR", on)


def test_a_currency_that_is_no_longer_has_no_rate_and_one_that_never_was_is_none():
    assert fx.rate("HRK", "EUR", date(2022, 12, 30)) == 7.5365
    with pytest.raises(ParameterError, match="no reference rate HRK/EUR for 2023-01-02"):
        fx.rate("HRK", "EUR", date(2023, 1, 2))
    with pytest.raises(ParameterError, match="no reference rate for the currency 'XXX'"):
        fx.rate("XXX", "EUR", date(2023, 1, 2))


def test_facts_by_prefix_and_unit():
    assert facts.labelled("fed-rate", "USD per EUR") == {
        "Federal Reserve, 24 Jan": 1.0515,
        "Federal Reserve, 27 Jan": 1.0492,
        "Federal Reserve, 28 Jan": 1.0427,
    }
    assert facts.labelled("fed-rate", "JPY per EUR") == {}


def test_cross_and_inverse_rates_follow_from_the_euro_rates():
    on = date(2025, 1, 27)
    assert fx.rate("EUR", per="USD", on=on) == pytest.approx(1 / 1.0530)
    assert fx.rate("USD", per="USD", on=on) == 1
    yen = fx.rate("JPY", per="EUR", on=on)
    assert fx.rate("JPY", per="USD", on=on) == pytest.approx(yen / 1.0530)


@pytest.mark.parametrize(
    ("currency", "day", "message"),
    [
        ("USD", date(2025, 1, 26), "no reference rate USD/EUR for 2025-01-26; choose a working day"),
        ("USD", date(1990, 1, 2), "no reference rate USD/EUR for 1990-01-02"),
        ("XXX", date(2025, 1, 27), "no reference rate for the currency 'XXX'"),
    ],
)
def test_no_exchange_rate(currency, day, message):
    with pytest.raises(ParameterError, match=message):
        fx.rate(currency, per="EUR", on=day)


def test_an_unknown_fact_and_a_fact_that_is_no_number():
    with pytest.raises(DataError, match="has no fact 'x'"):
        facts.table("x")
    with pytest.raises(DataError, match="not a number"):
        facts.number("deepseek-v3-scope")


def test_an_unknown_source_is_noticed_at_the_join():
    with pytest.raises(DataError, match="has no source 'nobody'"):
        facts.with_sources(pd.DataFrame({"source": ["nobody"]}))


def test_an_unknown_table():
    with pytest.raises(DataError, match="describes no table 'x'"):
        tables.load("x")
