"""Exploring without a browser: recipes by hand-sized prices, the notebook's presets, and what card and chart show."""

import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from shockcheck import explore, findings, fx, notebooks, prices
from shockcheck.errors import LedgerError, ParameterError
from shockcheck.findings import shown_in
from shockcheck.notebooks import WIDGET

EXPLORE = next(notebook for notebook in notebooks.others() if notebook.name == "explore")
DAYS = pd.DatetimeIndex(["2020-03-11", "2020-03-12", "2020-03-13"], name="date")


@pytest.fixture
def three_days(monkeypatch):
    """A share at 100, 80 and 120 dollars, of which five were counted; a euro is two dollars."""
    bars = pd.DataFrame({"low": [99.0, 75, 90], "high": [101.0, 95, 130], "close": [100.0, 80, 120]}, index=DAYS)
    monkeypatch.setattr(prices, "listing", lambda symbol, *_: prices.Listing(symbol, "Company", "XNAS", "USD"))
    monkeypatch.setattr(prices, "daily", lambda *_: bars)
    monkeypatch.setattr(prices, "sessions", lambda symbol, day, before=1, source="": bars.loc[:day].iloc[-before - 1 :])
    monkeypatch.setattr(prices, "shares_outstanding", lambda *_: pd.Series({"shares": 5e9}))
    monkeypatch.setattr(fx, "rate", lambda of, per, on: 1.0 if of == per else 2.0)


def test_a_change_has_the_days_range_and_a_chart_of_all_closes(three_days):
    answer = explore.Change(symbol="ABC", day="2020-03-12").answer()
    assert (answer.value, answer.low, answer.high) == pytest.approx((-20, -25, -5))
    assert answer.chart.caption == "Company, daily closes: a loss of 20.00 % on 2020-03-12"
    assert "marked: 100.00 on 2020-03-11, 80.00 on 2020-03-12" in answer.chart.alt


def test_falling_days_are_counted_over_two_sessions(three_days):
    assert explore.FallingDays(symbol="ABC", day="2020-03-13").answer().value == 1


def test_a_loss_is_the_fall_times_the_shares_at_the_rate(three_days):
    loss = explore.MarketLoss(symbol="ABC", day="2020-03-12", rate_day="2020-03-12", currency="EUR")
    assert loss.answer().value == pytest.approx(20 * 5 / 2)
    assert replace(loss, shares=1e9, currency="USD").answer().value == pytest.approx(20)
    assert replace(loss, day="2020-03-13").answer().value == pytest.approx(-40 * 5 / 2)


def test_a_loss_is_ranked_among_the_published_ones(three_days):
    rank = explore.LossRank(symbol="ABC", day="2020-03-12", rate_day="2020-03-12", currency="USD", until="2020-03-13")
    answer = rank.answer()  # 100 billion USD; up to that day one larger loss had been published
    assert answer.value == 2
    assert "Company, 2020-03-12 100" in answer.chart.alt
    with pytest.raises(
        ParameterError, match=r"^ABC did not fall on 2020-03-13: there is no loss to rank; choose another day$"
    ):
        replace(rank, day="2020-03-13").answer()


def test_a_multiple_needs_four_quarters_of_earnings(three_days):
    with pytest.raises(ParameterError, match=r"^ABC: only 0 of four quarters of GAAP earnings are known before 2020-03-12"):
        explore.PriceEarnings(symbol="ABC", day="2020-03-12", basis="GAAP").answer()


def test_a_cost_is_of_all_stages_at_the_price_and_the_rate(monkeypatch):
    hours = pd.DataFrame({"model": ["A", "A", "B"], "stage": ["one", "two", "one"], "gpu_hours": [1e6, 5e5, 9e9]})
    monkeypatch.setattr(explore.tables, "load", lambda name: hours)
    monkeypatch.setattr(fx, "rate", lambda of, per, on: 2.0)
    cost = explore.TrainingCost(model="A", price_per_gpu_hour=3.0, rate_day="2020-03-12", currency="EUR")
    assert cost.answer().value == pytest.approx(2.25)
    assert "one 1.500, two 0.750, together 2.250" in cost.answer().chart.alt
    with pytest.raises(ParameterError, match=r"^no GPU-hours of 'C'; there are those of A, B$"):
        replace(cost, model="C").answer()


