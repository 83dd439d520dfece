"""A sweep on a Dask cluster: the inputs travel once to each worker, the rows one by one, and their results come back.

A worker has a process of its own beside it that runs the notebooks, in the project that was sent to it: it forks kernels,
changes folder and environment, and none of that should happen in a worker that others use as well. It starts with the
first row, and ends with the worker, with the sweep, or after a minute without rows.
"""

import asyncio
import concurrent.futures
import gzip
import hashlib
import io
import logging
import math
import re
import socket
import tarfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

from shockcheck.errors import BuildError, ParameterError
from shockcheck.project import inputs
from shockcheck.project.paths import current_project
from shockcheck.variants.row_server import RowProcess, versions

SCHEDULER_WAIT_S = 60  # without a scheduler or a worker before a sweep gives up
ANSWER_S = 20  # for a scheduler to answer before it counts as lost: much for one that has other work
CONNECT_S = 3  # for a machine to take a connection, before it is tried again
ROWS_AHEAD_PER_THREAD = 3  # rows for each thread of the cluster that are submitted and not yet answered
LOOK_EVERY_S = 5  # at how large the cluster is
RETRY_PAUSE_S = 0.5  # between two tries to reach it
ADDRESS = re.compile(r"(?:(?:tcp|tls|ws|wss)://)?(?P<host>[\w.-]+|\[[\w:.%]+\]):(?P<port>[0-9]{1,5})")
ENDED = "the process that ran it beside the worker ended, twice; the worker's own output may say why"
Order = tuple[Any, dict[str, Any]]  # a task of a sweep, and what `row.work` needs for it

try:
    from distributed import Client, KilledWorker, Security, WorkerPlugin, get_worker, rpc
    from distributed.utils import LoopRunner
except ImportError as error:
    raise BuildError('--scheduler needs the package distributed; install it: pip install "shockcheck[cluster]"') from error


class _LostError(Exception):
    """The scheduler does not answer, or is gone, and with it all that was submitted."""


class _Contact:
    """How long ago a scheduler with a worker was last seen, and how long that may be."""

    def __init__(self, patience: float) -> None:
        """Begin now; `patience` is in seconds."""
        self.patience = patience
        self.renew()

    def renew(self) -> None:
        """Note that it is seen now."""
        self._seen = time.monotonic()

    @property
    def left(self) -> float:
        """The seconds until it has been away for too long, below zero afterwards."""
        return self._seen + self.patience - time.monotonic()


def run(
    address: str,
    orders: Iterable[Order],
    finish: Callable[[Any, dict[str, Any]], None],
    tell: Callable[[str], None] = lambda sentence: None,
    patience: float = SCHEDULER_WAIT_S,
) -> None:
    """Have the orders of `row.work` done by the workers of the scheduler at `address`, each once, in any order.

    `finish(task, result)` is called for each as it comes. A scheduler that is gone is waited for, which `tell` is called
    with, and what it had not answered is submitted again. Raises ParameterError for an address where no scheduler can be,
    and BuildError where none with a worker is seen for `patience` seconds, or where a worker has another version of the
    package or of Python.
    """
    check_address(address)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once
    own_inputs, left, contact = Inputs(archive(), versions()), deque(orders), _Contact(patience)
    while left:
        _await_worker(address, contact, tell)
        with suppress(_LostError), _connected(address) as client, _plugged_in(client, own_inputs) as name:
            _submit_all(client, name, left, finish, contact)


def check_address(address: str) -> None:
    """Raise ParameterError unless the text is the address of a port on a machine that is known."""
    parts = ADDRESS.fullmatch(address)
    if not parts or not 0 < int(parts["port"]) < 65536:
        raise ParameterError(f"--scheduler takes an address as `dask scheduler` prints it, tcp://HOST:PORT, not {address!r}")
    try:
        socket.getaddrinfo(parts["host"].strip("[]"), int(parts["port"]))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ParameterError(f"--scheduler {address}: no machine {parts['host']} is known ({why}); correct it") from error


