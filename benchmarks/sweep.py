"""`python -m benchmarks.sweep`: many rows here and on a Dask cluster of the same cores, and what follows for more."""

import itertools
import json
import math
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import sweep_table
from benchmarks.__main__ import machine
from benchmarks.measure import HERE, Bench, BenchmarkError, bench
from shockcheck.project.files import write_whole
from shockcheck.variants import cluster
from shockcheck.warm import RUNS_PER_CORE

RESULTS, README = HERE / "sweep.json", HERE / "README.md"
NOTEBOOK = "01-nvidia-one-day-loss"
TASKS = 4100  # that do nothing, for what a task costs beside its work


def main(
    rows: Annotated[int, typer.Option(min=10, help="Rows of a sweep.")] = 500,
    many: Annotated[int, typer.Option(help="Rows of the sweep that shows what memory grows by; 0 leaves it out.")] = 5000,
) -> None:
    """Measure, print the tables, and write them to benchmarks/sweep.json and benchmarks/README.md if nothing was left out.

    The exit status is 1 where a bound is missed or a sweep is not complete.
    """
    console, cores = Console(stderr=True), sorted(os.sched_getaffinity(0))
    results: dict[str, Any] = {"date": f"{date.today()}", "machine": machine(), "runs": []}
    plan = [(way, count, rows) for count in (1, 2) for way in ("local", "dask") if count <= len(cores)]
    plan += [("dask", 2, many)] if many else []
    try:
        for way, count, number in plan:
            console.print(f"{number} rows, {way}, cores: {count}")
            os.sched_setaffinity(0, cores[:count])
            results["runs"].append({"way": way, "cores": count, "rows": number} | _measured(way, count, number))
    except BenchmarkError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
    finally:
        os.sched_setaffinity(0, cores)
    results["task"] = _task()
    text = sweep_table.readme(results)
    Console().print(Markdown(text))
    if many:
        write_whole(RESULTS, json.dumps(results, indent=1) + "\n")
        whole = README.read_text(encoding="utf-8")
        write_whole(README, sweep_table.MARKED.sub(lambda _: text, whole))
    if not all(bound.reached for bound in sweep_table.bounds(results)):
        raise typer.Exit(1)


def _measured(way: str, cores: int, rows: int) -> dict[str, float]:
    """Seconds from start to end of the command, and of what runs: peak memory in megabytes and processor seconds."""
    with bench(Path(sys.prefix), sample=False) as copy:
        counts = (f"{24_000_000_000 + number * 1_000_000}" for number in range(rows))
        (copy.root / "grid.csv").write_text("\n".join(["shares_outstanding", *counts]), encoding="utf-8")
        command = [sys.executable, "-m", "shockcheck", "sweep", NOTEBOOK, "--grid", "grid.csv"]
        if way == "local":
            return _watched(copy, [*command, "--workers", f"{RUNS_PER_CORE * cores}"], rows, {})
        with _cluster(copy, cores) as (address, processes):
            return _watched(copy, [*command, "--scheduler", address], rows, processes)


def _task() -> dict[str, float]:
    """Milliseconds of a task that does nothing, on two workers: as it takes, and of client’s and scheduler’s processor time.

    Each names a notebook that there is not, so that it goes all the way to the process beside a worker and back.
    """
    orders = [(SimpleNamespace(key=f"{number}"), {"notebook": "none"}) for number in range(TASKS)]
    with bench(Path(sys.prefix), sample=False) as copy, _cluster(copy, 2) as (address, processes):
        cluster.run(address, orders[:100], lambda task, result: None)  # what both import and start
        [scheduler] = processes["scheduler"]
        began, client, hub = time.perf_counter(), time.process_time(), sum(scheduler.cpu_times()[:2])
        cluster.run(address, orders[100:], lambda task, result: None)
        figures = (time.perf_counter() - began, time.process_time() - client, sum(scheduler.cpu_times()[:2]) - hub)
    return dict(
        zip(("whole", "client", "scheduler"), (round(1000 * one / (TASKS - 100), 3) for one in figures), strict=True)
    )


@contextmanager
def _cluster(copy: Bench, cores: int) -> Iterator[tuple[str, dict[str, list[psutil.Process]]]]:
    """A scheduler and a worker a core, each in a process of its own: the address and the processes by what they are."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, started = f"tcp://127.0.0.1:{port}", []
    commands = [["dask_scheduler", "--host", "127.0.0.1", "--port", f"{port}"]]
    commands += [["dask_worker", address, "--nthreads", f"{RUNS_PER_CORE}", "--local-directory", f"{copy.out}"]] * cores
    own = os.environ | {"PYTHONPATH": str(copy.root)}
    with tempfile.TemporaryFile() as log:
        try:
            for name, *words in commands:
                command = [sys.executable, "-m", f"distributed.cli.{name}", *words, "--no-dashboard"]
                started.append(psutil.Popen(command, cwd=copy.out, env=own, stdout=log, stderr=log))
            time.sleep(5 * cores)  # until all have come up, which is no part of a sweep
            yield address, {"scheduler": started[:1], "workers": started[1:]}
        finally:
            for process in started:
                for one in [*process.children(recursive=True), process]:
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
                process.wait()


def _watched(copy: Bench, command: list[str], rows: int, others: dict[str, list[psutil.Process]]) -> dict[str, float]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("SHOCKCHECK_")}
    own |= {"PYTHONPATH": str(copy.root)}
    every = math.ceil(rows / 100)  # seconds: a look at memory takes the cores from a sweep for a third of a second
    began = time.perf_counter()
    with (copy.out / "log").open("w", encoding="utf-8") as log:
        client = psutil.Popen(command, cwd=copy.root, env=own, stdout=log, stderr=log)
        trees = others | {"client": [client]}
        peaks, used = dict.fromkeys(trees, 0.0), dict.fromkeys(trees, 0.0)
        for second in itertools.count():
            for name, roots in trees.items():
                if second % every == 0:
                    megabytes = sum(_pss(one) for root in roots for one in _tree(root))
                    peaks[name] = max(peaks[name], megabytes)
                for root in roots:
                    with suppress(psutil.NoSuchProcess):
                        used[name] = max(used[name], sum(root.cpu_times()[:2]))
            with suppress(psutil.TimeoutExpired):
                client.wait(timeout=1)
                break
    seconds = time.perf_counter() - began
    said = copy.said()
    if client.returncode or f"{rows} rows, {rows} done, 0 at fault" not in " ".join(said[-1:]):
        raise BenchmarkError(f"the sweep ended with status {client.returncode}: {' '.join(said[-1:])}")
    found = {f"megabytes of {name}": round(value, 1) for name, value in peaks.items()}
    return {"seconds": round(seconds, 2)} | found | {f"cpu of {name}": round(value, 2) for name, value in used.items()}


def _tree(root: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [root, *root.children(recursive=True)]
    return []


def _pss(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.memory_full_info().pss / 1e6
    return 0.0


if __name__ == "__main__":
    typer.run(main)
