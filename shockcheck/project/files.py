"""Files read and written whole: a fault leaves the file as it was."""

import errno
import json
import os
import stat
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from shockcheck.errors import BuildError
from shockcheck.project import leftovers, paths
from shockcheck.project.context import unnoted_reads


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a regular file, read by the package, which notes itself what it uses of them.

    Raises OSError for whatever else: to read a named pipe could wait for ever.
    """
    if not path.is_file():
        path.stat()  # says of its own what is missing or forbidden
        number = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(number, "Is a directory" if path.is_dir() else "Is no regular file", str(path))
    with unnoted_reads():
        return path.read_bytes()


def write(path: Path, text: str) -> None:
    """Write a file whole; raises BuildError, and leaves the old one as it was, where that is not possible."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> BuildError:
    """Return the sentence for a file or folder that cannot be written."""
    return BuildError(
        f"{paths.shown(path)} cannot be written ({error.strerror}); free the space or the permission and run again, "
        "what stood there is untouched"
    )


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path` under a temporary name and rename it, so that a fault leaves the old file as it was.

    The file keeps its permissions; a new one has those that the user's umask gives. Raises OSError as the file system
    gives it (full, read-only, not a folder).
    """
    _remove_unfinished(path.parent)
    handle, temporary = _open_beside(path)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            if path.exists():
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


_remove_unfinished = cache(leftovers.remove_unfinished)  # once in a process for each folder that is written to


def _open_beside(path: Path) -> tuple[int, Path]:
    """Open a new file in the folder of `path`, which is known to be in use; returns its handle and its path."""
    while True:
        temporary = leftovers.unfinished_path(path.parent)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        if leftovers.lock(handle, temporary):
            return handle, temporary
        os.close(handle)


def prepare_folder(folder: Path) -> None:
    """Make the folder and see that it takes files, before any work is spent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise write_error(folder, error) from error


def as_json(value: Any) -> str:
    """Return a value as the text of a JSON file that people may read."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
