"""A new project: the files that check another article, from the project in `templates/project/`, which is one itself.

Nothing here needs a project to be there already.
"""

import sys
from pathlib import Path

from shockcheck import __version__, leftovers
from shockcheck.errors import ProjectError

TEMPLATE = Path(__file__).resolve().parent / "templates" / "project"
INTERPRETER = ".python"  # of the project: which Python made it; not under version control
NAMES_VERSION = "requirements.txt"
LEFT_OUT = ("__pycache__", ".cache", ".ipynb_checkpoints", ".pytest_cache", ".venv", INTERPRETER)
WHOLE = ".shockcheck-*.whole"  # a project that is ready, but not yet in its place
OTHERWISE = "name a folder that is not there yet, or an empty one"
LAST = "data"  # of the parts: only with it is a folder a project


def make(folder: Path) -> list[str]:
    """Make a project in `folder`, which is not there yet or empty; returns its files.

    It is made beside its place and renamed, so that there is never half of one. What an earlier call left that was killed
    does not count. Raises ProjectError, and leaves everything as it was, where the folder holds something or cannot be
    written.
    """
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file; {OTHERWISE}")
    try:
        if folder.is_dir():
            _fill(folder)
        else:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with leftovers.unfinished_folder(folder.parent) as made:
                _copy_template(made)
                made.rename(folder)
    except OSError as error:
        raise ProjectError(f"{folder} cannot be written ({error.strerror}); choose another place or mend that") from error
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _fill(folder: Path) -> None:
    """Make a project in an empty folder, which stays the same folder: a shell may be in it."""
    leftovers.remove_unfinished(folder)
    whole = next(folder.glob(WHOLE), None)  # of a call that was killed while it put the parts in their places
    if whole is None:
        if any(folder.iterdir()):
            raise ProjectError(f"{folder} is not empty; {OTHERWISE}")
        with leftovers.unfinished_folder(folder) as made:
            _copy_template(made)
            whole = made.rename(made.with_suffix(".whole"))
    for part in sorted(whole.iterdir(), key=lambda part: part.name == LAST):
        if (folder / part.name).exists():
            raise ProjectError(f"{folder} is not empty, it has {part.name}; {OTHERWISE}")
        part.rename(folder / part.name)
    whole.rmdir()


def _copy_template(folder: Path) -> None:
    for source in TEMPLATE.rglob("*"):
        name = source.relative_to(TEMPLATE)
        if source.is_file() and not _is_left_out(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            _copy(source, folder / name)
    requirements = folder / NAMES_VERSION
    requirements.write_text(requirements.read_text(encoding="utf-8").replace("VERSION", __version__), encoding="utf-8")
    (folder / INTERPRETER).write_text(f"{sys.executable}\n", encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    """Copy a file's content, not its mode or times: an installed package may be read-only."""
    target.write_bytes(source.read_bytes())


def _is_left_out(name: Path) -> bool:
    """Whether a file of the template is one that installing, building or testing may have left there."""
    built = name.parts[0] == "reports" and name.name != "README.md"
    return built or not set(LEFT_OUT).isdisjoint(name.parts)
