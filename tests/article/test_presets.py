"""The presets of the notebook `explore`: every one gives what the article's report says, and other inputs another number."""

import re
from datetime import date

import pytest

from shockcheck import explore, ledger
from shockcheck.errors import LedgerError, ParameterError
from shockcheck.explore import panel as explore_panel
from shockcheck.notebooks.execution import stored_findings
from shockcheck.notebooks.notebook import unnumbered_notebooks
from shockcheck.notebooks.stable_outputs import WIDGET

pytestmark = pytest.mark.slow

EXPLORE = next(notebook for notebook in unnumbered_notebooks() if notebook.name == "explore")


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
    return {claim_id: finding for claim_id, (finding, _) in stored_findings().items()}


def test_every_computed_claim_has_a_preset_unless_it_is_of_test_scores(presets):
    computed = {claim for claim, entry in stored().items() if entry.kind == "computed"}
    assert computed - set(presets) == {"janus-pro-geneval", "janus-pro-dpg-bench"}


def test_every_preset_gives_the_number_and_verdict_of_the_article(panel, presets):
    for claim in presets:
        panel.claim.value = claim
        found, _ = explore.finding(claim, panel.chosen())
        wanted = stored()[claim]
        assert [getattr(found, key) for key in ("recomputed", "low", "high", "verdict")] == [
            getattr(wanted, key) for key in ("recomputed", "low", "high", "verdict")
        ]
        assert panel.text.startswith(f"With the article's inputs\n{claim}: {wanted.verdict}\n")
        assert found.in_words().value in panel.card.value
        assert panel.back.disabled


def test_presets_stand_in_the_articles_order(panel):
    assert [claim for _, claim in panel.claim.options] == [claim for claim in stored_order() if claim in panel.presets]


def stored_order():
    return [claim.id for claim in ledger.load().claims]


def test_only_the_inputs_that_a_number_depends_on_are_shown(panel):
    def shown():
        return [name for name in explore_panel.NAMES if getattr(panel, name).layout.display != "none"]

    assert shown() == ["symbol", "day", "source"]
    panel.claim.value = "training-cost-below-bound"
    assert shown() == ["rate_day", "price_per_gpu_hour"]


def test_another_day_gives_another_number_and_verdict_and_the_way_back(panel):
    panel.day.value = date(2025, 1, 28)
    assert panel.text.startswith("With your inputs: Day 2025-01-28 instead of 2025-01-27\nnvidia-monday-fall: off\n")
    assert "+8.93%" in panel.card.value
    assert "applies to your inputs, not to the article" in panel.card.value
    assert "up 8.93% on 28 January 2025" in panel.chart.value
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
        ("nvidia-monday-fall", "day", None, "the field “Day” is empty; choose a day$"),
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
        ("training-cost-bound", "rate_day", None, "the field “Exchange rate of” is empty; choose a day$"),
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
    with pytest.raises(ParameterError, match=r"^no preset for the claim 'electricity'; choose one of nvidia-monday-fall, "):
        explore.Panel(presets, "electricity")
    with pytest.raises(LedgerError, match="has no claim 'no-such-claim'"):
        explore.Panel(presets | {"no-such-claim": presets["nvidia-monday-fall"]}, "nvidia-monday-fall")


def test_what_is_stored_of_a_panel_is_text_and_card_without_ids_of_widgets(panel):
    assert WIDGET in panel._repr_mimebundle_()
    output = EXPLORE.node.cells[-2].outputs[0]
    assert output.data["text/plain"] == panel.text
    assert set(output.data) == {"text/plain", "text/html"}
    assert "widgets" not in EXPLORE.node.metadata
