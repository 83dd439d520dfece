"""Warm kernels: ipykernels forked from a process that has imported what notebooks need, in place of new interpreters.

A kernel provisioner is the extension point that jupyter_client documents for this: everything else, from papermill down
to the messages, is as with any kernel. The process to fork from is Python's own fork server (multiprocessing), which
holds one thread and no socket of a kernel's. What it imports is in `preload`. It ends with the process that started it,
however that ends, and the kernels with it.
"""

import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import chdir, contextmanager, suppress
from multiprocessing import forkserver
from queue import Empty
from typing import Any, TypeVar

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.provisioning import LocalProvisioner

from shockcheck.paths import NOTEBOOKS, PACKAGE

NAME = "shockcheck-warm"  # of the kernel and, as an entry point, of the provisioner
ORDINARY = "python3"
COLD = "SHOCKCHECK_COLD"  # set by `--no-warm`
PATIENCE = 0.1  # seconds
Item = TypeVar("Item")
Result = TypeVar("Result")


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
        forkserver.ensure_running()


def stop() -> None:
    """Kill every kernel that was forked and still runs."""
    for process in multiprocessing.active_children():
        process.kill()


@contextmanager
def kernels() -> Iterator[None]:
    """Inside the block the kernel `NAME` is known, kernels start where the notebooks are, and none outlives it."""
    before = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(PACKAGE), before)))
    try:
        with chdir(NOTEBOOKS):
            yield
    finally:
        stop()
        os.environ.pop("JUPYTER_PATH")
        if before is not None:
            os.environ["JUPYTER_PATH"] = before


@contextmanager
def each(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Iterator[Result]]:
    """Run `function`, which runs a notebook, for each item on all cores or on `workers` of them, from now on.

    Inside the block are what it returns, in the items' order. Threads, since nearly all the work is the kernels'; where
    kernels are ordinary ones, one after another. When the block is left early what is pending is dropped, and every kernel
    is killed.
    """
    items = list(items)
    if not items or not possible():
        yield map(function, items)
        return
    start(len(items))
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
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


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel by a fork; all the rest, signals, time-outs and the end of it, is as with a local process."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Fork a kernel with the arguments, the folder and the environment that it would have been started with."""
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        start()
        process = multiprocessing.get_context("forkserver").Process(
            target=_run, args=(arguments, kwargs.get("cwd"), dict(kwargs["env"])), daemon=True
        )
        process.start()
        self.process = _Popen(process)
        self.pid = self.pgid = process.pid
        return self.connection_info


class WarmClient(AsyncKernelClient):
    """Goes on as soon as a kernel is ready; jupyter_client waits another fifth of a second for what else it may say."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and says that it is idle; raises RuntimeError where it ends or takes too long."""
        end = time.monotonic() + (timeout or math.inf)
        while time.monotonic() < end and await self.parent._async_is_alive():
            asked = self.kernel_info()
            with suppress(Empty):  # asked again: what it said before the channel was up is lost
                self._handle_kernel_info_reply(await self.shell_channel.get_msg(timeout=0.2))
                while not _is_idle_after(asked, await self.iopub_channel.get_msg(timeout=0.2)):
                    pass
                return
        raise RuntimeError("the kernel ended before it was ready, or took too long")


def _is_idle_after(asked: str, message: dict[str, Any]) -> bool:
    return message["parent_header"].get("msg_id") == asked and message["content"].get("execution_state") == "idle"


class _Popen:
    """A process of multiprocessing's with the face of one of subprocess's, which the provisioner knows."""

    stdin = stdout = stderr = None

    def __init__(self, process: multiprocessing.Process) -> None:
        self._process, self.pid = process, process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()  # milliseconds, where jupyter_client would look again after a tenth of a second


def _run(arguments: list[str], folder: str | None, environment: dict[str, str]) -> None:
    """In the fork: become the leader of a group of one's own, as a new kernel would, and be a kernel."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    if folder:
        os.chdir(folder)
    os.environ.clear()
    os.environ.update({name: value for name, value in environment.items() if name != "JPY_PARENT_PID"})
    threading.Thread(target=_follow, args=(multiprocessing.parent_process(),), daemon=True).start()
    IPKernelApp.launch_instance(arguments)


def _follow(build: multiprocessing.process.BaseProcess) -> None:
    """End with the process of the build, even where that is killed."""
    build.join()
    os._exit(1)
