"""The project's tables: read as the data package describes them, never without a look at their SHA-256."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from shockcheck import cache
from shockcheck.derivations import Quantity, Row
from shockcheck.errors import DataError
from shockcheck.paths import DATA, note, shown, write_whole

PACKAGE = DATA / "datapackage.json"
UPDATE = DATA / ".prices-update.json"  # what `prices update` is writing, for as long as it does


def package() -> dict[str, Any]:
    """The descriptor of the data package, `data/datapackage.json`; raises DataError where it cannot be read."""
    try:
        return json.loads(PACKAGE.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(PACKAGE)} cannot be read ({error}); restore it from version control") from error


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
        return path.read_bytes()
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
    raw = content(entry)
    if digest(raw) != entry["hash"]:
        raise DataError(_why_changed(entry))
    table = pd.read_csv(io.BytesIO(raw), dtype=str, keep_default_na=False)
    for field in entry["schema"]["fields"]:
        table[field["name"]] = _typed(table[field["name"]], field["type"])
    table.attrs["table"] = name
    if watched:
        note(f"data/{entry['path']}")
    return table


def _typed(column: pd.Series, kind: str) -> pd.Series:
    match kind:
        case "number" | "integer":
            return pd.to_numeric(column)
        case "date":
            return pd.to_datetime(column, format="%Y-%m-%d")
        case "datetime":
            return pd.to_datetime(column, format="%Y-%m-%dT%H:%M:%SZ", utc=True)
    return column


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
        for value, row in zip(pd.to_numeric(frame[column]), rows, strict=True)
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
    if UPDATE.exists():
        return f"{shown(DATA / entry['path'])}: `prices update` was cut short; run it again, and it goes on from there"
    found = faults(only=entry["name"])
    if found:
        return found[0]
    return (
        f"{shown(DATA / entry['path'])} has not the SHA-256 in {shown(PACKAGE)}: somebody changed it; "
        "restore it, or accept the change with `make checksums`"
    )


def check() -> None:
    """Raise DataError with the first fault of any table: a checksum, then its schema, keys, ranges and row rules.

    Tables that were found right are not looked at again until one of them, or what looks at them, has changed.
    """
    for entry in package()["resources"]:
        if digest(content(entry)) != entry["hash"]:
            raise DataError(_why_changed(entry))
    known, now = cache.FOLDER / "tables.json", cache.inputs(cache.of_tables())
    before = cache.load(known)
    if before is None or before.inputs != now:
        for fault in faults():
            raise DataError(fault)
        cache.store(known, cache.Entry(now, {}))


def faults(only: str | None = None) -> list[str]:
    """Every fault that Frictionless finds, a sentence each with file, row and field; checksums are not looked at."""
    from frictionless import Checklist, Package, checks  # takes a second to import, and few commands need it

    descriptor = package()
    for entry in descriptor["resources"]:
        entry.pop("hash", None)
        content(entry)
    tables = Package.from_descriptor(descriptor, basepath=str(DATA))
    found = []
    for table in tables.resources:
        if only in (None, table.name):
            rules = table.custom.get("rowConstraints", {})
            checklist = Checklist(checks=[checks.row_constraint(formula=formula) for formula in rules.values()])
            for task in table.validate(checklist).tasks:
                errors = sorted(task.errors, key=_row_and_cause)
                found += [_sentence(DATA / table.path, error, rules) for error in errors]
    return found


def _row_and_cause(error: Any) -> tuple[int, bool]:
    """Row by row; in a row of the wrong length that comes first, since all else follows from it."""
    return getattr(error, "row_number", None) or 0, error.type not in ("missing-cell", "extra-cell")


def _sentence(path: Path, error: Any, rules: dict[str, str]) -> str:
    row = getattr(error, "row_number", None)
    field = getattr(error, "field_name", None)
    place = shown(path) + (f", row {row}" if row else "") + (f", column {field}" if field else "")
    return f"{place}: {_what(error, rules)}"


def _what(error: Any, rules: dict[str, str]) -> str:
    """What is wrong and what to do; of the faults that a row typed by hand has most often in plain words."""
    broken = [rule for rule, formula in rules.items() if f'"{formula}"' in error.message]
    if broken:
        return f"breaks the rule that {broken[0]}; mend the row or restore the file from version control"
    if error.type == "missing-cell":
        return "the row has too few cells; give it one for each column, empty where there is nothing"
    if error.type == "extra-cell":
        return "the row has too many cells; put a text with a comma in quotes, and write numbers with a point"
    if error.type == "foreign-key":
        value, table = ", ".join(error.field_cells), resource(error.reference_name)["path"]
        return f"{', '.join(error.field_names)} {value!r} is not in data/{table}; add it there or correct the row"
    if error.type == "constraint-error" and error.note.startswith('constraint "required"'):
        return "the cell is empty; fill it in"
    return f"{error.message.rstrip('.')}; mend the row or restore the file from version control"


def renew_checksums() -> list[tuple[str, str, str]]:
    """Write the SHA-256 of every table as it is now; returns (file, old, new) of those that changed.

    Raises DataError, and writes nothing, where a table has a fault.
    """
    for fault in faults():
        raise DataError(fault)
    descriptor, changes = package(), []
    for entry in descriptor["resources"]:
        new = digest(content(entry))
        if new != entry["hash"]:
            changes.append((entry["path"], entry["hash"], new))
            entry["hash"] = new
    if changes:
        write_whole(PACKAGE, json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n")
    return changes
