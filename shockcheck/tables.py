"""The project's tables: read as the data package describes them, never without a look at their SHA-256.

One reader serves all: the rows that `validation` reads are checked, and the same rows are loaded. What would be refused by
a report is never accepted by `renew_checksums`.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from shockcheck import cache, descriptors, validation
from shockcheck.derivations import Quantity, Row
from shockcheck.errors import DataError
from shockcheck.paths import DATA, note, read_bytes, shown, write
from shockcheck.sheets import Sheet

PACKAGE = DATA / "datapackage.json"
_frames: dict[tuple[str, str], pd.DataFrame] = {}  # what this process has read, by content: notebooks load tables often
UPDATE = DATA / ".prices-update.json"  # what `prices update` is writing, for as long as it does


def package() -> dict[str, Any]:
    """The descriptor of the data package, `data/datapackage.json`, which is not to be changed.

    Raises DataError where it cannot be read or does not describe a table and its columns.
    """
    try:
        return descriptors.read(read_bytes(PACKAGE))
    except OSError as error:
        raise DataError(f"{shown(PACKAGE)} cannot be read ({error.strerror}); restore it from version control") from error
    except descriptors.DescriptorError as error:
        raise DataError(f"{shown(PACKAGE)}{error}") from error


def resource(name: str) -> dict[str, Any]:
    """The descriptor of the table `name`; raises DataError where the data package has none of that name."""
    found = {entry["name"]: entry for entry in package()["resources"]}
    if name not in found:
        raise DataError(f"{shown(PACKAGE)} describes no table {name!r}; it has {', '.join(sorted(found))}")
    return found[name]


def content(entry: dict[str, Any]) -> bytes:
    """The table's bytes as they stand in its file, whatever their checksum."""
    path = DATA / entry["path"]
    try:
        return read_bytes(path)
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read ({error.strerror}); restore it from version control") from error


def digest(raw: bytes) -> str:
    """The checksum as the data package writes it, 'sha256:...'."""
    return f"sha256:{cache.digest(raw)}"


def as_it_stands(name: str) -> str:
    """The checksum of the table `name` as its file is now, whatever the data package says."""
    return digest(content(resource(name)))


def load(name: str, watched: bool = True) -> pd.DataFrame:
    """The table `name`, one row a row of its file; dates and numbers typed by the schema, text never missing.

    That the file was read is noted, unless the caller notes the rows that it uses and says so by `watched`. Raises
    DataError where the file is missing, or is not the one whose SHA-256 the data package holds: then with the first fault
    that its schema finds in it, or with the way to accept the change.
    """
    entry = resource(name)
    raw = _accepted(entry)
    known = digest(raw), json.dumps(entry["schema"])
    if known not in _frames:
        written = _texts(_sheet(entry, raw)).reset_index(drop=True)
        types = {column["name"]: column["type"] for column in entry["schema"]["fields"]}
        _frames[known] = pd.DataFrame({name: validation.typed(written[name], kind) for name, kind in types.items()})
    table = _frames[known].copy()
    table.attrs["table"] = name
    if watched:
        note(f"data/{entry['path']}")
    return table


def as_written(name: str) -> pd.DataFrame:
    """The table `name` with each cell as the text that stands in its file, by the row's number there; errors as `load`."""
    entry = resource(name)
    return _texts(_sheet(entry, _accepted(entry)))


def _accepted(entry: dict[str, Any]) -> bytes:
    """The table's bytes; raises DataError where they are not those whose checksum the data package holds."""
    raw = content(entry)
    if digest(raw) != entry.get("hash"):
        raise DataError(_why_changed(entry))
    return raw


def _sheet(entry: dict[str, Any], raw: bytes) -> Sheet:
    """The rows of a table; raises DataError with the first fault of their writing, whatever the checksum says of them."""
    sheet, faults = validation.read(entry, raw)
    for fault in faults:
        raise DataError(fault.sentence(f"data/{entry['path']}"))
    return sheet


def _texts(sheet: Sheet) -> pd.DataFrame:
    numbers = [row.number for row in sheet.rows]
    return pd.DataFrame([row.cells for row in sheet.rows], columns=sheet.header, index=numbers, dtype=str)


def is_number(text: str) -> bool:
    """Whether a text, as the value of a fact is one, is a number as tables have it."""
    return validation.is_of("number", text)


