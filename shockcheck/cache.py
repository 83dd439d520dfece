"""What a page was built from and what came out of it, so that it is built again when, and only when, that has changed.

Everything is told by its content, nothing by a time. An entry is a small JSON file in `.cache/report/`; what came out
are the files in `reports/` themselves. This module imports nothing that is slow to import: a build that has nothing to do is
over before pandas would be there.
"""

import csv
import hashlib
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from shockcheck.paths import DATA, LEDGER, NOTEBOOKS, PACKAGE, ROOT, shown, write_whole

FOLDER = ROOT / ".cache" / "report"
DESCRIPTOR = DATA / "datapackage.json"
NAME = re.compile(r"[A-Za-z0-9._-]+")  # of a package, at the beginning of a requirement
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
        return digest(path.read_bytes())
    except OSError:
        return "missing"


def _of_text(path: Path) -> str:
    """Return the digest of a text file, the same for Windows' line ends: as version control stores it."""
    try:
        return digest(path.read_bytes().replace(b"\r\n", b"\n"))
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
        if current(key) != was:
            return f"{key} changed"
    for name, was in entry.outputs.items():
        if of_file(ROOT / name) != was:
            return f"{name} is missing or is not what was built"
    return None


def inputs(keys: Iterable[str]) -> dict[str, str]:
    """The digests of these inputs as they are now."""
    return {key: current(key) for key in sorted(set(keys))}


def of_page(name: str, read: Iterable[str]) -> set[str]:
    """The inputs of a page: its notebook's cells, what the notebook read, how tables are described, and what builds it."""
    tables = {key.partition("#")[0] for key in read} & set(descriptor())
    cells = f"cells of {shown(NOTEBOOKS / name)}.ipynb"
    return {cells, *read, *(f"schema of {table}" for table in tables), *BUILDERS}


def of_index(names: Iterable[str]) -> set[str]:
    """The inputs of the index: ledger and description of the tables, the notebooks and what builds it."""
    cells = (f"cells of {shown(NOTEBOOKS / name)}.ipynb" for name in names)
    return {shown(LEDGER), shown(DESCRIPTOR), *cells, *BUILDERS}


def of_tables() -> set[str]:
    """What it depends on that the tables are right: themselves, their description and what looks at them."""
    return {shown(DESCRIPTOR), *descriptor(), *BUILDERS}


def state(name: str) -> dict[str, str]:
    """The digests, taken anew, of all that the page `name` could be built from."""
    files = [path for path in sorted(DATA.iterdir()) if path.is_file()] if DATA.is_dir() else []
    return {shown(path): of_file(path) for path in (*files, NOTEBOOKS / f"{name}.ipynb")}


BUILDERS = ("the package", "the libraries", "Python")


@cache
def current(key: str) -> str:
    """The digest of an input as it is now, once in a process: a file, a row or entry of it, or a thing named in words."""
    if key == "Python":
        return f"{sys.version_info[0]}.{sys.version_info[1]}"
    if key == "the package":
        return _package()
    if key == "the libraries":
        return _libraries()
    if key.startswith("cells of "):
        return _cells(ROOT / key.removeprefix("cells of "))
    if key.startswith("schema of "):
        return _schema(key.removeprefix("schema of "))
    file, has_key, part = key.partition("#")
    if has_key:
        return _part(ROOT / file, part)
    return _of_text(LEDGER) if ROOT / file == LEDGER else of_file(ROOT / file)


def _package() -> str:
    files = sorted(path for path in PACKAGE.rglob("*") if MADE.search(path.name))
    return digest("".join(f"{path.relative_to(PACKAGE).as_posix()} {of_file(path)}\n" for path in files))


def _libraries() -> str:
    """The digest of the project's lock; of a project without one, of the versions of what the package needs."""
    lock = ROOT / "requirements.lock"
    if lock.exists():
        return of_file(lock)
    needed = (one for one in metadata.requires("shockcheck") or [] if "extra ==" not in one)
    names = (NAME.match(one)[0] for one in needed)
    return digest("".join(f"{name} {metadata.version(name)}\n" for name in sorted(names)))


def _cells(path: Path) -> str:
    """Kinds, sources and tags of a notebook's cells; its outputs are what it gives, not what it takes."""
    try:
        cells = json.loads(path.read_bytes())["cells"]
    except (OSError, ValueError, KeyError):
        return "missing"
    return digest(json.dumps([[cell["cell_type"], cell["source"], cell["metadata"].get("tags", [])] for cell in cells]))


def descriptor() -> dict[str, dict[str, Any]]:
    """How the data package describes each table, by the table's file."""
    try:
        resources = json.loads(DESCRIPTOR.read_bytes())["resources"]
        return {f"data/{entry['path']}": entry for entry in resources}
    except (OSError, ValueError, KeyError):
        return {}


def _schema(file: str) -> str:
    return digest(json.dumps({name: value for name, value in descriptor().get(file, {}).items() if name != "hash"}))


def _part(path: Path, part: str) -> str:
    return _entry(path, part) if path == LEDGER else _row(path, part)


def _row(path: Path, part: str) -> str:
    """The digest of the rows of a table whose first cell is `part`, or begins with it where it ends on a star."""
    rows = [row for row in _rows(path) if row and (row[0].startswith(part[:-1]) if part.endswith("*") else row[0] == part)]
    return digest(json.dumps(rows)) if rows else "missing"


@cache
def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))
    except OSError:
        return []


def _entry(path: Path, part: str) -> str:
    """The digest of one claim's lines in the ledger, or of those before the first claim."""
    head, *claims = _claims(path)
    if part == "article":
        return digest(head)
    return next((digest(text) for text in claims if text.split(maxsplit=3)[2] == part), "missing")


@cache
def _claims(path: Path) -> list[str]:
    try:
        return re.split(r"(?m)^(?=  - id: )", path.read_text(encoding="utf-8"))
    except OSError:
        return [""]


def tables_are_as_described() -> bool:
    """Whether every table has the SHA-256 that the data package holds."""
    found = descriptor()
    return bool(found) and all(entry["hash"] == f"sha256:{current(file)}" for file, entry in found.items())
