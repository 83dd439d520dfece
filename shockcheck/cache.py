"""What a page was built from and what came out of it, so that it is built again when, and only when, that has changed.

Everything is told by its content. An entry is a small JSON file in `.cache/report/`; what came out are the files in
`reports/` themselves. This module imports nothing that is slow to import: a build that has nothing to do is over before
pandas would be there. It is imported before nearly all of the package, so that what it says of the package's files is true
of what was imported, or else is seen to have changed since.
"""

import csv
import hashlib
import io
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from shockcheck.paths import DATA, LEDGER, NOTEBOOKS, PACKAGE, ROOT, read_bytes, shown, write_whole

FOLDER = ROOT / ".cache" / "report"
DESCRIPTOR = DATA / "datapackage.json"
ARTICLE = "the article"  # the part of a ledger that is no claim; no id has a blank
RATES = "data/sources.csv#ecb-reference-rates"  # a page says where exchange rates come from where the project has this row
# Kinds of inputs besides files, see `reads`.
LISTING, PRESENCE, VARIABLE, UNWATCHED = "names in ", "presence of ", "variable ", "unwatched: "
DISTRIBUTION = re.compile(r"(.+)\.(?:dist-info|egg-info)")
PROJECT = PACKAGE / "templates" / "project"
MADE = re.compile(r"\.(py|html|j2|css|js|json|po)$")


@dataclass(frozen=True)
class Entry:
    """What was built: the digest of every input by its key, that of every file that came out, and what was found."""

    inputs: dict[str, str]
    outputs: dict[str, str]
    title: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)


def digest(content: bytes | str) -> str:
    """The SHA-256 of a text or of bytes."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def of_file(path: Path) -> str:
    """The digest of a file, or a word for one that is not there."""
    try:
        return digest(read_bytes(path))
    except OSError:
        return "missing"


def load_page(path: Path, name: str) -> Entry | None:
    """The entry of the page `name`; None where there is none, or one of another page lies in its place."""
    entry = load(path)
    return entry if entry and f"{CELLS}{shown(NOTEBOOKS / name)}.ipynb" in entry.inputs else None


def _of_text(path: Path) -> str:
    """Return the digest of a text file, the same for Windows' line ends: as version control stores it."""
    try:
        return digest(read_bytes(path).replace(b"\r\n", b"\n"))
    except OSError:
        return "missing"


def load(path: Path) -> Entry | None:
    """The entry in `path`; None where there is none, or one that was cut short or changed by hand."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        seal = stored.pop("seal")
        return Entry(**stored) if seal == _seal(stored) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def store(path: Path, entry: Entry) -> None:
    """Write an entry, sealed by its own digest; where that is not possible it is noted for `loss`."""
    stored = asdict(entry)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(stored | {"seal": _seal(stored)}, ensure_ascii=False))
    except OSError as error:
        losses.append(error)


losses: list[OSError] = []  # what kept something from being kept


def loss() -> str | None:
    """Return a sentence where something could not be kept in `.cache`, else None: what is lost is time alone."""
    if not losses:
        return None
    where, why = shown(FOLDER.parent), losses[0].strerror
    return f"{where} cannot be written ({why}); what was built is right, but is not kept and will be built anew"


def _seal(stored: dict[str, Any]) -> str:
    return digest(json.dumps(stored, sort_keys=True))


def changed(entry: Entry | None) -> str | None:
    """Why what an entry stands for must be built anew, in words, or None where it need not be."""
    if entry is None:
        return "it was not built before, or its entry in .cache is damaged"
    for key, was in entry.inputs.items():
        if key.startswith(UNWATCHED):
            return key.removeprefix(UNWATCHED)
        if current(key) != was:
            return f"{key} changed"
    for name, was in entry.outputs.items():
        if of_file(ROOT / name) != was:
            return f"{name} is missing or is not what was built"
    return None


def stands(inputs: dict[str, str]) -> bool:
    """Whether these inputs are what they were, as far as that can be known."""
    return not any(key.startswith(UNWATCHED) or current(key) != was for key, was in inputs.items())


def inputs(keys: Iterable[str]) -> dict[str, str]:
    """The digests of these inputs as they are now."""
    return {key: current(key) for key in sorted(set(keys))}


def of_page(name: str, read: Iterable[str]) -> set[str]:
    """The inputs of a page: its notebook's cells, what the notebook read, how tables are described, and what builds it."""
    tables = {key.partition("#")[0] for key in read} & set(descriptor())
    cells = f"cells of {shown(NOTEBOOKS / name)}.ipynb"
    return {cells, *read, *(f"schema of {table}" for table in tables), RATES, *BUILDERS}


