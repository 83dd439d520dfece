"""Grids: CSV tables of parameters, a column a parameter and a row a run."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shockcheck.errors import ParameterError


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
        """The parameters that the row gives; raises ParameterError where the row cannot be read."""
        if self.fault:
            raise ParameterError(self.fault)
        return {name: value for name, value in self.cells.items() if value}


def read(file: Path) -> list[Row]:
    """The rows of the table in `file`; raises ParameterError where it is no CSV table with a row at least."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = list(csv.reader(opened, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(f"{file} cannot be read as a CSV table ({error}); correct the file or its name") from error
    header, *body = lines or [[]]
    names = [name.strip() for name in header]
    if not all(names) or len(set(names)) < len(names) or not body:
        raise ParameterError(f"{file} needs a first line with a parameter's name a column, each once, and rows below it")
    first: dict[tuple[str, ...], int] = {}
    return [_row(number, names, [cell.strip() for cell in line], first) for number, line in enumerate(body, start=2) if line]


def _row(number: int, names: list[str], line: list[str], first: dict[tuple[str, ...], int]) -> Row:
    """The row with its fault, if it has one; `first` are the numbers of the rows above by what stands in them."""
    cells = dict(zip(names, line, strict=False))
    if len(line) != len(names):
        return Row(number, cells, f"it has {len(line)} cells, the first line {len(names)}; correct the row")
    twin = first.setdefault(tuple(line), number)
    return Row(number, cells, f"it repeats row {twin}; remove one" if twin != number else None)


def check_columns(rows: list[Row], known: Iterable[str], given: dict[str, str]) -> None:
    """Raise ParameterError for a column that is no parameter, or one that is given for all rows as well."""
    for name in rows[0].cells if rows else ():
        if name not in known:
            raise ParameterError(f"the grid has a column {name!r}, which is no parameter; there are {', '.join(known)}")
        if name in given:
            raise ParameterError(f"{name} stands in the grid and after -p; keep one")
