"""The rows of a table against its schema: first as they are written, then, by Frictionless, by its rules and keys."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import pandas as pd

from shockcheck import links, sheets
from shockcheck.sheets import Sheet

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # as many digits as 64 bits hold
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
WRITTEN = {
    "number": "a number is written with a point and nothing between thousands, as 1234.5",
    "integer": "a whole number is written with all its digits, and nothing between them, as 1234",
    "date": "a day is written YYYY-MM-DD, as 2001-02-03",
    "datetime": "a time is written in UTC as YYYY-MM-DDTHH:MM:SSZ, as 2001-02-03T14:30:00Z",
}
HEEDED = ("name", "type", "constraints")  # of a column, by Frictionless: what a text looks like is decided here alone
CONSTRAINT = re.compile(r'constraint "(\w+)"')
SAME_AS = re.compile(r"the same as in the row at position (\d+)")
MEND = "mend the row or restore the file from version control"
LIMITS = {
    "minimum": "{} must be at least {}",
    "maximum": "{} must be at most {}",
    "exclusiveMinimum": "{} must be above {}",
    "exclusiveMaximum": "{} must be below {}",
    "pattern": "{!r} is not of the form {}",
    "enum": "{!r} must be one of {}",
}


class Fault(NamedTuple):
    """What is wrong in a table, in which row and column where it is of one."""

    what: str
    row: int | None = None
    column: str | None = None

    def sentence(self, file: str) -> str:
        """The fault with its place in `file`."""
        place = file + (f", row {self.row}" if self.row else "") + (f", column {self.column}" if self.column else "")
        return f"{place}{':' if self.row or self.column else ''} {self.what}"


class RulesError(Exception):
    """A schema holds something that Frictionless cannot use; the message goes on after the descriptor's file name."""


def read(entry: Mapping[str, Any], raw: bytes) -> tuple[Sheet, list[Fault]]:
    """Return the rows of a table as they are written, and what is wrong with their writing, row by row.

    Where nothing is, every cell is of the type that its column has, and `typed` reads it as Frictionless does.
    """
    try:
        sheet = sheets.parse(raw)
    except sheets.SheetError as error:
        return Sheet([], []), [Fault(error.message, error.row)]
    columns = entry["schema"]["fields"]
    fault = _header_fault(sheet, [column["name"] for column in columns])
    if fault:
        return sheet, [fault]
    return sheet, [fault for row in sheet.rows for fault in _row_faults(row, columns)]


def _header_fault(sheet: Sheet, names: list[str]) -> Fault | None:
    header, must = sheet.header, f"the first line must be {','.join(names)}"
    if header == names:
        return None
    if not any(header):
        return Fault(f"{'has nothing in its first line' if header or sheet.rows else 'is empty'}; {must}")
    if header[0] == "" and header[1:] == names:
        what = "a column without a name comes first, as pandas and R number rows; save the table without it"
        return Fault(f"{what} (index=False, row.names=FALSE)", 1)
    for there, name in zip(header, names, strict=False):
        if there != name:
            return Fault(f"the first line has {there!r} in its place; {must}", column=name)
    if len(header) < len(names):
        return Fault(f"the first line lacks it; {must}", column=names[len(header)])
    return Fault(f"{header[len(names)]!r} is one column too many; {must}", 1)


def _row_faults(row: sheets.Row, columns: list[dict[str, Any]]) -> Iterator[Fault]:
    if len(row.cells) < len(columns):
        yield Fault("the row has too few cells; give it one for each column, empty where there is nothing", row.number)
    elif len(row.cells) > len(columns):
        what = "the row has too many cells; put a text with a comma in quotes, and write numbers with a point"
        yield Fault(what, row.number)
    else:
        for cell, column in zip(row.cells, columns, strict=True):
            what = cell and (sheets.cell_fault(cell) or _mistyped(cell, column))
            if what:
                yield Fault(what, row.number, column["name"])


def _mistyped(cell: str, column: Mapping[str, Any]) -> str | None:
    kind = column["type"]
    if kind in WRITTEN and not is_of(kind, cell):
        required = column.get("constraints", {}).get("required")
        empty = "" if required else "; leave the cell empty where there is none"
        return f'Type error in the cell "{cell}": {WRITTEN[kind]}{empty}'
    if kind == "string" and (column.get("format") == "uri" or column["name"] == "url"):
        return links.fault(cell)
    return None