def of_index(names: Iterable[str]) -> set[str]:
    """The inputs of the index: ledger and description of the tables, the notebooks and what builds it."""
    cells = (f"cells of {shown(NOTEBOOKS / name)}.ipynb" for name in names)
    return {shown(LEDGER), shown(DESCRIPTOR), *cells, *BUILDERS}


def of_tables() -> set[str]:
    """What it depends on that the tables are right: themselves, their description and what looks at them."""
    return {shown(DESCRIPTOR), *descriptor(), *BUILDERS}


def state(name: str, known: Iterable[str] = ()) -> dict[str, str]:
    """The digests, taken anew, of what the page `name` could be built from: the package, data, its notebook, own modules.

    And of the `known` inputs that it was built from the last time, as far as they are files.
    """
    files = [path for path in sorted(DATA.iterdir()) if path.is_file()] if DATA.is_dir() else []
    modules = (path for path in own_files() if path.suffix == ".py")
    before = (ROOT / key for key in known if not key.startswith(KINDS) and "#" not in key and key not in BUILDERS)
    own = {shown(path): of_file(path) for path in (*files, *modules, *before, NOTEBOOKS / f"{name}.ipynb")}
    return {"the package": _package()} | own


def own_files() -> list[Path]:
    """The project's files in notebooks/ that are no notebooks, such as modules, but for hidden ones and bytecode."""
    files = []
    for folder, names, found in os.walk(NOTEBOOKS):
        names[:] = sorted(name for name in names if not name.startswith((".", "__")))
        files += [Path(folder) / name for name in sorted(found) if not name.startswith(".") and not name.endswith(".ipynb")]
    return files


def touched_since(moment: int, read: Iterable[str]) -> list[str]:
    """Which of the files in `read` were written at or after a moment in nanoseconds: while a notebook may have read them."""
    late = []
    for key in read:
        if not key.startswith(KINDS):
            with suppress(OSError):
                if (ROOT / key.partition("#")[0]).stat().st_mtime_ns >= moment:
                    late.append(key)
    return late


BUILDERS = ("the package", "the libraries", "Python")
CELLS, SCHEMA = "cells of ", "schema of "
KINDS = (LISTING, PRESENCE, VARIABLE, UNWATCHED, CELLS, SCHEMA)


@cache
def current(key: str) -> str:
    """The digest of an input as it is now, once in a process: a file, a row or entry of it, or a thing named in words."""
    if key == "Python":
        return f"{sys.version_info[0]}.{sys.version_info[1]}"
    if key == "the package":
        return _package()
    if key == "the libraries":
        return _libraries()
    if key.startswith(CELLS):
        return _cells(ROOT / key.removeprefix(CELLS))
    if key.startswith(SCHEMA):
        return _schema(key.removeprefix(SCHEMA))
    if key.startswith(LISTING):
        return _listing(ROOT / key.removeprefix(LISTING))
    if key.startswith(PRESENCE):
        return "there" if (ROOT / key.removeprefix(PRESENCE)).exists() else "missing"
    if key.startswith(VARIABLE):
        value = os.environ.get(key.removeprefix(VARIABLE))
        return "missing" if value is None else digest(value)
    if key.startswith(UNWATCHED):
        return "unknown"
    file, has_key, part = key.partition("#")
    if has_key:
        return _part(ROOT / file, part)
    return _of_text(LEDGER) if ROOT / file == LEDGER else of_file(ROOT / file)


def _package() -> str:
    """The digest of the package's files that shape pages; what new projects begin with does not."""
    files = sorted(path for path in PACKAGE.rglob("*") if MADE.search(path.name) and PROJECT not in path.parents)
    return digest("".join(f"{path.relative_to(PACKAGE).as_posix()} {of_file(path)}\n" for path in files))


