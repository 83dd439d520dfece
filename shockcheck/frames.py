"""Frames as data: what a page needs to show a table in any language and to offer it as CSV, without a look at the text."""

import csv
import io
import math
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

MIMETYPE = "application/vnd.shockcheck.table+json"
ACTIVE = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


def show() -> None:
    """Let every frame that a notebook displays carry its data, and be shown with its texts in full."""
    from IPython import get_ipython  # which the build, where no frame is displayed, need not wait for

    pd.options.display.max_colwidth = None
    shell = get_ipython()
    if shell:  # there is none where the cells are run as plain Python
        shell.display_formatter.mimebundle_formatter.for_type(pd.DataFrame, lambda frame: {MIMETYPE: as_data(frame)})


def as_data(frame: pd.DataFrame) -> dict[str, Any]:
    """The frame for JSON: `columns`, each with `name` and `kind` (number, day, time, text), and `rows`.

    An index that is more than a count comes first, and `headers` says how many columns it takes. Numbers carry twelve
    digits, the same on every machine; JSON knows no infinite ones, which are 'inf' and '-inf'; what is missing is null.
    """
    counted = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    headers = 0 if counted else frame.index.nlevels
    levels = [frame.index.get_level_values(level) for level in range(headers)]
    names = [name or "" for name in frame.index.names][:headers] + [_name(name) for name in frame.columns]
    values = [list(level) for level in levels] + [frame.iloc[:, place].tolist() for place in range(frame.shape[1])]
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
    """A table as `as_data` gives it, as CSV: a header, then the rows; no text of it is a formula to a spreadsheet."""
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
    return value.removesuffix("T00:00:00") if kind == "day" else _harmless(str(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(ACTIVE) else text
