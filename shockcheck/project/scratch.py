"""The folder for what is temporary: this process's own, removed with its end; a killed process's is removed by the next."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path

from shockcheck.errors import BuildError
from shockcheck.project import leftovers

PREFIX, MARK = "shockcheck-", "in-use-by-shockcheck"  # of the folder; of the file in it that is locked
LONGEST = 50  # bytes of the path that it lies in: the address of a socket below has at most 103, of which its name takes 53
ROOM, FILES = 32 * 1024, 16  # bytes, and files, that a run needs at the least
LAST = -200  # at the exit: after multiprocessing, which has sockets in there
OTHERWISE = "free space there or name another folder by TMPDIR, and run again"


@cache
def folder() -> Path:
    """Return this process's folder, made by the first call; what killed processes left beside it is removed then.

    Raises BuildError where no folder for temporary files can be used.
    """
    try:
        base = _base()
        for old in base.glob(f"{PREFIX}*"):
            leftovers.remove(old, mark=old / MARK)
        return _make(base)
    except OSError as error:
        where = f"{error.filename} cannot" if error.filename else "no folder can"
        raise BuildError(f"{where} be used for temporary files ({error.strerror}); {OTHERWISE}") from error


def _base() -> Path:
    """Return where the user has temporary files, or a usual place where the addresses of sockets would be too long there."""
    usual = Path(tempfile.gettempdir()).absolute()
    for place in (usual, *map(Path, ("/tmp", "/var/tmp", os.environ.get("XDG_RUNTIME_DIR") or "/run"))):
        if len(os.fsencode(place)) <= LONGEST and place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return place
    raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(usual))


def _make(base: Path) -> Path:
    while True:
        made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        mark = made / MARK
        handle = os.open(mark, os.O_WRONLY | os.O_CREAT, 0o600)  # open, and locked, as long as this process lives
        if leftovers.lock(handle, mark):
            break
        os.close(handle)
    _ends.append(Finalize(None, shutil.rmtree, (made, True), exitpriority=LAST))
    return made


_ends: list[Finalize] = []


def remove() -> None:
    """Remove this process's folder, where there is one: for an end that does without what is registered for the exit."""
    for end in _ends:
        end()


@contextmanager
def as_default() -> Iterator[None]:
    """Inside the block libraries, and processes started in it, have their temporary files in this process's folder."""
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder())
    try:
        yield
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR")
        if variable is not None:
            os.environ["TMPDIR"] = variable


def shortage() -> str | None:
    """Return a sentence, with the way out, where there is no room for temporary files, and None where there is."""
    try:
        system = os.statvfs(folder())
    except OSError as error:
        return f"the temporary folder {folder()} is gone ({error.strerror}); run again"
    if system.f_bavail * system.f_frsize < ROOM:
        return f"the temporary folder {folder().parent} is full; {OTHERWISE}"
    if system.f_files and system.f_favail < FILES:  # some file systems do not count them
        return f"the temporary folder {folder().parent} takes no more files; {OTHERWISE}"
    return None