def test_a_sum_is_converted_at_the_rate_of_the_day():
    answer = explore.Converted(amount=10.0, rate_day="2020-03-12", currency="EUR").answer()
    assert answer.value == pytest.approx(10 / 1.1240)
    assert answer.chart.alt.count("ECB") == 5  # of that day, and of two before and after it


@pytest.fixture(scope="module")
def presets():
    """The presets as the notebook's cells make them."""
    names: dict = {}
    for cell in EXPLORE.node.cells:
        if cell.cell_type == "code" and "Panel" not in cell.source:
            exec(cell.source, names)
    return names["presets"]


@pytest.fixture
def panel(presets):
    return explore.Panel(presets, "nvidia-monday-fall")


def stored():
    found = (entry for notebook in notebooks.discover() for entry in shown_in(notebook.node))
    return {entry["id"]: entry for entry in found}


def test_every_computed_claim_has_a_preset_unless_it_is_of_test_scores(presets):
    computed = {claim for claim, entry in stored().items() if entry["kind"] == "computed"}
    assert computed - set(presets) == {"janus-pro-geneval", "janus-pro-dpg-bench"}


def test_every_preset_gives_the_number_and_verdict_of_the_article(panel, presets):
    for claim in presets:
        panel.claim.value = claim
        found, _ = explore.finding(claim, panel.chosen())
        wanted = stored()[claim]
        assert [getattr(found, key) for key in ("recomputed", "low", "high", "verdict")] == [
            wanted[key] for key in ("recomputed", "low", "high", "verdict")
        ]
        assert panel.text.startswith(f"With the article's inputs\n{claim}: {wanted['verdict']}\n")
        assert found.said().value in panel.card.value
        assert panel.back.disabled


def test_presets_stand_in_the_articles_order(panel):
    assert [claim for _, claim in panel.claim.options] == [claim for claim in stored_order() if claim in panel.presets]


def stored_order():
    return [claim.id for claim in findings.ledger.load().claims]


def test_only_the_inputs_that_a_number_depends_on_are_shown(panel):
    def shown():
        return [name for name in explore.NAMES if getattr(panel, name).layout.display != "none"]

    assert shown() == ["symbol", "day", "source"]
    panel.claim.value = "training-cost-below-bound"
    assert shown() == ["rate_day", "price_per_gpu_hour"]


def test_another_day_gives_another_number_and_verdict_and_the_way_back(panel):
    panel.day.value = date(2025, 1, 28)
    assert panel.text.startswith("With your inputs: Day 2025-01-28 instead of 2025-01-27\nnvidia-monday-fall: off\n")
    assert "+8.93%" in panel.card.value
    assert "says nothing of the article" in panel.card.value
    assert "a gain of 8.93 % on 2025-01-28" in panel.chart.value
    assert not panel.back.disabled
    panel.back.click()
    assert panel.day.value == date(2025, 1, 27)
    assert panel.text.startswith("With the article's inputs\nnvidia-monday-fall: holds\n")


def test_another_price_flips_a_verdict_at_the_bound(panel):
    panel.claim.value = "training-cost-below-bound"
    panel.price_per_gpu_hour.value = 2.1500000000000004  # as a slider's steps add up
    assert "USD per GPU-hour 2.15 instead of 2.00\ntraining-cost-below-bound: holds\n" in panel.text
    panel.price_per_gpu_hour.value = 2.2
    assert "USD per GPU-hour 2.20 instead of 2.00\ntraining-cost-below-bound: off\n" in panel.text


