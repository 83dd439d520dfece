"""The example: a second article, made by `new`, in English and in dollars, by the package as it is."""

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, Project

from shockcheck.authoring import scaffold
from shockcheck.findings.outputs import findings_in
from shockcheck.notebooks.notebook import Notebook
from shockcheck.project import digests

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "examples/2024-09-04-nvidia-record"
COMES_OUT = {
    "nvidia-tuesday-fall": ("holds", -9.525),
    "nvidia-biggest-since-april": ("holds", 1),
    "nvidia-decade-rank": ("holds", 4),
    "nvidia-loss": ("holds", 278.91),
    "nvidia-loss-record": ("holds", 1),
    "meta-fall": ("holds", -26.39),
    "meta-loss": ("holds", 232.02),
    "amazon-loss": ("holds", 206.68),
    "nvidia-april-loss": ("holds", 208.75),
    "nvidia-june-loss": ("holds", 208.12),
    "nvidia-mid-july-loss": ("holds", 205.9),
    "nvidia-late-july-loss": ("holds", 205.16),
    "nvidia-july-gain": ("off", 326.93),  # by another share count it would hold
    "nvidia-days-over-200": ("holds", 5),
    "amazon-only-other": ("supported", None),
}
UNCONFIRMED = {  # every claim whose number rests on a figure with one weak source
    "nvidia-loss-record", "meta-loss", "amazon-loss", "nvidia-june-loss", "nvidia-mid-july-loss", "nvidia-late-july-loss",
    "nvidia-july-gain", "nvidia-days-over-200",
}  # fmt: skip


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Project:
    """A copy of the example with its report built."""
    root = tmp_path_factory.mktemp("example") / "project"
    built = shutil.ignore_patterns(".*", "*.html", "findings.json", "receipt.json", "__pycache__")
    shutil.copytree(EXAMPLE, root, ignore=lambda folder, names: built(folder, names) | _executed(folder, names))
    done = Project(root).run("report")
    assert done.returncode == 0, done.stderr
    return Project(root)


def _executed(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if Path(folder).name == "reports" and name.endswith(".ipynb")}


def page(example: Project, name: str) -> str:
    return (example.root / f"reports/{name}.html").read_text(encoding="utf-8")


def test_every_claim_comes_out_as_it_was_found_to(example):
    assert {name: (found["verdict"], found["recomputed"]) for name, found in example.findings().items()} == COMES_OUT


@pytest.mark.parametrize(
    "name", [".gitignore", "Makefile", "pytest.ini", "environment.yml", "tests/nbval.cfg", "tests/test_project.py"]
)
def test_what_every_project_has_is_as_new_makes_it(name):
    assert (EXAMPLE / name).read_bytes() == (scaffold.TEMPLATE / name).read_bytes()


def test_the_pages_are_those_recorded(example):
    recorded = (EXAMPLE / "reports/CHECKSUMS.sha256").read_text().splitlines()
    built = [
        f"{digests.file_digest(example.root / 'reports' / line.split('  ')[1])}  {line.split('  ')[1]}" for line in recorded
    ]
    assert built == recorded, "the pages have changed: look at them, and record them by `make notebooks`"
    assert [line.split("  ")[1] for line in recorded] == [
        "01-the-record.html",
        "02-other-days.html",
        "index.html",
        "findings.json",
    ]


def test_what_is_built_is_what_the_notebooks_store(example):
    paths = sorted((EXAMPLE / "notebooks").glob("*.ipynb"))
    stored = [found for path in paths for found in findings_in(Notebook(path).node)]
    assert {found.id: (found.verdict, found.recomputed) for found in stored} == COMES_OUT
    assert page(example, "index").count('class="quote" lang="en">“') == len(COMES_OUT)


def test_the_readme_shows_the_verdicts_that_the_notebooks_store(example):
    text = (example.root / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| “(.+)” \| (.+) \| . (\w+) \| \[0[12]\]\(notebooks/(.+)\.ipynb\) \|$", text, re.MULTILINE)
    assert [verdict for _, _, verdict, _ in shown] == [verdict for verdict, _ in COMES_OUT.values()]
    assert (
        r"On July 31, Nvidia gained \$326 billion",
        "+\\$326.93\N{NO-BREAK SPACE}billion",
        "off",
        "02-other-days",
    ) in shown


def test_two_numbers_tell_apart_by_which_share_count_they_were_made(example):
    html = page(example, "02-other-days")
    rows = dict.fromkeys(re.findall(r"<td>(\d\d \w{3} 2024)</td>\s*<td[^>]*>([\d.]+)</td>\s*<td[^>]*>(yes|no)</td>", html))
    assert list(rows) == [
        ("28 Jan 2024", "208.751", "yes"),
        ("24 May 2024", "208.387", "no"),
        ("23 Aug 2024", "207.794", "no"),
        ("28 Jan 2024", "327.505", "no"),
        ("24 May 2024", "326.934", "no"),
        ("23 Aug 2024", "326.004", "yes"),
    ]
    assert "2 of 3 readings give “off”; the closest other one is share count of 23 Aug 2024" in html
    assert "Share counts that give both the April loss and the July gain: none." in html


def test_unconfirmed_figures_are_shown_as_such(example):
    marked = set()
    for name in ("01-the-record", "02-other-days"):
        for card in re.split(r'(?=<article class="card)', page(example, name))[1:]:
            if '<dt class="unconfirmed">' in card:
                marked.add(re.search(r'id="claim-([a-z0-9-]+)"', card)[1])
    assert marked == UNCONFIRMED
    weak = re.findall(
        r"^(\w+),([\d-]+),.*,unconfirmed$", (EXAMPLE / "data/shares_outstanding.csv").read_text(), re.MULTILINE
    )
    assert weak == [("AMZN", "2022-04-20"), ("META", "2022-01-28"), ("NVDA", "2024-05-24")]


def test_pages_are_in_english_and_name_no_source_that_is_not_used(example):
    for name in ("index", "01-the-record", "02-other-days"):
        html = page(example, name)
        assert 'lang="de"' not in html
        assert "European Central Bank" not in html
    reviews = re.findall(r'<script type="application/ld\+json">(.+?)</script>', page(example, "02-other-days"))
    claimed = {json.loads(text)["claimReviewed"] for text in reviews}
    assert "On July 31, Nvidia gained $326 billion" in claimed  # the quote says it itself
    assert "That cut Meta's market value by 232 billion dollars." in claimed
