"""The project as a whole: tables, ledger and checks, and pages with the verdicts that the notebooks store."""

import json
import subprocess
import sys

import pytest

from shockcheck import ledger, notebooks, report, tables
from shockcheck.findings import shown_in
from shockcheck.paths import REPORTS, ROOT

RESULT = ("id", "verdict", "stated", "recomputed", "low", "high")


@pytest.fixture(scope="module")
def findings():
    """What a build of the report finds."""
    done = subprocess.run([sys.executable, "-m", "shockcheck", "report"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((REPORTS / "findings.json").read_text(encoding="utf-8"))


def result(found):
    return {name: found[name] for name in RESULT}


def test_every_table_is_as_the_data_package_describes_it():
    tables.check()


def test_the_ledger_has_no_fault():
    assert ledger.faults() == []


def test_every_claim_is_checked_once():
    notebooks.check_against(ledger.load(), notebooks.discover())


def test_every_page_is_built_with_the_cards_of_its_claims(findings):
    for found in findings:
        page = (REPORTS / f"{found['notebook']}.html").read_text(encoding="utf-8")
        assert f'id="claim-{found["id"]}"' in page
    assert (REPORTS / "index.html").exists()


def test_what_is_found_is_what_the_notebooks_store(findings):
    stored = {found["id"]: result(found) for notebook in notebooks.discover() for found in shown_in(notebook.node)}
    assert [result(found) for found in findings] == [stored[claim.id] for claim in ledger.load().claims]


def test_the_readme_shows_the_verdicts():
    assert report.readme() == report.README.read_text(encoding="utf-8"), "run `make notebooks`"
