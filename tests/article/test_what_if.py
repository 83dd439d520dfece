"""What if: the browser computes by the formulas that Python runs, and a reader's inputs change the card and nothing else."""

import dataclasses
import random

import pytest
from conftest import NOTEBOOKS
from playwright.sync_api import expect
from test_traces import STORED, computed

from shockcheck import verdicts
from shockcheck.languages.language import get_language
from shockcheck.report import what_if
from shockcheck.report.pages import TEMPLATES

ADJUSTABLE = [finding for finding in STORED if finding.adjustable]
LOSS, MULTIPLE, COST = NOTEBOOKS[0], NOTEBOOKS[4], NOTEBOOKS[5]


def test_what_can_be_changed():
    assert {finding.id: [entry["label"] for entry in finding.adjustable] for finding in ADJUSTABLE} == {
        "nvidia-loss-eur": ["Share count", "Exchange rate of"],
        "nvidia-loss-record": ["Share count"],
        "nvidia-price-earnings": ["Earnings per share", "Price"],
        "training-cost-below-bound": ["Price of a GPU-hour", "Exchange rate of"],
        "training-cost-bound": ["Exchange rate of"],
    }
    for finding in ADJUSTABLE:
        for entry in finding.adjustable:
            value = finding.derivation["nodes"][entry["node"]]["value"]
            assert not entry["choices"] or [choice for _, choice in entry["choices"]].count(value) == 1


def test_the_script_is_below_ten_kilobytes():
    assert len((TEMPLATES / "what_if.js").read_bytes()) + len(what_if.script(ADJUSTABLE, get_language("en"))) < 10_000
    assert what_if.script([finding for finding in STORED if not finding.adjustable], get_language("en")) is None


def test_text_of_a_finding_cannot_end_the_script():
    hostile = dataclasses.replace(ADJUSTABLE[0], unit="</script><script>caught()</script>")
    script = what_if.script([hostile], get_language("en"))
    assert "\\u003c/script>\\u003cscript>caught()" in script and "<" not in script


@pytest.mark.parametrize("code", ["en", "de"])
def test_browser_and_python_agree_over_random_inputs(browser, code):
    """Values to twelve digits, since a sum may be rounded in another order, verdicts and texts to the letter."""
    chance = random.Random(7)
    tries = []
    for finding in ADJUSTABLE:
        for _ in range(200):
            own = {}
            for entry in finding.adjustable:
                value = finding.derivation["nodes"][entry["node"]]["value"]
                choices = [choice for _, choice in entry["choices"] or []]
                own[entry["node"]] = (
                    chance.choice(choices) if choices else value * chance.choice([1, chance.uniform(0.01, 3)])
                )
            tries.append((finding, own))
    page = browser.new_page()
    page.add_script_tag(
        content=f"{what_if.script(ADJUSTABLE, get_language(code))}\n{(TEMPLATES / 'what_if.js').read_text()}"
    )
    found = page.evaluate(
        """tries => tries.map(([id, own]) => {
            const value = evaluate(cards[id], own);
            return [value, verdict(cards[id], value), written(cards[id], value)];
        })""",
        [[finding.id, own] for finding, own in tries],
    )
    page.close()
    for (finding, own), (value, word, text) in zip(tries, found, strict=True):
        expected = computed(finding.derivation, own)[dict(finding.derivation["roots"])["recomputed"]]
        assert value == pytest.approx(expected, rel=1e-12)
        assert word == verdicts.verdict(expected, finding.interval)
        assert text == finding.in_words(get_language(code)).quantity(expected)


@pytest.fixture
def opened(browser, built):
    page = browser.new_page()

    def open_page(name):
        page.goto((built.root / f"reports/{name}.html").as_uri())
        return page

    yield open_page
    page.close()


def test_another_share_count_and_day_change_the_card_and_the_way_back_leads_to_the_articles(opened):
    card = opened(LOSS).locator("#claim-nvidia-loss-eur")
    value, word = card.locator(".recomputed"), card.locator(".verdict")
    before = card.get_attribute("class")
    expect(value).to_have_text("€562.83 billion")
    card.get_by_label("Exchange rate of").select_option(label="ECB, 28 Jan: 1.0421")
    expect(value).to_have_text("€568.72 billion")  # 592.658 / 1.0421
    expect(word).to_have_text("✗ off, with your inputs")
    card.get_by_label("Share count").fill("24250000000")
    expect(value).to_have_text("€563.14 billion")  # 24.20 x 24.25 / 1.0421
    expect(word).to_have_text("✓ holds, with your inputs")
    assert "yours" in card.get_attribute("class")
    card.get_by_role("button", name="Back to the article’s inputs").click()
    expect(value).to_have_text("€562.83 billion")
    expect(word).to_have_text("✓ holds")
    assert card.get_attribute("class") == before


def test_a_smaller_count_costs_the_record_its_rank(opened):
    card = opened(LOSS).locator("#claim-nvidia-loss-record")
    card.get_by_label("Share count").fill("10000000000")  # a loss of 242 billion, below that of September 2024
    expect(card.locator(".recomputed")).to_have_text("rank 3")
    expect(card.locator(".verdict")).to_have_text("✗ off, with your inputs")


def test_other_earnings_and_another_rent(opened):
    card = opened(MULTIPLE).locator("#claim-nvidia-price-earnings")
    card.get_by_label("Earnings per share").fill("2")
    expect(card.locator(".recomputed")).to_have_text("71.31 times")  # 142.62 / 2
    card = opened(COST).locator("#claim-training-cost-below-bound")
    card.get_by_label("Price of a GPU-hour").fill("3")
    expect(card.locator(".recomputed")).to_have_text("€7.943 million")  # 2.788 x 3 / 1.0530
    expect(card.locator(".verdict")).to_have_text("✗ off, with your inputs")


@pytest.mark.parametrize("text", ["", "0", "-5", "1e400"])
def test_what_is_no_number_above_zero_is_said_and_the_articles_stays(opened, text):
    card = opened(LOSS).locator("#claim-nvidia-loss-eur")
    card.get_by_label("Share count").fill(text)
    expect(card.locator(".recomputed")).to_have_text("€562.83 billion")
    expect(card.get_by_role("alert")).to_have_text("Enter a number above zero.")
    expect(card.get_by_label("Share count")).to_have_attribute("aria-invalid", "true")


def test_without_script_the_page_is_whole_and_offers_nothing_that_does_not_work(browser, built):
    page = browser.new_page(java_script_enabled=False)
    page.goto((built.root / f"reports/{LOSS}.html").as_uri())
    expect(page.locator("form.what-if").first).to_be_hidden()
    expect(page.locator("#claim-nvidia-loss-eur .recomputed")).to_have_text("€562.83 billion")
    page.locator("#claim-nvidia-loss-eur details.trace > summary").click()
    expect(page.locator("#claim-nvidia-loss-eur").get_by_text("592.658 / 1.053")).to_be_visible()
    page.close()
