"""A copy of the project to break, the command line to run on it, and one built report for all tests that read it."""

import contextlib
import gc
import http.client
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
import command
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser
from pytest_httpserver import HTTPServer
from yahoo import Yahoo

from shockcheck import notebooks, prices, scaffold, yahoo

gc.set_threshold(50_000)  # as in a build: looking for garbage is a good part of all that the tests do
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine may be busy
settings.load_profile("patient")
ROOT = Path(__file__).resolve().parent.parent
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
        """`python -m shockcheck ...` on this copy, from a folder that has nothing to do with it."""
        own = os.environ | {"SHOCKCHECK_ROOT": str(self.root), "COLUMNS": "200"} | environment
        if "PYTHONHASHSEED" in environment:  # which an interpreter reads when it starts
            words = [sys.executable, "-m", "shockcheck", *arguments]
            return subprocess.run(words, env=own, cwd=self.root.parent, capture_output=True, text=True, timeout=SLOW)
        return command.run(arguments, own, self.root.parent, seconds=SLOW)

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

    def keep(self, *names: str) -> None:
        """Leave only these notebooks and their claims: what takes a whole build is then tested in seconds."""
        claims = set()
        for path in (self.root / "notebooks").iterdir():
            if path.stem in names:
                claims |= set(notebooks.Notebook(path).claims)
            else:
                path.unlink()
        ledger = self.root / "data/claims.yml"
        head, *entries = re.split(r"(?m)^(?=  - id: )", ledger.read_text(encoding="utf-8"))
        ledger.write_text(head + "".join(entry for entry in entries if entry.split()[2] in claims), encoding="utf-8")

    def findings(self, folder: str = "reports") -> dict[str, dict]:
        return {entry["id"]: entry for entry in json.loads((self.root / folder / "findings.json").read_text())}


def copy_to(root: Path) -> Project:
    for name in ("data", "notebooks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(ROOT / "README.md", root)
    (root / "reports").mkdir()
    (root / "reports" / "index.html").write_text("an earlier build")
    return Project(root)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return copy_to(tmp_path / "project")


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """The project that `new` makes, of one notebook and one claim: what needs a whole build is tested in seconds."""
    scaffold.make(tmp_path / "small")
    return Project(tmp_path / "small")


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
    """The command lines of all processes that work on the project, by their environment."""
    mark, found = f"SHOCKCHECK_ROOT={project.root}\0".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
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
    monkeypatch.setenv(yahoo.ADDRESS, httpserver.url_for("").rstrip("/"))
    monkeypatch.setattr(yahoo, "CACHE", tmp_path)
    monkeypatch.setattr(yahoo, "PAUSE", 0.01)
    monkeypatch.setattr(prices, "_said", set())
    return server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give kernels of stored notebooks time to hand over what a cell shows, where nbval waits for five seconds."""
    for item in items:
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
