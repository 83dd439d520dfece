"""The article's tables: valid by their data package, of one piece, in use, and as the press printed them."""

import re
from datetime import date

import pytest
from conftest import ROOT
from frictionless import Package

from shockcheck import ledger
from shockcheck.data import facts, fx, prices, tables
from shockcheck.data.market import live

DATA, NOTEBOOKS = ROOT / "data", ROOT / "notebooks"

NAMES = [entry["name"] for entry in tables.package()["resources"]]


@pytest.mark.slow
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
    assert set(tables.load("sources")["id"]) == named | {live.VENDOR, fx.SOURCE}


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


@pytest.mark.slow
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


def test_sessions_in_use_skip_the_weekend_and_the_holiday():
    assert list(prices.sessions("NVDA", "2025-01-27").index.strftime("%m-%d")) == ["01-24", "01-27"]
    assert list(prices.sessions("NVDA", "2025-01-10").index.strftime("%m-%d")) == ["01-08", "01-10"]
    assert list(prices.sessions("NVDA", "2025-01-28", before=2)["close"]) == [142.62, 118.42, 128.99]


def test_closes_in_use_reach_from_the_estimation_window_to_the_days_after():
    closes = prices.closes("NVDA", "^GSPC")
    assert (f"{closes.index[0]:%Y-%m-%d}", f"{closes.index[-1]:%Y-%m-%d}") == ("2024-07-01", "2025-02-14")
    assert not closes.isna().any().any()


@pytest.mark.parametrize(("as_of", "billions"), [("2024-11-14", 24.53), ("2024-11-15", 24.49), ("2025-08-01", 24.40)])
def test_share_counts_in_use(as_of, billions):
    assert prices.shares_outstanding("NVDA", as_of)["shares"] == billions * 1e9


def test_a_figure_of_a_table_without_days_is_of_the_day_of_its_source():
    scores = tables.cells(tables.load("image_benchmarks").set_index(["benchmark", "model"]), "score")
    assert scores["GenEval"].iloc[0].origin.as_of
