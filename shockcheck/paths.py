"""Where a project's files are: absolute paths, the same from every folder of the project."""

import os
import stat
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
