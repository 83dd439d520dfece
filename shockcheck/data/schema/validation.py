"""The rows of a table against its schema: first how they are written, then, with Frictionless, its rules and keys."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import pandas as pd

from shockcheck.formats import csv_files, links
from shockcheck.formats.csv_files import Sheet

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # as many digits as 64 bits hold
LARGEST_WHOLE = 2**53  # up to which floats, and so columns with empty cells and JavaScript, hold every whole number
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
HOW_TO_WRITE = {
    "number": "a number is written with a point and nothing between thousands, as 1234.5",
    "integer": "a whole number is written with all its digits, and nothing between them, as 1234",
    "date": "a day is written YYYY-MM-DD, as 2001-02-03",
    "datetime": "a time is written in UTC as YYYY-MM-DDTHH:MM:SSZ, as 2001-02-03T14:30:00Z",
}
FRICTIONLESS_PROPERTIES = ("name", "type", "constraints")  # of a column; how a cell is written is decided here alone
CONSTRAINT = re.compile(r'constraint "(\w+)"')
SAME_AS_ROW = re.compile(r"the same as in the row at position (\d+)")
REMEDY = "mend the row or restore the file from version control"
LIMITS = {
    "minimum": "{} must be at least {}",
    "maximum": "{} must be at most {}",
    "exclusiveMinimum": "{} must be above {}",
    "exclusiveMaximum": "{} must be below {}",
    "pattern": "{!r} is not of the form {}",
    "enum": "{!r} must be one of {}",
}


class Fault(NamedTuple):
    """What is wrong in a table, with the row and column if it is in one."""

    problem: str
    row: int | None = None
    column: str | None = None

    def sentence(self, file: str) -> str:
        """Return the fault with its place in `file`."""
        location = file + (f", row {self.row}" if self.row else "") + (f", column {self.column}" if self.column else "")
        return f"{location}{':' if self.row or self.column else ''} {self.problem}"


class RulesError(Exception):
    """A schema holds something that Frictionless cannot use; the message follows the descriptor's file name."""


def read(entry: Mapping[str, Any], raw: bytes) -> tuple[Sheet, list[Fault]]:
    """Return the rows of a table as written, and the faults in how they are written, row by row.

    Where there are no faults, every cell has its column's type, and `typed` reads it as Frictionless does.
    """
    try:
        sheet = csv_files.parse(raw)
    except csv_files.SheetError as error:
        return Sheet([], []), [Fault(error.message, error.row)]
    columns = entry["schema"]["fields"]
    fault = _header_fault(sheet, [column["name"] for column in columns])
    if fault:
        return sheet, [fault]
    return sheet, [fault for row in sheet.rows for fault in _row_faults(row, columns)]


def _header_fault(sheet: Sheet, names: list[str]) -> Fault | None:
    header, rule = sheet.header, f"the first line must be {','.join(names)}"
    if header == names:
        return None
    if not any(header):
        return Fault(f"{'has nothing in its first line' if header or sheet.rows else 'is empty'}; {rule}")
    if header[0] == "" and header[1:] == names:
        problem = "a column without a name comes first, as pandas and R number rows; save the table without it"
        return Fault(f"{problem} (index=False, row.names=FALSE)", 1)
    for written, name in zip(header, names, strict=False):
        if written != name:
            return Fault(f"the first line has {written!r} in its place; {rule}", column=name)
    if len(header) < len(names):
        return Fault(f"the first line lacks it; {rule}", column=names[len(header)])
    return Fault(f"{header[len(names)]!r} is one column too many; {rule}", 1)


def _row_faults(row: csv_files.Row, columns: list[dict[str, Any]]) -> Iterator[Fault]:
    if len(row.cells) < len(columns):
        yield Fault("the row has too few cells; give it one for each column, empty where there is nothing", row.number)
    elif len(row.cells) > len(columns):
        problem = "the row has too many cells; put a text with a comma in quotes, and write numbers with a point"
        yield Fault(problem, row.number)
    else:
        for cell, column in zip(row.cells, columns, strict=True):
            fault = (csv_files.cell_fault(cell) or _mistyped(cell, column)) if cell else None
            if fault:
                yield Fault(fault, row.number, column["name"])


def _mistyped(cell: str, column: Mapping[str, Any]) -> str | None:
    kind = column["type"]
    if kind == "integer" and INTEGER.fullmatch(cell) and not is_of(kind, cell):
        return f"the cell {cell} is beyond {LARGEST_WHOLE}, above which not every whole number is kept; give a larger unit"
    if kind in HOW_TO_WRITE and not is_of(kind, cell):
        required = column.get("constraints", {}).get("required")
        empty = "" if required else "; leave the cell empty where there is none"
        return f'Type error in the cell "{cell}": {HOW_TO_WRITE[kind]}{empty}'
    if kind == "string" and (column.get("format") == "uri" or column["name"] == "url"):
        return links.fault(cell)
    return None


