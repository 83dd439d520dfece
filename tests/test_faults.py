"""What stops a build: each fault is one sentence, the exit status is not 0, and nothing that stood there is lost."""

import copy
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from shockcheck.errors import BuildError
from shockcheck.notebooks import execution
from shockcheck.notebooks.notebook import notebook_named
from shockcheck.project import files

pytestmark = pytest.mark.slow

EXAMPLE, COST = "01-one-day-change", "06-training-cost"

# What a notebook's own calls refuse is tested call by call in test_prices.py and test_data.py; one of them stands here
# for the way from a kernel to the command line.
BAD_PARAMETERS = [
    (["-p", "tickr=EXAG"], "01-one-day-change has no parameter 'tickr'; it has ticker, event_date,"),
    (["-p", "event_date=20010307"], "event_date must be a date written as text, 'YYYY-MM-DD', not '20010307'"),
    (["-p", "event_date=soon"], "event_date must be a date written as text, 'YYYY-MM-DD', not 'soon'"),
    (["-p", "event_date=2001-03-04"], "sessions before and after it are 2001-03-02 and 2001-03-05"),
    (["-p", "ticker"], "-p takes NAME=VALUE, not 'ticker'"),
    (["-p", "ticker=A", "-p", "ticker=B"], "-p gives ticker twice"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_PARAMETERS, ids=[" ".join(a) for a, _ in BAD_PARAMETERS])
def test_a_bad_parameter_is_one_sentence(small, arguments, message):
    assert message in small.fails("report", "--only", EXAMPLE, *arguments)


def test_a_number_that_is_none(small):
    path = small.root / f"notebooks/{EXAMPLE}.ipynb"
    node = nbformat.read(path, 4)
    node.cells[1].source += "\nband_low = 5.0  # percent"
    nbformat.write(node, path)
    said = small.fails("report", "--only", EXAMPLE, "-p", "band_low=five")
    assert "band_low must be a number like 5.0, not 'five'" in said


def test_an_unknown_notebook_and_parameters_without_one(small):
    assert "no notebook '07-x'" in small.fails("report", "--only", "07-x")
    assert "name it with --only" in small.fails("report", "-p", "ticker=EXAG")


LAST = "EXAG,2001-03-08,37.3,38.2,37.1,38,example-prices,confirmed\n"
DAMAGE = [
    ("data/prices.csv", "36.5,37,", "36.5,37.1,", "has not the SHA-256 in data/datapackage.json"),
    ("data/prices.csv", "36.5,37,", "36.5,n/a,", 'data/prices.csv, row 5, column close: Type error in the cell "n/a"'),
    ("data/prices.csv", LAST, LAST * 2, "data/prices.csv, row 7: "),
    ("data/prices.csv", "39.4,36.5", "36.5,39.4", "row 5: breaks the rule that high is not below low"),
    ("data/prices.csv", "open,high", "open,top", "data/prices.csv, column high: "),
    ("data/prices.csv", "36.5,37,", "36.5,-37,", "row 5, column close: "),
    ("data/prices.csv", "example-prices", "hearsay", "row 2: source 'hearsay' is not in data/sources.csv; add it"),
    ("data/claims.yml", "direction: fall", "direktion: fall", "claim example-fall: `direktion`: no such field"),
    ("data/claims.yml", "id: example-fall", "id: fall", "01-one-day-change checks 'example-fall', which the"),
    ("data/datapackage.json", "{", "", "data/datapackage.json cannot be read"),
    (f"notebooks/{EXAMPLE}.ipynb", '"parameters"', '"other"', "has no cell tagged 'parameters'"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), DAMAGE, ids=[message[:50] for *_, message in DAMAGE])
def test_damage_stops_the_build_before_anything_is_written(small, file, old, new, message):
    small.edit(file, old, new)
    assert message in small.fails("report")


def test_a_claim_that_two_notebooks_check_stops_the_build(small):
    shutil.copy(small.root / f"notebooks/{EXAMPLE}.ipynb", small.root / "notebooks/02-again.ipynb")
    assert "is checked in 01-one-day-change" in small.fails("report")


def test_claims_that_no_notebook_checks_yet_stand_beside_those_that_are_checked(small):
    ledger = small.root / "data/claims.yml"
    text = ledger.read_text(encoding="utf-8")
    entry = text[text.index("  - id: example-fall") :]
    more = [entry.replace("example-fall", claim) for claim in ("second-fall", "third-fall")]
    ledger.write_text(text + "".join(more), encoding="utf-8")
    sentence = (
        "error: no notebook checks second-fall and third-fall; add a cell with check('second-fall', ...), which "
        "`shockcheck claims check` writes for you, or remove the claims"
    )
    for attempt in ("cold", "where all pages stand"):
        done = small.run("report")
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, sentence), attempt
        assert done.stdout == "reports/index.html: 1 claim, 1 holds\n"
    assert list(small.findings()) == ["example-fall"]
    assert f"reports/{EXAMPLE}.html" in small.reports()
    html = (small.root / "reports/index.html").read_text(encoding="utf-8")
    assert html.count("not checked yet") == 2
    assert "its notebook failed" not in html
    assert small.run("report", "--only", EXAMPLE).returncode == 0
    before = (small.root / f"notebooks/{EXAMPLE}.ipynb").read_bytes()
    assert f"{small.fails('notebooks')}\n" == f"{sentence}\n"
    assert (small.root / f"notebooks/{EXAMPLE}.ipynb").read_bytes() == before
    ledger.write_text(text, encoding="utf-8")
    assert small.run("report").returncode == 0
    assert "not checked yet" not in (small.root / "reports/index.html").read_text(encoding="utf-8")


