"""Where a project's files are: absolute paths, the same from every folder of the project."""

import errno
import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from shockcheck import leftovers
from shockcheck.errors import BuildError, ProjectError

PACKAGE = Path(__file__).resolve().parent
VARIABLE = "SHOCKCHECK_ROOT"  # names a project's folder, whatever the working directory
PARTS = ("data/claims.yml", "notebooks")  # of a project
SIGNS = ("data/claims.yml", "data/datapackage.json", "notebooks/[0-9][0-9]-*.ipynb")  # of what is meant to be one
OTHERWISE = f"go into one, name it by {VARIABLE}, or make one with `python -m shockcheck new FOLDER`"


def find_root() -> Path:
    """Return the project's folder: the one that SHOCKCHECK_ROOT names, else the nearest upward from the working directory.

    Raises ProjectError where there is none, and for a folder on the way that is half of one, so that no other project is
    taken in its place.
    """
    named = os.environ.get(VARIABLE)
    if named:
        root = Path(named).resolve()
        if not root.is_dir():
            raise ProjectError(f"{VARIABLE} is {named}, which is no folder; give it a project's folder or unset it")
        os.environ[VARIABLE] = str(root)  # the kernels inherit it, and have another working directory
        return root
    try:
        here = Path.cwd()
    except OSError as error:
        raise ProjectError(f"the working directory is gone ({error.strerror}); go into a project's folder") from error
    for folder in (here, *here.parents):
        missing = [part for part in PARTS if not _is_there(folder / part)]
        if not missing:
            return folder
        if any(next(folder.glob(sign), None) for sign in SIGNS):
            lack = f"{missing[0]} is missing or cannot be read"
            raise ProjectError(f"{folder} is half a project: {lack}; restore it, or {OTHERWISE}")
    raise ProjectError(f"{here} is not inside a project (a folder with {' and '.join(PARTS)}); {OTHERWISE}")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


ROOT = find_root()
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
REPORTS = ROOT / "reports"
LEDGER = DATA / "claims.yml"
TEMPLATES = PACKAGE / "templates"
READS = "SHOCKCHECK_READS"  # set by the build to the file in which a notebook's reads are noted
FINDINGS = "SHOCKCHECK_FINDINGS"  # set in a kernel that is asked for findings alone: nothing is drawn or shown
HIDDEN = re.compile(r"[.#]|~\$")  # how names begin of files that systems and editors put beside those of people
NUMBERED = re.compile(r"[0-9][0-9]-")  # how the names of notebooks begin that check claims and make pages


def notebook_files(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the notebooks in a folder, by name: what ends on .ipynb but folders and hidden files."""
    return sorted(path for path in folder.glob("*.ipynb") if not HIDDEN.match(path.name) and not path.is_dir())


def numbered_notebook_files(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the notebooks in a folder whose names begin with two digits, in reading order."""
    return [path for path in notebook_files(folder) if NUMBERED.match(path.name)]


def reports_in(lang: str) -> Path:
    """Where the article's report in that language is built: `reports/`, or below it for all but English."""
    return REPORTS if lang == "en" else REPORTS / lang


def shown(path: Path) -> str:
    """The path as messages and pages print it: relative to the project's root where it lies below it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def note(name: str) -> None:
    """Note that a notebook has read `name`, where the build watches it: a file, or 'FILE#KEY' for a row or entry of it.

    'FILE#KEY*' stands for all rows whose key begins so.
    """
    log = os.environ.get(READS)
    if log:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


_own = threading.local()


@contextmanager
def by_the_package() -> Iterator[None]:
    """Inside the block nothing that this thread reads is noted by itself: the package notes what it uses of it."""
    before, _own.reads = is_by_the_package(), True
    try:
        yield
    finally:
        _own.reads = before


def is_by_the_package() -> bool:
    """Whether this thread is inside such a block."""
    return getattr(_own, "reads", False)


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a regular file, read by the package, which notes itself what it uses of them.

    Raises OSError for whatever else: to read a named pipe could wait for ever.
    """
    if not path.is_file():
        path.stat()  # says of its own what is missing or forbidden
        number = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(number, "Is a directory" if path.is_dir() else "Is no regular file", str(path))
    with by_the_package():
        return path.read_bytes()


def write(path: Path, text: str) -> None:
    """Write a file whole; raises BuildError, and leaves the old one as it was, where that is not possible."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> BuildError:
    """The sentence for a file or folder that cannot be written."""
    return BuildError(
        f"{shown(path)} cannot be written ({error.strerror}); free the space or the permission and run again, "
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
