"""A sweep on a Dask cluster: the inputs travel once to each worker, the rows one by one, and their results come back.

A worker has a process of its own beside it that runs the notebooks, in the project that was sent to it: it forks kernels,
changes folder and environment, and none of that should happen in a worker that others use as well. It starts with the
first row, and ends with the worker, with the sweep, or after a minute without rows.
"""

import asyncio
import gzip
import hashlib
import io
import itertools
import logging
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shockcheck.errors import BuildError
from shockcheck.runner import Runner, versions

PATIENCE = 60  # seconds without a scheduler or a worker before a sweep gives up
ANSWER = 10  # seconds for a scheduler to answer before it is asked again
AHEAD = 3  # rows for each thread of the cluster that it has been given and not yet answered
OFTEN = 5  # seconds between two looks at how large the cluster is
ENDED = "the process that ran it beside the worker ended, twice; the worker's own output may say why"

try:
    from distributed import Client, KilledWorker, WorkerPlugin, as_completed, get_worker
except ImportError as error:
    raise BuildError('--scheduler needs the package distributed; install it: pip install "shockcheck[cluster]"') from error


def run(address: str, orders: Iterable[tuple[Any, dict[str, Any]]], finish: Callable[[Any, dict[str, Any]], None]) -> None:
    """Have the orders of `sweep.work` done by the workers of the scheduler at `address`, each once, in any order.

    `finish(task, result)` is called for each as it comes. A scheduler that is gone is waited for, and what it had not
    answered is given to it again. Raises BuildError where no scheduler or no worker comes within a minute, or where a
    worker has another version of the package or of Python.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once
    inputs, name = Inputs(archive(), versions()), f"shockcheck-{uuid.uuid4().hex}"
    left, waiting = iter(orders), {}
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with Client(address, timeout=ANSWER, set_as_default=False) as client:
                client.wait_for_workers(1, timeout=PATIENCE)
                _send(client, inputs, name)
                try:
                    _through(client, name, left, waiting, finish)
                except (OSError, _LostError):
                    raise
                except BaseException:
                    client.unregister_worker_plugin(name)
                    raise
                client.unregister_worker_plugin(name)
                return
        except (OSError, TimeoutError, _LostError) as error:
            if isinstance(error, _LostError):
                deadline = time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                raise BuildError(
                    f"no scheduler with a worker answers at {address}; start `dask scheduler` and `dask worker`, and "
                    "run the same command again: what is done is kept"
                ) from error
            time.sleep(1)


class _LostError(Exception):
    """The scheduler has gone, and with it all that it had been given."""


def _send(client: Client, inputs: "Inputs", name: str) -> None:
    try:
        client.register_plugin(inputs, name=name)
    except (OSError, TimeoutError):
        raise
    except Exception as error:
        with suppress(Exception):
            client.unregister_worker_plugin(name)
        if isinstance(error, BuildError):
            raise
        what = f"{type(error).__name__}: {error}"
        raise BuildError(f"a worker cannot take part ({what}); install shockcheck {versions()['package']} on it") from error


def _through(
    client: Client, name: str, left: Any, waiting: dict[str, tuple], finish: Callable[[Any, dict[str, Any]], None]
) -> None:
    """Hand out `left` bit by bit; what is handed out and not answered stands in `waiting`, and is handed out again first."""
    answers, futures = as_completed(loop=client.loop), {}
    again = iter(list(waiting.values()))
    threads, looked = 0, -OFTEN
    while True:
        if time.monotonic() - looked > OFTEN:
            threads, looked = sum(client.nthreads().values()), time.monotonic()
        for task, order in itertools.islice(itertools.chain(again, left), max(1, AHEAD * threads - len(futures))):
            future = client.submit(_row, name, order, key=f"shockcheck-{task.key}", pure=False)
            waiting[task.key] = futures[future.key] = task, order
            answers.add(future)
        if not futures:
            return
        future = next(answers)
        result = _answer(future)
        task, _ = futures.pop(future.key)
        finish(task, result)
        del waiting[task.key]


def _answer(future: Any) -> dict[str, Any]:
    result = future.result() if future.status == "finished" else None
    if result:
        return result
    if future.status != "error":  # cancelled, or given to a worker of a new scheduler
        raise _LostError
    error = future.exception()
    if isinstance(error, KilledWorker):
        return {"fault": "every worker that was given it died, perhaps for want of memory; run the row alone to see why"}
    return {"fault": f"the worker says {type(error).__name__}: {error}"}


def _row(name: str, order: dict[str, Any]) -> dict[str, Any] | None:
    """On a worker: what `sweep.work` gives for the order; None where the inputs have not been sent."""
    inputs = get_worker().plugins.get(name)
    return inputs and inputs.ask(order)


def archive() -> bytes:
    """All that rows are computed from, data/ and notebooks/, as one archive: the same bytes for the same files."""
    from shockcheck.paths import DATA, NOTEBOOKS, ROOT, notebook_files

    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for path in sorted((*DATA.rglob("*"), *notebook_files(NOTEBOOKS))):
            if path.is_file():
                entry = tarfile.TarInfo(path.relative_to(ROOT).as_posix())
                content = path.read_bytes()
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class Inputs(WorkerPlugin):
    """The archive of a project, unpacked once on each worker in a folder named by its SHA-256, and who runs rows in it."""

    def __init__(self, archive: bytes, wanted: dict[str, str]) -> None:
        """`wanted` are the versions that the worker must have."""
        self.archive, self.wanted = archive, wanted

    async def setup(self, worker: Any) -> None:
        """Unpack; raises BuildError, which refuses the worker, for one with other versions."""
        await asyncio.to_thread(self._unpack, Path(worker.local_directory), worker.address)

    def _unpack(self, place: Path, address: str) -> None:
        self._lock, self._process = threading.Lock(), None
        self._folder = place / f"shockcheck-{hashlib.sha256(self.archive).hexdigest()}"
        if not self._folder.exists():
            with TemporaryDirectory(dir=place) as unpacked, tarfile.open(fileobj=io.BytesIO(self.archive)) as tar:
                tar.extractall(unpacked, filter="data")
                Path(unpacked).chmod(0o755)
                Path(unpacked).rename(self._folder)
                Path(unpacked).mkdir()  # for who made it to remove
        found = self._runner().versions
        if found != self.wanted:
            self._process.stop()
            theirs, ours = (", ".join(f"{name} {number}" for name, number in one.items()) for one in (found, self.wanted))
            raise BuildError(f"the worker {address} has {theirs or 'none'}, but this sweep {ours}; install the same there")

    def teardown(self, worker: Any) -> None:
        """End the process that runs rows."""
        if self._process:
            self._process.stop()

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """The result of an order; a process that ends meanwhile is started anew once."""
        for _ in range(2):
            result = self._runner().ask(order)
            if result is not None:
                return result
        return {"fault": ENDED}

    def _runner(self) -> Runner:
        with self._lock:
            if self._process is None or self._process.ended:
                self._process = Runner(self._folder)
            return self._process