def _await_worker(address: str, contact: _Contact, tell: Callable[[str], None]) -> None:
    """Wait until a scheduler with a worker answers; raises BuildError where none does in time, or something else does."""
    sentence = f"no scheduler with a worker answers at {address}"
    is_told = False
    while not threads_at(address, min(ANSWER_S, max(LOOK_EVERY_S, contact.left))):
        if contact.left < 0:
            raise BuildError(
                f"{sentence}; start `dask scheduler` and `dask worker`, and run the same command again: what is done is kept"
            )
        if not is_told:
            tell(f"{sentence}; it is waited for, for up to {contact.patience:g} seconds")
        is_told = True
        time.sleep(RETRY_PAUSE_S)
    contact.renew()


def threads_at(address: str, seconds: float) -> int:
    """Return how many threads the cluster at an address has; none where nobody answers within so many seconds.

    Raises BuildError where something else than a scheduler answers.
    """
    try:
        server = LoopRunner().run_sync(_identity, address, callback_timeout=seconds)
    except OSError:  # a time-out as well
        return 0
    except Exception as error:  # what another server sends is read as anything
        raise _not_a_scheduler(address, f"{type(error).__name__}: {error}") from error
    if server.get("type") != "Scheduler":
        raise _not_a_scheduler(address, f"it is a {server.get('type')} of {server.get('scheduler')}")
    return int(server["total_threads"])


async def _identity(address: str) -> dict[str, Any]:
    """Ask who listens there: a client would wait without end for one that takes the connection and is silent."""
    encryption = Security().get_connection_args("client")
    async with rpc(address, timeout=CONNECT_S, connection_args=encryption) as server:
        identity: dict[str, Any] = await server.identity()
        return identity


def _not_a_scheduler(address: str, why: str) -> BuildError:
    return BuildError(f"what answers at {address} is no Dask scheduler that can be used ({why}); correct the address")


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=ANSWER_S, set_as_default=False)
    except OSError as error:
        raise _LostError from error
    except Exception as error:
        raise _not_a_scheduler(address, f"{type(error).__name__}: {error}") from error
    try:
        yield client
    finally:
        with suppress(Exception):
            client.close(timeout=ANSWER_S)


@contextmanager
def _noticing_loss(client: Client) -> Iterator[None]:
    """Raise _LostError for whatever a call to the cluster raises because the scheduler is gone."""
    try:
        yield
    except (OSError, asyncio.CancelledError, concurrent.futures.CancelledError) as error:  # a time-out is an OSError
        raise _LostError from error
    except Exception as error:
        if client.status != "running":  # then it fails in many ways, for want of an attribute too
            raise _LostError from error
        raise


@contextmanager
def _plugged_in(client: Client, inputs: "Inputs") -> Iterator[str]:
    """Have every worker ready for rows, by a plug-in whose name is given inside the block; at its end they forget it."""
    name = f"shockcheck-{uuid.uuid4().hex}"
    lost = False
    try:
        _register(client, inputs, name)
        yield name
    except _LostError:
        lost = True  # and with the scheduler the plug-in
        raise
    finally:
        if not lost:
            with suppress(Exception):
                client.unregister_worker_plugin(name)


def _register(client: Client, inputs: "Inputs", name: str) -> None:
    try:
        with _noticing_loss(client):
            client.register_plugin(inputs, name=name)
    except (_LostError, BuildError):
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise BuildError(f"a worker cannot take part ({what}); install shockcheck {versions()['package']} on it") from error