def is_of(kind: str, cell: str) -> bool:
    """Return whether the text is written as its type requires, so that pandas and Frictionless read the same value."""
    try:
        match kind:
            case "number":
                return bool(NUMBER.fullmatch(cell)) and math.isfinite(float(cell))
            case "integer":
                return bool(INTEGER.fullmatch(cell)) and abs(int(cell)) <= LARGEST_WHOLE
            case "date":
                return bool(DAY.fullmatch(cell) and date.fromisoformat(cell))
            case _:
                return bool(TIME.fullmatch(cell) and datetime.fromisoformat(cell))
    except ValueError:  # a day or an hour that does not exist
        return False


def typed(column: pd.Series, kind: str) -> pd.Series:
    """Return a column of texts without faults as its type: numbers, days, times in UTC; all other types stay text."""
    match kind:
        case "number" | "integer":
            return column.map(_exact) if len(column) else pd.to_numeric(column)
        case "date":
            return pd.to_datetime(column, format="%Y-%m-%d")
        case "datetime":
            return pd.to_datetime(column, format="%Y-%m-%dT%H:%M:%SZ", utc=True)
    return column


def _exact(cell: str) -> float:
    """Return the number nearest to the written one; NaN for an empty cell."""
    return int(cell) if INTEGER.fullmatch(cell) else float(cell or "nan")


def broken_rules(
    entries: list[dict[str, Any]], read_sheets: dict[str, Sheet], only: str | None
) -> Iterator[tuple[str, Fault]]:
    """Yield the file and the fault for all that Frictionless finds in well-written tables, or in the table `only`.

    Frictionless gets the rows that were read, not the files. Raises RulesError for a schema that it cannot use.
    """
    from frictionless import Checklist, FrictionlessException, Package, checks  # takes a second: few commands need it

    described = [
        {
            "name": entry["name"],
            "data": [read_sheets[entry["name"]].header, *(row.cells for row in read_sheets[entry["name"]].rows)],
            "schema": entry["schema"] | {"fields": [_for_frictionless(column) for column in entry["schema"]["fields"]]},
        }
        for entry in entries
    ]
    try:
        tables = Package.from_descriptor({"name": "tables", "resources": described}).resources
        for entry, table in zip(entries, tables, strict=True):
            if only in (None, entry["name"]):
                formulas = entry.get("rowConstraints", {}).values()
                constraint = checks.row_constraint  # type: ignore[attr-defined]  # re-exported, which its types leave out
                report = table.validate(Checklist(checks=[constraint(formula=formula) for formula in formulas]))
                errors = [*report.errors, *(error for task in report.tasks for error in task.errors)]
                rows = [1, *(row.number for row in read_sheets[entry["name"]].rows)]
                for error in sorted(errors, key=lambda error: getattr(error, "row_number", 0)):
                    yield entry["path"], _fault(error, entry, entries, rows)
    except FrictionlessException as error:
        raise RulesError(": " + "; ".join(reason.note for reason in error.reasons or [error.error])) from error
    except (TypeError, ValueError, re.error) as error:  # a limit that is not a number, a pattern that is not one
        raise RulesError(f", table {entry['name']}: a constraint of its schema cannot be used ({error})") from error


def _for_frictionless(column: dict[str, Any]) -> dict[str, Any]:
    form = column.get("format")
    kept = {"format": form} if column["type"] == "string" and form and form != "uri" else {}
    return {name: value for name, value in column.items() if name in FRICTIONLESS_PROPERTIES} | kept


def _fault(error: Any, entry: dict[str, Any], entries: list[dict[str, Any]], rows: list[int]) -> Fault:
    """Return an error of Frictionless as a fault; `rows` are the numbers in the file of the rows that it was given."""
    row = getattr(error, "row_number", None)
    same = SAME_AS_ROW.search(error.message)
    if same:
        names = ", ".join(entry["schema"]["primaryKey"]) if error.type == "primary-key" else error.field_name
        problem = f"has the same {names} as row {rows[int(same[1]) - 1]}; remove one of the two, or correct it"
    else:
        problem = _in_plain_words(error, entry, entries)
    return Fault(problem, rows[row - 1] if row else None, getattr(error, "field_name", None))


def _in_plain_words(error: Any, entry: dict[str, Any], entries: list[dict[str, Any]]) -> str:
    rules = entry.get("rowConstraints", {})
    broken = [rule for rule, formula in rules.items() if f'"{formula}"' in error.message]
    if broken:
        return f"breaks the rule that {broken[0]}; {REMEDY}"
    if error.type == "foreign-key":
        value, names = ", ".join(error.field_cells), ", ".join(error.field_names)
        path = next((other["path"] for other in entries if other["name"] == error.reference_name), entry["path"])
        return f"{names} {value!r} is not in data/{path}; add it there or correct the row"
    constraint = CONSTRAINT.search(error.note)
    if error.type == "constraint-error" and constraint:
        if constraint[1] == "required":
            return "the cell is empty; fill it in"
        if constraint[1] in LIMITS:
            column = next(column for column in entry["schema"]["fields"] if column["name"] == error.field_name)
            limit = column["constraints"][constraint[1]]
            title = f" ({column['title']})" if column.get("title") else ""
            shown = ", ".join(map(str, limit)) if isinstance(limit, list) else limit
            return LIMITS[constraint[1]].format(error.cell, shown) + title
    return f"{error.message.rstrip('.')}; {REMEDY}"
