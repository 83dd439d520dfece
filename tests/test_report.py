"""The build from end to end, on copies of the project: what comes out, what stops it, and that nothing is lost then."""

import json
import re
from datetime import date

import pytest

from shockcheck import fx, report

NOTEBOOKS = ["01-nvidia-one-day-loss", "02-tuesday-rebound", "06-training-cost"]
EXPECTED = [
    # id, kind, stated, unit, recomputed, low, high, verdict, notebook
    ("nvidia-monday-fall", "computed", "17", "percent", -16.97, -18.17, -9.97, "holds", 0),
    ("nvidia-recovery-slight", "documented", None, "percent of the loss", 43.68, None, None, "imprecise", 1),
    ("nvidia-tuesday-rise", "computed", "fünf und sechs", "percent", 8.93, -1.83, 8.93, "held intraday", 1),
    ("nvidia-loss-eur", "computed", "563", "billion EUR", 562.83, None, None, "holds", 0),
    ("nvidia-loss-record", "computed", "1", "rank", 1, None, None, "holds", 0),
    ("siemens-energy-tuesday-rise", "documented", None, "percent", None, None, None, "imprecise", 1),
    ("training-cost-scope", "documented", None, None, None, None, None, "imprecise", 2),
    ("training-cost-below-bound", "computed", "5,7", "million EUR", 5.295, None, None, "holds", 2),
    ("training-cost-bound", "computed", "5,7", "million EUR", 5.698, None, None, "holds", 2),
]


def test_findings_are_exactly_these_in_the_articles_order(built):
    keys = ("id", "kind", "stated", "unit", "recomputed", "low", "high", "verdict")
    expected = [dict(zip(keys, row, strict=False), notebook=NOTEBOOKS[row[-1]]) for row in EXPECTED]
    assert json.loads((built.root / "reports/findings.json").read_text()) == expected


def test_a_page_a_notebook_an_index_and_the_executed_copies(built):
    names = {f"{name}.{ending}" for name in NOTEBOOKS for ending in ("html", "ipynb")}
    assert {path.removeprefix("reports/") for path in built.reports()} == names | {"index.html", "findings.json"}


@pytest.mark.parametrize("name", ["index", *NOTEBOOKS])
def test_a_page_needs_no_network_and_is_light(built, name):
    html = (built.root / f"reports/{name}.html").read_text(encoding="utf-8")
    assert len(html.encode()) < (100_000 if name == "index" else 150_000)
    assert not re.search(r"<(?:script|link|img|iframe)\b|@import|url\((?!#)", html)
    assert '<html lang="en">' in html


def test_every_card_and_chart_is_on_its_page_once(built):
    for finding_id, *_, number in EXPECTED:
        html = (built.root / f"reports/{NOTEBOOKS[number]}.html").read_text(encoding="utf-8")
        assert html.count(f'id="claim-{finding_id}"') == 1
    for name in NOTEBOOKS:
        html = (built.root / f"reports/{name}.html").read_text(encoding="utf-8")
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        assert all(len(alt) > 60 for alt in re.findall(r'role="img" aria-label="([^"]*)"', html))


def test_the_index_links_every_claim_to_its_card(built):
    html = (built.root / "reports/index.html").read_text(encoding="utf-8")
    for finding_id, *_, number in EXPECTED:
        assert f'href="{NOTEBOOKS[number]}.html#claim-{finding_id}"' in html


def test_two_builds_have_the_same_bytes(built, project):
    zone = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    assert project.run("report", **zone).returncode == 0
    assert project.reports() == built.reports()


def test_only_builds_one_page_and_leaves_the_rest(project):
    done = project.run("report", "--only", "06-training-cost")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "reports/06-training-cost.html"
    assert set(project.reports()) == {
        "reports/06-training-cost.html",
        "reports/06-training-cost.ipynb",
        "reports/index.html",
    }
    assert project.reports()["reports/index.html"] == b"an earlier build"


def variant(project, notebook, **parameters):
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
    found, html = variant(project, NOTEBOOKS[0], currency="JPY", **given)
    yen = fx.rate("USD", per="JPY", on=date(2025, 1, 24))
    assert found["nvidia-monday-fall"]["recomputed"] == 8.93
    assert found["nvidia-loss-eur"]["recomputed"] == pytest.approx(-(128.99 - 118.42) * 24.53 / yen, abs=0.005)
    assert {entry["verdict"] for entry in found.values()} == {None}
    assert "Nvidia on 2025-01-28: a gain of market value of" in html
    assert "A variant." in html


def test_parameters_of_the_rebound_drive_its_numbers(project):
    found, html = variant(project, NOTEBOOKS[1], band_low="0", band_high="1.5")
    assert found["nvidia-recovery-slight"]["recomputed"] == 43.68
    assert "at +0.75 %" in html


def test_parameters_of_the_cost_drive_its_numbers(project):
    found, _ = variant(project, NOTEBOOKS[2], price_per_gpu_hour="3.42", exchange_rate_date="2025-01-28")
    assert found["training-cost-below-bound"]["recomputed"] == pytest.approx(2.788 * 3.42 / 1.0421, abs=0.0005)
    assert found["training-cost-bound"]["recomputed"] == 5.758


def test_a_renewed_checksum_lets_a_changed_figure_through_to_the_page(project):
    project.edit("data/prices.csv", "116.7,118.42", "116.7,120.42")
    done = project.run("checksums")
    assert done.returncode == 0
    assert done.stdout.startswith("data/prices.csv: sha256:")
    assert project.run("report", "--only", NOTEBOOKS[0]).returncode == 0
    html = (project.root / f"reports/{NOTEBOOKS[0]}.html").read_text(encoding="utf-8")
    assert "−15.57 percent" in html
    assert "nvidia-monday-fall</a>: −15.57 percent (day's range −18.17 to −9.97), held intraday" in html


@pytest.mark.parametrize("value", ["../../x", "a/b", "", "x" * 300, "ü", "a b", "-"])
def test_a_variants_folder_name_stays_one_name(value):
    name = report._folder_name("01-a", {"ticker": value})
    assert re.fullmatch(r"01-a-ticker=[A-Za-z0-9_.=+^-]*", name)
    assert len(name) < 200


def test_unlike_parameters_never_share_a_folder():
    names = {report._folder_name("01-a", {"t": value}) for value in ("a/b", "a_b", "a b", "x" * 300, "x" * 301)}
    assert len(names) == 5
