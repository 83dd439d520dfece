"""The build: what is due and why, kernels that are forked, and what is left of them when something goes wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import NOTEBOOKS, SLOW, Project, copy_to, heed_interrupts, processes_of, wait_until

from shockcheck import build, cache, notebooks, report, warm

MULTIPLE, IMAGES, STATEMENTS = NOTEBOOKS[4], NOTEBOOKS[6], NOTEBOOKS[8]
STANDS = "stands; nothing that it depends on has changed"
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
    two.edit(f"notebooks/{IMAGES}.ipynb", "# Pictures from text", "# Pictures")
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


@pytest.fixture
def other(project: Project) -> Project:
    """One notebook whose cells a test may change, beside one that is whole."""
    project.keep(MULTIPLE, IMAGES)
    return project


def sabotage(project: Project, code: str) -> None:
    """Put a line before the last cell's of the notebook on image benchmarks that displays facts."""
    project.edit(f"notebooks/{IMAGES}.ipynb", '"facts.table(', f'"{code}\\n", "facts.table(')


def wait_until_nothing_is_left(project: Project) -> None:
    """Wait for the end of all processes of this project's builds, and of their temporary files."""
    wait_until(lambda: not processes_of(project), "the end of its processes")
    assert list(project.root.parent.glob("shockcheck-*")) == []


@pytest.mark.parametrize(
    ("code", "message", "options"),
    [
        (f"{DETACHED}; import os; os._exit(3)", f"{IMAGES}, cell 11: its kernel died", ()),
        (f"{DETACHED}; import os; os._exit(3)", f"{IMAGES}, cell 11: its kernel died", ("--no-warm",)),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", f"{IMAGES}, cell 11: its kernel died", ()),
        ("1 / 0", "ZeroDivisionError: division by zero", ()),
    ],
)
def test_a_kernel_that_dies_or_fails_is_named_and_leaves_nothing(other, monkeypatch, code, message, options):
    sabotage(other, code)
    monkeypatch.setenv("TMPDIR", str(other.root.parent))
    done = other.run("report", *options)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr
    assert f"built  reports/{MULTIPLE}.html" in done.stderr
    assert f"{IMAGES} could not be built" in (other.root / "reports/index.html").read_text(encoding="utf-8")
    wait_until_nothing_is_left(other)