def test_a_missing_table(small):
    (small.root / "data/prices.csv").unlink()
    assert "data/prices.csv cannot be read" in small.fails("report")


def test_checksums_of_a_damaged_table_are_not_renewed(small):
    small.edit("data/prices.csv", "36.5,37,", "36.5,n/a,")
    before = (small.root / "data/datapackage.json").read_bytes()
    assert "row 5, column close" in small.fails("checksums")
    assert (small.root / "data/datapackage.json").read_bytes() == before


def test_a_failing_notebook_leaves_the_others_standing(small):
    """It fails before it checks what it is to check."""
    ledger = small.root / "data/claims.yml"
    text = ledger.read_text(encoding="utf-8")
    more = text[text.index("  - id: example-fall") :].replace("example-fall", "second-fall")
    ledger.write_text(text + more, encoding="utf-8")
    missing = "from shockcheck.data import prices\nfrom shockcheck.findings import check\nprices.listing('<b>')"
    small.add_notebook("02-of-no-share", missing, 'check("second-fall", -7.5)')
    done = small.run("report")
    assert done.returncode == 1
    assert "no share '<b>' is embedded" in done.stderr
    assert list(small.findings()) == ["example-fall"]
    assert f"reports/{EXAMPLE}.html" in small.reports()
    assert not {"reports/02-of-no-share.html", "reports/02-of-no-share.ipynb"} & set(small.reports())
    html = (small.root / "reports/index.html").read_text(encoding="utf-8")
    assert "02-of-no-share could not be built" in html
    assert "no share &#39;&lt;b&gt;&#39; is embedded" in html
    assert html.count("its notebook failed") == 1


def test_a_finding_that_is_not_shown_is_noticed():
    notebook = notebook_named(COST)
    executed = execution.ExecutedNotebook(notebook, copy.deepcopy(notebook.node))
    executed.check_complete()
    assert len(executed.findings) == 6
    next(cell for cell in executed.node.cells if "training-cost-scope" in cell.source).outputs.clear()
    with pytest.raises(BuildError, match="06-training-cost checks training-cost-scope but does not show its finding"):
        execution.ExecutedNotebook(notebook, executed.node).check_complete()


def test_a_file_that_is_no_notebook(small):
    (small.root / "notebooks/01-one-day-change.ipynb").write_text("no json")
    assert "is not readable as a notebook" in small.fails("report")


def test_reports_is_not_a_folder(small):
    for path in (small.root / "reports").iterdir():
        path.unlink()
    (small.root / "reports").rmdir()
    (small.root / "reports").write_text("a file")
    assert "reports cannot be written (File exists)" in small.fails("report")


def test_a_full_disk_loses_nothing(project):
    """A limit on file size stops a page half-way as a full disk would."""
    earlier = project.root / "reports/06-training-cost.html"
    earlier.write_text("an earlier page")
    done = subprocess.run(
        [sys.executable, "-m", "shockcheck", "report", "--only", COST],
        env=os.environ | {"SHOCKCHECK_ROOT": str(project.root)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "error: reports/06-training-cost" in done.stderr
    assert "cannot be written (File too large)" in done.stderr
    assert earlier.read_text() == "an earlier page"
    assert set(project.reports()) == {"reports/06-training-cost.html", "reports/index.html"}


def test_a_read_only_folder_is_said_before_any_work(tmp_path: Path):
    """Run as another user where the tests run as root, whom no permission stops."""
    folder = tmp_path / "reports"
    folder.mkdir()
    folder.chmod(0o555)
    if os.geteuid() == 0:
        tmp_path.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(BuildError, match=r"cannot be written \(Permission denied\)"):
            files.prepare_folder(folder)
    finally:
        os.seteuid(os.getuid())
