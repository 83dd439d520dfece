"""What a killed process leaves behind, told from what is in use by a lock, which ends with its process however that ends.

Nothing here needs a project, and nothing is removed unless name, owner and lock say that it is ours and of no use.
"""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".shockcheck-{}.partial"  # a file or folder under way, beside the place that it will be renamed to


def unfinished_path(folder: Path) -> Path:
    """Return a path in `folder` for what is under way, which no other process uses."""
    return folder / UNFINISHED.format(os.urandom(4).hex())


def lock(handle: int, path: Path) -> bool:
    """Mark `path`, opened as `handle`, as in use until that is closed; returns whether it is still there.

    Another process may have taken it for a leftover in the instant before the lock.
    """
    with suppress(OSError):  # a file system without locks, where nothing is ever taken for a leftover either
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that have ended left under way in `folder`; without effect where it cannot be looked at."""
    with suppress(OSError):
        for path in folder.glob(UNFINISHED.format("*")):
            remove(path, mark=path)


def remove(path: Path, mark: Path) -> None:
    """Remove a file or folder of this user's unless a process holds the lock on `mark`."""
    try:
        entry = path.lstat()
        if entry.st_uid != os.geteuid() or not (stat.S_ISREG(entry.st_mode) or stat.S_ISDIR(entry.st_mode)):
            return
        handle = os.open(mark, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # removed by another process, or not ours
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(entry.st_mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    except OSError:  # in use
        pass
    finally:
        os.close(handle)


@contextmanager
def unfinished_folder(parent: Path) -> Iterator[Path]:
    """Inside the block a new folder in `parent`, to be filled and renamed; what is left of it goes with the block.

    Raises OSError where it cannot be made.
    """
    remove_unfinished(parent)
    while True:
        path = unfinished_path(parent)
        path.mkdir()
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        if lock(handle, path):
            break
        os.close(handle)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(handle)