def cells(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column of figures as quantities, each with its unit and its row, by the index of `frame`.

    `frame` is (part of) a table as `load` gives it, its keys as columns or in its index; what is the same in all rows may
    stand in `frame.attrs` instead: `file`, `unit` and keys by name. Raises DataError for a frame of no table.
    """
    if "table" not in frame.attrs:
        raise DataError(f"the column {column!r} is of no table of data/: take it before rows are joined with others")
    entry = resource(frame.attrs["table"])
    columns = frame.reset_index() if all(frame.index.names) else frame
    given = frame.attrs | {"file": frame.attrs.get("file", f"data/{entry['path']}")}
    rows = [given | row for row in columns.to_dict("records")]
    _complete(entry, column, rows)
    quantities = [
        Quantity(value, row["unit"], Row(row["file"], key(entry, row), column, row["day"], row["source"], row["status"]))
        for value, row in zip(frame[column].astype(float), rows, strict=True)
    ]
    return pd.Series(quantities, index=frame.index, dtype=object)


def key(entry: dict[str, Any], row: Mapping[str, Any]) -> str:
    """The key of a row as trace addresses have it: the values of its primary key, as they stand in the file."""
    return ":".join(_written(row[name], _field(entry, name)["type"]) for name in entry["schema"]["primaryKey"])


def _complete(entry: dict[str, Any], column: str, rows: list[dict[str, Any]]) -> None:
    """Add to every row its `unit`, the `day` it is of and its `status`, where need be by listings and sources."""
    unit = _field(entry, column).get("unit")
    if unit == "currency of the listing" and any("currency" not in row for row in rows):
        currencies = load("listings").set_index("symbol")["currency"]
        rows[:] = [{"currency": currencies[row["symbol"]]} | row for row in rows]
    dated = [name for name in (*entry["schema"]["primaryKey"], "as_of") if rows and name in rows[0] and _is_day(entry, name)]
    published = {} if dated else load("sources", watched=False).set_index("id")["published"]
    for row in rows:
        if not dated:
            note(f"data/{resource('sources')['path']}#{row['source']}")
        row["day"] = _written(row[dated[0]] if dated else published.get(row["source"], pd.NaT), "date")
        row["unit"] = row["currency"] if unit == "currency of the listing" else unit or row.get("unit", "")
        row.setdefault("status", "confirmed")


def _field(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return next(field for field in entry["schema"]["fields"] if field["name"] == name)


def _is_day(entry: dict[str, Any], name: str) -> bool:
    return _field(entry, name)["type"] in ("date", "datetime")


def _written(value: Any, kind: str) -> str:
    """A cell as its file has it."""
    if kind not in ("date", "datetime"):
        return str(value)
    return "" if pd.isna(value) else f"{value:{'%Y-%m-%d' if kind == 'date' else '%Y-%m-%dT%H:%M:%SZ'}}"


def _why_changed(entry: dict[str, Any]) -> str:
    """Why the table is not taken as it is: its first fault, or that nobody has accepted it."""
    if UPDATE.exists():
        return f"{shown(DATA / entry['path'])}: `prices update` was cut short; run it again, and it goes on from there"
    found = faults(only=entry["name"])
    if found:
        return found[0]
    lacks = "has not the SHA-256" if entry.get("hash") else "has no SHA-256 yet"
    return (
        f"{shown(DATA / entry['path'])} {lacks} in {shown(PACKAGE)}: somebody changed it; "
        "restore it, or accept the change with `make checksums`"
    )


def check() -> None:
    """Raise DataError with the first fault of any table: a checksum, then its schema, keys, ranges and row rules.

    Tables that were found right are not looked at again until one of them, or what looks at them, has changed.
    """
    for entry in package()["resources"]:
        _accepted(entry)
    known, now = cache.FOLDER / "tables.json", cache.inputs(cache.of_tables())
    before = cache.load(known)
    if before is None or before.inputs != now:
        for fault in faults():
            raise DataError(fault)
        cache.store(known, cache.Entry(now, {}))


def faults(only: str | None = None) -> list[str]:
    """Every fault of the tables, or of the one of the name `only`: a sentence each with file, row and column.

    Checksums are not looked at. Faults of how a table is written come alone: rules and keys are of tables that can be read.
    """
    entries = package()["resources"]
    return _faults({entry["name"]: content(entry) for entry in entries}, only)


def _faults(raw: Mapping[str, bytes], only: str | None = None) -> list[str]:
    """The faults of tables with this content, by name."""
    entries = package()["resources"]
    sheets, found = {}, []
    for entry in sorted(entries, key=lambda entry: entry["name"] != only):
        sheets[entry["name"]], miswritten = validation.read(entry, raw[entry["name"]])
        found += [fault.sentence(f"data/{entry['path']}") for fault in miswritten]
    if found:
        return found
    try:
        return [fault.sentence(f"data/{path}") for path, fault in validation.broken_rules(entries, sheets, only)]
    except validation.RulesError as error:
        raise DataError(f"{shown(PACKAGE)}{error}; correct it or restore it from version control") from error


def undescribed() -> list[str]:
    """The CSV files in `data/` that the data package does not describe, which nothing checks."""
    described = {entry["path"] for entry in package()["resources"]}
    return sorted(path.name for path in DATA.glob("*.csv") if path.name not in described)


def renew_checksums() -> list[tuple[str, str, str]]:
    """Write the SHA-256 of every table as it is now; returns (file, old, new) of those that changed.

    Raises DataError, and writes nothing, where a table has a fault, and BuildError where the descriptor cannot be written.
    """
    descriptor, changes = copy.deepcopy(package()), []
    raw = {entry["name"]: content(entry) for entry in descriptor["resources"]}
    for fault in _faults(raw):
        raise DataError(fault)
    for entry in descriptor["resources"]:
        new = digest(raw[entry["name"]])  # of what was looked at, whatever is saved meanwhile
        if new != entry.get("hash"):
            changes.append((entry["path"], entry.get("hash") or "none", new))
            entry["hash"] = new
    if changes:
        write(PACKAGE, json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n")
    return changes
