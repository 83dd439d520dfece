"""Warm kernels: ipykernels forked from a process that has imported what notebooks need, in place of new interpreters.

The process to fork from is Python's own fork server (multiprocessing), which holds one thread and no socket of a kernel's.
What it imports is in `preload`; how a kernel comes of it is in `provisioner`, which is not imported here: it takes a tenth
of a second, in which the server can be at it already. It ends with the process that started it, however that ends, and the
kernels with it.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import chdir, contextmanager
from multiprocessing import forkserver
from typing import TypeVar

from shockcheck import scratch
from shockcheck.errors import BuildError
from shockcheck.paths import NOTEBOOKS, PACKAGE

NAME = "shockcheck-warm"  # of the kernel and, as an entry point, of the provisioner
CLIENT = "shockcheck.provisioner.WarmClient"
ORDINARY = "shockcheck-ordinary"
COLD = "SHOCKCHECK_COLD"  # set by `--no-warm`
PATIENCE = 0.1  # seconds
GRACE = 10  # seconds for kernels to be gone, with all that they have started
AT_ONCE = 2  # notebooks under way for each core: a run waits for its kernel to come up, and for its page, part of its time
Item = TypeVar("Item")
Result = TypeVar("Result")
_STARTING = threading.Lock()


def possible() -> bool:
    """Whether kernels can be forked here: on Linux, unless switched off; elsewhere forking is not safe."""
    return sys.platform == "linux" and not os.environ.get(COLD)


def kernel() -> str:
    """The name of the kernel that notebooks run on: the warm one where that is possible, else the ordinary one."""
    return NAME if possible() else ORDINARY


def start(kernels: int = 1) -> None:
    """Start the process to fork from, which makes itself ready while this one goes on: readier for several kernels."""
    if possible():
        modules = ["shockcheck.preload", "shockcheck.preload_more"] if kernels > 1 else ["shockcheck.preload"]
        multiprocessing.get_context("forkserver").set_forkserver_preload(modules)
        try:
            with _STARTING, scratch.as_default():  # the path of its socket must be short, and it is removed with the rest
                forkserver.ensure_running()
        except OSError as error:
            raise BuildError(scratch.shortage() or f"no process can be started ({error.strerror}); run again") from error


def stop() -> None:
    """End every kernel that was forked and still runs, with all that it has started."""
    processes = multiprocessing.active_children()
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(GRACE)


@contextmanager
def kernels() -> Iterator[None]:
    """Inside the block the kernels of a build are known, they start where the notebooks are, and none outlives it."""
    path = os.pathsep.join(filter(None, (str(PACKAGE), os.environ.get("JUPYTER_PATH"))))
    own = {"JUPYTER_PATH": path, "IPYTHONDIR": str(scratch.folder() / "ipython")}  # the user's may not be writable
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        with chdir(NOTEBOOKS):
            yield
    finally:
        stop()
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def each(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Iterator[Result]]:
    """Run `function`, which runs a notebook, for each item from now on, `workers` or two a core at once.

    Inside the block are what it returns, in the items' order. Threads, since nearly all the work is the kernels'; where
    kernels are ordinary ones, one after another. When the block is left early what is pending is dropped, and every kernel
    is killed.
    """
    items = list(items)
    if not items or not possible():
        yield map(function, items)
        return
    start(len(items))
    pool = ThreadPoolExecutor(workers or AT_ONCE * (os.cpu_count() or 1))
    jobs = deque(pool.submit(function, item) for item in items)
    try:
        yield _in_order(jobs)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(job.done() for job in jobs):  # left early; a kernel may be about to start just now
            stop()
            time.sleep(PATIENCE)


def _in_order(jobs: deque[Future[Result]]) -> Iterator[Result]:
    while jobs:
        result = jobs[0].result()
        jobs.popleft()  # nothing of it is kept here
        yield result
