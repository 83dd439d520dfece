"""A new project: the files that check another article, from the project in `templates/project/`, which is one itself.

Nothing here needs a project to be there already.
"""

import shutil
import sys
from pathlib import Path

from shockcheck import __version__
from shockcheck.errors import ProjectError

TEMPLATE = Path(__file__).resolve().parent / "templates" / "project"
INTERPRETER = ".python"  # of the project: which Python made it; not under version control
NAMES_VERSION = "requirements.txt"
LEFT_OUT = ("__pycache__", ".cache", ".ipynb_checkpoints", ".pytest_cache", ".venv", INTERPRETER)


def make(folder: Path) -> list[str]:
    """Make a project in `folder`, which is not there yet or empty; returns its files.

    Raises ProjectError, and leaves everything as it was, where the folder holds something or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file; name a folder that is not there yet, or an empty one")
    if folder.is_dir() and any(folder.iterdir()):
        raise ProjectError(f"{folder} is not empty; name a folder that is not there yet, or an empty one")
    existed = folder.is_dir()
    try:
        _fill(folder)
    except OSError as error:
        _empty(folder, existed)
        raise ProjectError(f"{folder} cannot be written ({error.strerror}); choose another place or mend that") from error
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _fill(folder: Path) -> None:
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True, ignore=_left_out, copy_function=_copy)
    requirements = folder / NAMES_VERSION
    requirements.write_text(requirements.read_text(encoding="utf-8").replace("VERSION", __version__), encoding="utf-8")
    (folder / INTERPRETER).write_text(f"{sys.executable}\n", encoding="utf-8")


def _copy(source: str, target: str) -> None:
    """Copy a file's content, not its mode or times: an installed package may be read-only."""
    Path(target).write_bytes(Path(source).read_bytes())


def _left_out(folder: str, names: list[str]) -> set[str]:
    """What installing, building or testing may have left in the template."""
    built = {name for name in names if Path(folder) == TEMPLATE / "reports" and name != "README.md"}
    return built | {name for name in names if name in LEFT_OUT}


def _empty(folder: Path, existed: bool) -> None:
    """Remove what was made of a project before it could be finished."""
    for path in folder.iterdir() if existed else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not existed:
        shutil.rmtree(folder, ignore_errors=True)
