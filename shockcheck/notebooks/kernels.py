"""The kernels that the project's notebooks run on in a build: how the room `warm` is used here.

Inside `session()` they can be had; `prestart` may come before it, so that the process they are forked from makes itself
ready while this one imports what it needs. Nothing slow is imported here.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shockcheck import warm
from shockcheck.errors import BuildError
from shockcheck.project import scratch
from shockcheck.project.paths import current_project

if TYPE_CHECKING:
    from traitlets.config import Config

COLD_VARIABLE = "SHOCKCHECK_COLD"  # set by `--no-warm`: kernels are started anew
PRELOAD = ("shockcheck.notebooks.preload", "shockcheck.notebooks.preload_more")  # the latter for several kernels
Item = TypeVar("Item")
Result = TypeVar("Result")
_server: ContextVar[warm.Server] = ContextVar("the server of kernels")


def prestart(kernels: int = 1) -> None:
    """Start the process to fork from for as many kernels as are to come; it is readier for several.

    Raises BuildError where no process can be started.
    """
    with start_errors():
        _make_server(kernels).prestart()


@contextmanager
def session(kernels: int = 1) -> Iterator[warm.Server]:
    """Inside the block notebooks can be run, on as many kernels as are to come, which start where the notebooks are.

    None outlives the block. Raises BuildError where no process can be started.
    """
    with start_errors(), _make_server(kernels) as server:
        token = _server.set(server)
        try:
            yield server
        finally:
            _server.reset(token)


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> AbstractContextManager[Iterator[Result]]:
    """Run `function` for each item on the session's kernels, as `warm.Server.map_in_order` does."""
    return current_server().map_in_order(function, items, workers)


def kernel_name() -> str:
    """Return the name of the kernel that notebooks run on in this session."""
    return current_server().kernel_name


def config(folder: Path) -> "Config":
    """Return the configuration of a run whose kernel has its sockets and its log in `folder`."""
    return current_server().config(folder)


def current_server() -> warm.Server:
    """Return the server of the session; raises RuntimeError outside of one."""
    server = _server.get(None)
    if server is None:
        raise RuntimeError("notebooks are run inside of kernels.session()")
    return server


def use_in_this_thread(server: warm.Server) -> None:
    """Let this thread, which `map_in_order` has not made, run notebooks on the server of a session."""
    _server.set(server)


@contextmanager
def start_errors() -> Iterator[None]:
    """Raise BuildError, with the way out, where the process to fork from cannot be started inside the block."""
    try:
        yield
    except warm.StartError as error:
        raise BuildError(scratch.shortage() or f"no process can be started ({error.strerror}); run again") from error


def _make_server(kernels: int) -> warm.Server:
    return warm.Server(
        PRELOAD if kernels > 1 else PRELOAD[:1],
        folder=current_project().notebooks,
        scratch=scratch.folder(),
        forked=False if os.environ.get(COLD_VARIABLE) else None,
    )