def _libraries() -> str:
    """The digest of what is installed beside the package, name by name with its version, whatever the lock says."""
    folders = {sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")}
    found = (DISTRIBUTION.fullmatch(path.name) for folder in folders for path in Path(folder).iterdir())
    return digest("\n".join(sorted(match[1] for match in found if match and not match[1].startswith("shockcheck-"))))


def _listing(folder: Path) -> str:
    """The digest of the names in a folder, but for hidden ones and bytecode, which come and go by themselves."""
    try:
        names = sorted(path.name for path in folder.iterdir())
        return digest("\n".join(name for name in names if not name.startswith((".", "__pycache__"))))
    except OSError:
        return "missing"


def _cells(path: Path) -> str:
    """All of a notebook that it is run and shown by; its outputs are what it gives, not what it takes."""
    try:
        stored = json.loads(read_bytes(path))
        sheets = [stored, *stored.get("worksheets", [])]  # where notebooks of version 3 have their cells
        cells = [_cell(cell) for sheet in sheets for cell in sheet.get("cells", [])]
        metadata = stored.get("metadata", {})
        language = metadata.get("language_info", {}).get("name")
    except (OSError, ValueError, AttributeError, TypeError):
        return of_file(path)
    return digest(json.dumps([cells, metadata.get("kernelspec"), language], sort_keys=True))


def _cell(cell: dict[str, Any]) -> list[Any]:
    source = cell.get("source", cell.get("input"))
    metadata = cell.get("metadata", {})
    return [
        "".join(source) if isinstance(source, list) else source,
        *(cell.get(part) for part in ("cell_type", "attachments", "language", "level")),
        *(metadata.get(part) for part in ("tags", "raw_mimetype", "format")),
    ]


def descriptor() -> dict[str, dict[str, Any]]:
    """How the data package describes each table, by the table's file."""
    try:
        resources = json.loads(read_bytes(DESCRIPTOR))["resources"]
        return {f"data/{entry['path']}": entry for entry in resources if isinstance(entry, dict)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _schema(file: str) -> str:
    return digest(json.dumps({name: value for name, value in descriptor().get(file, {}).items() if name != "hash"}))


def _part(path: Path, part: str) -> str:
    return _entry(path, part) if path == LEDGER else _row(path, part)


def _row(path: Path, part: str) -> str:
    """The digest of the rows of a table whose key is `part`, or begins with it where it ends on a star."""
    rows = [row for key, row in _rows(path) if (key.startswith(part[:-1]) if part.endswith("*") else key == part)]
    return digest(json.dumps(rows, sort_keys=True)) if rows else "missing"


@cache
def _rows(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The rows of a table by the values of its primary key, as `tables.key` has them, wherever its columns stand."""
    schema = descriptor().get(shown(path), {}).get("schema", {})
    try:
        text = read_bytes(path).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (OSError, ValueError, csv.Error):
        return []
    names = schema.get("primaryKey", ["id"])
    names = [names] if isinstance(names, str) else names
    return [
        (":".join(row.get(name) or "" for name in names), {f"{name}": value for name, value in row.items()}) for row in rows
    ]


def _entry(path: Path, part: str) -> str:
    """The digest of one claim of the ledger, or of all but its claims where `part` is `ARTICLE`."""
    return _parts(path).get(part, "missing")


@cache
def _parts(path: Path) -> dict[str, str]:
    """The digests of a ledger's parts, as they are when parsed: however they are written, they are the same.

    They are kept by the digest of the file, so that it is parsed only when it has changed.
    """
    kept, now = FOLDER / "ledger.json", {shown(path): of_file(path)}
    before = load(kept)
    if before is not None and before.inputs == now:
        return before.outputs
    from shockcheck import documents  # slow to import, and needed only where the ledger has changed

    try:
        ledger = documents.parse(path)
    except documents.UnreadableError as error:  # which the build will say
        return {ARTICLE: digest(error.message)}
    claims = ledger.get("claims")
    head = {name: value for name, value in ledger.items() if name != "claims"}
    parts = {ARTICLE: _of_value(head, path)}
    for claim in claims if isinstance(claims, list) else []:
        if isinstance(claim, dict):
            parts[f"{claim.get('id')}"] = _of_value(claim, path)
    with suppress(OSError):
        store(kept, Entry(now, parts))
    return parts


def _of_value(value: Any, path: Path) -> str:
    """The digest of what a document holds, whatever the order of names; where that is beyond JSON, of the whole file."""
    try:
        return digest(json.dumps(value, sort_keys=True, default=str, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):  # keys of several kinds, an entry that holds itself
        return of_file(path)


def tables_are_as_described() -> bool:
    """Whether every table has the SHA-256 that the data package holds."""
    found = descriptor()
    return bool(found) and all(entry.get("hash") == f"sha256:{current(file)}" for file, entry in found.items())
