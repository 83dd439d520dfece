"""What stops a build: each fault is one sentence, the exit status is not 0, and nothing that stood there is lost."""

import copy
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from shockcheck import notebooks, report
from shockcheck.errors import BuildError

LOSS, REBOUND, COST = "01-nvidia-one-day-loss", "02-tuesday-rebound", "06-training-cost"

# What a notebook's own calls refuse is tested call by call in test_prices.py and test_data.py; one of them stands here
# for the way from a kernel to the command line.
BAD_PARAMETERS = [
    (["-p", "tickr=NVDA"], "01-nvidia-one-day-loss has no parameter 'tickr'; it has ticker, event_date,"),
    (["-p", "event_date=20250127"], "event_date must be a date written as text, 'YYYY-MM-DD', not '20250127'"),
    (["-p", "event_date=soon"], "event_date must be a date written as text, 'YYYY-MM-DD', not 'soon'"),
    (["-p", "event_date=2025-01-26"], "sessions before and after it are 2025-01-24 and 2025-01-27"),
    (["-p", "ticker"], "-p takes NAME=VALUE, not 'ticker'"),
    (["-p", "ticker=A", "-p", "ticker=B"], "-p gives ticker twice"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_PARAMETERS, ids=[" ".join(a) for a, _ in BAD_PARAMETERS])
def test_a_bad_parameter_is_one_sentence(project, arguments, message):
    assert message in project.fails("report", "--only", LOSS, *arguments)


def test_a_number_that_is_none(project):
    said = project.fails("report", "--only", REBOUND, "-p", "band_low=five")
    assert "band_low must be a number like 5.0, not 'five'" in said


def test_an_unknown_notebook_and_parameters_without_one(project):
    assert "no notebook '07-x'" in project.fails("report", "--only", "07-x")
    assert "name it with --only" in project.fails("report", "-p", "ticker=NVDA")


FRIDAY = "NVDA,2025-01-24,148.37,148.97,141.88,142.62,nasdaq-daily-bars\n"
DAMAGE = [
    ("data/prices.csv", "142.62", "142.63", "has not the SHA-256 in data/datapackage.json"),
    ("data/prices.csv", "142.62", "n/a", 'data/prices.csv, row 64, column close: Type error in the cell "n/a"'),
    ("data/prices.csv", FRIDAY, FRIDAY * 2, "data/prices.csv, row 65: "),
    ("data/prices.csv", "148.97,141.88", "141.88,148.97", "row 64: breaks the rule that high is not below low"),
    ("data/prices.csv", "open,high", "open,top", "data/prices.csv, column high: "),
    ("data/prices.csv", "142.62", "-142.62", "row 64, column close: "),
    (
        "data/facts.csv",
        "reuters-app-store-2025-01-27",
        "hearsay",
        "row 2: source 'hearsay' is not in data/sources.csv; add it",
    ),
    ("data/claims.yml", "direction: fall", "direktion: fall", "claim nvidia-monday-fall: `direktion`: no such field"),
    (
        "data/claims.yml",
        "id: nvidia-loss-eur",
        "id: loss",
        "01-nvidia-one-day-loss checks 'nvidia-loss-eur', which the",
    ),
    ("data/datapackage.json", "{", "", "data/datapackage.json cannot be read"),
    (
        "notebooks/02-tuesday-rebound.ipynb",
        r"check(\"nvidia-tuesday-rise",
        r"check(\"nvidia-monday-fall",
        "is checked in 01-nvidia-one",
    ),
    ("notebooks/02-tuesday-rebound.ipynb", '"parameters"', '"other"', "has no cell tagged 'parameters'"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), DAMAGE, ids=[message[:50] for *_, message in DAMAGE])
def test_damage_stops_the_build_before_anything_is_written(project, file, old, new, message):
    project.edit(file, old, new)
    assert message in project.fails("report")


def test_claims_that_no_notebook_checks_yet_stand_beside_those_that_are_checked(project):
    project.keep("05-price-earnings")
    ledger = project.root / "data/claims.yml"
    text = ledger.read_text(encoding="utf-8")
    entry = text[text.index("  - id: nvidia-price-earnings") :]
    more = [entry.replace("nvidia-price-earnings", claim) for claim in ("nvidia-second", "nvidia-third")]
    ledger.write_text(text + "".join(more), encoding="utf-8")
    sentence = (
        "error: no notebook checks nvidia-second and nvidia-third; add a cell with check('nvidia-second', ...), which "
        "`python -m shockcheck claims check` writes for you, or remove the claims"
    )
    for attempt in ("cold", "where all pages stand"):
        done = project.run("report")
        assert (done.returncode, done.stderr.splitlines()[-1]) == (1, sentence), attempt
        assert done.stdout == "reports/index.html: 1 claim, 1 holds\n"
    assert list(project.findings()) == ["nvidia-price-earnings"]
    assert "reports/05-price-earnings.html" in project.reports()
    html = (project.root / "reports/index.html").read_text(encoding="utf-8")
    assert html.count("not checked yet") == 2
    assert "its notebook failed" not in html
    assert project.run("report", "--only", "05-price-earnings").returncode == 0
    before = (project.root / "notebooks/05-price-earnings.ipynb").read_bytes()
    assert f"{project.fails('notebooks')}\n" == f"{sentence}\n"
    assert (project.root / "notebooks/05-price-earnings.ipynb").read_bytes() == before
    ledger.write_text(text, encoding="utf-8")
    assert project.run("report").returncode == 0
    assert "not checked yet" not in (project.root / "reports/index.html").read_text(encoding="utf-8")


def test_a_missing_table(project):
    (project.root / "data/prices.csv").unlink()
    assert "data/prices.csv cannot be read" in project.fails("report")


def test_checksums_of_a_damaged_table_are_not_renewed(project):
    project.edit("data/prices.csv", "142.62", "n/a")
    before = (project.root / "data/datapackage.json").read_bytes()
    assert "row 64, column close" in project.fails("checksums")
    assert (project.root / "data/datapackage.json").read_bytes() == before


def test_a_failing_notebook_leaves_the_others_standing(project):
    project.keep(LOSS, "05-price-earnings")
    project.edit("notebooks/01-nvidia-one-day-loss.ipynb", "prices.listing(ticker,", "prices.listing('<b>',")
    done = project.run("report")
    assert done.returncode == 1
    assert "no share '<b>' is embedded" in done.stderr
    assert list(project.findings()) == ["nvidia-price-earnings"]
    assert "reports/05-price-earnings.html" in project.reports()
    assert not {f"reports/{LOSS}.html", f"reports/{LOSS}.ipynb"} & set(project.reports())
    html = (project.root / "reports/index.html").read_text(encoding="utf-8")
    assert "01-nvidia-one-day-loss could not be built" in html
    assert "no share &#39;&lt;b&gt;&#39; is embedded" in html
    assert html.count("its notebook failed") == 3


def test_a_finding_that_is_not_shown_is_noticed():
    notebook = notebooks.named(COST)
    run = copy.deepcopy(notebook.node)
    assert len(notebooks.complete_findings(notebook, run)) == 6
    next(cell for cell in run.cells if "training-cost-scope" in cell.source).outputs.clear()
    with pytest.raises(BuildError, match="06-training-cost checks training-cost-scope but does not show its finding"):
        notebooks.complete_findings(notebook, run)


def test_a_file_that_is_no_notebook(project):
    (project.root / "notebooks/06-training-cost.ipynb").write_text("no json")
    assert "is not readable as a notebook" in project.fails("report")


def test_reports_is_not_a_folder(project):
    for path in (project.root / "reports").iterdir():
        path.unlink()
    (project.root / "reports").rmdir()
    (project.root / "reports").write_text("a file")
    assert "reports cannot be written (File exists)" in project.fails("report")


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
            report.prepare(folder)
    finally:
        os.seteuid(os.getuid())
