"""Sweeps: a notebook's findings for each row of a grid, on all cores of this machine or on a cluster.

What a row gives is kept as soon as it is there, by the content that it follows from: the notebook's cells, the row's
parameters, the tables, the package. So a sweep that ends early, in whatever way, goes on where it was. The Parquet tables
and the overview are written from what is kept, row by row: however many rows there are, few are in memory at once.
"""

import fcntl
import glob
import heapq
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import fsspec

from shockcheck import ledger
from shockcheck.data import tables
from shockcheck.errors import BuildError, ParameterError, ShockcheckError
from shockcheck.notebook_files import parameters
from shockcheck.notebooks import kernels
from shockcheck.notebooks.notebook import Notebook, cell_timeout, checked_project, notebook_named
from shockcheck.project import digests, inputs
from shockcheck.project.files import prepare_folder, write, write_error
from shockcheck.project.paths import current_project, shown
from shockcheck.variants import grid, overview, parquet
from shockcheck.variants.journal import Journal
from shockcheck.variants.overview import RankedRow
from shockcheck.variants.row import put, work
from shockcheck.variants.variant import folder_name, variant_title

BATCH = 1000  # rows that are handed to the workers together
MAX_RANKED = 10_000  # rows of the overview
KEPT_STATES = 3  # of notebook, tables and package: the last ones, of which the rows of a notebook are kept
KINDS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", date: "DATE", object: "JSON"}
FINDING = {"unit": "VARCHAR", "quantity": "VARCHAR", "recomputed": "DOUBLE", "low": "DOUBLE", "high": "DOUBLE"}


@dataclass(frozen=True)
class Task:
    """A row of the grid that can be run: its line in the file, all parameters of its run, and what it is kept by."""

    row: grid.Row
    parameters: dict[str, Any]
    key: str


class _State:
    """The tables and a notebook as they are: rows that rest on two states of them must not stand side by side."""

    def __init__(self, name: str) -> None:
        """Look at them now; `name` is the notebook's."""
        self._name, self._times, self._digests = name, _times(name), inputs.project_state(name)

    def check(self) -> None:
        """Raise BuildError where a table or the notebook was changed since."""
        times = _times(self._name)
        if times != self._times:
            changed = self._digests.items() ^ inputs.project_state(self._name).items()
            if changed:
                names = ", ".join(sorted({name for name, _ in changed}))
                raise BuildError(f"{names} changed during the sweep; run the same command again, for the new state")
            self._times = times


