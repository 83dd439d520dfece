"""The tables: valid by their data package, of one piece, in use; and the exchange rates that the report uses."""

from datetime import date

import pandas as pd
import pytest
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
    unused = [fact for fact in facts.load().index if fact not in cited and fact not in code]
    assert unused == []
    named = set().union(*(tables.load(name)["source"] for name in NAMES if "source" in tables.load(name)))
    assert set(tables.load("sources")["id"]) == named


def test_embedded_bars_are_every_session_of_their_window():
    for symbol in tables.load("listings")["symbol"]:
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
