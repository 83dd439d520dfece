"""The project's tables: read as the data package describes them, never without checking their SHA-256.

The rows that `validation` reads are checked, and the same rows are loaded. `renew_checksums` never accepts what a report
would refuse.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from shockcheck.data.schema import descriptors, validation
from shockcheck.errors import DataError
from shockcheck.formats.csv_files import Sheet
from shockcheck.project import digests, inputs, records
from shockcheck.project.context import note
from shockcheck.project.files import read_bytes, write
from shockcheck.project.paths import current_project, shown
from shockcheck.quantities import Cell, Quantity

__all__ = ["cells", "load"]

_frames: dict[
    tuple[str, str], pd.DataFrame
] = {}  # tables that this process has read, by content: notebooks load tables often


def package() -> dict[str, Any]:
    """Return the descriptor of the data package, `data/datapackage.json`, which must not be changed.

    Raises DataError where it cannot be read or does not describe a table and its columns.
    """
    try:
        return descriptors.read(read_bytes(current_project().descriptor))
    except OSError as error:
        raise DataError(
            f"{shown(current_project().descriptor)} cannot be read ({error.strerror}); restore it from version control"
        ) from error
    except descriptors.DescriptorError as error:
        raise DataError(f"{shown(current_project().descriptor)}{error}") from error


def resource(name: str) -> dict[str, Any]:
    """Return the descriptor of the table `name`; raises DataError where the data package has none of that name."""
    entries: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in package()["resources"]}
    if name not in entries:
        raise DataError(
            f"{shown(current_project().descriptor)} describes no table {name!r}; it has {', '.join(sorted(entries))}"
        )
    return entries[name]


def content(entry: dict[str, Any]) -> bytes:
    """Return the bytes of a table's file, whatever their checksum; raises DataError where it cannot be read."""
    path = current_project().data / entry["path"]
    try:
        return read_bytes(path)
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read ({error.strerror}); restore it from version control") from error


def checksum(raw: bytes) -> str:
    """Return the checksum as the data package writes it, 'sha256:...'."""
    return f"sha256:{digests.digest(raw)}"


def checksum_now(name: str) -> str:
    """Return the checksum of the table `name` as its file is now, whatever the data package says."""
    return checksum(content(resource(name)))


def load(name: str, watched: bool = True) -> pd.DataFrame:
    """Return the table `name`, a row per row of its file; dates and numbers are typed by the schema, text is never missing.

    The build is told that the file was read, unless `watched` is false: then the caller notes the rows that it uses. Raises
    DataError where the file is missing or its SHA-256 is not the recorded one, with the first fault that the schema finds,
    or with the way to accept the change.
    """
    entry = resource(name)
    raw = _accepted(entry)
    version = checksum(raw), json.dumps(entry["schema"])
    if version not in _frames:
        written = _texts(_sheet(entry, raw)).reset_index(drop=True)
        types = {column["name"]: column["type"] for column in entry["schema"]["fields"]}
        _frames[version] = pd.DataFrame({name: validation.typed(written[name], kind) for name, kind in types.items()})
    table = _frames[version].copy()
    table.attrs["table"] = name
    if watched:
        note(f"data/{entry['path']}")
    return table


def as_written(name: str) -> pd.DataFrame:
    """Return the table `name` with each cell as the text in its file, indexed by line; raises errors as `load`."""
    entry = resource(name)
    return _texts(_sheet(entry, _accepted(entry)))


def _accepted(entry: dict[str, Any]) -> bytes:
    """Return the table's bytes; raises DataError where their checksum is not the recorded one."""
    raw = content(entry)
    if checksum(raw) != entry.get("hash"):
        raise DataError(_why_changed(entry))
    return raw


def _sheet(entry: dict[str, Any], raw: bytes) -> Sheet:
    """Return the rows of a table; raises DataError with the first fault in how they are written, whatever their checksum."""
    sheet, faults = validation.read(entry, raw)
    for fault in faults:
        raise DataError(fault.sentence(f"data/{entry['path']}"))
    return sheet


def _texts(sheet: Sheet) -> pd.DataFrame:
    numbers = [row.number for row in sheet.rows]
    return pd.DataFrame([row.cells for row in sheet.rows], columns=sheet.header, index=numbers, dtype=str)


def is_number(text: str) -> bool:
    """Return whether a text, such as the value of a fact, is a number as tables write it."""
    return validation.is_of("number", text)


