"""Tests for a project of one's own: `from shockcheck.testing import *` in a file of its tests makes pytest run them.

They hold the project as a whole together: tables, ledger and checks, pages with the verdicts that the notebooks store, and
the README. They need pytest, and are run from within the project.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from shockcheck import ledger
from shockcheck.data import tables
from shockcheck.findings import Finding
from shockcheck.notebooks.execution import stored_findings
from shockcheck.notebooks.notebook import check_against, require_notebooks
from shockcheck.project.paths import current_project
from shockcheck.report import stored

__all__ = [
    "built_findings",
    "test_every_claim_is_checked_once",
    "test_every_page_is_built_with_the_cards_of_its_claims",
    "test_every_table_is_as_the_data_package_describes_it",
    "test_the_build_finds_what_the_notebooks_store",
    "test_the_ledger_has_no_fault",
    "test_the_readme_shows_the_verdicts",
]


@pytest.fixture(scope="module")
def built_findings() -> list[dict[str, Any]]:
    """Build the report and return the entries of its `findings.json`."""
    command = [sys.executable, "-m", "shockcheck", "report"]
    done = subprocess.run(command, cwd=current_project().root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    findings: list[dict[str, Any]] = json.loads((current_project().reports / "findings.json").read_text(encoding="utf-8"))
    return findings


def _result(finding: Finding) -> tuple[object, ...]:
    return finding.id, finding.verdict, finding.stated, finding.recomputed, finding.low, finding.high


def test_every_table_is_as_the_data_package_describes_it() -> None:
    """Schema, keys, ranges, row rules and checksums of all tables hold."""
    tables.check()


def test_the_ledger_has_no_fault() -> None:
    """Every claim of the ledger is as documented."""
    assert ledger.faults() == []


def test_every_claim_is_checked_once() -> None:
    """Each claim of the ledger is checked in one notebook, and nothing else is."""
    check_against(ledger.load(), require_notebooks())


def test_every_page_is_built_with_the_cards_of_its_claims(built_findings: list[dict[str, Any]]) -> None:
    """Each notebook has a page with a card for each of its claims, and there is an index."""
    reports = current_project().reports
    for entry in built_findings:
        page = (reports / f"{entry['notebook']}.html").read_text(encoding="utf-8")
        assert f'id="claim-{entry["id"]}"' in page
    assert (reports / "index.html").exists()


def test_the_build_finds_what_the_notebooks_store(built_findings: list[dict[str, Any]]) -> None:
    """The outputs stored in the notebooks are those of a build."""
    in_notebooks = {claim_id: _result(finding) for claim_id, (finding, _) in stored_findings().items()}
    built = [_result(Finding.from_json(entry)) for entry in built_findings]
    assert built == [in_notebooks[claim.id] for claim in ledger.load().claims]


def test_the_readme_shows_the_verdicts() -> None:
    """The verdict table of the README is the one of the notebooks."""
    assert stored.readme() == current_project().readme.read_text(encoding="utf-8"), "run `make notebooks`"
