"""The inputs of what is built, by key: files, rows of tables, claims, cells, the package and its libraries.

A page is built again when, and only when, the digest of an input or of an output has changed. This module imports nothing
that is slow to import: a build that has nothing to do is over before pandas would be there. It is imported before nearly all
of the package, so that what it says of the package's files is true of what was imported, or else is seen to have changed
since.
"""

import csv
import io
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from shockcheck.project import records
from shockcheck.project.digests import MISSING, digest, file_digest, text_file_digest
from shockcheck.project.files import read_bytes
from shockcheck.project.paths import PACKAGE, current_project, remembered, shown
from shockcheck.project.records import Record

ARTICLE = "the article"  # the part of a ledger that is no claim; no id has a blank
RATES = "data/sources.csv#ecb-reference-rates"  # a page says where exchange rates come from where the project has this row
# Kinds of inputs besides files, see `reads`.
LISTING, PRESENCE, VARIABLE, UNWATCHED = "names in ", "presence of ", "variable ", "unwatched: "
DISTRIBUTION = re.compile(r"(.+)\.(?:dist-info|egg-info)")
SCAFFOLD = PACKAGE / "authoring" / "project"
PACKAGE_FILE = re.compile(r"\.(py|html|j2|css|js|json|po)$")


def page_record(path: Path, name: str) -> Record | None:
    """Return the record of the page `name` in `path`; None where there is none, or one of another page lies there."""
    record = records.load(path)
    return record if record and cells_key(name) in record.inputs else None


def cells_key(name: str) -> str:
    """Return the key of the cells of the notebook `name`."""
    return f"{CELLS}{shown(current_project().notebooks / name)}.ipynb"


def reason_to_rebuild(record: Record | None) -> str | None:
    """Return in words why what a record stands for must be built again, or None where it need not be."""
    if record is None:
        return "it was not built before, or its record in .cache is damaged"
    for key, was in record.inputs.items():
        if key.startswith(UNWATCHED):
            return key.removeprefix(UNWATCHED)
        if input_digest(key) != was:
            return f"{key} changed"
    for name, was in record.outputs.items():
        if file_digest(current_project().root / name) != was:
            return f"{name} is missing or is not what was built"
    return None


def inputs_stand(inputs: dict[str, str]) -> bool:
    """Return whether these inputs are what they were, as far as that can be known."""
    return not any(key.startswith(UNWATCHED) or input_digest(key) != was for key, was in inputs.items())


def input_digests(keys: Iterable[str]) -> dict[str, str]:
    """Return the digests of these inputs as they are now."""
    return {key: input_digest(key) for key in sorted(set(keys))}


def page_inputs(name: str, read: Iterable[str]) -> set[str]:
    """Return the inputs of a page: its notebook's cells, what the notebook read, the tables' description, what builds it."""
    tables = {key.partition("#")[0] for key in read} & set(described_tables())
    cells = cells_key(name)
    return {cells, *read, *(f"schema of {table}" for table in tables), RATES, *BUILDERS}


def index_inputs(names: Iterable[str]) -> set[str]:
    """Return the inputs of the index: ledger and description of the tables, the notebooks and what builds it."""
    cells = (cells_key(name) for name in names)
    return {shown(current_project().ledger), shown(current_project().descriptor), *cells, *BUILDERS}


def table_inputs() -> set[str]:
    """Return what it depends on that the tables are right: themselves, their description and what looks at them."""
    return {shown(current_project().descriptor), *described_tables(), *BUILDERS}


def project_state(name: str, known: Iterable[str] = ()) -> dict[str, str]:
    """Return the digests, taken now, of what the page `name` could be built from: package, data, notebook, own modules.

    With them are those of the `known` inputs, of which it was built the last time, as far as they are files.
    """
    project = current_project()
    tables = sorted(path for path in project.data.iterdir() if path.is_file()) if project.data.is_dir() else []
    modules = [path for path in own_files() if path.suffix == ".py"]
    known_files = [project.root / key for key in known if not key.startswith((*INPUT_KINDS, *BUILDERS)) and "#" not in key]
    files = [*tables, *modules, *known_files, project.notebooks / f"{name}.ipynb"]
    return {"the package": _package_digest()} | {shown(path): file_digest(path) for path in files}