def cells(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column of figures as quantities, each with its unit and its row, by the index of `frame`.

    `frame` is (part of) a table from `load`, with its keys as columns or in its index; what all rows have in common may be
    in `frame.attrs` instead: `file`, `unit` and keys by name. Raises DataError for a frame that comes from no table.
    """
    if "table" not in frame.attrs:
        raise DataError(f"the column {column!r} is of no table of data/: take it before rows are joined with others")
    entry = resource(frame.attrs["table"])
    common = {"file": f"data/{entry['path']}", **{str(name): value for name, value in frame.attrs.items()}}
    rows = [common | {str(name): value for name, value in row.items()} for row in frame.reset_index().to_dict("records")]
    _complete(entry, column, rows)
    quantities = [
        Quantity(value, row["unit"], Cell(row["file"], key(entry, row), column, row["day"], row["source"], row["status"]))
        for value, row in zip(frame[column].astype(float), rows, strict=True)
    ]
    return pd.Series(quantities, index=frame.index, dtype=object)


def key(entry: dict[str, Any], row: Mapping[str, Any]) -> str:
    """Return the key of a row as in trace addresses: the values of its primary key, as written in the file."""
    return ":".join(_written(row[name], _field(entry, name)["type"]) for name in entry["schema"]["primaryKey"])


def _complete(entry: dict[str, Any], column: str, rows: list[dict[str, Any]]) -> None:
    """Add to every row its `unit`, its `day` and its `status`, from listings and sources where the row lacks them."""
    unit = _field(entry, column).get("unit")
    if unit == "currency of the listing" and any("currency" not in row for row in rows):
        currencies = load("listings").set_index("symbol")["currency"]
        rows[:] = [{"currency": currencies[row["symbol"]]} | row for row in rows]
    dated = [name for name in (*entry["schema"]["primaryKey"], "as_of") if rows and name in rows[0] and _is_day(entry, name)]
    published = {} if dated else load("sources", watched=False).set_index("id")["published"].to_dict()
    for row in rows:
        if not dated:
            note(f"data/{resource('sources')['path']}#{row['source']}")
        row["day"] = _written(row[dated[0]] if dated else published.get(row["source"]), "date")
        row["unit"] = row["currency"] if unit == "currency of the listing" else unit or row.get("unit", "")
        row.setdefault("status", "confirmed")


def _field(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return next(field for field in entry["schema"]["fields"] if field["name"] == name)


def _is_day(entry: dict[str, Any], name: str) -> bool:
    return _field(entry, name)["type"] in ("date", "datetime")


def _written(value: Any, kind: str) -> str:
    """Return a cell as its file has it."""
    if kind not in ("date", "datetime"):
        return str(value)
    return "" if pd.isna(value) else f"{value:{'%Y-%m-%d' if kind == 'date' else '%Y-%m-%dT%H:%M:%SZ'}}"


def _why_changed(entry: dict[str, Any]) -> str:
    """Return why a table with another checksum is refused: its first fault, or that nobody has accepted the change."""
    file = shown(current_project().data / entry["path"])
    if current_project().prices_update.exists():
        return f"{file}: `prices update` was cut short; run it again, and it goes on from there"
    for fault in faults(only=entry["name"]):
        return fault
    lacks = "has not the SHA-256" if entry.get("hash") else "has no SHA-256 yet"
    return (
        f"{file} {lacks} in {shown(current_project().descriptor)}: somebody changed it; "
        "restore it, or accept the change with `make checksums`"
    )


def check() -> None:
    """Raise DataError with the first fault of any table: a checksum, then its schema, keys, ranges and row rules.

    Tables without faults are not checked again until one of them, or the code that checks them, has changed.
    """
    for entry in package()["resources"]:
        _accepted(entry)
    path, now = current_project().records / "tables.json", inputs.input_digests(inputs.table_inputs())
    before = records.load(path)
    if before is None or before.inputs != now:
        for fault in faults():
            raise DataError(fault)
        records.store(path, records.Record(now, {}))


def faults(only: str | None = None) -> list[str]:
    """Return every fault of the tables, or of the table `only`, as sentences with file, row and column.

    Checksums are ignored. Rules and keys are checked only once all tables are well written.
    """
    entries = package()["resources"]
    return _faults({entry["name"]: content(entry) for entry in entries}, only)


def _faults(raw: Mapping[str, bytes], only: str | None = None) -> list[str]:
    """Return the faults of tables with this content, by name."""
    entries = package()["resources"]
    sheets: dict[str, Sheet] = {}
    sentences: list[str] = []
    for entry in sorted(entries, key=lambda entry: entry["name"] != only):
        sheets[entry["name"]], miswritten = validation.read(entry, raw[entry["name"]])
        sentences += [fault.sentence(f"data/{entry['path']}") for fault in miswritten]
    if sentences:
        return sentences
    try:
        return [fault.sentence(f"data/{path}") for path, fault in validation.broken_rules(entries, sheets, only)]
    except validation.RulesError as error:
        raise DataError(
            f"{shown(current_project().descriptor)}{error}; correct it or restore it from version control"
        ) from error


def undescribed() -> list[str]:
    """Return the CSV files in `data/` that the data package does not describe, and that nothing checks."""
    described = {entry["path"] for entry in package()["resources"]}
    return sorted(path.name for path in current_project().data.glob("*.csv") if path.name not in described)


def renew_checksums() -> list[tuple[str, str, str]]:
    """Record the SHA-256 of every table as it is now, and return (file, old, new) for each that changed.

    Raises DataError, and writes nothing, where a table has a fault, and BuildError where the descriptor cannot be written.
    """
    descriptor = copy.deepcopy(package())
    changes: list[tuple[str, str, str]] = []
    raw = {entry["name"]: content(entry) for entry in descriptor["resources"]}
    for fault in _faults(raw):
        raise DataError(fault)
    for entry in descriptor["resources"]:
        new = checksum(raw[entry["name"]])  # of the bytes that were checked, whatever is saved meanwhile
        if new != entry.get("hash"):
            changes.append((entry["path"], entry.get("hash") or "none", new))
            entry["hash"] = new
    if changes:
        write(current_project().descriptor, json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n")
    return changes
