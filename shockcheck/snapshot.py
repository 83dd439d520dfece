"""The embedded prices against what the vendor gives for the same days now."""

import csv
import io
import json
import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from shockcheck import bars as vendor
from shockcheck import copies, notebooks, prices, scratch, tables, yahoo
from shockcheck.errors import BuildError, SourceError
from shockcheck.exchanges import Listing, calendar
from shockcheck.findings import shown_in
from shockcheck.paths import DATA, write_whole

TABLES = {"prices": ["open", "high", "low", "close"], "closes": ["close"]}


@dataclass
class Comparison:
    """What the vendor gives differently, a row a figure, and what it could not be asked for or gives with a fault.

    `differences` has the columns file, line, symbol, date, column, embedded and vendor; prices are in the share's
    currency and in shares of the last embedded day of their table.
    """

    differences: pd.DataFrame
    rows: int
    notes: list[str] = field(default_factory=list)


def compare(track: Callable[[list], Iterable] = iter) -> Comparison:
    """Every embedded price against the vendor's. `track` wraps the list of what is asked for, to show progress.

    A figure differs where the vendor's is another to the digits that are embedded, and to the seven that it carries.
    Raises DataError for a table at fault.
    """
    listings = tables.load("listings").set_index("symbol", drop=False)
    asked = [(name, symbol) for name in TABLES for symbol in tables.load(name)["symbol"].unique()]
    found, notes, rows = [], [], 0
    for name, symbol in track(asked):
        table = _text(name)
        own = table[table["symbol"] == symbol]
        rows += len(own)
        try:
            given, faults = _vendors(Listing(**listings.loc[symbol, list(Listing._fields)]), own["date"])
        except SourceError as error:
            notes.append(f"{error}.")
            continue
        notes += [f"{symbol}: the vendor's bar for {when:%Y-%m-%d} is faulty: {fault}." for when, fault in faults.items()]
        found += _differences(name, own, given.drop(index=list(faults), errors="ignore"))
    columns = ["file", "line", "symbol", "date", "column", "embedded", "vendor"]
    return Comparison(pd.DataFrame(found, columns=columns), rows, list(dict.fromkeys(notes)))


def _text(name: str) -> pd.DataFrame:
    """The table as it stands in its file, every cell a text; its index is the line."""
    tables.load(name)
    raw = tables.content(tables.resource(name))
    table = pd.read_csv(io.BytesIO(raw), dtype=str, keep_default_na=False)
    return table.set_index(pd.RangeIndex(2, len(table) + 2))


def _vendors(share: Listing, days: pd.Series) -> tuple[pd.DataFrame, dict[pd.Timestamp, str]]:
    """The vendor's bars of those days, corrected as documented, and which of them are faulty."""
    first, last = (pd.Timestamp(day).date() for day in (days.min(), days.max()))
    given = yahoo.daily(share.symbol, first, last, basis=last).assign(source=prices.VENDOR)
    bars = vendor.corrected(share.symbol, given)
    sessions = calendar(share.exchange).sessions_in_range(str(first), str(last))
    wanted = set(days)
    return bars, {when: fault for when, fault in vendor.faults(bars, sessions).items() if f"{when:%Y-%m-%d}" in wanted}


def _differences(name: str, own: pd.DataFrame, given: pd.DataFrame) -> list[tuple]:
    found = []
    for line, row in own.iterrows():
        if row["date"] not in given.index:
            continue
        for column in TABLES[name]:
            value = given.at[pd.Timestamp(row["date"]), column]
            if row[column] and not math.isnan(value) and not _agrees(row[column], value):
                found.append((f"{name}.csv", line, row["symbol"], row["date"], column, row[column], _written(value)))
    return found


def _agrees(embedded: str, value: float) -> bool:
    """Whether the two are one price: the vendor's numbers carry seven digits, the embedded ones those that are written."""
    digits = len(embedded.partition(".")[2])
    return math.isclose(float(embedded), value, rel_tol=5e-7, abs_tol=0.5 * 10**-digits + 1e-9)


def _written(value: float) -> str:
    return f"{value:.7g}"


def flips(differences: pd.DataFrame) -> tuple[list[tuple[str, str, str]], str]:
    """Which verdicts would change with the vendor's figures, as (claim, from, to), and what could not be built with them.

    A copy of the project in a folder of its own is built with them; nothing of the project is changed.
    """
    before = {one["id"]: one["verdict"] for notebook in notebooks.discover() for one in shown_in(notebook.node)}
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        root = Path(folder)
        copies.copy_to(root)
        for name, text in _changed(differences).items():
            (root / DATA.name / name).write_bytes(text)
        failed = "\n".join(copies.run(root, "checksums") or copies.run(root, "report"))
        path = root / "reports" / "findings.json"
        after = {one["id"]: one["verdict"] for one in json.loads(path.read_text(encoding="utf-8"))} if path.exists() else {}
    return [(claim, word, after[claim]) for claim, word in before.items() if after.get(claim, word) != word], failed


def _changed(differences: pd.DataFrame) -> dict[str, bytes]:
    """The files with the vendor's figures in place of those that differ; the source of such a row is the vendor."""
    files = {}
    for file, rows in differences.groupby("file"):
        raw = (DATA / file).read_bytes()
        header, *lines = csv.reader(io.StringIO(raw.decode("utf-8"), newline=""))
        for entry in rows.itertuples():
            lines[entry.line - 2][header.index(entry.column)] = entry.vendor
            lines[entry.line - 2][header.index("source")] = prices.VENDOR
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows([header, *lines])
        files[file] = text.getvalue().encode("utf-8")
    return files


def update(differences: pd.DataFrame) -> None:
    """Write the vendor's figures into the tables and renew their checksums; on any fault all files are as they were.

    Raises DataError where the figures break the schema, and BuildError where a file cannot be written.
    """
    changed = _changed(differences)
    before = {DATA / name: (DATA / name).read_bytes() for name in changed} | {tables.PACKAGE: tables.PACKAGE.read_bytes()}
    try:
        for name, text in changed.items():
            write_whole(DATA / name, text.decode("utf-8"))
        tables.renew_checksums()
    except BaseException as error:
        for path, raw in before.items():
            path.write_bytes(raw)
        if isinstance(error, OSError):
            raise BuildError(f"data/ cannot be written ({error.strerror}); free the space or the permission") from error
        raise