def test_a_kernel_that_hangs_is_named_and_leaves_nothing(project, monkeypatch):
    """In a project of one notebook: no other can take too long on a machine that has much other work."""
    project.keep(IMAGES)
    sabotage(project, f"{DETACHED}; import time; time.sleep(600)")
    monkeypatch.setenv("TMPDIR", str(project.root.parent))
    said = project.run("report", SHOCKCHECK_TIMEOUT="2").stderr
    assert f"{IMAGES}, cell 11: it took longer than 2 seconds" in said and "Traceback" not in said
    assert f"{IMAGES} could not be built" in (project.root / "reports/index.html").read_text(encoding="utf-8")
    wait_until_nothing_is_left(project)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_build_leaves_no_process_and_goes_on_the_next_time(other, number, status):
    sabotage(other, f"{DETACHED}; import time; time.sleep(600)")
    build = subprocess.Popen(
        [sys.executable, "-m", "shockcheck", "report"],
        env=os.environ | {"SHOCKCHECK_ROOT": str(other.root), "TMPDIR": str(other.root.parent)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        preexec_fn=heed_interrupts,
    )
    page = other.root / f".cache/report/en/{MULTIPLE}.json"
    wait_until(page.exists, "the first page")
    assert processes_of(other)
    os.killpg(build.pid, number)
    _, said = build.communicate(timeout=SLOW)
    assert build.returncode == status
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert "interrupted; what was built before stands" in said
        wait_until_nothing_is_left(other)
    else:  # nobody is there to remove files
        wait_until(lambda: not processes_of(other), "the end of its processes")
    other.edit(f"notebooks/{IMAGES}.ipynb", f"{DETACHED}; import time; time.sleep(600)", "1")
    assert why(other)[MULTIPLE] == STANDS


def test_what_is_pending_is_dropped_when_a_build_is_left(monkeypatch):
    begun, stopped = [], threading.Event()

    def run(name: str) -> str:
        begun.append(name)
        if name != "a":
            assert stopped.wait(SLOW)
        return name.upper()

    monkeypatch.setattr(warm, "possible", lambda: True)
    monkeypatch.setattr(warm, "start", lambda kernels: None)
    monkeypatch.setattr(warm, "stop", stopped.set)  # which ends what a kernel runs
    with warm.each(run, "abcdefgh", workers=2) as results:
        assert next(results) == "A"
    assert "a" in begun and len(begun) <= 3


AT_ONCE = """
import time, traitlets
from shockcheck import notebooks, warm

def slowly(self):
    if isinstance(self.klass, str):
        time.sleep(0.2)
        self.klass = self._resolve_string(self.klass)

traitlets.Instance._resolve_classes = slowly
with warm.kernels(), warm.each(lambda name: notebooks.run(notebooks.named(name)), {names!r}, workers=2) as results:
    assert len(list(results)) == 2
"""


def test_runs_that_start_at_the_same_moment_do_not_meet_in_what_libraries_do_once(other):
    """Traitlets turns names of classes into classes at a class's first instance: here so slowly that threads would meet."""
    words = [sys.executable, "-c", AT_ONCE.format(names=[MULTIPLE, IMAGES])]
    done = subprocess.run(words, env=os.environ | {"SHOCKCHECK_ROOT": str(other.root)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_interrupt_while_the_checks_are_made_ends_runs_that_wait_for_them(monkeypatch):
    """Run in a thread, which is given up where it does not end."""

    def interrupted(language: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(warm, "possible", lambda: True)
    monkeypatch.setattr(warm, "start", lambda kernels: None)
    monkeypatch.setattr(notebooks, "run", lambda notebook, language: None)
    monkeypatch.setattr(report, "check", interrupted)
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


@pytest.mark.parametrize("forked", [True, False])
def test_results_come_in_order_whatever_is_ready_first(monkeypatch, forked):
    monkeypatch.setattr(warm, "possible", lambda: forked)
    monkeypatch.setattr(warm, "start", lambda kernels: None)

    def last_is_first(number: int) -> int:
        time.sleep(0.05 * (3 - number))
        return 10 * number

    with warm.each(last_is_first, range(4), workers=4) as results:
        assert list(results) == [0, 10, 20, 30]


def test_a_forked_kernel_is_used_where_it_can_be(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert warm.kernel() == warm.NAME
    monkeypatch.setenv(warm.COLD, "1")
    assert warm.kernel() == warm.ORDINARY
    monkeypatch.delenv(warm.COLD)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert warm.kernel() == warm.ORDINARY


def test_notebooks_are_kept_apart(other):
    """What one notebook sets is not there in the next, although both kernels are of one process."""
    for name in (MULTIPLE, IMAGES):
        path = other.root / f"notebooks/{name}.ipynb"
        text = path.read_text(encoding="utf-8")
        line = "import shockcheck; assert not hasattr(shockcheck, 'mark'); shockcheck.mark = 1"
        path.write_text(text.replace('"frames.show()"', f'"frames.show()\\n", "{line}"', 1), encoding="utf-8")
    done = other.run("report")
    assert done.returncode == 0, done.stderr


def test_an_entry_is_whole_or_none(tmp_path):
    entry = cache.Entry({"Python": "3"}, {"a": "b"}, "t", [{"id": "x"}])
    path = tmp_path / "folder" / "entry.json"
    cache.store(path, entry)
    assert cache.load(path) == entry
    assert cache.load(tmp_path / "none.json") is None
    text = path.read_text(encoding="utf-8")
    for damaged in (text[:-1], text.replace('"x"', '"y"'), "", "{}", "null", text.replace('"t"', "1")):
        path.write_text(damaged, encoding="utf-8")
        assert cache.load(path) is None
