"""Sweeps: a notebook's findings for each row of a grid, on all cores of this machine or on a cluster.

What a row gives is kept as soon as it is there, by the content that it follows from: the notebook's cells, the row's
parameters, the tables, the package. So a sweep that ends early, in whatever way, goes on where it was. The Parquet tables
and the overview are written from what is kept, row by row: however many rows there are, few are in memory at once.
"""

import errno
import fcntl
import glob
import heapq
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import duckdb
import fsspec
from fsspec.implementations.local import LocalFileSystem

from shockcheck import cache, grid, ledger, leftovers, notebooks, parameters, tables, warm
from shockcheck.errors import BuildError, ParameterError, ShockcheckError
from shockcheck.findings import in_short, shown_in
from shockcheck.paths import DATA, NOTEBOOKS, REPORTS, ROOT, shown, unwritable, write, write_whole

FOLDER = ROOT / ".cache" / "sweep"
BATCH = 1000  # rows that are handed to the workers together
LISTED = 10_000  # rows that the overview ranks at most
STATES = 3  # of notebook, tables and package, of which the rows of a notebook are kept: the last ones
KINDS = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", date: "DATE", object: "JSON"}
FINDING = {"unit": "VARCHAR", "quantity": "VARCHAR", "recomputed": "DOUBLE", "low": "DOUBLE", "high": "DOUBLE"}


@dataclass(frozen=True)
class Task:
    """A row of the grid that can be run: its line in the file, all parameters of its run, and what it is kept by."""

    row: grid.Row
    parameters: dict[str, Any]
    key: str


