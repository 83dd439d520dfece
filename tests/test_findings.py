"""Findings: what `check` returns and refuses, and how a finding shows itself in a notebook and in a sentence."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from shockcheck import measures
from shockcheck.errors import BuildError, LedgerError
from shockcheck.findings import check
from shockcheck.findings.finding import MIMETYPE
from shockcheck.languages.language import get_language
from shockcheck.project.context import RUN_VARIABLE, RunContext
from shockcheck.quantities import Cell, Quantity
from shockcheck.report import pages

pytestmark = pytest.mark.usefixtures("sample")


def test_a_computed_claim_gets_its_verdict_and_rounded_numbers():
    finding = check("fall", -16.96817, -18.17417, -9.97055)
    assert (finding.recomputed, finding.low, finding.high, finding.verdict) == (-16.97, -18.17, -9.97, "holds")
    assert repr(finding).splitlines() == [
        "fall: holds",
        "  stated      down 17%",
        "  allowed     more than −17.5, up to −16.5",
        "  recomputed  −16.97% (day’s range −18.17% to −9.97%)",
    ]


def test_the_verdict_is_of_the_value_before_rounding():
    assert check("fall", -17.4999).recomputed == -17.5
    assert check("fall", -17.4999).verdict == "holds"


def test_a_rank_has_no_decimals():
    assert repr(check("record", 1)).endswith("recomputed  rank 1")


def test_a_documented_claim_has_the_ledgers_verdict_with_or_without_a_value():
    assert check("scope").verdict == "imprecise"
    assert check("recovery", 43.677).in_words().recomputed == "43.68% of the loss"


def test_other_readings_stand_beside_the_chosen_one():
    finding = check("loss", 562.828, choices={"another rate": 565.946, "another count": 563.2})
    assert [(r["reading"], r["value"], r["verdict"]) for r in finding.readings] == [
        ("our reading", 562.83, "holds"),
        ("another rate", 565.95, "off"),
        ("another count", 563.2, "holds"),
    ]
    assert finding.in_words().robustness.startswith("2 of 3 readings give “holds”; the closest other one is another rate")
    assert 'aria-label="2 of 3 readings' in finding.html()


def quantity(value: float, key: str, status: str = "confirmed") -> Quantity:
    return Quantity(value, "USD", Cell("data/prices.csv", key, "close", "2001-02-03", "example-prices", status))


def test_a_card_names_the_unconfirmed_figures_that_its_value_rests_on():
    before, after, other = (quantity(100, "A:1"), quantity(83, "A:2", "unconfirmed"), quantity(90, "A:3", "unconfirmed"))
    change = measures.percent_change(before, after)
    finding = check("fall", change, choices={"another": measures.percent_change(before, other)})
    assert finding.unconfirmed == ["data/prices.csv:A:2"]  # what another reading rests on is in its trace
    assert '<dt class="unconfirmed">Unconfirmed</dt><dd><code>data/prices.csv:A:2</code></dd>' in finding.html()
    assert "Unconfirmed" not in check("fall", measures.percent_change(before, quantity(83, "A:2"))).html()
    many = [quantity(number, f"B:{number}", "unconfirmed") for number in range(5)]
    html = check("record", measures.rank(quantity(9, "B:9"), many)).html()
    assert "<code>data/prices.csv:B:2</code> and 2 more figures</dd>" in html


def test_the_strip_is_to_scale_and_within_its_frame():
    strip = check("loss", 563.0, choices={"low": 562.0, "high": 564.0}).readings_strip
    places = [place for place, _ in strip.points]
    assert places == pytest.approx([50, 6.9, 93.1], abs=0.01)
    assert strip.band == pytest.approx((28.45, 71.55), abs=0.01)


def test_the_strip_of_an_open_interval_reaches_its_edge():
    strip = check("below-bound", 5.295, choices={"dearer": 9.0}).readings_strip
    assert strip.band[0] == 0
    assert 0 < strip.band[1] < 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fall",), "is computed: give check"),
        (("fall", math.nan), "the recomputed value is nan, not a number; look for an empty cell before"),
        (("fall", -17.0, -18.0, math.nan), "the day's high value is nan, not a number"),
        (("fall", math.inf), "the recomputed value is inf"),
        (("fall", pd.NA), "the recomputed value is <NA>"),
        (("fall", "-17"), "the recomputed value is -17, not a number"),
        (("fall", np.float64("nan")), "the recomputed value is nan"),
        (("fall", -17.0, None, None, {"other": -math.inf}), "the reading “other” value is -inf"),
        (("fall", -17.0, -16.0, -15.0), "outside the day's range"),
        (("scope", None, None, None, {"other": 1.0}), "is documented: readings are of computed claims"),
        (("no-such-claim", 1), "has no claim 'no-such-claim'"),
    ],
)
def test_what_check_refuses(arguments, message):
    with pytest.raises(LedgerError, match=message):
        check(*arguments)


def test_a_value_that_rests_on_no_number_is_refused():
    change = measures.percent_change(quantity(math.inf, "A:1"), quantity(83, "A:2"))  # -100, as if all were lost
    with pytest.raises(LedgerError, match=r"rests on the value inf \(data/prices.csv:A:1, close\); look for an empty cell"):
        check("fall", change)


def test_a_value_in_another_unit_than_the_claims_is_refused():
    dollars = Quantity(592.66, "billion USD", None)
    with pytest.raises(LedgerError, match="claim loss is in billion EUR, but its value in billion USD; convert it"):
        check("loss", dollars)
    assert check("loss", dollars, unit="billion USD").verdict is None  # said so: no verdict on the claim


def test_a_finding_shows_itself_as_text_card_and_data():
    bundle = check("loss", 562.828)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", MIMETYPE}
    assert json.loads(json.dumps(bundle[MIMETYPE]))["recomputed"] == 562.83
    assert '<blockquote lang="de">eine Abwertung um umgerechnet 563 Milliarden Euro</blockquote>' in bundle["text/html"]


def test_a_variant_has_no_verdict_and_no_readings(monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, RunContext(is_variant=True).environment()[RUN_VARIABLE])
    finding = check("loss", 258.0, choices={"another rate": 565.9})
    assert (finding.recomputed, finding.verdict, finding.readings) == (258.0, None, [])
    assert "563" not in finding.html()


def test_prose_quotes_the_recomputed_value_in_the_pages_language():
    finding = check("loss", 562.828)
    for code, value in (
        ("en", "€562.83\N{NO-BREAK SPACE}billion"),
        ("de", "562,83\N{NO-BREAK SPACE}Mrd.\N{NO-BREAK SPACE}€"),
    ):
        prose = pages.prose_of("01", [finding], get_language(code))
        link = f'<a href="#claim-loss">{value}</a>'
        assert prose.cell('It was {{ finding("loss") }}.', 1, {}) == f"<p>It was {link}.</p>"
    with pytest.raises(BuildError, match="quotes 'fall', which this notebook does not recompute"):
        pages.prose_of("01", [finding], get_language("en")).cell('{{ finding("fall") }}', 1, {})


def test_a_reading_that_rests_on_an_empty_cell_is_left_out():
    empty = Quantity(math.nan, "USD", Cell("data/prices.csv", "A:2001-02-03", "open", "2001-02-03", "example-prices"))
    opening = measures.percent_change(quantity(100, "A:1"), empty)
    change = measures.percent_change(quantity(100, "A:1"), quantity(83, "A:2"))
    choices = {"at the opening": opening, "at the low": None, "at the high": (-16.0, opening, -15.0)}
    finding = check("fall", change, None, -15.0, choices)
    assert [(one["reading"], one["value"]) for one in finding.readings] == [("our reading", -17.0), ("at the high", -16.0)]
    assert (finding.low, finding.high) == (None, None)  # of a range with one end nothing is known
    with pytest.raises(LedgerError, match=r"value is nan, not a number; the cell open of A:2001-02-03 in data/"):
        check("fall", opening)
    with pytest.raises(LedgerError, match=r"the reading “another” value is nan, not a number; look for an empty"):
        check("fall", change, choices={"another": math.nan})


def test_what_off_means_is_said_of_a_range_only_where_one_is_known():
    without, ranged = check("fall", -10.0), check("fall", -10.0, -11.0, -9.0)
    assert "off: does not match the number in the article." in without.html()
    assert "day" not in without.in_words().meaning
    assert ranged.in_words().meaning == "does not match the close or any price of the day"
    assert without.in_words(get_language("de")).meaning == "stimmt nicht mit der Zahl im Artikel überein"
