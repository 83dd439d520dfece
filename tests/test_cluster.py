"""A sweep on a real Dask cluster, of a scheduler and workers in processes of their own: what dies, and what differs."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from types import SimpleNamespace

import psutil
import pytest
from conftest import ROOT, SLOW, free_port, wait_until
from distributed.comm import CommClosedError
from test_sweep import LOSS, files, journal_of, lines, losses, slow, table

from shockcheck.errors import BuildError, ParameterError
from shockcheck.variants import cluster

pytestmark = pytest.mark.cluster

PATIENCE = 6  # seconds
LESS_PATIENT = f"""
import functools, sys
from shockcheck.cli import app
from shockcheck.variants import cluster
cluster.run = functools.partial(cluster.run, patience={PATIENCE})
sys.exit(app.main())
"""


class Way:
    """A port that leads to a scheduler or, while `port` is none, to nobody, who takes connections and ends them."""

    def __init__(self):
        self.port, self._ends = None, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.port or 0))
                except OSError:
                    near.close()
                    continue
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    @staticmethod
    def _carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listener.close()


class Cluster:
    """A scheduler on a port of its own, and workers."""

    def __init__(self, folder):
        self.folder, self.port, self.processes = folder, free_port(), []
        self.address = f"tcp://127.0.0.1:{self.port}"

    def start(self, *words, **environment):
        # from a folder and an environment that have nothing to do with the project
        own = {name: value for name, value in os.environ.items() if not name.startswith("SHOCKCHECK")} | environment
        place = self.folder / f"{len(self.processes)}"
        place.mkdir()
        with (place / "log").open("w") as log:
            command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:], "--no-dashboard"]
            self.processes.append(subprocess.Popen(command, cwd=place, env=own, stdout=log, stderr=log))
        return self.processes[-1]

    def scheduler(self):
        return self.start("dask_scheduler", "--host", "127.0.0.1", "--port", f"{self.port}")

    def worker(self, **environment):
        return self.start("dask_worker", self.address, "--nthreads", "2", "--local-directory", ".", **environment)

    def stop(self):
        for process in self.processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path) -> Iterator[Cluster]:
    (tmp_path / "dask").mkdir()
    started = Cluster(tmp_path / "dask")
    yield started
    started.stop()


@pytest.fixture
def way() -> Iterator[Way]:
    opened = Way()
    yield opened
    opened.close()


def runners(process):
    """The processes beside a worker that run rows, and their parents, which are the workers."""
    return [one for one in psutil.Process(process.pid).children(recursive=True) if one.cmdline()[-1:] == ["rows"]]


def test_a_worker_killed_and_a_scheduler_lost_late_lose_nothing_and_repeat_nothing(project, dask, way, tmp_path):
    """The scheduler is lost once the sweep has taken longer than it waits for one, and another comes in its place."""
    project.keep(LOSS)
    slow(project)
    gate, counts = project.root / "gate", [f"{number}e9" for number in range(1, 13)]
    quick, gated = (f"{count},0.3,,\n" for count in counts), (f"{count},0,,{gate}\n" for count in ("20e9", "21e9", "22e9"))
    (project.root / "grid.csv").write_text(
        "shares_outstanding,pause,event_date,gate\n" + "".join((*quick, "1e9,0,2025-01-26,\n", *gated))
    )
    words = ("sweep", LOSS, "--grid", str(project.root / "grid.csv"), "--scheduler", way.address)
    scheduler, worker, way.port = dask.scheduler(), dask.worker(), dask.port
    own = os.environ | {"SHOCKCHECK_ROOT": str(project.root), "COLUMNS": "200"}
    begun = time.monotonic()
    with (project.root / "said").open("w") as said:
        running = subprocess.Popen([sys.executable, "-c", LESS_PATIENT, *words], env=own, stdout=said, stderr=said)
    wait_until(lambda: lines(project) >= 2, "the first rows")
    [runner] = runners(worker)
    runner.parent().kill()  # the worker itself, in the middle of its rows; its nanny starts another
    wait_until(lambda: not runner.is_running() or runner.status() == psutil.STATUS_ZOMBIE, "the end of what it started")
    at_that_time = lines(project)
    wait_until(lambda: lines(project) >= at_that_time + 2, "rows of the worker that took its place")
    (tmp_path / "next").mkdir()
    following = Cluster(tmp_path / "next")
    try:
        following.scheduler()
        following.worker()
        wait_until(lambda: cluster.threads_at(following.address, 5), "another scheduler with a worker")
        wait_until(lambda: time.monotonic() - begun > PATIENCE, "more time than the sweep waits for a scheduler")
        assert running.poll() is None
        way.port = None
        scheduler.send_signal(signal.SIGKILL)
        dask.stop()
        wait_until(lambda: "it is waited for" in (project.root / "said").read_text(), "the loss to be noticed")
        way.port = following.port
        gate.touch()
        running.wait(timeout=SLOW)
    finally:
        following.stop()
    text = (project.root / "said").read_text()
    assert running.returncode == 1, text
    assert f"no scheduler with a worker answers at {way.address}; it is waited for, for up to 6 seconds" in text
    assert f"{LOSS}-grid/index.html: 16 rows, 15 done, 1 at fault" in text
    assert list(losses(project)) == [*range(2, 14), 15, 16, 17]
    keys = [json.loads(line.partition(b" ")[2])["key"] for line in journal_of(project).read_bytes().splitlines()]
    assert len(keys) == len(set(keys)) == 15
    [faulty] = [row["reason"] for row in table(project, "faults")]
    assert "the sessions before and after it are" in faulty


def test_a_worker_with_another_version_of_the_package_is_refused(project, dask, tmp_path):
    project.keep(LOSS)
    (project.root / "grid.csv").write_text("shares_outstanding\n1e9\n")
    shutil.copytree(ROOT / "shockcheck", tmp_path / "other/shockcheck", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "other/shockcheck/measures.py").open("a") as file:
        file.write("# changed\n")
    words = ("sweep", LOSS, "--grid", str(project.root / "grid.csv"), "--scheduler", dask.address)
    dask.scheduler()
    worker = dask.worker(PYTHONPATH=str(tmp_path / "other"))
    done = project.run(*words)
    assert done.returncode == 1
    ours = cluster.versions()
    assert "Traceback" not in done.stderr
    assert f"but this sweep package {ours['package']}, Python {ours['Python']}; install the same there" in done.stderr
    assert f"has package {ours['package'].partition(' ')[0]} (" in done.stderr
    assert lines(project) == 0
    wait_until(lambda: not runners(worker), "the end of what the worker started")


def test_pages_of_a_cluster_are_those_made_here_and_go_to_an_address_as_well(project, dask):
    project.keep(LOSS)
    (project.root / "grid.csv").write_text("shares_outstanding\n1e9\n2e9\n")
    dask.scheduler()
    dask.worker()
    places = {name: project.root / name for name in ("cluster", "here", "away")}
    for name, place in places.items():
        address = place.as_uri() if name == "away" else str(place)
        words = ["--scheduler", dask.address] if name != "here" else []
        done = project.run("sweep", LOSS, "--grid", str(project.root / "grid.csv"), "--pages", address, *words)
        assert "2 rows, 2 done, 0 at fault" in done.stdout, done.stderr
    assert len(files(places["cluster"])) == 2
    assert files(places["cluster"]) == files(places["here"])
    assert set(files(places["away"])) == {"index.html", *files(places["here"])}
    [worker] = re.findall(r"Start worker at: +(tcp://\S+)", (dask.folder / "1/log").read_text())
    with pytest.raises(BuildError, match=f"^what answers at {worker} .* is a Worker of {dask.address}"):
        cluster.run(worker, [ORDER], lambda task, result: None)


@pytest.mark.parametrize("address", [
    "", "8786", "localhost", "tcp://", "tcp://:0", "tcp://:8786", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:0",
    "tcp://127.0.0.1:65536", "tcp://127.0.0.1:8786/", "tcp://127.0.0.1:-1", "tcp://127.0.0.1:port", "tcp://127.0.0.1:1:7",
    "tcp://a b:8786", "tcp:127.0.0.1:8786", "http://127.0.0.1:8787/status", "http://x", "inproc://1/2/3", "::1:8786",
    "scheduler.json", " tcp://127.0.0.1:8786",
])  # fmt: skip
def test_what_is_no_address_is_refused_at_once(address):
    with pytest.raises(ParameterError, match=f"tcp://HOST:PORT, not {re.escape(repr(address))}$"):
        cluster.run(address, [], lambda task, result: None)


@pytest.mark.parametrize("host", ["no-such-machine.invalid", "a" * 70, "256.1.1.1"])
def test_a_machine_that_is_not_known_is_refused_at_once(host):
    with pytest.raises(
        ParameterError, match=rf"^--scheduler tcp://{host}:8786: no machine {host} is known \(.+\); correct it$"
    ):
        cluster.run(f"tcp://{host}:8786", [], lambda task, result: None)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "127.0.0.1:8786", "tls://localhost:1", "tcp://[::1]:65535"])
def test_what_may_be_an_address_is_taken(address):
    cluster.check_address(address)


ORDER = (SimpleNamespace(key="a"), {"notebook": LOSS})


def test_a_machine_on_which_nobody_listens_or_answers_is_waited_for_which_is_told(monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (free_port(), silent.getsockname()[1]):
            address, told = f"tcp://127.0.0.1:{port}", []
            with pytest.raises(
                BuildError, match=f"^no scheduler with a worker answers at {address}; start `dask scheduler`"
            ):
                cluster.run(address, [ORDER], lambda task, result: None, told.append, patience=0.1)
            assert told == [] or told == [
                f"no scheduler with a worker answers at {address}; it is waited for, for up to 0.1 seconds"
            ]


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", b"SSH-2.0-OpenSSH_9.2p1\r\n"]
)
def test_another_server_is_named_as_such(greeting):
    def greet(listener):
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(BuildError, match=f"^what answers at {address} is no Dask scheduler that can be used"):
            cluster.run(address, [ORDER], lambda task, result: None)
        listener.shutdown(socket.SHUT_RDWR)


class Future:
    """The answer to a row from a stand-in for the cluster, which takes 50 seconds by the stand-in's clock."""

    def __init__(self, key, status="finished", value=None):
        self.key, self.status, self._value = key, status, value

    def add_done_callback(self, call):
        call(self)

    def result(self, timeout):
        if isinstance(self._value, BaseException):
            raise self._value
        return self._value

    def exception(self, timeout):
        return None


