"""The process beside a worker of a cluster that runs rows, and how the worker talks to it: by lines of JSON.

Neither side needs the cluster's library here, and the worker's side none of the project's files.
"""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

IDLE = 60  # seconds without a row after which the process ends


def versions() -> dict[str, str]:
    """What must be the same where a sweep is asked for and where its rows run: the package, by content, and Python."""
    from shockcheck import __version__, cache

    return {"package": f"{__version__} ({cache.current('the package')[:12]})", "Python": cache.current("Python")}


class Runner:
    """A process that runs rows in a project's folder, asked and answering by lines of JSON; from several threads at once."""

    def __init__(self, folder: Path) -> None:
        """Start it; `versions` is then what it is, empty for one that did not come up."""
        command = [sys.executable, "-m", "shockcheck", "rows"]
        own = os.environ | {"SHOCKCHECK_ROOT": str(folder)}
        self._process = subprocess.Popen(command, cwd=folder, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lock, self._asked, self._numbers = threading.Lock(), {}, itertools.count()
        self.ended = False
        first = self._process.stdout.readline()
        self.versions = json.loads(first) if first else {}
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """The result of the order, or None where the process ended without one."""
        future: Future = Future()
        with self._lock:
            if self.ended:
                return None
            number = next(self._numbers)
            self._asked[number] = future
            with suppress(OSError):  # it has ended just now, which the reader will notice
                self._process.stdin.write(json.dumps([number, order]).encode() + b"\n")
                self._process.stdin.flush()
        return future.result()

    def _read(self) -> None:
        for line in self._process.stdout:
            number, result = json.loads(line)
            self._asked.pop(number).set_result(result)
        with self._lock:
            self.ended = True
            for future in self._asked.values():
                future.set_result(None)
        self._process.wait()

    def stop(self) -> None:
        """End it, and the kernels with it."""
        with suppress(OSError):
            self._process.terminate()


def serve() -> None:
    """In that process: say the versions, then answer each order on standard input, all at once, until there are no more."""
    from shockcheck import sweep, warm

    said = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what else is printed is no answer
    lock, under_way, last = threading.Lock(), set(), [time.monotonic()]

    def say(what: Any) -> None:
        with lock:
            said.write(json.dumps(what) + "\n")
            said.flush()

    def answer(number: int, order: dict[str, Any]) -> None:
        try:
            say([number, sweep.work(order)])
        except Exception as error:
            say([number, {"fault": f"{type(error).__name__}: {error}"}])
        last[0] = time.monotonic()
        under_way.discard(number)

    def watch() -> None:
        while under_way or time.monotonic() - last[0] < IDLE:
            time.sleep(1)
        warm.stop()
        os._exit(0)

    with warm.kernels():
        warm.start(2)
        say(versions())
        threading.Thread(target=watch, daemon=True).start()
        pool = ThreadPoolExecutor(256)  # as many as the worker has threads are used
        for line in sys.stdin:
            number, order = json.loads(line)
            under_way.add(number)
            pool.submit(answer, number, order)
        warm.stop()
        os._exit(0)
