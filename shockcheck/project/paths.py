"""The project: a folder with data, notebooks and reports, and where each of its files is."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from shockcheck.errors import ProjectError

PACKAGE = Path(__file__).resolve().parent.parent
ROOT_VARIABLE = "SHOCKCHECK_ROOT"  # names a project's folder, whatever the working directory
PARTS = ("data/claims.yml", "notebooks")  # what every project has
# What only a project has: a folder with one of these and not all PARTS is half a project.
PROJECT_FILES = ("data/claims.yml", "data/datapackage.json", "notebooks/[0-9][0-9]-*.ipynb")
REMEDY = f"go into one, name it by {ROOT_VARIABLE}, or make one with `shockcheck new FOLDER`"
HIDDEN = re.compile(r"[.#]|~\$")  # how the names of files begin that systems and editors put beside those of people
NUMBERED = re.compile(r"[0-9][0-9]-")  # how the names of notebooks begin that check claims and make pages
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Project:
    """A project by its folder, an absolute path.

    `memory` keeps what is read once for each `Project`, such as digests of files: one object stands for one state of the
    files, and a new one sees them as they are by then.
    """

    root: Path
    memory: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def find(cls) -> "Project":
        """Return the project that SHOCKCHECK_ROOT names, else the nearest upward from the working directory.

        Raises ProjectError where there is none, and for a folder on the way that is half a project, so that no other
        project is taken in its place.
        """
        named = os.environ.get(ROOT_VARIABLE)
        if named:
            root = Path(named).resolve()
            if not root.is_dir():
                raise ProjectError(f"{ROOT_VARIABLE} is {named}, which is no folder; give it a project's folder or unset it")
            return cls(root)
        try:
            here = Path.cwd()
        except OSError as error:
            raise ProjectError(f"the working directory is gone ({error.strerror}); go into a project's folder") from error
        for folder in (here, *here.parents):
            missing = [part for part in PARTS if not _exists(folder / part)]
            if not missing:
                return cls(folder)
            if any(next(folder.glob(pattern), None) for pattern in PROJECT_FILES):
                lack = f"{missing[0]} is missing or cannot be read"
                raise ProjectError(f"{folder} is half a project: {lack}; restore it, or {REMEDY}")
        raise ProjectError(f"{here} is not inside a project (a folder with {' and '.join(PARTS)}); {REMEDY}")

    @property
    def data(self) -> Path:
        """The folder of tables and ledger."""
        return self.root / "data"

    @property
    def notebooks(self) -> Path:
        """The folder of the notebooks."""
        return self.root / "notebooks"

    @property
    def reports(self) -> Path:
        """The folder that pages are built into."""
        return self.root / "reports"

    @property
    def ledger(self) -> Path:
        """The ledger: the article and its claims."""
        return self.data / "claims.yml"

    @property
    def descriptor(self) -> Path:
        """The description of the tables, a data package."""
        return self.data / "datapackage.json"

    @property
    def corrections(self) -> Path:
        """Documented corrections of a vendor's prices and of calendars."""
        return self.data / "corrections.yml"

    @property
    def prices_update(self) -> Path:
        """The journal of `prices update`, which exists only while it writes."""
        return self.data / ".prices-update.json"

    @property
    def readme(self) -> Path:
        """The README, with the table of verdicts."""
        return self.root / "README.md"

    @property
    def lock(self) -> Path:
        """The versions of all packages."""
        return self.root / "requirements.lock"

    @property
    def checksums(self) -> Path:
        """The recorded SHA-256 of each page."""
        return self.reports / "CHECKSUMS.sha256"

    @property
    def receipt(self) -> Path:
        """What `verify` found."""
        return self.reports / "receipt.json"

    @property
    def cache(self) -> Path:
        """What can be made again: records of what was built, rows of sweeps, live prices."""
        return self.root / ".cache"

    @property
    def records(self) -> Path:
        """The records of what was built."""
        return self.cache / "report"

    def reports_in(self, language: str) -> Path:
        """Return the folder of the report in a language: `reports/`, or below it for all but English."""
        return self.reports if language == "en" else self.reports / language

    def notebook_files(self) -> list[Path]:
        """Return all notebooks by name: what ends on .ipynb but folders and hidden files."""
        return sorted(path for path in self.notebooks.glob("*.ipynb") if not HIDDEN.match(path.name) and not path.is_dir())

    def numbered_notebook_files(self) -> list[Path]:
        """Return the notebooks whose names begin with two digits, in reading order."""
        return [path for path in self.notebook_files() if NUMBERED.match(path.name)]

    @contextmanager
    def active(self) -> Iterator["Project"]:
        """Inside the block this is the current project, in this thread and in tasks that copy its context."""
        token = _active.set(self)
        try:
            yield self
        finally:
            _active.reset(token)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


_active: ContextVar[Project | None] = ContextVar("active project", default=None)
_current: dict[str | None, Project] = {}  # by SHOCKCHECK_ROOT; a notebook may change the working directory


def current_project() -> Project:
    """Return the active project, else the one that `Project.find` gives, which stays the same from then on.

    Raises ProjectError as `Project.find` does.
    """
    active = _active.get()
    if active is not None:
        return active
    named = os.environ.get(ROOT_VARIABLE)
    if named not in _current:
        _current[named] = Project.find()
    return _current[named]


@contextmanager
def fresh_look() -> Iterator[None]:
    """Inside the block the current project is looked for, and its files are read, as if the process had just begun."""
    before = dict(_current)
    _current.clear()
    token = _active.set(None)
    try:
        yield
    finally:
        _active.reset(token)
        _current.clear()
        _current.update(before)


def remembered(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Keep the results of a function of hashable positional arguments in the memory of the current project."""

    @wraps(function)
    def remembering(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        memory: dict[Any, Result] = current_project().memory
        key = (function, args)
        if key not in memory:
            memory[key] = function(*args, **kwargs)
        return memory[key]

    return remembering


def shown(path: Path) -> str:
    """Return the path as messages and pages print it: relative to the project where it lies in it."""
    root = current_project().root
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