def test_another_rate_day_and_share_count_move_the_loss(panel):
    panel.claim.value = "nvidia-loss-eur"
    panel.rate_day.value = date(2025, 1, 28)
    assert "Exchange rate of 2025-01-28 instead of 2025-01-27\nnvidia-loss-eur: off\n" in panel.text
    panel.back.click()
    panel.shares.value = "24 400,000,000"
    assert "Share count 24,400,000,000 instead of 24,490,000,000\nnvidia-loss-eur: off\n" in panel.text
    panel.shares.value = ""
    assert "Share count the last one published instead of 24,490,000,000\nnvidia-loss-eur: holds\n" in panel.text


def test_another_share_brings_its_own_count_or_none(panel):
    panel.claim.value = "nvidia-loss-eur"
    panel.symbol.value = " msft"
    assert panel.shares.value == ""
    assert panel.text.startswith(
        "error: MSFT has no share count for 2025-01-27 or the half year before; embedded counts: none; "
    )
    assert panel.text.endswith(", or type a count")
    panel.shares.value = "7.4e9"
    assert "nvidia-loss-eur: off" in panel.text
    panel.symbol.value = "NVDA"
    assert panel.shares.value == "24,490,000,000"
    assert panel.text.startswith("With the article's inputs\n")


@pytest.mark.parametrize(
    ("claim", "name", "value", "sentence"),
    [
        ("nvidia-monday-fall", "day", date(2025, 1, 26), "event_date 2025-01-26 is no session of XNAS; the sessions"),
        ("nvidia-monday-fall", "day", date(2024, 6, 3), "NVDA has no embedded bar for 2024-06-0[0-9]: the embedded"),
        ("nvidia-monday-fall", "day", date(1, 1, 1), "NVDA has no embedded bar for 0001-01-01: the embedded"),
        ("nvidia-monday-fall", "day", None, "the field “Day” holds no day; choose one$"),
        ("nvidia-monday-fall", "symbol", "XYZ", "no share 'XYZ' is embedded; there are "),
        ("nvidia-monday-fall", "symbol", "", "no share '' is embedded; there are "),
        ("nvidia-loss-eur", "shares", "many", "the share count must be a number above 0, like 1,500,000,000, not 'many'$"),
        ("nvidia-loss-eur", "shares", "-1", "the share count must be a number above 0, like 1,500,000,000, not '-1'$"),
        ("nvidia-loss-eur", "rate_day", date(2025, 1, 26), "the ECB gives no reference rate USD/EUR for 2025-01-26; choose"),
        (
            "nvidia-loss-record",
            "day",
            date(2025, 1, 28),
            "NVDA did not fall on 2025-01-28: there is no loss to rank; choose",
        ),
        ("nvidia-price-earnings", "symbol", "MSFT", "MSFT: only 0 of four quarters of GAAP earnings are known before"),
        ("training-cost-bound", "rate_day", None, "the field “Exchange rate of” holds no day; choose one$"),
    ],
)
def test_a_bad_input_is_said_in_one_sentence_in_place_of_the_card(panel, claim, name, value, sentence):
    panel.claim.value = claim
    getattr(panel, name).value = value
    assert panel.text.startswith("error: ")
    assert re.match(sentence, panel.text.removeprefix("error: "))
    assert 'role="alert"' in panel.card.value
    assert "<article" not in panel.card.value
    assert panel.chart.value == ""
    panel.back.click()
    assert panel.text.startswith("With the article's inputs\n")


def test_a_panel_needs_presets_of_claims_there_are(presets):
    with pytest.raises(ParameterError, match=r"^no preset for the claim 'electricity'; there are nvidia-monday-fall, "):
        explore.Panel(presets, "electricity")
    with pytest.raises(LedgerError, match="has no claim 'no-such-claim'"):
        explore.Panel(presets | {"no-such-claim": presets["nvidia-monday-fall"]}, "nvidia-monday-fall")


def test_what_is_stored_of_a_panel_is_text_and_card_without_ids_of_widgets(panel):
    assert WIDGET in panel._repr_mimebundle_()
    output = EXPLORE.node.cells[-2].outputs[0]
    assert output.data["text/plain"] == panel.text
    assert set(output.data) == {"text/plain", "text/html"}
    assert "widgets" not in EXPLORE.node.metadata