def own_files() -> list[Path]:
    """Return the project's files in notebooks/ that are no notebooks, such as modules, but for hidden ones and bytecode."""
    paths = []
    for folder, subfolders, files in os.walk(current_project().notebooks):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "__")))
        paths += [Path(folder) / name for name in sorted(files) if not name.startswith(".") and not name.endswith(".ipynb")]
    return paths


def written_since(moment: int, read: Iterable[str]) -> list[str]:
    """Return the files in `read` that were written since a moment in nanoseconds: while a notebook may have read them."""
    late = []
    for key in read:
        if not key.startswith(INPUT_KINDS):
            with suppress(OSError):
                if (current_project().root / key.partition("#")[0]).stat().st_mtime_ns >= moment:
                    late.append(key)
    return late


BUILDERS = ("the package", "the libraries", "Python")
CELLS, SCHEMA = "cells of ", "schema of "
INPUT_KINDS = (LISTING, PRESENCE, VARIABLE, UNWATCHED, CELLS, SCHEMA)


@remembered
def input_digest(key: str) -> str:
    """Return the digest of an input as it is now, once in a process: a file, a row or entry in it, or a thing in words."""
    if key == "Python":
        return f"{sys.version_info[0]}.{sys.version_info[1]}"
    if key == "the package":
        return _package_digest()
    if key == "the libraries":
        return libraries_digest()
    if key.startswith(CELLS):
        return _cells_digest(current_project().root / key.removeprefix(CELLS))
    if key.startswith(SCHEMA):
        return _schema_digest(key.removeprefix(SCHEMA))
    if key.startswith(LISTING):
        return _listing_digest(current_project().root / key.removeprefix(LISTING))
    if key.startswith(PRESENCE):
        return "there" if (current_project().root / key.removeprefix(PRESENCE)).exists() else MISSING
    if key.startswith(VARIABLE):
        value = os.environ.get(key.removeprefix(VARIABLE))
        return MISSING if value is None else digest(value)
    if key.startswith(UNWATCHED):
        return "unknown"
    file, has_key, part = key.partition("#")
    if has_key:
        return _part_digest(current_project().root / file, part)
    return (
        text_file_digest(current_project().ledger)
        if current_project().root / file == current_project().ledger
        else file_digest(current_project().root / file)
    )


def _package_digest() -> str:
    """Return the digest of the package's files that shape pages; what new projects begin with does not."""
    files = sorted(path for path in PACKAGE.rglob("*") if PACKAGE_FILE.search(path.name) and SCAFFOLD not in path.parents)
    return digest("".join(f"{path.relative_to(PACKAGE).as_posix()} {file_digest(path)}\n" for path in files))


