"""A copy of the project to break, the command line to run on it, and one built report for all tests that read it."""

# ruff: noqa: E402  what libraries read when they are imported is set before

import contextlib
import gc
import http.client
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import browser as browsers
import nbformat
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser
from pytest_httpserver import HTTPServer
from yahoo import Yahoo

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in a build: sums are the same on any number of cores
sys.modules.setdefault("rfc3987_syntax", None)  # as in a build: two seconds sooner

from shockcheck import warm
from shockcheck.authoring import scaffold
from shockcheck.cli import app
from shockcheck.data import tables
from shockcheck.data.market import yahoo
from shockcheck.notebooks import kernels
from shockcheck.notebooks.notebook import Notebook
from shockcheck.project import paths, scratch
from shockcheck.project.paths import fresh_look

gc.set_threshold(50_000)  # as in a build: looking for garbage is a good part of all that the tests do
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine may be busy
settings.load_profile("patient")
ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests/sample"  # made-up tables and claims, for what is about the package and not about the article
RUN_NOTEBOOKS = {("report",), ("sweep",), ("notebooks",)}
SLOW = 300  # seconds: more than anything here takes on a machine that has much other work
NOTEBOOKS = [
    "01-nvidia-one-day-loss",
    "02-tuesday-rebound",
    "03-siemens-energy-and-advantest",
    "04-how-unusual",
    "05-price-earnings",
    "06-training-cost",
    "07-image-benchmarks",
    "08-stargate-and-capex",
    "09-statements",
]


@dataclass
class Project:
    """A copy of data, notebooks and README in a folder of its own, built by the package under test."""

    root: Path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `shockcheck ...` on this copy, from a folder that has nothing to do with it.

        In this process, unless the environment holds what an interpreter or a library reads when it starts.
        """
        own = {"SHOCKCHECK_ROOT": str(self.root), "COLUMNS": "200"} | environment
        if all(name in ("COLUMNS", "OWN") or name.startswith("SHOCKCHECK_") for name in own):
            return run_in_process(arguments, own, self.root.parent)
        words = [sys.executable, "-m", "shockcheck", *arguments]
        return subprocess.run(
            words, env=os.environ | own, cwd=self.root.parent, capture_output=True, text=True, timeout=SLOW
        )

    def fails(self, *arguments: str) -> str:
        """Run a command that must fail with one sentence and write nothing; returns what it said."""
        before = self.reports()
        done = self.run(*arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        sentences = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        assert len(sentences) == 1, done.stderr
        assert self.reports() == before
        return sentences[0]

    def reports(self) -> dict[str, bytes]:
        files = (path for path in self.root.joinpath("reports").rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r} to damage"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def add_notebook(self, name: str, *cells: str) -> None:
        """Write a notebook of a title, of no parameters, and of these cells of code; it checks no claim."""
        code = [nbformat.v4.new_code_cell(source) for source in cells]
        parameters = nbformat.v4.new_code_cell("nothing = 1  # no parameter", metadata={"tags": ["parameters"]})
        node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"# {name}"), parameters, *code])
        node.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(node, self.root / f"notebooks/{name}.ipynb")

    def keep(self, *names: str) -> None:
        """Leave only these notebooks and their claims: what takes a whole build is then tested in seconds."""
        claims = set()
        for path in (self.root / "notebooks").iterdir():
            if path.stem in names:
                claims |= set(Notebook(path).claims)
            else:
                path.unlink()
        ledger = self.root / "data/claims.yml"
        head, *entries = re.split(r"(?m)^(?=  - id: )", ledger.read_text(encoding="utf-8"))
        ledger.write_text(head + "".join(entry for entry in entries if entry.split()[2] in claims), encoding="utf-8")

    def findings(self, folder: str = "reports") -> dict[str, dict]:
        return {entry["id"]: entry for entry in json.loads((self.root / folder / "findings.json").read_text())}


def run_in_process(
    arguments: tuple[str, ...], environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run the command line as its own process would, but for the time that takes to start and to import."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        patch.setenv("SHOCKCHECK_COLD", "")  # which an option of a command sets
        for name, value in environment.items():
            patch.setenv(name, value)
        if arguments[:1] in RUN_NOTEBOOKS:
            warm.Server(kernels.PRELOAD, scratch=scratch.folder()).prestart()  # once, with all that any build needs
        status = app.main(list(arguments))
    return subprocess.CompletedProcess(arguments, status, stdout.getvalue(), stderr.getvalue())


def copy_to(root: Path) -> Project:
    for name in ("data", "notebooks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "README.md", root)
    (root / "reports").mkdir()
    (root / "reports" / "index.html").write_text("an earlier build")
    return Project(root)


@pytest.fixture(autouse=True)
def look_afresh() -> Iterator[None]:
    """Have every test see the project's files as they are, and be told what earlier tests were told."""
    with fresh_look():
        yield


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return copy_to(tmp_path / "project")


@pytest.fixture
def own_project(tmp_path: Path) -> Iterator[paths.Project]:
    """A project with the article's tables and ledger and without notebooks, which is the current one in this process."""
    root = tmp_path / "own"
    shutil.copytree(ROOT / "data", root / "data")
    (root / "notebooks").mkdir()
    with paths.Project(root).active() as project:
        yield project


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """The project that `new` makes, of one notebook and one claim: what needs a whole build is tested in seconds."""
    scaffold.make(tmp_path / "small")
    return Project(tmp_path / "small")


