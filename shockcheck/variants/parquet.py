"""Parquet tables written row by row."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb

from shockcheck.project import leftovers


def write_table(path: Path, columns: dict[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as a Parquet table; `columns` are DuckDB's types by name. Few rows are in memory at once."""
    with leftovers.unfinished_folder(path.parent) as folder:
        lines, table = folder / "rows.jsonl", folder / path.name
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        with duckdb.connect() as database:
            read = database.read_json(str(lines), columns=columns, format="newline_delimited")
            read.write_parquet(str(table), compression="zstd")
        table.replace(path)
