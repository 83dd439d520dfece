"""CSV files as people save them: one strict reader for tables and grids, so that what is checked is what is read.

A file is text in UTF-8, its cells are separated by commas, and a quotation mark in a quoted cell is doubled. Lines may end
in any way, and rows with nothing in them, which spreadsheets leave behind, are passed over.
"""

import csv
import io
import re
from typing import NamedTuple

from shockcheck.formats import text_files

DECLARED = re.compile(r'"?sep=', re.IGNORECASE)  # a first line by which Excel is told the separator
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
EDGE = re.compile("^[\\s\u200b\u2060]|[\\s\u200b\u2060]\\Z")


class Row(NamedTuple):
    """The cells of a row and its number as spreadsheets count: the header is row 1."""

    number: int
    cells: list[str]


class Sheet(NamedTuple):
    """A CSV file: the cells of its first line, none of an empty file, and its rows that hold something."""

    header: list[str]
    rows: list[Row]


class SheetError(Exception):
    """A file cannot be read as CSV: what is wrong with it and, where that is known, in which row."""

    def __init__(self, message: str, row: int | None = None) -> None:
        """Keep the message, which goes on after the file's name, and the row's number."""
        super().__init__(message)
        self.message, self.row = message, row


def parse(raw: bytes) -> Sheet:
    """Return the sheet that a CSV file holds; raises SheetError, with the row, where its cells cannot be told apart."""
    try:
        text = text_files.decode(raw)
    except text_files.TextError as error:
        raise SheetError(error.message, error.line) from error
    if DECLARED.match(text):
        raise SheetError("names a separator for a spreadsheet; remove this line and separate the cells by commas", 1)
    header, *records = _records(text) or [[]]
    other = [name for sign, name in SEPARATORS.items() if len(header) == 1 and sign in header[0]]
    if other:
        raise SheetError(f"separates its cells by {other[0]}; separate them by commas, and write numbers with a point", 1)
    rows = [Row(number, cells) for number, cells in enumerate(records, start=2) if any(map(str.strip, cells))]
    return Sheet(header, rows)


def _records(text: str) -> list[list[str]]:
    records: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), strict=True):
            records.append(cells)
    except csv.Error as error:
        raise SheetError(_misquoted(str(error)), len(records) + 1) from error
    return records


def _misquoted(problem: str) -> str:
    """Return in plain words what Python's reader finds wrong with a row."""
    if "unexpected end" in problem:
        return "opens a quotation mark that is never closed; close it, or double it where it is meant as a sign"
    if "field larger" in problem:
        return "has a cell of more than 131,072 signs; close the quotation mark with which it begins"
    return "has a quotation mark inside a quoted cell; double it"


def cell_fault(cell: str) -> str | None:
    """Return what is wrong with the cell itself and what to do, or None: no line break, tab or blank at an end is meant."""
    if "\n" in cell or "\r" in cell:
        return "the cell has a line break; write it in one line, or close the quotation mark where the cell ends"
    if EDGE.search(cell):
        return f"the cell {cell!r} has a blank at its beginning or end; remove it"
    return "the cell has a tab; put a blank in its place" if "\t" in cell else None
