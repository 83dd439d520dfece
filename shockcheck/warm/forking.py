"""The process that kernels are forked from: multiprocessing's own fork server, one for the whole program.

It holds one thread and no socket of a kernel's, so that a fork of it is safe. It is started once, serves every `Server`
that needs no more modules than it has imported, and ends with the program, however that ends.
"""

import errno
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import forkserver
from multiprocessing.util import Finalize
from pathlib import Path

OWN_PRELOAD = "shockcheck.warm.preload"  # the last module that is imported
GRACE_S = 10  # for kernels to be gone, with all that they have started
MAX_SCRATCH = 70  # bytes of a path: the address of a socket has at most 107, of which multiprocessing's names take 32
LAST_AT_EXIT = -200  # after multiprocessing, which has its socket in there
_starting = threading.Lock()
_preloaded: frozenset[str] | None = None  # what the fork server was asked to import; None before there is one


class StartError(OSError):
    """The process that kernels are forked from, or the folder of a server, cannot be made."""


def is_supported() -> bool:
    """Return whether kernels can be forked here: on Linux; elsewhere forking is not safe."""
    return sys.platform == "linux"


def start(preload: Sequence[str], scratch: Path) -> None:
    """Start the process to fork from, unless there is one, and let it import `preload` while this process goes on.

    Its socket and its temporary files are in `scratch`. One that lacks some of these modules is replaced, if no kernel runs.
    Raises StartError where it cannot be started.
    """
    global _preloaded
    try:
        with _starting:
            if _preloaded is not None and not _preloaded.issuperset(preload) and not multiprocessing.active_children():
                _end()
            if _preloaded is not None:
                forkserver.ensure_running()  # it may have been killed
                return
            _check_length(scratch)
            multiprocessing.get_context("forkserver").set_forkserver_preload([*preload, OWN_PRELOAD])
            with _temporary_files_in(scratch):
                forkserver.ensure_running()
            _preloaded = frozenset(preload)
    except OSError as error:
        raise StartError(error.errno, error.strerror, error.filename) from error


def _end() -> None:
    """End the fork server, which has no kernels, and wait for that; multiprocessing has this function for its own tests."""
    global _preloaded
    with suppress(FileNotFoundError):  # its socket has been removed already
        forkserver._forkserver._stop()  # type: ignore[attr-defined]
    _preloaded = None


def stop_kernels(owner: str) -> None:
    """End every kernel of this `owner` that was forked and still runs, with all that it has started."""
    processes = [process for process in multiprocessing.active_children() if process.name == owner]
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(GRACE_S)


@cache
def default_scratch() -> Path:
    """Return a folder for temporary files with a short path, made by the first call and removed with this process's end."""
    usual = Path(tempfile.gettempdir()).absolute()
    short = len(os.fsencode(usual)) < MAX_SCRATCH - len("/warm-12345678")
    folder = Path(tempfile.mkdtemp(prefix="warm-", dir=usual if short else "/tmp"))
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=LAST_AT_EXIT)
    return folder


def _check_length(scratch: Path) -> None:
    if len(os.fsencode(scratch)) > MAX_SCRATCH:
        reason = f"a socket in it would have too long an address; name a folder with a path of {MAX_SCRATCH} bytes at most"
        raise OSError(errno.ENAMETOOLONG, reason, str(scratch))


@contextmanager
def _temporary_files_in(scratch: Path) -> Iterator[None]:
    """Inside the block libraries, and processes started in it, have their temporary files in this folder."""
    before = tempfile.tempdir
    tempfile.tempdir = str(scratch)
    try:
        with environment(TMPDIR=str(scratch)):
            yield
    finally:
        tempfile.tempdir = before


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Inside the block these variables are set in the environment of this process."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
