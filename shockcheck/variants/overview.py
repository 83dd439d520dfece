"""The overview page of a grid or a sweep, which ranks its rows."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from shockcheck import markup
from shockcheck.findings import Finding
from shockcheck.languages.language import get_language
from shockcheck.ledger import Article
from shockcheck.report import pages

TEMPLATES = Path(__file__).resolve().parent / "templates"
MAX_CHART_ROWS = 40  # as many as stay readable


@dataclass(frozen=True)
class RankedRow:
    """A row of the overview: its line in the grid, what stands in its cells, its page, and its findings in short.

    `page` is the way to the page, None where there is none.
    """

    number: int
    cells: dict[str, str]
    page: str | None
    findings: list[dict[str, Any]]

    @property
    def size(self) -> float:
        """How large the first value is, whatever its sign."""
        return abs(self.values[0].recomputed or 0.0) if self.values else 0.0

    @cached_property
    def values(self) -> list[Finding]:
        """The findings with a recomputed value."""
        return [Finding.from_json(finding) for finding in self.findings if finding["recomputed"] is not None]

    @property
    def label(self) -> str:
        """What the row is called in a chart."""
        return ", ".join(value for value in self.cells.values() if value) or f"row {self.number}"

    def as_json(self) -> dict[str, Any]:
        """Return the row as `findings.json` has it."""
        return {"row": self.number, "given": self.cells, "page": self.page, "findings": self.findings}

    def line(self, columns: int) -> dict[str, Any]:
        """Return the row as the page's script has it: so many values beside the parameters, as text and to sort by."""
        language, values = get_language("en"), self.values[:columns]
        return {
            "row": self.number,
            "page": self.page and quote(self.page, safe="/:"),
            "cells": [*self.cells.values(), *(value.in_words(language).recomputed for value in values)],
            "values": [*map(_sort_key, self.cells.values()), *(value.recomputed for value in values)],
        }


def page(
    title: str,
    rows: list[RankedRow],
    failures: dict[str, str],
    article: Article,
    total: int | None = None,
    has_tables: bool = False,
) -> str:
    """Return the overview: its rows in the order given, with every value that was recomputed, and the faulty rows.

    The rows are the first of `total`. The chart shows the first value of each. All rows are in the page as data, of which
    its script shows a part, sorted as asked for; without script the first stand there as they are. `has_tables` is whether
    Parquet tables beside the page hold them all.
    """
    units = _units(rows)
    lines = [row.line(len(units)) for row in rows]
    names = list(rows[0].cells) if rows else []
    script = pages.asset("grid.js", TEMPLATES)
    return pages.render(
        "grid.html",
        TEMPLATES,
        title=title,
        article=article,
        heads=[*names, *units],
        numbers=len(units),
        rows=lines,
        data=markup.script(lines),
        total=len(rows) if total is None else total,
        has_tables=has_tables,
        failures=list(failures.items()),
        chart=_chart(title, rows, units[0]) if units else None,
        script=script,
        policy=pages.policy(script),
        style=pages.asset("style.css"),
        _=get_language("en").text,
        **pages.foot(pages.index_files()),
    )


def _units(rows: list[RankedRow]) -> list[str]:
    """Return the units of each column of values, of which there are as many as every row has."""
    columns = range(min((len(row.values) for row in rows), default=0))
    return [" or ".join(sorted({row.values[column].unit or "" for row in rows})) for column in columns]


def _chart(title: str, rows: list[RankedRow], unit: str) -> Any:
    from shockcheck import charts  # with matplotlib: only where something is drawn

    drawn = rows[:MAX_CHART_ROWS]
    values = pd.Series([row.values[0].recomputed for row in drawn], index=[row.label for row in drawn])
    return charts.ranked(values, f"{title}: first value of each row, largest at the top", unit, digits=2)


def _sort_key(text: str) -> float | str:
    """Return what a column of parameters is sorted by: a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text
