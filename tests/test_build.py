"""The build: what is due and why, kernels that are forked, and what is left of them when something goes wrong."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import NOTEBOOKS, SLOW, Project, copy_to, heed_interrupts, processes_of, wait_until

from shockcheck import warm
from shockcheck.errors import BuildError
from shockcheck.notebooks import execution, kernels
from shockcheck.project import records
from shockcheck.report import article, build

pytestmark = pytest.mark.slow

MULTIPLE, IMAGES, STATEMENTS = NOTEBOOKS[4], NOTEBOOKS[6], NOTEBOOKS[8]
STANDS = "stands; nothing that it depends on has changed"
EXAMPLE, TROUBLE = "01-one-day-change", "02-trouble"  # of the small project, and a notebook that a test adds to it
DETACHED = "import subprocess; subprocess.Popen(['sh', '-c', 'sleep 900 &'], start_new_session=True)"  # left by the shell


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of two notebooks, built: one reads prices, one image benchmarks. Copy it, do not change it."""
    project = copy_to(tmp_path_factory.mktemp("pair"))
    project.keep(MULTIPLE, IMAGES)
    done = project.run("report")
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def two(pair: Project, tmp_path: Path) -> Project:
    """A copy of the pair to change, as built as that is."""
    shutil.copytree(pair.root, tmp_path / "two")
    return Project(tmp_path / "two")


def why(project: Project, **environment: str) -> dict[str, str]:
    """Why each page was built or not in a build now."""
    done = project.run("report", "--why", **environment)
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"(?m)^reports/(\d[\w-]+)\.html: (.+)$", done.stdout))


def built(project: Project) -> dict[str, int]:
    """When each file of the report was last written."""
    return {path.name: path.stat().st_mtime_ns for path in (project.root / "reports").iterdir()}


def test_nothing_is_built_again_whatever_was_touched(two):
    before = built(two)
    for path in [*(two.root / "data").iterdir(), *(two.root / "notebooks").iterdir()]:
        os.utime(path)
    assert why(two) == {MULTIPLE: STANDS, IMAGES: STANDS}
    assert built(two) == before
    assert "nothing was due" in two.run("report").stdout


def test_a_changed_row_builds_exactly_the_pages_that_read_its_file(two):
    before = built(two)
    two.edit("data/prices.csv", "116.7,118.42", "116.7,120.42")
    assert two.run("checksums").returncode == 0
    assert why(two) == {MULTIPLE: "data/prices.csv changed", IMAGES: STANDS}
    after = built(two)
    assert after[f"{IMAGES}.html"] == before[f"{IMAGES}.html"]
    assert after[f"{MULTIPLE}.html"] != before[f"{MULTIPLE}.html"]


def test_a_fact_a_source_and_a_claim_are_told_by_their_rows(two):
    two.edit("data/facts.csv", "size of Janus-Pro's pictures", "size of the pictures")
    assert two.run("checksums").returncode == 0
    assert why(two) == {MULTIPLE: STANDS, IMAGES: "data/facts.csv#janus-pro-resolution changed"}
    two.edit("data/claims.yml", "states: Until then", "states: Before that")
    assert why(two) == {MULTIPLE: "data/claims.yml#nvidia-price-earnings changed", IMAGES: STANDS}
    two.edit("data/sources.csv", "motley-fool-2025-02-02,", "motley-fool-2025-02-02,The ")
    assert two.run("checksums").returncode == 0
    assert why(two) == {MULTIPLE: "data/sources.csv#motley-fool-2025-02-02 changed", IMAGES: STANDS}


