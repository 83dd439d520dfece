"""What comes out of the article: every verdict and number, and the pages that show them."""

import json
import re
from datetime import date

import pytest
from conftest import NOTEBOOKS

from shockcheck.audit import receipt
from shockcheck.data import fx, tables
from shockcheck.project import digests

pytestmark = pytest.mark.slow

LOSS, REBOUND, _, _, _, COST, *_ = NOTEBOOKS
COMPUTED = [
    # id, stated, unit, recomputed, low, high, verdict, number of the notebook; in the article's order
    ("janus-pro-geneval", "1", "rank", 1, None, None, "holds", 7),
    ("janus-pro-dpg-bench", "1", "rank", 1, None, None, "holds", 7),
    ("nvidia-monday-fall", "17", "percent", -16.97, -18.17, -9.97, "holds", 1),
    ("nvidia-tuesday-rise", "fünf und sechs", "percent", 8.93, -1.83, 8.93, "held intraday", 2),
    ("nvidia-loss-eur", "563", "billion EUR", 562.83, None, None, "holds", 1),
    ("nvidia-loss-record", "1", "rank", 1, None, None, "holds", 1),
    ("nvidia-price-earnings", "60", "times", 56.13, None, None, "holds", 5),
    ("siemens-energy-monday-fall", "18", "percent", -19.95, -22.33, -13.29, "held intraday", 3),
    ("japan-second-day", "2", "falling days", 2, None, None, "holds", 3),
    ("advantest-tuesday-fall", "zehn", "percent", -11.14, -11.81, -7.73, "held intraday", 3),
    ("advantest-monday-fall", "Neun", "percent", -8.61, -9.15, -3.99, "holds", 3),
    ("training-cost-below-bound", "5,7", "million EUR", 5.295, None, None, "holds", 6),
    ("training-cost-bound", "5,7", "million EUR", 5.698, None, None, "holds", 6),
]
DOCUMENTED = {
    "imprecise": "record-falls nvidia-recovery-slight siemens-energy-tuesday-rise training-cost-scope stargate-total "
    "stargate-private stargate-place nvidia-in-stargate openai-sole-beneficiary deepseek-open-source "
    "models-freely-accessible language-model-chatbot two-newest-applications",
    "contradicted": "language-model-monday openai-belongs-to-microsoft microsoft-openai-brand",
    "unchecked": "scmp-report nvidia-overvalued ft-report-friday",
}


def stored(built) -> list[dict]:
    return json.loads((built.root / "reports/findings.json").read_text())


def test_computed_findings_are_exactly_these_in_the_articles_order(built):
    keys = ("id", "stated", "unit", "recomputed", "low", "high", "verdict")
    expected = [dict(zip(keys, row, strict=False), kind="computed", notebook=NOTEBOOKS[row[-1] - 1]) for row in COMPUTED]
    assert [found for found in stored(built) if found["kind"] == "computed"] == expected


def test_documented_findings_have_these_verdicts_and_the_rest_is_supported(built):
    documented = {found["id"]: found["verdict"] for found in stored(built) if found["kind"] == "documented"}
    expected = {claim: verdict for verdict, claims in DOCUMENTED.items() for claim in claims.split()}
    assert {claim: verdict for claim, verdict in documented.items() if verdict != "supported"} == expected
    assert len(stored(built)) == 51
    assert documented["lower-capacity-chips"] == documented["own-figures"] == documented["electricity"] == "supported"


def test_values_of_documented_findings(built):
    assert {found["id"]: found["recomputed"] for found in stored(built) if found["kind"] == "documented"}[
        "nvidia-recovery-slight"
    ] == 43.68


def test_a_page_a_notebook_an_index_and_the_executed_copies(built):
    names = {f"{name}.{ending}" for name in NOTEBOOKS for ending in ("html", "ipynb")}
    assert {path.removeprefix("reports/") for path in built.reports()} == names | {"index.html", "findings.json"}


@pytest.mark.parametrize("name", ["index", *NOTEBOOKS])
def test_a_page_needs_no_network_and_is_light(built, name):
    html = (built.root / f"reports/{name}.html").read_text(encoding="utf-8")
    assert len(html.encode()) < (100_000 if name == "index" else 150_000)
    assert not re.search(r"<(?:link|img|iframe)\b|<script[^>]*\bsrc\b|@import|url\((?!#)", html)
    assert '<html lang="en">' in html


def test_every_card_and_chart_is_on_its_page_once(built):
    for found in stored(built):
        html = (built.root / f"reports/{found['notebook']}.html").read_text(encoding="utf-8")
        assert html.count(f'id="claim-{found["id"]}"') == 1
    alts = []
    for name in NOTEBOOKS:
        html = (built.root / f"reports/{name}.html").read_text(encoding="utf-8")
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        alts += re.findall(r'role="img" aria-label="([^"]*)"', html)
    assert len(alts) > len(NOTEBOOKS)
    assert min(map(len, alts)) > 60