class Client:
    """A stand-in for the cluster's client, lost in the way `loses` at the second look at its size, the fourth row, ..."""

    CALLS = {"register": 1, "nthreads": 2, "submit": 4}  # noqa: RUF012

    def __init__(self, clock, loses, at):
        self.clock, self.loses, self.at, self.calls, self.status = clock, loses, at, 0, "running"

    def _call(self, name, answer):
        self.calls += name == self.at
        if name != self.at or self.calls != self.CALLS[name]:
            return answer
        if isinstance(self.loses, Future):
            self.loses.key = answer.key
            return self.loses
        self.status = "running" if isinstance(self.loses, OSError) else "closed"
        raise self.loses

    def register_plugin(self, inputs, name):
        return self._call("register", None)

    def unregister_worker_plugin(self, name):
        self.clock.forgotten += 1

    def nthreads(self, callback_timeout):
        return self._call("nthreads", {"worker": 1})

    def submit(self, function, name, order, key, pure):
        self.clock.now += 50
        return self._call("submit", Future(key, value={"findings": [], "order": order}))

    def close(self, timeout):
        pass


WAYS = {
    "while workers get ready": ("register", CommClosedError("gone")),
    "when the size is looked at": ("nthreads", OSError("gone")),
    "in silence": ("nthreads", TimeoutError()),
    "and the client closed": ("nthreads", AttributeError("ncores")),
    "before a row is submitted": ("submit", RuntimeError("Client is closed")),
    "with a row cancelled": ("submit", Future("", "cancelled")),
    "with a row lost": ("submit", Future("", "lost")),
    "with a row that has no inputs": ("submit", Future("")),
    "while a row is fetched": ("submit", Future("", value=CommClosedError("gone"))),
    "while a row is fetched too slowly": ("submit", Future("", value=TimeoutError())),
    "and the row with it": ("submit", Future("", value=CancelledError())),
}