def test_a_changed_cell_builds_its_page_and_changed_outputs_build_none(two):
    path = two.root / f"notebooks/{IMAGES}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert why(two) == {MULTIPLE: STANDS, IMAGES: STANDS}
    two.edit(f"notebooks/{IMAGES}.ipynb", "# Text-to-image benchmarks", "# Pictures")
    assert why(two) == {MULTIPLE: STANDS, IMAGES: f"cells of notebooks/{IMAGES}.ipynb changed"}
    assert "<title>Pictures – shockcheck</title>" in (two.root / f"reports/{IMAGES}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (f"reports/{IMAGES}.html", lambda text: text[: len(text) // 2]),
        (f"reports/{IMAGES}.html", lambda text: text.replace("holds", "hold")),
        (f"reports/{IMAGES}.html", None),
        (f"reports/{IMAGES}.ipynb", lambda text: text + " "),
        (f".cache/report/en/{IMAGES}.json", lambda text: text[:100]),
        (f".cache/report/en/{IMAGES}.json", lambda text: text.replace('"holds"', '"off"')),
        (f".cache/report/en/{IMAGES}.json", lambda text: "[]"),
        ("reports/index.html", lambda text: ""),
        ("reports/findings.json", None),
    ],
)
def test_what_was_cut_short_or_tampered_with_is_built_again(two, file, damage):
    before = two.reports()
    path = two.root / file
    path.unlink() if damage is None else path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    reasons = why(two)
    assert reasons[MULTIPLE] == STANDS
    assert (reasons[IMAGES] == STANDS) == ("index" in file or "findings" in file)
    assert two.reports() == before


def test_what_changes_no_page_is_still_checked(two):
    text = (two.root / "data/claims.yml").read_text(encoding="utf-8")
    entry = text[text.index("  - id: nvidia-price-earnings") :].replace("nvidia-price-earnings", "nvidia-other")
    (two.root / "data/claims.yml").write_text(text + entry, encoding="utf-8")
    done = two.run("report")
    assert done.returncode == 1
    assert "no notebook checks nvidia-other" in done.stderr
    (two.root / "data/claims.yml").write_text(text, encoding="utf-8")
    two.edit("data/chips.csv", "H800", "H801")  # which no page of these reads
    assert "data/chips.csv has not the SHA-256" in two.fails("report")


def test_ordinary_kernels_give_the_same_bytes(two, tmp_path):
    before = two.reports()
    for path in (two.root / "reports").iterdir():
        path.unlink()
    done = two.run("report", "--no-warm")
    assert done.returncode == 0, done.stderr
    assert two.reports() == before


def wait_until_nothing_is_left(project: Project) -> None:
    """Wait for the end of all processes of this project's builds, and of their temporary files."""
    wait_until(lambda: not processes_of(project), "the end of its processes")
    assert list(project.root.parent.glob("shockcheck-*")) == []


@pytest.mark.parametrize(
    ("code", "message", "options"),
    [
        (f"{DETACHED}; import os; os._exit(3)", f"{TROUBLE}, cell 2: its kernel died", ()),
        (f"{DETACHED}; import os; os._exit(3)", f"{TROUBLE}, cell 2: its kernel died", ("--no-warm",)),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", f"{TROUBLE}, cell 2: its kernel died", ()),
        ("1 / 0", "ZeroDivisionError: division by zero", ()),
    ],
)
def test_a_kernel_that_dies_or_fails_is_named_and_leaves_nothing(small, monkeypatch, code, message, options):
    small.add_notebook(TROUBLE, code)
    monkeypatch.setenv("TMPDIR", str(small.root.parent))
    done = small.run("report", *options)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr
    assert f"built  reports/{EXAMPLE}.html" in done.stderr
    assert f"{TROUBLE} could not be built" in (small.root / "reports/index.html").read_text(encoding="utf-8")
    wait_until_nothing_is_left(small)


