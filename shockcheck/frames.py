"""Frames as data: what a page needs to show a table in any language and to offer it as CSV."""

import csv
import io
import math
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["register"]

MIMETYPE = "application/vnd.shockcheck.table+json"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


def register() -> None:
    """Let every frame that a notebook displays carry its data, and be shown with its texts in full."""
    from IPython import get_ipython  # the build, which displays no frame, need not wait for it

    pd.options.display.max_colwidth = None
    shell = get_ipython()
    if shell:  # there is none where the cells run as plain Python
        shell.display_formatter.mimebundle_formatter.for_type(pd.DataFrame, lambda frame: {MIMETYPE: as_data(frame)})


def as_data(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the frame for JSON: `columns`, each with `name` and `kind` (number, day, time, text), and `rows`.

    An index that is more than a count comes first, and `headers` is the number of its columns. Numbers carry twelve digits,
    the same on every machine; infinite numbers, which JSON lacks, are 'inf' and '-inf'; missing values are null.
    """
    is_count = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    headers = 0 if is_count else frame.index.nlevels
    levels = [frame.index.get_level_values(level) for level in range(headers)]
    names = [name or "" for name in frame.index.names][:headers] + [_name(name) for name in frame.columns]
    values = [list(level) for level in levels] + [frame.iloc[:, number].tolist() for number in range(frame.shape[1])]
    cells = [[_cell(value) for value in column] for column in values]
    columns = [{"name": name, "kind": _kind(column)} for name, column in zip(names, values, strict=True)]
    return {"columns": columns, "headers": headers, "rows": [list(row) for row in zip(*cells, strict=True)]}


def _name(name: Any) -> str:
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _kind(column: list[Any]) -> str:
    known = [value for value in column if not _missing(value)]
    if known and all(_is_number(value) for value in known):
        return "number"
    if known and all(isinstance(value, date) for value in known):
        whole = all(not isinstance(value, datetime) or (value.hour, value.minute) == (0, 0) for value in known)
        return "day" if whole else "time"
    return "text"


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _cell(value: Any) -> str | float | int | None:
    if _missing(value):
        return None
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return int(value)
    if _is_number(value):
        return float(f"{float(value):.12g}") if math.isfinite(value) else str(float(value))
    if isinstance(value, date):
        return value.isoformat()
    return str(value).encode(errors="replace").decode()  # half a surrogate pair could be written to no file


def as_csv(table: dict[str, Any]) -> str:
    """Return a table from `as_data` as CSV: a header, then the rows; a spreadsheet takes no text of it for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_harmless(column["name"]) for column in table["columns"]])
    writer.writerows(
        [
            [_plain(value, column["kind"]) for value, column in zip(row, table["columns"], strict=True)]
            for row in table["rows"]
        ]
    )
    return text.getvalue()


def _plain(value: str | float | int | None, kind: str) -> str:
    if value is None:
        return ""
    if kind == "number":
        return value if isinstance(value, str) else f"{value:.12g}"
    return str(value).removesuffix("T00:00:00") if kind == "day" else _harmless(str(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