def test_the_index_links_every_claim_to_its_card(built):
    html = (built.root / "reports/index.html").read_text(encoding="utf-8")
    for found in stored(built):
        assert f'href="{found["notebook"]}.html#claim-{found["id"]}"' in html


def test_unconfirmed_facts_are_marked_where_they_are_cited(built):
    card = (built.root / f"reports/{NOTEBOOKS[8]}.html").read_text(encoding="utf-8")
    assert 'home town for the New Year: visit</span> <strong class="unconfirmed">unconfirmed</strong>' in card


def test_a_page_lists_the_source_of_every_row_it_shows(built):
    sources = tables.load("sources").set_index("id")
    for name in NOTEBOOKS:
        html = (built.root / f"reports/{name}.html").read_text(encoding="utf-8")
        body, foot = html.split("<h2>Sources</h2>")
        for source in sources.index:
            if f"<td>{source}</td>" in body:
                assert f"<code>{source}</code>" in foot, (name, source)
    foot = (built.root / f"reports/{LOSS}.html").read_text(encoding="utf-8").split("<h2>Sources</h2>")[1]
    assert "<code>nvidia-10-q-2024-11-20</code>: NVIDIA / SEC, <a href=" in foot
    assert "<code>nasdaq-daily-bars</code>" in foot


def test_a_sentence_carries_the_recomputed_value(built):
    html = (built.root / f"reports/{LOSS}.html").read_text(encoding="utf-8")
    assert 'times the count: <a href="#claim-nvidia-loss-eur">€562.83\N{NO-BREAK SPACE}billion</a>.' in html
    assert "{{" not in html


def test_only_the_rate_of_one_day_prints_both_numbers(built):
    html = (built.root / f"reports/{COST}.html").read_text(encoding="utf-8")
    table = html[html.index("rates that give both numbers</th>") :]
    assert re.findall(r"<td>([^<]+)</td>", table[: table.index("</table>")]) == ["ECB, 27 Jan"]


def run_variant(project, notebook, **parameters):
    pairs = [f"{name}={value}" for name, value in parameters.items()]
    done = project.run("report", "--only", notebook, *(word for pair in pairs for word in ("-p", pair)))
    assert done.returncode == 0, done.stderr
    folder = f"reports/variants/{notebook}-{'-'.join(sorted(pairs))}"
    assert done.stdout.strip() == f"{folder}/{notebook}.html"
    assert project.reports()["reports/index.html"] == b"an earlier build"
    assert "reports/findings.json" not in project.reports()
    return project.findings(folder), (project.root / folder / f"{notebook}.html").read_text(encoding="utf-8")


def test_a_variant_on_a_day_of_gain_says_so(project):
    given = {"event_date": "2025-01-28", "exchange_rate_date": "2025-01-24", "shares_outstanding_as_of": "2024-08-23"}
    found, html = run_variant(project, LOSS, currency="JPY", **given)
    yen = fx.rate("USD", per="JPY", on=date(2025, 1, 24))
    assert found["nvidia-monday-fall"]["recomputed"] == 8.93
    assert found["nvidia-loss-eur"]["recomputed"] == pytest.approx(-(128.99 - 118.42) * 24.53 / yen, abs=0.005)
    assert {entry["verdict"] for entry in found.values()} == {None}
    assert "Nvidia gained 259.28 billion USD of market value on 28 January 2025" in html
    assert "A variant." in html


def test_parameters_of_the_rebound_drive_its_numbers(project):
    found, html = run_variant(project, REBOUND, band_low="0", band_high="1.5")
    assert found["nvidia-recovery-slight"]["recomputed"] == 43.68
    assert "at +0.75%" in html


def test_parameters_of_the_cost_drive_its_numbers(project):
    found, _ = run_variant(project, COST, price_per_gpu_hour="3.42", exchange_rate_date="2025-01-28")
    assert found["training-cost-below-bound"]["recomputed"] == pytest.approx(2.788 * 3.42 / 1.0421, abs=0.0005)
    assert found["training-cost-bound"]["recomputed"] == 5.758


def test_a_renewed_checksum_lets_a_changed_figure_through_to_the_page(project):
    project.edit("data/prices.csv", "116.7,118.42", "116.7,120.42")
    done = project.run("checksums")
    assert done.returncode == 0
    assert done.stdout.startswith("data/prices.csv: sha256:")
    assert project.run("report", "--only", LOSS).returncode == 0
    html = (project.root / f"reports/{LOSS}.html").read_text(encoding="utf-8")
    assert "−15.57%" in html
    assert "nvidia-monday-fall</a>: −15.57% (day’s range −18.17% to −9.97%), held intraday" in html


def test_the_pages_are_those_recorded_whatever_folder_time_zone_locale_and_hash_seed(built):
    """`built` was made in another folder, in Tokyo, with the C locale and a hash seed of its own."""
    same = {name: digests.file_digest(built.root / "reports" / name) for name in receipt.recorded_checksums()}
    assert same == receipt.recorded_checksums(), "the pages have changed: look at them, and record them by `make notebooks`"
    assert len(same) == len(NOTEBOOKS) + 2