@dataclass
class Sweep:
    """A notebook, the rows of a grid, and what is known of them: `faults` by row, `tasks`, which are `due`, how many `done`.

    `pages` is where a page a row goes: a folder of this machine, or an address that fsspec knows, to which whoever runs the
    row writes; without it findings are all that is made. Made by `planned_sweep`.
    """

    notebook: Notebook
    rows: list[grid.Row]
    chosen: dict[str, str]
    pages: str | None
    timeout: int
    folder: Path
    journal: Journal
    tasks: list[Task]
    faults: dict[int, tuple[grid.Row, str]]
    due: list[Task]
    state: _State

    def __post_init__(self) -> None:
        """Count the rows whose findings are kept already."""
        self.done = len(self.tasks) - len(self.due)
        self.columns = _columns(self.notebook.declared)

    @property
    def total(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def run(
        self,
        on_row: Callable[[grid.Row, str | None], None],
        workers: int | None = None,
        scheduler: str | None = None,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Run what is due, on all cores, on `workers` of them, or on the Dask cluster of the `scheduler` with that address.

        `on_row(row, fault)` is called for each row once it is kept, or with its fault; `tell(sentence)` while a cluster is
        waited for. Raises ShockcheckError where the cluster cannot be used, or a page or what is kept cannot be written.
        """
        lock = threading.Lock()

        def finish(task: Task, result: dict[str, Any]) -> None:
            if scheduler is None:
                self.state.check()
            if "page" in result and self.pages:
                put(self.pages, _page(task.key), result["page"])
            if "findings" in result:
                self.journal.add(task.key, result["findings"], result["inputs"])
            with lock:
                self.done += "findings" in result
                if "fault" in result:
                    self.faults[task.row.number] = task.row, result["fault"]
                on_row(task.row, result.get("fault"))

        if scheduler is not None:
            from shockcheck.variants import cluster

            self.state.check()  # from now on the workers have what the rows are computed from
            cluster.run(scheduler, [(task, self._order(task)) for task in self.due], finish, tell)
            return
        with kernels.session(len(self.due)):
            for start in range(0, len(self.due), BATCH):
                batch = self.due[start : start + BATCH]
                with kernels.map_in_order(lambda task: finish(task, work(self._order(task))), batch, workers) as results:
                    for _ in results:
                        pass

    def _order(self, task: Task) -> dict[str, Any]:
        """Return what is to be done for a row, as JSON that may travel."""
        order: dict[str, Any] = {
            "notebook": self.notebook.name,
            "parameters": _as_code(task.parameters),
            "timeout": self.timeout,
        }
        if self.pages:
            chosen = self.chosen | task.row.parameters()
            title = variant_title(self.notebook, chosen)
            away = "://" in self.pages
            home = "index.html" if away else os.path.relpath(current_project().reports / "index.html", self.pages)
            order["page"] = {"name": _page(task.key), "title": title, "home": home, "at": self.pages if away else None}
        return order

    def write(self) -> Path:
        """Write the findings and the faults as Parquet, and the overview, from what is kept; returns the overview."""
        done = [task for task in self.tasks if task.key in self.journal and task.row.number not in self.faults]
        parameters = {self.columns[name]: KINDS[parameter.scalar] for name, parameter in self.notebook.declared.items()}
        columns = {"row": "BIGINT"} | parameters | {"claim": "VARCHAR"} | FINDING
        parquet.write_table(self.folder / "findings.parquet", columns, self._findings(done))
        cells = {self.columns[name]: "VARCHAR" for name in self.rows[0].cells}
        faults = (
            {"row": number, "reason": reason} | {self.columns[name]: value for name, value in row.cells.items()}
            for number, (row, reason) in sorted(self.faults.items())
        )
        parquet.write_table(self.folder / "faults.parquet", {"row": "BIGINT"} | cells | {"reason": "VARCHAR"}, faults)
        findings_of_rows = self.journal.findings(task.key for task in done)
        rows = (self._ranked_row(task, findings) for task, findings in zip(done, findings_of_rows, strict=True))
        ranked = heapq.nlargest(MAX_RANKED, rows, key=lambda row: row.size)
        failures = {row.name: reason for _, (row, reason) in sorted(self.faults.items())}
        html = overview.page(self.notebook.title, ranked, failures, ledger.load().article, len(done), has_tables=True)
        write(self.folder / "index.html", html)
        if self.pages and "://" in self.pages:
            put(self.pages, "index.html", html)
        return self.folder / "index.html"

    def _findings(self, done: list[Task]) -> Iterator[dict[str, Any]]:
        for task, findings in zip(done, self.journal.findings(task.key for task in done), strict=True):
            parameters = {self.columns[name]: _as_json(value) for name, value in task.parameters.items()}
            for finding in findings:
                values = {name: finding[name] for name in FINDING}
                yield {"row": task.row.number} | parameters | {"claim": finding["id"]} | values

    def _ranked_row(self, task: Task, findings: list[dict[str, Any]]) -> RankedRow:
        page = None
        if self.pages:
            page = f"{self.pages}/{_page(task.key)}"
            page = page if "://" in page else Path(os.path.relpath(page, self.folder)).as_posix()
        return RankedRow(task.row.number, task.row.cells, page, findings)


@contextmanager
def planned_sweep(
    name: str, file: Path, chosen: dict[str, str], pages: str | None = None, timeout: int | None = None, anew: bool = False
) -> Iterator[Sweep]:
    """Yield the sweep of a notebook over the grid in `file`, and keep other sweeps of the notebook out inside the block.

    What is kept of former runs counts as done; with `anew` every row is due. Raises ShockcheckError, and writes nothing,
    where table, ledger, checks or grid are at fault.
    """
    notebook, rows = notebook_named(name), grid.read(file)
    grid.check_columns(rows, notebook.declared, chosen)
    tables.check()
    checked_project()
    place = pages and (pages.rstrip("/") if "://" in pages else str(Path(pages).resolve()))
    folder = current_project().reports / "sweeps" / f"{folder_name(name, chosen)}-{folder_name(file.stem, {})}"
    prepare_folder(folder)
    with closing(_locked(name)):
        state, base = _State(name), _base(name)
        journal = Journal(journal_path(name, base), anew)
        tasks, faults = _tasks(notebook, rows, chosen, base)
        written = file_names(place) if place else None
        due = [task for task in tasks if task.key not in journal or _is_missing(task, written)]
        yield Sweep(notebook, rows, chosen, place, timeout or cell_timeout(), folder, journal, tasks, faults, due, state)


def _tasks(
    notebook: Notebook, rows: list[grid.Row], chosen: dict[str, str], base: str
) -> tuple[list[Task], dict[int, tuple[grid.Row, str]]]:
    """Return the rows that can be run, and those at fault by their number; `base` is the digest of what all rest on."""
    tasks: list[Task] = []
    faults: dict[int, tuple[grid.Row, str]] = {}
    for row in rows:
        try:
            values = notebook.parameters | notebook.with_types(chosen | row.parameters())
        except ShockcheckError as error:
            faults[row.number] = row, str(error)
        else:
            tasks.append(Task(row, values, digests.digest(base + json.dumps(_as_code(values), sort_keys=True))))
    return tasks, faults


def _is_missing(task: Task, written: set[str] | None) -> bool:
    """Return whether a row has no page yet, where pages are `written` at all."""
    return written is not None and _page(task.key) not in written


def _kept_rows() -> Path:
    return current_project().cache / "sweep"


def _times(name: str) -> list[tuple[str, int, int, int]]:
    """Return what the file system says of the tables and the notebook: it is another where one of them was written."""
    project = current_project()
    tables = sorted(path for path in project.data.iterdir() if path.is_file())
    paths = [project.notebooks / f"{name}.ipynb", *tables]
    stats = [(path.name, path.stat()) for path in paths if path.exists()]
    return [(file, status.st_mtime_ns, status.st_size, status.st_ino) for file, status in stats]


def _locked(name: str) -> IO[str]:
    """Return a file that no other sweep of this notebook has open until it is closed; raises BuildError where one has.

    The results of two would lie in one folder, and half of them might be of the one and half of the other.
    """
    path = _kept_rows() / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise write_error(path, error) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise BuildError(
            f"another sweep of {name} is under way in this project; run this one when it has ended: what it has done is kept"
        ) from error
    except OSError:
        pass  # a network folder without locks: rows are kept rightly all the same
    return file


def journal_path(name: str, base: str) -> Path:
    """Return where rows are kept that rest on `base`; of the other files of the notebook the last ones used stay."""
    path = _kept_rows() / f"{name}-{base[:16]}.jsonl"
    pattern = f"{glob.escape(name)}-{'[0-9a-f]' * 16}.jsonl"
    others = [other for other in _kept_rows().glob(pattern) if other != path]
    with suppress(OSError):
        for old in sorted(others, key=lambda other: other.stat().st_mtime_ns, reverse=True)[KEPT_STATES - 1 :]:
            old.unlink()
        if path.exists():
            path.touch()  # used, though perhaps nothing is added
    return path


def _base(name: str) -> str:
    """Return the digest of what all rows of a notebook rest on: its cells, every file of data/, and what runs them."""
    keys = [inputs.cells_key(name), *inputs.BUILDERS]
    keys += [shown(path) for path in (*sorted(current_project().data.iterdir()), *inputs.own_files()) if path.is_file()]
    return digests.digest(json.dumps(inputs.input_digests(keys), sort_keys=True))


def _columns(names: Iterable[str]) -> dict[str, str]:
    """Return the column of each parameter, none called like another or like one of the table's own, whatever the case."""
    taken, columns = {"row", "reason", "claim", *FINDING}, {}
    for name in names:
        columns[name] = name
        while columns[name].casefold() in taken:
            columns[name] = f"parameter_{columns[name]}"
        taken.add(columns[name].casefold())
    return columns


def _as_code(values: dict[str, Any]) -> dict[str, str]:
    """Return parameters as text that tells a number from a text and 1 from True, and may travel."""
    return {name: parameters.literal(value) for name, value in values.items()}


def _as_json(value: Any) -> Any:
    """Return a parameter as a line of JSON takes it for a column of a table."""
    if isinstance(value, date) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _as_json(inside) for key, inside in value.items()}
    return [_as_json(inside) for inside in value] if isinstance(value, list | tuple) else value


def _page(key: str) -> str:
    return f"{key[:16]}.html"


def file_names(place: str) -> set[str]:
    """Return the names of the files in a folder or at an address; raises ParameterError for an address of no known kind."""
    try:
        files, folder = fsspec.core.url_to_fs(place)
        return {path.rstrip("/").rpartition("/")[2] for path in files.ls(folder, detail=False)}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, ImportError) as error:
        raise ParameterError(f"{place} cannot be looked at ({error}); give --pages another folder or address") from error
