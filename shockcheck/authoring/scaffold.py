"""A new project: the files that check another article, copied from the project in `authoring/project/`.

With them comes the wheel of the shockcheck that makes it, so that the project can be set up anywhere, and years later, with
the version that it was written for. Nothing here needs an existing project.
"""

import sys
from pathlib import Path

from shockcheck.authoring import own_wheel
from shockcheck.errors import ProjectError
from shockcheck.project import leftovers

TEMPLATE = Path(__file__).resolve().parent / "project"
INTERPRETER = ".python"  # says which Python made the project; not under version control
WHEELS = "wheels"  # the folder of a project that holds the shockcheck which requirements.txt installs
REQUIREMENTS = "requirements.txt"  # names the wheel
COMPLETE = ".shockcheck-*.whole"  # folder of a project that is complete, but not yet in its place
REMEDY = "name a folder that is not there yet, or an empty one"
LAST_PART = "data"  # put in place last: only with it is a folder a project


def make(folder: Path) -> list[str]:
    """Make a project in `folder`, which is missing or empty, and return the names of its files.

    It is made beside its place and renamed, so that there is never half of a project. Leftovers of an interrupted call are
    removed. Raises ProjectError, and changes nothing, where the folder is not empty or cannot be written, and where no wheel
    of shockcheck can be made for it.
    """
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file; {REMEDY}")
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
    complete = next(folder.glob(COMPLETE), None)  # left by a call that was killed while it put the parts in place
    if complete is None:
        if any(folder.iterdir()):
            raise ProjectError(f"{folder} is not empty; {REMEDY}")
        with leftovers.unfinished_folder(folder) as made:
            _copy_template(made)
            complete = made.rename(made.with_suffix(".whole"))
    for part in sorted(complete.iterdir(), key=lambda part: part.name == LAST_PART):
        if (folder / part.name).exists():
            raise ProjectError(f"{folder} is not empty, it has {part.name}; {REMEDY}")
        part.rename(folder / part.name)
    complete.rmdir()


def _copy_template(folder: Path) -> None:
    for source in TEMPLATE.rglob("*"):
        name = source.relative_to(TEMPLATE)
        if source.is_file() and not own_wheel.is_left_over(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            _copy(source, folder / name)
    (folder / WHEELS).mkdir()
    wheel = own_wheel.write(folder / WHEELS)
    requirements = folder / REQUIREMENTS
    requirements.write_text(requirements.read_text(encoding="utf-8").replace("WHEEL", wheel.name), encoding="utf-8")
    (folder / INTERPRETER).write_text(f"{sys.executable}\n", encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    """Copy a file's content, not its mode or times: an installed package may be read-only."""
    target.write_bytes(source.read_bytes())
