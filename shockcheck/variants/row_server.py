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
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from shockcheck.project.paths import ROOT_VARIABLE

if TYPE_CHECKING:
    from shockcheck import warm

IDLE_S = 60  # without a row after which the process ends
MAX_ROWS = 256  # at once; as many as the worker has threads are used


def versions() -> dict[str, str]:
    """Return what must be the same here and where rows run: the package, by content, and Python."""
    from shockcheck import __version__
    from shockcheck.project import inputs

    return {
        "package": f"{__version__} ({inputs.input_digest('the package')[:12]})",
        "Python": inputs.input_digest("Python"),
    }


class RowProcess:
    """A process that runs rows in a project's folder, asked and answering by lines of JSON; from several threads at once."""

    def __init__(self, folder: Path) -> None:
        """Start it; `versions` is then what it is, empty for one that did not come up."""
        command = [sys.executable, "-m", "shockcheck", "rows"]
        environment = os.environ | {ROOT_VARIABLE: str(folder)}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin and process.stdout  # which are pipes
        self._process, self._orders, self._answers = process, process.stdin, process.stdout
        self._lock, self._numbers = threading.Lock(), itertools.count()
        self._open: dict[int, Future[dict[str, Any] | None]] = {}
        self.ended = False
        first = self._answers.readline()
        self.versions: dict[str, str] = json.loads(first) if first else {}
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """Return the result of the order, or None where the process ended without one."""
        future: Future[dict[str, Any] | None] = Future()
        with self._lock:
            if self.ended:
                return None
            number = next(self._numbers)
            self._open[number] = future
            with suppress(OSError):  # it has ended just now, which the reader will notice
                self._orders.write(json.dumps([number, order]).encode() + b"\n")
                self._orders.flush()
        return future.result()

    def _read(self) -> None:
        for line in self._answers:
            number, result = json.loads(line)
            self._open.pop(number).set_result(result)
        with self._lock:
            self.ended = True
            for future in self._open.values():
                future.set_result(None)
        self._process.wait()

    def stop(self) -> None:
        """End it, and the kernels with it."""
        with suppress(OSError):
            self._process.terminate()


def serve() -> NoReturn:
    """Be that process: print the versions, then answer the orders on standard input, all at once."""
    from shockcheck.notebooks import kernels

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what else is printed is no answer
    with kernels.session(2) as kernel_server:
        kernel_server.prestart()
        server = RowServer(answers, kernel_server)
        server.say(versions())
        threading.Thread(target=server.end_when_idle, daemon=True).start()
        pool = ThreadPoolExecutor(MAX_ROWS, initializer=kernels.use_in_this_thread, initargs=(kernel_server,))
        for line in sys.stdin:
            number, order = json.loads(line)
            server.begin(number)
            pool.submit(server.answer, number, order)
        server.end()


class RowServer:
    """What the process keeps of the rows under way, and how it answers."""

    def __init__(self, answers: TextIO, kernel_server: "warm.Server") -> None:
        """Write answers to this stream; rows run on the kernels of this server."""
        self._answers, self._lock = answers, threading.Lock()
        self._kernel_server = kernel_server
        self._under_way: set[int] = set()
        self._last_answer = time.monotonic()

    def say(self, value: Any) -> None:
        """Write a line of JSON."""
        with self._lock:
            self._answers.write(json.dumps(value) + "\n")
            self._answers.flush()

    def begin(self, number: int) -> None:
        """Note that a row is under way."""
        self._under_way.add(number)

    def answer(self, number: int, order: dict[str, Any]) -> None:
        """Run a row and write its result, or its fault."""
        from shockcheck.variants.row import work

        try:
            self.say([number, work(order)])
        except Exception as error:
            self.say([number, {"fault": f"{type(error).__name__}: {error}"}])
        self._last_answer = time.monotonic()
        self._under_way.discard(number)

    def end_when_idle(self) -> NoReturn:
        """Wait until there has been no row for a while, and end the process."""
        while self._under_way or time.monotonic() - self._last_answer < IDLE_S:
            time.sleep(1)
        self.end()

    def end(self) -> NoReturn:
        """End the kernels and the process."""
        self._kernel_server.stop_kernels()
        os._exit(0)