def test_a_kernel_that_hangs_is_named_and_leaves_nothing(small, monkeypatch):
    small.add_notebook(TROUBLE, f"{DETACHED}; import time; time.sleep(600)")
    assert small.run("report", "--only", EXAMPLE).returncode == 0  # which could take too long on a busy machine
    monkeypatch.setenv("TMPDIR", str(small.root.parent))
    said = small.run("report", SHOCKCHECK_TIMEOUT="2").stderr
    assert f"{TROUBLE}, cell 2: it took longer than 2 seconds" in said and "Traceback" not in said
    assert f"{TROUBLE} could not be built" in (small.root / "reports/index.html").read_text(encoding="utf-8")
    wait_until_nothing_is_left(small)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_build_leaves_no_process_and_goes_on_the_next_time(small, number, status):
    small.add_notebook(TROUBLE, f"{DETACHED}; import time; time.sleep(600)")
    build = subprocess.Popen(
        [sys.executable, "-m", "shockcheck", "report"],
        env=os.environ | {"SHOCKCHECK_ROOT": str(small.root), "TMPDIR": str(small.root.parent)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        preexec_fn=heed_interrupts,
    )
    page = small.root / f".cache/report/en/{EXAMPLE}.json"
    wait_until(page.exists, "the first page")
    assert processes_of(small)
    os.killpg(build.pid, number)
    _, said = build.communicate(timeout=SLOW)
    assert build.returncode == status
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert "interrupted; finished pages are kept" in said
        wait_until_nothing_is_left(small)
    else:  # nobody is there to remove files
        wait_until(lambda: not processes_of(small), "the end of its processes")
    small.add_notebook(TROUBLE, "1")
    assert why(small)[EXAMPLE] == STANDS


def test_an_interrupt_while_the_checks_are_made_ends_runs_that_wait_for_them(monkeypatch):
    """Run in a thread, which is given up where it does not end."""

    def interrupted(language: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(warm.Server, "prestart", lambda server: None)
    monkeypatch.setattr(execution, "run", lambda notebook, language: None)
    monkeypatch.setattr(article, "check", interrupted)
    ended = []

    def attempt() -> None:
        try:
            list(build._pages([MULTIPLE, IMAGES], "en", workers=2))
        except KeyboardInterrupt:
            ended.append(True)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(timeout=SLOW)
    assert ended == [True]


def test_kernels_are_forked_unless_that_is_switched_off(monkeypatch):
    with kernels.session():
        assert kernels.kernel_name() == warm.FORKED_KERNEL
    monkeypatch.setenv(kernels.COLD_VARIABLE, "1")
    with kernels.session():
        assert kernels.kernel_name() == warm.ORDINARY_KERNEL


def test_a_process_that_cannot_be_started_is_one_sentence(monkeypatch):
    def refuse(*_: object) -> None:
        raise warm.StartError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(warm.Server, "prestart", refuse)
    with pytest.raises(BuildError, match=r"no process can be started \(Resource temporarily unavailable\); run again"):
        kernels.prestart()
    with (
        pytest.raises(BuildError, match="no process can be started"),
        kernels.session(),
        kernels.map_in_order(str, [1]),
    ):
        pass


def test_a_notebook_is_run_in_a_session_only():
    with pytest.raises(RuntimeError, match=r"inside of kernels\.session"):
        kernels.kernel_name()


def test_notebooks_are_kept_apart(small):
    """What one notebook sets is not there in the next, although both kernels are of one process."""
    for name in ("02-one", "03-another"):
        small.add_notebook(name, "import shockcheck; assert not hasattr(shockcheck, 'mark'); shockcheck.mark = 1")
    done = small.run("report", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert {"reports/02-one.html", "reports/03-another.html"} <= set(small.reports())


def test_an_entry_is_whole_or_none(tmp_path):
    entry = records.Record({"Python": "3"}, {"a": "b"}, "t", [{"id": "x"}])
    path = tmp_path / "folder" / "entry.json"
    records.store(path, entry)
    assert records.load(path) == entry
    assert records.load(tmp_path / "none.json") is None
    text = path.read_text(encoding="utf-8")
    for damaged in (text[:-1], text.replace('"x"', '"y"'), "", "{}", "null", text.replace('"t"', "1")):
        path.write_text(damaged, encoding="utf-8")
        assert records.load(path) is None


def test_only_builds_one_page_and_leaves_the_rest(two):
    before = two.reports()
    two.edit(f"notebooks/{IMAGES}.ipynb", "# Text-to-image benchmarks", "# Pictures")
    two.edit(f"notebooks/{MULTIPLE}.ipynb", "## What could move", "## What else could move")
    done = two.run("report", "--only", IMAGES)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"reports/{IMAGES}.html"
    after = two.reports()
    assert {name for name in after if after[name] != before.get(name)} == {
        f"reports/{IMAGES}.html",
        f"reports/{IMAGES}.ipynb",
    }