def libraries_digest() -> str:
    """Return the digest of what is installed beside the package, name by name with its version, whatever the lock says."""
    folders = {sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")}
    matches = (DISTRIBUTION.fullmatch(path.name) for folder in folders for path in Path(folder).iterdir())
    return digest("\n".join(sorted(match[1] for match in matches if match and not match[1].startswith("shockcheck-"))))


def _listing_digest(folder: Path) -> str:
    """Return the digest of the names in a folder, but for hidden ones and bytecode, which come and go by themselves."""
    try:
        names = sorted(path.name for path in folder.iterdir())
        return digest("\n".join(name for name in names if not name.startswith((".", "__pycache__"))))
    except OSError:
        return MISSING


def _cells_digest(path: Path) -> str:
    """Return all of a notebook that it is run and shown by; its outputs are what it gives, not what it takes."""
    try:
        stored = json.loads(read_bytes(path))
        sheets = [stored, *stored.get("worksheets", [])]  # where notebooks of version 3 have their cells
        cells = [_cell_parts(cell) for sheet in sheets for cell in sheet.get("cells", [])]
        metadata = stored.get("metadata", {})
        language = metadata.get("language_info", {}).get("name")
    except (OSError, ValueError, AttributeError, TypeError):
        return file_digest(path)
    return digest(json.dumps([cells, metadata.get("kernelspec"), language], sort_keys=True))


def _cell_parts(cell: dict[str, Any]) -> list[Any]:
    source = cell.get("source", cell.get("input"))
    metadata = cell.get("metadata", {})
    return [
        "".join(source) if isinstance(source, list) else source,
        *(cell.get(part) for part in ("cell_type", "attachments", "language", "level")),
        *(metadata.get(part) for part in ("tags", "raw_mimetype", "format")),
    ]


def described_tables() -> dict[str, dict[str, Any]]:
    """Return how the data package describes each table, by the table's file."""
    try:
        resources = json.loads(read_bytes(current_project().descriptor))["resources"]
        return {f"data/{entry['path']}": entry for entry in resources if isinstance(entry, dict)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _schema_digest(file: str) -> str:
    return digest(json.dumps({name: value for name, value in described_tables().get(file, {}).items() if name != "hash"}))


def _part_digest(path: Path, part: str) -> str:
    return _claim_digest(path, part) if path == current_project().ledger else rows_digest(path, part)


def rows_digest(path: Path, part: str) -> str:
    """Return the digest of the rows of a table whose key is `part`, or begins with it where it ends on a star."""
    rows = [row for key, row in rows_by_key(path) if (key.startswith(part[:-1]) if part.endswith("*") else key == part)]
    return digest(json.dumps(rows, sort_keys=True)) if rows else MISSING


@remembered
def rows_by_key(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of a table by the values of its primary key, as `tables.key` has them, wherever its columns stand."""
    schema = described_tables().get(shown(path), {}).get("schema", {})
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


def _claim_digest(path: Path, part: str) -> str:
    """Return the digest of one claim of the ledger, or of all but its claims where `part` is `ARTICLE`."""
    return ledger_digests(path).get(part, MISSING)


@remembered
def ledger_digests(path: Path) -> dict[str, str]:
    """Return the digests of a ledger's parts, as they are when parsed: however they are written, they are the same.

    They are kept by the digest of the file, so that it is parsed only when it has changed.
    """
    kept, now = current_project().records / "ledger.json", {shown(path): file_digest(path)}
    before = records.load(kept)
    if before is not None and before.inputs == now:
        return before.outputs
    from shockcheck.formats.yaml_models import UnreadableError  # slow to import, and needed only for a changed ledger
    from shockcheck.project import yaml_files

    try:
        ledger = yaml_files.parse(path)
    except UnreadableError as error:  # which the build will say
        return {ARTICLE: digest(error.message)}
    claims = ledger.get("claims")
    head = {name: value for name, value in ledger.items() if name != "claims"}
    parts = {ARTICLE: _value_digest(head, path)}
    for claim in claims if isinstance(claims, list) else []:
        if isinstance(claim, dict):
            parts[f"{claim.get('id')}"] = _value_digest(claim, path)
    with suppress(OSError):
        records.store(kept, Record(now, parts))
    return parts


def _value_digest(value: Any, path: Path) -> str:
    """Return the digest of a document's content, whatever the order of names; of the whole file if that is beyond JSON."""
    try:
        return digest(json.dumps(value, sort_keys=True, default=str, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):  # keys of several kinds, an entry that holds itself
        return file_digest(path)


def tables_are_as_described() -> bool:
    """Return whether every table has the SHA-256 that the data package holds."""
    tables = described_tables()
    return bool(tables) and all(entry.get("hash") == f"sha256:{input_digest(file)}" for file, entry in tables.items())