def is_of(kind: str, cell: str) -> bool:
    """Whether the text is written as its type is: as pandas and Frictionless both read it, and to the same value."""
    try:
        match kind:
            case "number":
                return bool(NUMBER.fullmatch(cell)) and math.isfinite(float(cell))
            case "integer":
                return bool(INTEGER.fullmatch(cell))
            case "date":
                return bool(DAY.fullmatch(cell) and date.fromisoformat(cell))
            case _:
                return bool(TIME.fullmatch(cell) and datetime.fromisoformat(cell))
    except ValueError:  # a day or an hour that there is not
        return False


def typed(column: pd.Series, kind: str) -> pd.Series:
    """A column of texts, which `read` found right, in its type: numbers, days, times in UTC; all other types are text."""
    match kind:
        case "number" | "integer":
            return column.map(_exact) if len(column) else pd.to_numeric(column)
        case "date":
            return pd.to_datetime(column, format="%Y-%m-%d")
        case "datetime":
            return pd.to_datetime(column, format="%Y-%m-%dT%H:%M:%SZ", utc=True)
    return column


def _exact(cell: str) -> float:
    """The number nearest to the one that is written; NaN where there is none."""
    return int(cell) if INTEGER.fullmatch(cell) else float(cell or "nan")


def broken_rules(
    entries: list[dict[str, Any]], read_sheets: dict[str, Sheet], only: str | None
) -> Iterator[tuple[str, Fault]]:
    """Yield what Frictionless finds in well-written tables, with the table's file, or in the one of the name `only`.

    It is given the rows that were read, not the files. Raises RulesError for a schema that it does not know.
    """
    from frictionless import Checklist, FrictionlessException, Package, checks  # a second: few commands need it

    described = [
        {
            "name": entry["name"],
            "data": [read_sheets[entry["name"]].header, *(row.cells for row in read_sheets[entry["name"]].rows)],
            "schema": entry["schema"] | {"fields": [_heeded(column) for column in entry["schema"]["fields"]]},
        }
        for entry in entries
    ]
    try:
        tables = Package.from_descriptor({"name": "tables", "resources": described}).resources
        for entry, table in zip(entries, tables, strict=True):
            if only in (None, entry["name"]):
                formulas = entry.get("rowConstraints", {}).values()
                report = table.validate(Checklist(checks=[checks.row_constraint(formula=formula) for formula in formulas]))
                errors = [*report.errors, *(error for task in report.tasks for error in task.errors)]
                rows = [1, *(row.number for row in read_sheets[entry["name"]].rows)]
                for error in sorted(errors, key=lambda error: getattr(error, "row_number", 0)):
                    yield entry["path"], _fault(error, entry, entries, rows)
    except FrictionlessException as error:
        raise RulesError(": " + "; ".join(reason.note for reason in error.reasons or [error.error])) from error
    except (TypeError, ValueError, re.error) as error:  # a limit that is no number, a pattern that is none
        raise RulesError(f", table {entry['name']}: a constraint of its schema cannot be used ({error})") from error


def _heeded(column: dict[str, Any]) -> dict[str, Any]:
    form = column.get("format")
    kept = {"format": form} if column["type"] == "string" and form and form != "uri" else {}
    return {name: value for name, value in column.items() if name in HEEDED} | kept


def _fault(error: Any, entry: dict[str, Any], entries: list[dict[str, Any]], rows: list[int]) -> Fault:
    """Return what Frictionless found, with the row's number in the file; `rows` are those of the rows that it was given."""
    row = getattr(error, "row_number", None)
    same = SAME_AS.search(error.message)
    if same:
        names = ", ".join(entry["schema"]["primaryKey"]) if error.type == "primary-key" else error.field_name
        what = f"has the same {names} as row {rows[int(same[1]) - 1]}; remove one of the two, or correct it"
    else:
        what = _in_plain_words(error, entry, entries)
    return Fault(what, rows[row - 1] if row else None, getattr(error, "field_name", None))


def _in_plain_words(error: Any, entry: dict[str, Any], entries: list[dict[str, Any]]) -> str:
    rules = entry.get("rowConstraints", {})
    broken = [rule for rule, formula in rules.items() if f'"{formula}"' in error.message]
    if broken:
        return f"breaks the rule that {broken[0]}; {MEND}"
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
    return f"{error.message.rstrip('.')}; {MEND}"