@pytest.fixture(scope="session")
def sample_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with the tables and the ledger of tests/sample in place of the template's. Copy it, do not change it."""
    root = tmp_path_factory.mktemp("sample") / "project"
    scaffold.make(root)
    shutil.copytree(SAMPLE / "data", root / "data", dirs_exist_ok=True)
    for path in (root / "notebooks").iterdir():  # it checks another claim
        path.unlink()
    with paths.Project(root).active():
        tables.renew_checksums()
    return root


@pytest.fixture
def sample(sample_files: Path, tmp_path: Path) -> Iterator[paths.Project]:
    """A small project of made-up shares with a claim of every kind, without notebooks; the current one in this process."""
    root = tmp_path / "sample"
    shutil.copytree(sample_files, root)
    with paths.Project(root).active() as project:
        yield project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A copy with its report built, once for all processes of a run. Read it, do not change it."""
    shared = tmp_path_factory.getbasetemp()
    root = (shared if worker_id == "master" else shared.parent) / "built"
    try:
        root.mkdir()
    except FileExistsError:  # another process has begun it
        wait_until((root / "done").exists, "the report that another process builds")
        return Project(root)
    project = copy_to(root)
    done = project.run("report", TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")  # of which nothing may be seen
    (root / "done").write_text(done.stderr, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return project


def wait_until(true: Callable[[], bool], what: str, seconds: float = SLOW) -> None:
    """Wait until something is true; fails, saying `what` did not come about, where that takes too long."""
    for _ in range(int(seconds / 0.1)):
        if true():
            return
        time.sleep(0.1)
    pytest.fail(f"{what}: not in {seconds} seconds")


def processes_of(project: Project) -> list[str]:
    """The command lines of all processes that work on the project, by their environment.

    The fork server that this process started with its first build, and what that keeps account by, stay for the next one.
    """
    mark, found = f"SHOCKCHECK_ROOT={project.root}\0".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                parent = int((process / "stat").read_text().rpartition(") ")[2].split()[1])
                if parent != os.getpid() or "from multiprocessing." not in command:
                    found.append(command)
    return found


def answers(address: str) -> bool:
    """Whether a server gives what is at this address."""
    try:
        urllib.request.urlopen(address, timeout=SLOW).close()
    except (OSError, http.client.HTTPException):  # refused, or ended in the middle of an answer
        return False
    return True


def free_port() -> int:
    """A port that nothing listens on, below those that systems give by themselves to whoever asks for any."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def heed_interrupts() -> None:
    """What a shell starts in the background ignores interrupts, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def stand_in(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Yahoo:
    """A stand-in for Yahoo that this process and the command line's ask, with an empty cache."""
    server = Yahoo()
    httpserver.expect_request(re.compile(".*")).respond_with_handler(server)
    monkeypatch.setenv(yahoo.ADDRESS_VARIABLE, httpserver.url_for("").rstrip("/"))
    monkeypatch.setattr(yahoo, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(yahoo, "_folder", lambda symbol: tmp_path / "yahoo" / symbol)
    return server


# The files that take longest, longest first: they begin, so that no worker has one left when the others are done.
LONGEST = (
    "test_new",
    "test_cluster",
    "test_build",
    "test_setup",
    "test_lab",
    "test_variants",
    "test_pages",
    "test_sweep",
    "test_watch",
    "test_faults",
    "test_surroundings",
    "test_warm",
    "test_kernels",
    "test_receipt",
    "test_reads",
)


def pytest_xdist_auto_num_workers() -> int:
    """Return the workers of `-n auto`: one more than there are cores, as a third of the tests' time is waiting."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Compare the notebooks' stored outputs on warm kernels, which need no second to come up."""
    is_controller = getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput")
    if getattr(config.option, "nbval", False) and not is_controller and warm.is_supported():
        server = warm.Server(kernels.PRELOAD)
        server.__enter__()
        config.add_cleanup(lambda: server.__exit__(None, None, None))
        config.option.nbval_current_env, config.option.nbval_kernel_name = False, server.kernel_name


# What a test asks for may be all that its mark depends on.
MARKED_BY_FIXTURE = {"browser": pytest.mark.browser, "built": pytest.mark.slow}


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their fixtures, begin with the longest files, and give nbval's kernels more than its five seconds."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))
    for item in items:
        for fixture in MARKED_BY_FIXTURE.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKED_BY_FIXTURE[fixture])
        if hasattr(item, "output_timeout"):
            item.output_timeout = SLOW


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-pictures", action="store_true", help="take the kept pictures of the pages anew")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; where none is installed the test is skipped, in continuous integration it fails."""
    path = browsers.find()
    if path is None:
        (pytest.fail if browsers.required() else pytest.skip)(browsers.MISSING)
    with browsers.chromium(path) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were not run for want of a browser, and what to install."""
    reports = [one for outcome in ("skipped", "error") for one in terminalreporter.stats.get(outcome, [])]
    missed = sorted({one.nodeid for one in reports if browsers.MISSING in str(one.longrepr)})
    if missed:
        terminalreporter.section("not run for want of a browser")
        terminalreporter.line("\n".join(missed))
        terminalreporter.line(browsers.MISSING)
