"""Grids: CSV tables of parameters, a column a parameter and a row a run.

An empty cell stands for the parameter's default. A row with nothing in it, a blank line or one of bare commas as
spreadsheets leave them behind, is passed over: nobody has asked for that run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shockcheck.errors import ParameterError
from shockcheck.formats import csv_files
from shockcheck.project.files import read_bytes


@dataclass(frozen=True)
class Row:
    """One row, by its line in the file; an empty cell stands for the parameter's default."""

    number: int
    cells: dict[str, str]
    fault: str | None = None

    @property
    def name(self) -> str:
        """What the row is called where it is at fault: its line and what stands in it."""
        return f"row {self.number} ({', '.join(value for value in self.cells.values() if value)})"

    def parameters(self) -> dict[str, str]:
        """Return the parameters that the row gives; raises ParameterError where the row cannot be read."""
        if self.fault:
            raise ParameterError(self.fault)
        return {name: value for name, value in self.cells.items() if value}


def read(file: Path) -> list[Row]:
    """Return the rows in `file` that are not blank; raises ParameterError where it is no table with such a row."""
    try:
        sheet = csv_files.parse(read_bytes(file))
    except OSError as error:
        raise ParameterError(f"{file} cannot be read ({error.strerror}); correct the file or its name") from error
    except csv_files.SheetError as error:
        row = f", row {error.row}," if error.row else ""
        raise ParameterError(f"{file}{row} cannot be read as a CSV table: it {error.message}") from error
    names = [name.strip() for name in sheet.header]
    if not all(names) or len(set(names)) < len(names) or not (names and sheet.rows):
        raise ParameterError(f"{file} needs a first line with a parameter's name a column, each once, and rows below it")
    first: dict[tuple[str, ...], int] = {}
    return [_row(row.number, names, [cell.strip() for cell in row.cells], first) for row in sheet.rows]


def _row(number: int, names: list[str], line: list[str], first: dict[tuple[str, ...], int]) -> Row:
    """Return the row with its fault, if it has one; `first` are the numbers of the rows above by what stands in them."""
    cells = dict(zip(names, line, strict=False))
    if len(line) != len(names):
        return Row(number, cells, f"it has {len(line)} cells, the first line {len(names)}; correct the row")
    fault = next(filter(None, map(csv_files.cell_fault, line)), None)
    if fault:
        return Row(number, cells, fault)
    twin = first.setdefault(tuple(line), number)
    return Row(number, cells, f"it repeats row {twin}; remove one" if twin != number else None)


def check_columns(rows: list[Row], known: Iterable[str], chosen: dict[str, str]) -> None:
    """Raise ParameterError for a column that is no parameter, or that is `chosen` for all rows as well."""
    for name in rows[0].cells if rows else ():
        if name not in known:
            raise ParameterError(f"the grid has a column {name!r}, which is no parameter; there are {', '.join(known)}")
        if name in chosen:
            raise ParameterError(f"{name} stands in the grid and after -p; keep one")
