"""The embedded prices against what the vendor gives for the same days now."""

import csv
import io
import json
import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pandas as pd

from shockcheck import cache, copies, live, notebooks, prices, scratch, tables
from shockcheck.errors import BuildError, DataError, SourceError
from shockcheck.findings import shown_in
from shockcheck.paths import DATA, shown, write_whole

JOURNAL = tables.UPDATE
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

    A figure differs where the vendor's is another in the seven digits that it carries, however many are embedded. Raises
    DataError for a table at fault, and where an update was cut short.
    """
    if JOURNAL.exists():
        raise DataError(f"{shown(JOURNAL)}: an update was cut short; run `prices update`, which goes on with it")
    asked = [(name, symbol) for name in TABLES for symbol in tables.load(name)["symbol"].unique()]
    found, notes, rows = [], [], 0
    for name, symbol in track(asked):
        table = tables.as_written(name)
        own = table[table["symbol"] == symbol]
        rows += len(own)
        try:
            given, faults = _vendors(symbol, own["date"])
        except SourceError as error:
            notes.append(f"{error}.")
            continue
        notes += [f"{symbol}: the vendor's bar for {when:%Y-%m-%d} is faulty: {fault}." for when, fault in faults.items()]
        found += _differences(name, own, given.drop(index=list(faults), errors="ignore"))
    columns = ["file", "line", "symbol", "date", "column", "embedded", "vendor"]
    return Comparison(pd.DataFrame(found, columns=columns), rows, list(dict.fromkeys(notes)))


def _vendors(symbol: str, days: pd.Series) -> tuple[pd.DataFrame, dict[pd.Timestamp, str]]:
    """The vendor's bars of those days, corrected as documented, and which of them are faulty."""
    first, last = (pd.Timestamp(day).date() for day in (days.min(), days.max()))
    found = live.judged(symbol, first, last, basis=last)
    wanted = set(days)
    return found.bars, {day: fault.why for day, fault in found.faults.bars.items() if f"{day:%Y-%m-%d}" in wanted}


def _differences(name: str, own: pd.DataFrame, given: pd.DataFrame) -> list[tuple]:
    found = []
    for line, row in own.iterrows():
        if row["date"] not in given.index:
            continue
        for column in TABLES[name]:
            value = given.at[pd.Timestamp(row["date"]), column]
            if row[column] and not math.isnan(value) and not _agrees(float(row[column]), value):
                written = _written(value, decimals=len(row[column].partition(".")[2]))
                found.append((f"{name}.csv", line, row["symbol"], row["date"], column, row[column], written))
    return found


def _agrees(embedded: float, value: float) -> bool:
    """Whether the two are one price: the vendor's numbers carry seven digits, so that half of the last one is noise.

    How many digits are embedded does not matter: 40 and 40.4 are two prices, 40.50 and 40.5 one.
    """
    return math.isclose(embedded, value, rel_tol=5e-7)


def _written(value: float, decimals: int) -> str:
    """The vendor's price in its seven digits, with at least so many decimal places: 118.5 beside 118.42 is 118.50."""
    exact = Decimal(f"{value:.7g}")
    return f"{exact:.{max(decimals, -exact.normalize().as_tuple().exponent)}f}"


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
    """Write the vendor's figures into the tables, with their checksums: all of it or nothing.

    Raises DataError where the figures break the schema, and BuildError where a file cannot be written; then all files are as
    they were.
    """
    write_all(_with_checksums(_changed(differences)))


def write_all(new: dict[str, str]) -> None:
    """Write several files of `data/` by their names: all of them or none.

    What is to be written stands in a journal first, so that what was cut short can be gone on with by `finish`. Raises
    BuildError where a file cannot be written; then all are as they were.
    """
    entries = {name: {"before": cache.of_file(DATA / name), "text": text} for name, text in new.items()}
    before = {DATA / name: (DATA / name).read_bytes() for name in new}
    try:
        write_whole(JOURNAL, json.dumps(entries, ensure_ascii=False))
        finish()
    except BaseException as error:
        for path, raw in before.items():
            if path.read_bytes() != raw:
                write_whole(path, raw.decode("utf-8"))
        JOURNAL.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BuildError(f"data/ cannot be written ({error.strerror}); free the space or the permission") from error
        raise


def _with_checksums(changed: dict[str, bytes]) -> dict[str, str]:
    """The changed files and the description of the tables with their checksums, by a copy that is looked at first."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copies.copy_to(root)
        for name, raw in changed.items():
            (root / DATA.name / name).write_bytes(raw)
        for fault in copies.run(root, "checksums"):
            raise DataError(fault.removeprefix("error:").strip())
        return {name: (root / DATA.name / name).read_text(encoding="utf-8") for name in (*changed, tables.PACKAGE.name)}


def finish() -> bool:
    """Go on with an update that is in the journal; returns whether there was one.

    Raises DataError where a file is neither as it was before nor as it is to be: somebody has changed it since.
    """
    if not JOURNAL.exists():
        return False
    entries = json.loads(JOURNAL.read_text(encoding="utf-8"))
    for name, entry in entries.items():
        if cache.of_file(DATA / name) not in (entry["before"], cache.digest(entry["text"])):
            raise DataError(
                f"{shown(DATA / name)} was changed since an update was cut short; remove {shown(JOURNAL)} to leave the "
                "tables as they are, or restore the file and run `prices update` again"
            )
    for name, entry in entries.items():
        write_whole(DATA / name, entry["text"])
    JOURNAL.unlink()
    return True
