"""A server of kernels: what papermill finds them by, where they start, and many notebooks at once."""

import asyncio
import contextvars
import json
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from shockcheck.warm import forking

if TYPE_CHECKING:
    from traitlets.config import Config

FORKED_KERNEL, ORDINARY_KERNEL = "shockcheck-forked", "shockcheck-ordinary"
PROVISIONER = "shockcheck-warm"  # by its entry point
CLIENT = "shockcheck.warm.provisioner.WarmClient"
COMMANDS = {  # of which a fork takes the arguments alone
    FORKED_KERNEL: ["python", "-m", "shockcheck.warm.kernel", "-f", "{connection_file}"],
    ORDINARY_KERNEL: ["python", "-P", "-m", "shockcheck.warm.keeper", "-f", "{connection_file}"],
}
PAUSE_S = 0.1  # between looks at what is pending where a block is left early
# Notebooks under way for each core: a run waits for its kernel to come up, and for its page, part of its time.
RUNS_PER_CORE = 2
Item = TypeVar("Item")
Result = TypeVar("Result")
_first_use = threading.Lock()


class Server:
    """Kernels for papermill, inside a `with` block, forked from a process that has imported the `preload` modules.

    They start in `folder`, or else in the working directory; none that was forked outlives the block. `scratch` is a folder
    with a short path for temporary files and sockets, which stays until this process ends; by default there is a new one.
    With `forked` false, as where forking is not safe, kernels are started anew, and all else is the same.

    What papermill finds kernels by are environment variables, so blocks may lie in each other or follow on each other, and
    many threads may run notebooks in one, but blocks of several threads must not overlap.
    """

    def __init__(
        self,
        preload: Sequence[str] = (),
        folder: Path | str | None = None,
        scratch: Path | str | None = None,
        forked: bool | None = None,
    ) -> None:
        """Start nothing yet; raises ValueError where kernels are to be forked and cannot be."""
        if forked and not forking.is_supported():
            raise ValueError("kernels can be forked on Linux alone; leave `forked` out to have ordinary ones elsewhere")
        self.forked = forking.is_supported() if forked is None else forked
        self._preload = list(preload)
        self._folder = None if folder is None else Path(folder).absolute()
        self._chosen_scratch = None if scratch is None else Path(scratch).absolute()
        self._home: Path | None = None
        self._exit = ExitStack()

    @property
    def kernel_name(self) -> str:
        """The name by which papermill finds the kernels inside the block."""
        return FORKED_KERNEL if self.forked else ORDINARY_KERNEL

    @property
    def _scratch(self) -> Path:
        return self._chosen_scratch or forking.default_scratch()

    def prestart(self) -> None:
        """Start the process to fork from, which makes itself ready while this one goes on; also before the block.

        Raises StartError where that is not possible.
        """
        if self.forked:
            forking.start(self._preload, self._scratch)

    def __enter__(self) -> Self:
        """Let the kernels be found; raises StartError where there is no room for the files that this takes."""
        try:
            with ExitStack() as stack:
                self._home = Path(tempfile.mkdtemp(prefix="server-", dir=self._scratch))
                stack.callback(shutil.rmtree, self._home, ignore_errors=True)
                self._write_kernel_spec(self._home)
                path = os.pathsep.join(filter(None, (str(self._home), os.environ.get("JUPYTER_PATH"))))
                own_ipython = str(self._home / "ipython")  # the user's may not be writable
                stack.enter_context(forking.environment(JUPYTER_PATH=path, IPYTHONDIR=own_ipython))
                stack.callback(self.stop_kernels)
                self._exit = stack.pop_all()
        except OSError as error:
            raise forking.StartError(error.errno, error.strerror, error.filename) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the kernels that still run, and remove the files."""
        self._exit.close()

    def _write_kernel_spec(self, home: Path) -> None:
        settings = {
            "forked": self.forked,
            "folder": str(self._folder or ""),
            "home": str(home),
            "preload": self._preload,
            "scratch": str(self._scratch),
        }
        spec = {
            "argv": COMMANDS[self.kernel_name],
            "display_name": "Python 3, forked from a warm process" if self.forked else "Python 3, started anew",
            "language": "python",
            "metadata": {"kernel_provisioner": {"provisioner_name": PROVISIONER, "config": settings}},
        }
        folder = home / "kernels" / self.kernel_name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")

    def config(self, folder: Path | str) -> "Config":
        """Return the configuration, for papermill's `config`, of a run whose kernel has its sockets and its log in `folder`.

        Without it a run has a folder of its own, which is removed with its kernel. `kernel.last_words` reads the log.
        """
        from traitlets.config import Config

        make_first_objects()
        return Config(KernelManager=connection(Path(folder)))

    def stop_kernels(self) -> None:
        """End every kernel that was forked and still runs, with all that it has started."""
        if self._home:
            forking.stop_kernels(str(self._home))

    @contextmanager
    def map_in_order(
        self, function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
    ) -> Iterator[Iterator[Result]]:
        """Run `function`, which runs a notebook, for each item from now on, `workers` or two a core at once.

        Inside the block are what it returns, in the items' order. Threads, since nearly all the work is the kernels', each
        call in a copy of the caller's context variables; where kernels are ordinary ones, one after another. When the block
        is left early what is pending is dropped, and every kernel is killed. Raises StartError as `prestart` does.
        """
        items = list(items)
        if not items or not self.forked:
            yield map(function, items)
            return
        self.prestart()
        make_first_objects()
        pool = ThreadPoolExecutor(workers or RUNS_PER_CORE * (os.cpu_count() or 1))
        call = _in_context_of_caller(function)
        jobs = deque(pool.submit(call, item) for item in items)
        try:
            yield _results(jobs)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(job.done() for job in jobs):  # left early; a kernel may be about to start just now
                self.stop_kernels()
                time.sleep(PAUSE_S)


def _in_context_of_caller(function: Callable[[Item], Result]) -> Callable[[Item], Result]:
    """Return the function for use in other threads: each call runs in a copy of the present context variables.

    A thread's calls share an event loop, which libraries keep in such a variable: that of the caller's thread is not theirs,
    and with one for each call there would soon be too many open files.
    """
    from jupyter_core.utils import ensure_event_loop

    caller, thread = contextvars.copy_context(), threading.local()

    def call(item: Item) -> Result:
        if not hasattr(thread, "context"):
            thread.context = caller.copy()
            for variable, value in list(thread.context.items()):
                if isinstance(value, asyncio.AbstractEventLoop):
                    thread.context.run(variable.set, None)
            thread.context.run(ensure_event_loop)
        context: contextvars.Context = thread.context.copy()
        return context.run(function, item)

    return call


def _results(jobs: deque[Future[Result]]) -> Iterator[Result]:
    while jobs:
        result = jobs[0].result()
        jobs.popleft()  # nothing of it is kept here
        yield result


def connection(folder: Path) -> dict[str, Any]:
    """Return the settings of a kernel manager whose kernel has its sockets in `folder`, and a client that wastes no time.

    No port is opened, so that ipykernel has no cause to warn that TCP can be listened to.
    """
    return {
        "transport": "ipc",
        "ip": f"{folder}/kernel",
        "connection_file": f"{folder}/kernel.json",
        "client_factory": CLIENT,
    }


def make_first_objects() -> None:
    """Make one of each object whose class names others by strings, unless that was done.

    traitlets looks these up the first time, and fails where two threads do so at once.
    """
    with _first_use:
        _make_first_objects()


@cache
def _make_first_objects() -> None:
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    AsyncKernelManager()
    LocalProvisioner()