def _submit_all(
    client: Client, name: str, left: deque[Order], finish: Callable[[Any, dict[str, Any]], None], contact: _Contact
) -> None:
    """Submit what is left, some rows ahead of the workers, until all is answered.

    Raises _LostError where the scheduler is lost; what it has not answered is left again then.
    """
    answers: SimpleQueue[Any] = SimpleQueue()
    submitted: dict[Any, tuple[Any, Order]] = {}
    threads, looked = 0, -math.inf
    try:
        while left or submitted:
            if time.monotonic() - looked > LOOK_EVERY_S:
                threads, looked = _threads(client, contact), time.monotonic()
            while left and len(submitted) < max(1, ROWS_AHEAD_PER_THREAD * threads):
                with _noticing_loss(client):
                    future = client.submit(_row, name, left[0][1], key=f"{name}-{left[0][0].key}", pure=False)
                    future.add_done_callback(answers.put)
                submitted[future.key] = future, left.popleft()
            try:
                future = answers.get(timeout=LOOK_EVERY_S)
            except Empty:
                continue
            result = _answer(client, future)
            contact.renew()
            _, (task, _) = submitted.pop(future.key)
            finish(task, result)
    finally:
        left.extendleft(order for _, order in submitted.values())


def _threads(client: Client, contact: _Contact) -> int:
    """Return how many threads the cluster has; raises _LostError where the scheduler is silent or has long had no worker."""
    with _noticing_loss(client):
        threads = int(sum(client.nthreads(callback_timeout=ANSWER_S).values()))
    if threads:
        contact.renew()
    elif contact.left < 0:
        raise _LostError
    return threads


def _answer(client: Client, future: Any) -> dict[str, Any]:
    """Return what a row gave, or its fault; raises _LostError where neither can be known."""
    with _noticing_loss(client):
        result = future.result(timeout=ANSWER_S) if future.status == "finished" else None
        error = future.exception(timeout=ANSWER_S) if future.status == "error" else None
    if result:
        return dict(result)
    if isinstance(error, KilledWorker):
        return {"fault": "every worker that was given it died, perhaps for want of memory; run the row alone to see why"}
    if error:
        return {"fault": f"the worker says {type(error).__name__}: {error}"}
    raise _LostError  # cancelled, or given to a worker of a new scheduler, which has no inputs


def _row(name: str, order: dict[str, Any]) -> dict[str, Any] | None:
    """On a worker: what `row.work` gives for the order; None where the inputs have not been sent."""
    inputs = get_worker().plugins.get(name)
    return inputs.ask(order) if isinstance(inputs, Inputs) else None


def archive() -> bytes:
    """Return all that rows are computed from, data/ and notebooks/, as one archive: the same bytes for the same files."""
    project, packed = current_project(), io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for path in sorted((*project.data.rglob("*"), *project.notebook_files(), *inputs.own_files())):
            if path.is_file():
                entry = tarfile.TarInfo(path.relative_to(project.root).as_posix())
                content = path.read_bytes()
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


class Inputs(WorkerPlugin):
    """The archive of a project, unpacked once on each worker in a folder named by its SHA-256, and who runs rows in it."""

    _lock: threading.Lock
    _process: RowProcess | None
    _folder: Path

    def __init__(self, archive: bytes, required: dict[str, str]) -> None:
        """Take the archive and the versions that a worker must have."""
        self.archive, self.required = archive, required

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
        process = self._row_process()
        if process.versions != self.required:
            process.stop()
            theirs, ours = (
                ", ".join(f"{name} {number}" for name, number in versions.items())
                for versions in (process.versions, self.required)
            )
            raise BuildError(f"the worker {address} has {theirs or 'none'}, but this sweep {ours}; install the same there")

    def teardown(self, worker: Any) -> None:
        """End the process that runs rows."""
        if self._process:
            self._process.stop()

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """Return the result of an order; a process that ends meanwhile is started anew once."""
        for _ in range(2):
            result = self._row_process().ask(order)
            if result is not None:
                return result
        return {"fault": ENDED}

    def _row_process(self) -> RowProcess:
        with self._lock:
            if self._process is None or self._process.ended:
                self._process = RowProcess(self._folder)
            return self._process