@pytest.mark.parametrize("comes_back", [True, False])
@pytest.mark.parametrize("name", WAYS)
def test_however_a_scheduler_is_lost_it_is_waited_for_from_then_on(monkeypatch, name, comes_back):
    """By a stand-in and a clock of its own: real ones are lost in the one way or the other by chance."""
    at, loses = WAYS[name]
    clock = SimpleNamespace(now=0.0, forgotten=0)
    clients = iter([Client(clock, loses, at), Client(clock, loses, None)])
    answers = iter([4, 0, 0, 4] if comes_back else [4, *[0] * 1000])

    def sleep(seconds):
        clock.now += 10

    monkeypatch.setattr(cluster, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep))
    monkeypatch.setattr(cluster, "Client", lambda address, **options: next(clients))
    monkeypatch.setattr(cluster, "threads_at", lambda address, seconds: next(answers))
    finished, told = [], []
    orders = [(SimpleNamespace(key=f"{number}"), number) for number in range(6)]

    def sweep():
        cluster.run("127.0.0.1:1", orders, lambda task, result: finished.append((task.key, result["order"])), told.append)

    if comes_back:
        sweep()
        assert sorted(finished) == [(f"{number}", number) for number in range(6)]
        assert clock.forgotten == 1  # by the workers of the second scheduler
    else:
        with pytest.raises(BuildError, match=r"no scheduler with a worker answers at 127\.0\.0\.1:1; start"):
            sweep()
        assert clock.now > cluster.SCHEDULER_WAIT_S
    assert told == ["no scheduler with a worker answers at 127.0.0.1:1; it is waited for, for up to 60 seconds"]


def test_what_is_no_loss_is_raised_and_the_workers_forget_the_sweep(monkeypatch):
    clock = SimpleNamespace(now=0.0, forgotten=0)
    monkeypatch.setattr(cluster, "Client", lambda address, **options: Client(clock, None, None))
    monkeypatch.setattr(cluster, "threads_at", lambda address, seconds: 4)

    def full(task, result):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        cluster.run("127.0.0.1:1", [(SimpleNamespace(key="a"), 1)], full)
    assert clock.forgotten == 1


def test_the_archive_is_the_same_for_the_same_files():
    assert cluster.archive() == cluster.archive()
    assert len(cluster.archive()) < 1e6
