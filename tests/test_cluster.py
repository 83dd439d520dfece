"""A sweep on a real Dask cluster, of a scheduler and workers in processes of their own: what dies, and what differs."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from conftest import ROOT, free_port, wait_until
from test_sweep import LOSS, files, journal, lines, losses, slow, table

from shockcheck import cluster


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


def runners(process):
    """The processes beside a worker that run rows, and their parents, which are the workers."""
    return [one for one in psutil.Process(process.pid).children(recursive=True) if one.cmdline()[-1:] == ["rows"]]


def test_a_worker_killed_and_a_scheduler_restarted_lose_nothing_and_repeat_nothing(project, dask):
    project.keep(LOSS)
    slow(project)
    counts = [f"{number}e9" for number in range(1, 13)]
    rows = [*(f"{count},0.3," for count in counts), "1e9,60,", "1e9,0,2025-01-26"]
    (project.root / "grid.csv").write_text("shares_outstanding,pause,event_date\n" + "\n".join(rows))
    words = ("sweep", LOSS, "--grid", str(project.root / "grid.csv"), "--scheduler", dask.address, "--timeout", "4")
    scheduler, worker = dask.scheduler(), dask.worker()
    own = os.environ | {"SHOCKCHECK_ROOT": str(project.root), "COLUMNS": "200"}
    with (project.root / "said").open("w") as said:
        running = subprocess.Popen([sys.executable, "-m", "shockcheck", *words], env=own, stdout=said, stderr=said)
    wait_until(lambda: lines(project) >= 2, "the first rows")
    [runner] = runners(worker)
    runner.parent().kill()  # the worker itself, in the middle of its rows; its nanny starts another
    wait_until(lambda: not runner.is_running() or runner.status() == psutil.STATUS_ZOMBIE, "the end of what it started")
    at_that_time = lines(project)
    wait_until(lambda: lines(project) >= at_that_time + 2, "rows of the worker that took its place")
    assert running.poll() is None
    scheduler.send_signal(signal.SIGKILL)
    dask.stop()
    assert lines(project) < len(counts)
    time.sleep(1)
    dask.scheduler()
    dask.worker()
    running.wait(timeout=100)
    text = (project.root / "said").read_text()
    assert running.returncode == 1, text
    assert f"{LOSS}-grid/index.html: 14 rows, 12 done, 2 at fault" in text
    assert list(losses(project)) == list(range(2, 14))
    keys = [json.loads(line.partition(b" ")[2])["key"] for line in journal(project).read_bytes().splitlines()]
    assert len(keys) == len(set(keys)) == 12
    [late, faulty] = [row["reason"] for row in table(project, "faults")]
    assert "it took longer than 4 seconds" in late
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


def test_a_scheduler_that_is_not_there_is_said(project, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0)
    monkeypatch.setattr(cluster, "ANSWER", 1)
    with pytest.raises(cluster.BuildError, match=r"no scheduler with a worker answers at tcp://127\.0\.0\.1:1; start"):
        cluster.run("tcp://127.0.0.1:1", [], lambda task, result: None)


def test_the_archive_is_the_same_for_the_same_files():
    assert cluster.archive() == cluster.archive()
    assert len(cluster.archive()) < 1e6