class Kept:
    """What rows gave, by key, in a file of one line a row, each with its digest; what was cut short counts as not there."""

    def __init__(self, path: Path, anew: bool = False) -> None:
        """Look at what is kept in `path`, with `anew` as if it were empty; raises BuildError where it cannot be written."""
        self._path, self._places, self._lock = path, {}, threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                end = file.tell()
                file.seek(max(end - 1, 0))
                if end and file.read() != b"\n":  # cut short: what comes next begins on a line of its own
                    file.write(b"\n")
                file.seek(0)
                place = 0
                for line in () if anew else file:
                    entry = _unsealed(line)
                    if entry and cache.stands(entry["inputs"]):
                        self._places[entry["key"]] = place
                    place += len(line)
        except OSError as error:
            raise unwritable(path, error) from error

    def __contains__(self, key: str) -> bool:
        """Whether something is kept by this key."""
        return key in self._places

    def __len__(self) -> int:
        """How many rows are kept."""
        return len(self._places)

    def add(self, key: str, findings: list[dict[str, Any]], inputs: dict[str, str]) -> None:
        """Keep the findings of a row, from now on and whatever comes next; raises BuildError where that is not possible.

        `inputs` are those that the key does not stand for, with their digests: later they must be the same.
        """
        line = _sealed({"key": key, "findings": findings, "inputs": inputs})
        try:
            with self._lock, self._path.open("ab", buffering=0) as file:
                if file.write(line) < len(line):  # at once, behind whatever another process may have written meanwhile
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._places[key] = file.tell() - len(line)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def findings(self, keys: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
        """The findings kept by these keys, one row after another; raises BuildError where they are no longer there."""
        with suppress(OSError), self._path.open("rb") as file:
            for key in keys:
                file.seek(self._places[key])
                entry = _unsealed(file.readline())
                if not entry or entry["key"] != key:
                    break
                yield entry["findings"]
            else:
                return
        raise BuildError(f"{shown(self._path)} was changed or removed meanwhile; run the same command again, which goes on")


def _sealed(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry, ensure_ascii=False)
    return f"{cache.digest(text)[:16]} {text}\n".encode()


def _unsealed(line: bytes) -> dict[str, Any] | None:
    seal, _, text = line.rstrip(b"\n").partition(b" ")
    return json.loads(text) if seal == cache.digest(text)[:16].encode() else None


class Sweep:
    """A notebook, the rows of a grid, and what is known of them: `total` rows, those `done`, and the `faults` by row.

    `pages` is where a page a row goes: a folder of this machine, or an address that fsspec knows, to which whoever runs the
    row writes; without it findings are all that is made. Raises ShockcheckError, and writes nothing, where table, ledger,
    checks or grid are at fault.
    """

    def __init__(
        self,
        name: str,
        file: Path,
        given: dict[str, str],
        pages: str | None = None,
        timeout: int | None = None,
        anew: bool = False,
    ) -> None:
        """Look at grid and project, and at what is kept of former runs; with `anew` every row is to be run."""
        from shockcheck.report import folder_name, prepare

        self.notebook, self.given, self.timeout = notebooks.named(name), given, timeout or notebooks.timeout()
        rows = grid.read(file)
        grid.check_columns(rows, self.notebook.declared, given)
        tables.check()
        notebooks.checked()
        self.pages = pages and (pages.rstrip("/") if "://" in pages else str(Path(pages).resolve()))
        self.folder = REPORTS / "sweeps" / f"{folder_name(name, given)}-{folder_name(file.stem, {})}"
        prepare(self.folder)
        self.names, self.total = list(rows[0].cells), len(rows)
        self._alone = _locked(name)
        self._times, self._state = _times(name), cache.state(name)
        self.columns = _columns(self.notebook.declared)
        base = _base(name)
        self.kept = Kept(_journal(name, base), anew)
        self.faults: dict[int, tuple[grid.Row, str]] = {}
        self.tasks = list(self._tasks(rows, base))
        there = _listing(self.pages) if self.pages else set()
        lacking = (lambda task: _page(task.key) not in there) if self.pages else lambda task: False
        self.due = [task for task in self.tasks if task.key not in self.kept or lacking(task)]
        self.done = len(self.tasks) - len(self.due)

    def _tasks(self, rows: list[grid.Row], base: str) -> Iterator[Task]:
        for row in rows:
            try:
                values = self.notebook.parameters | self.notebook.with_types(self.given | row.parameters())
            except ShockcheckError as error:
                self.faults[row.number] = row, str(error)
            else:
                yield Task(row, values, cache.digest(base + json.dumps(_as_code(values), sort_keys=True)))

    def run(
        self,
        said: Callable[[grid.Row, str | None], None],
        workers: int | None = None,
        scheduler: str | None = None,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        """Run what is due, on all cores, on `workers` of them, or on the Dask cluster of the `scheduler` with that address.

        `said(row, fault)` is told of each row once it is kept, or of its fault; `tell(sentence)` of a cluster that is waited
        for. Raises ShockcheckError where the cluster cannot be used, or a page or what is kept cannot be written.
        """
        lock = threading.Lock()

        def finish(task: Task, result: dict[str, Any]) -> None:
            if scheduler is None:
                self._check_unchanged()
            if "page" in result:
                put(self.pages, _page(task.key), result["page"])
            if "findings" in result:
                self.kept.add(task.key, result["findings"], result["inputs"])
            with lock:
                self.done += "findings" in result
                if "fault" in result:
                    self.faults[task.row.number] = task.row, result["fault"]
                said(task.row, result.get("fault"))

        if scheduler is not None:
            from shockcheck import cluster

            self._check_unchanged()  # from now on the workers have what the rows are computed from
            cluster.run(scheduler, [(task, self._order(task)) for task in self.due], finish, tell)
            return
        with warm.kernels():
            for start in range(0, len(self.due), BATCH):
                batch = self.due[start : start + BATCH]
                with warm.each(lambda task: finish(task, work(self._order(task))), batch, workers) as results:
                    for _ in results:
                        pass

    def _check_unchanged(self) -> None:
        """Raise BuildError where a table or the notebook was changed since the beginning: a row may rest on either state."""
        times = _times(self.notebook.name)
        if times != self._times:
            changed = self._state.items() ^ cache.state(self.notebook.name).items()
            if changed:
                names = ", ".join(sorted({name for name, _ in changed}))
                raise BuildError(f"{names} changed during the sweep; run the same command again, for the new state")
            self._times = times

    def _order(self, task: Task) -> dict[str, Any]:
        """What is to be done for a row, as JSON that may travel."""
        order = {"notebook": self.notebook.name, "parameters": _as_code(task.parameters), "timeout": self.timeout}
        if self.pages:
            chosen = self.given | task.row.parameters()
            title = f"{self.notebook.title}: {', '.join(f'{name} {value}' for name, value in chosen.items())}"
            away = "://" in self.pages
            home = "index.html" if away else os.path.relpath(REPORTS / "index.html", self.pages)
            order["page"] = {"name": _page(task.key), "title": title, "home": home, "at": self.pages if away else None}
        return order

    def write(self) -> Path:
        """Write the findings and the faults as Parquet, and the overview, from what is kept; returns the overview."""
        from shockcheck import pages, report

        done = [task for task in self.tasks if task.key in self.kept and task.row.number not in self.faults]
        own = {self.columns[name]: KINDS[parameter.scalar] for name, parameter in self.notebook.declared.items()}
        columns = {"row": "BIGINT"} | own | {"claim": "VARCHAR"} | FINDING
        _write_table(self.folder / "findings.parquet", columns, self._findings(done))
        given = {self.columns[name]: "VARCHAR" for name in self.names}
        faults = (
            {"row": number, "reason": reason} | {self.columns[name]: value for name, value in row.cells.items()}
            for number, (row, reason) in sorted(self.faults.items())
        )
        _write_table(self.folder / "faults.parquet", {"row": "BIGINT"} | given | {"reason": "VARCHAR"}, faults)
        found = self.kept.findings(task.key for task in done)
        entries = (self._entry(task, findings) for task, findings in zip(done, found, strict=True))
        listed = heapq.nlargest(LISTED, entries, key=report.size)
        failures = {row.name: reason for _, (row, reason) in sorted(self.faults.items())}
        html = pages.grid(self.notebook.title, listed, failures, ledger.load(), len(done), tables_beside=True)
        write(self.folder / "index.html", html)
        if self.pages and "://" in self.pages:
            put(self.pages, "index.html", html)
        return self.folder / "index.html"

    def _findings(self, done: list[Task]) -> Iterator[dict[str, Any]]:
        for task, findings in zip(done, self.kept.findings(task.key for task in done), strict=True):
            own = {self.columns[name]: _as_json(value) for name, value in task.parameters.items()}
            for found in findings:
                yield {"row": task.row.number} | own | {"claim": found["id"]} | {name: found[name] for name in FINDING}

    def _entry(self, task: Task, findings: list[dict[str, Any]]) -> dict[str, Any]:
        """A row as the overview has it."""
        page = None
        if self.pages:
            page = f"{self.pages}/{_page(task.key)}"
            page = page if "://" in page else Path(os.path.relpath(page, self.folder)).as_posix()
        return {"row": task.row.number, "given": task.row.cells, "page": page, "findings": findings}


def _times(name: str) -> list[tuple[str, int, int, int]]:
    """What the file system says of the tables and the notebook: it is another where one of them was written."""
    paths = [NOTEBOOKS / f"{name}.ipynb", *sorted(path for path in DATA.iterdir() if path.is_file())]
    stats = [(path.name, path.stat()) for path in paths if path.exists()]
    return [(file, status.st_mtime_ns, status.st_size, status.st_ino) for file, status in stats]


def _locked(name: str) -> IO[str]:
    """A file that no other sweep of this notebook has open until it is closed; raises BuildError where one has.

    The results of two would lie in one folder, and half of them might be of the one and half of the other.
    """
    path = FOLDER / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise unwritable(path, error) from error
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


def _journal(name: str, base: str) -> Path:
    """Where rows are kept that rest on `base`; of the other files of the notebook the last ones used stay."""
    path = FOLDER / f"{name}-{base[:16]}.jsonl"
    pattern = f"{glob.escape(name)}-{'[0-9a-f]' * 16}.jsonl"
    others = [other for other in FOLDER.glob(pattern) if other != path]
    with suppress(OSError):
        for old in sorted(others, key=lambda other: other.stat().st_mtime_ns, reverse=True)[STATES - 1 :]:
            old.unlink()
        if path.exists():
            path.touch()  # used, though perhaps nothing is added
    return path


def _base(name: str) -> str:
    """The digest of what all rows of a notebook rest on: its cells, every file of data/, and what runs them."""
    keys = [f"cells of {shown(NOTEBOOKS / name)}.ipynb", *cache.BUILDERS]
    keys += [shown(path) for path in (*sorted(DATA.iterdir()), *cache.own_files()) if path.is_file()]
    return cache.digest(json.dumps(cache.inputs(keys), sort_keys=True))


def _columns(names: Iterable[str]) -> dict[str, str]:
    """The column of each parameter, none called like another or like one of the table's own, whatever the case."""
    taken, columns = {"row", "reason", "claim", *FINDING}, {}
    for name in names:
        columns[name] = name
        while columns[name].casefold() in taken:
            columns[name] = f"parameter_{columns[name]}"
        taken.add(columns[name].casefold())
    return columns


def _as_code(values: dict[str, Any]) -> dict[str, str]:
    """Parameters as text that tells a number from a text and 1 from True, and may travel."""
    return {name: parameters.literal(value) for name, value in values.items()}


def _as_json(value: Any) -> Any:
    """A parameter as a line of JSON takes it for a column of a table."""
    if isinstance(value, date) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _as_json(inside) for key, inside in value.items()}
    return [_as_json(inside) for inside in value] if isinstance(value, list | tuple) else value


def _page(key: str) -> str:
    return f"{key[:16]}.html"


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Do what `Sweep` ordered for a row: `findings`, each in short, and if asked for its `page`; or else its `fault`."""
    try:
        notebook, page = notebooks.named(order["notebook"]), order.get("page")
        values = {name: parameters.evaluated(code) for name, code in order["parameters"].items()}
        node = notebooks.run(notebook, values, findings_only=not page, seconds=order["timeout"])
        notebooks.complete_findings(notebook, node)
        read = (key for key in node.metadata["shockcheck"]["read"] if not key.startswith(("data/", "notebooks/")))
        result: dict[str, Any] = {"findings": [in_short(found) for found in shown_in(node)], "inputs": cache.inputs(read)}
        if page:
            from shockcheck import pages

            title, home = page["title"], page["home"]
            html = pages.page(node, ledger.load(), title, values, home, notebook.name, variant=True).html
            if page["at"]:
                put(page["at"], page["name"], html)
            else:
                result["page"] = html
    except ShockcheckError as error:
        return {"fault": str(error)}
    return result


def put(place: str, name: str, text: str) -> None:
    """Write a file of that name into a folder or to an address; raises ParameterError where that is not possible."""
    try:
        files, folder = fsspec.core.url_to_fs(place)
        if isinstance(files, LocalFileSystem):
            Path(folder).mkdir(parents=True, exist_ok=True)
            write_whole(Path(folder) / name, text)
        else:
            files.pipe_file(f"{folder}/{name}", text.encode())
    except (OSError, ValueError, ImportError) as error:
        raise ParameterError(f"{place} takes no pages ({error}); give --pages another folder or address") from error


def _listing(place: str) -> set[str]:
    """The names of the files in a folder or at an address; raises ParameterError for an address that nothing is known of."""
    try:
        files, folder = fsspec.core.url_to_fs(place)
        return {path.rstrip("/").rpartition("/")[2] for path in files.ls(folder, detail=False)}
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, ImportError) as error:
        raise ParameterError(f"{place} cannot be looked at ({error}); give --pages another folder or address") from error


def _write_table(path: Path, columns: dict[str, str], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as a Parquet table with these columns; few of them are in memory at once."""
    with leftovers.unfinished_folder(path.parent) as folder:
        lines, table = folder / "rows.jsonl", folder / path.name
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        kinds = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items())
        with duckdb.connect() as database:
            read = f"SELECT * FROM read_json({_quoted(str(lines))}, format = 'newline_delimited', columns = {{{kinds}}})"
            database.execute(f"COPY ({read}) TO {_quoted(str(table))} (FORMAT parquet, COMPRESSION zstd)")
        table.replace(path)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
