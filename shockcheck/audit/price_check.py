"""The embedded prices against the vendor's prices for the same days now."""

import csv
import io
import json
import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, cast

import pandas as pd

from shockcheck.audit import clean_copy
from shockcheck.data import tables
from shockcheck.data.market import live
from shockcheck.data.market.bars import number_at
from shockcheck.errors import BuildError, DataError, SourceError
from shockcheck.notebooks.execution import stored_findings
from shockcheck.project import digests, scratch
from shockcheck.project.files import write_whole
from shockcheck.project.paths import current_project, shown

PRICE_COLUMNS = {"prices": ["open", "high", "low", "close"], "closes": ["close"]}

Question = tuple[str, str]  # a table and a share


class Difference(NamedTuple):
    """A figure that differs at the vendor; `line` is that of its file, `embedded` and `vendor` are as written."""

    file: str
    line: int
    symbol: str
    date: str
    column: str
    embedded: str
    vendor: str


@dataclass
class Comparison:
    """The figures that differ at the vendor, one per row, and notes on faults and on questions without an answer.

    `differences` has the columns file, line, symbol, date, column, embedded and vendor; prices are in the share's
    currency and in shares of the last embedded day of their table. `rows` is the number of rows compared.
    """

    differences: pd.DataFrame
    rows: int
    notes: list[str] = field(default_factory=list)


def compare(track: Callable[[list[Question]], Iterable[Question]] = iter) -> Comparison:
    """Return the comparison of every embedded price with the vendor's; `track` wraps the list of questions, for progress.

    Figures differ if they differ within the seven digits that the vendor's numbers carry, however many are embedded.
    Raises DataError for a table with a fault, and where an update was cut short.
    """
    if current_project().prices_update.exists():
        raise DataError(
            f"{shown(current_project().prices_update)}: an update was cut short; run `prices update`, which goes on with it"
        )
    asked = [(name, symbol) for name in PRICE_COLUMNS for symbol in tables.load(name)["symbol"].unique()]
    differences: list[Difference] = []
    notes: list[str] = []
    rows = 0
    for name, symbol in track(asked):
        table = tables.as_written(name)
        embedded = table[table["symbol"] == symbol]
        rows += len(embedded)
        try:
            vendors, faults = _vendors_bars(symbol, embedded["date"])
        except SourceError as error:
            notes.append(f"{error}.")
            continue
        notes += [f"{symbol}: the vendor's bar for {when:%Y-%m-%d} is faulty: {fault}." for when, fault in faults.items()]
        differences += _differences(name, embedded, vendors.drop(index=list(faults), errors="ignore"))
    return Comparison(pd.DataFrame(differences, columns=Difference._fields), rows, list(dict.fromkeys(notes)))


def _vendors_bars(symbol: str, days: pd.Series) -> tuple[pd.DataFrame, dict[pd.Timestamp, str]]:
    """Return the vendor's bars of those days, corrected as documented, and the faults of those that are faulty."""
    first, last = (pd.Timestamp(day).date() for day in (days.min(), days.max()))
    market = live.judged(symbol, first, last, basis=last)
    asked = set(days)
    return market.bars, {day: fault.why for day, fault in market.faults.bars.items() if f"{day:%Y-%m-%d}" in asked}


def _differences(name: str, embedded: pd.DataFrame, vendors: pd.DataFrame) -> list[Difference]:
    """Return the differences of a table with the vendor's bars; `embedded` has the cells as text, by line."""
    differences = []
    for line, row in zip(embedded.index.astype(int), embedded.astype(str).to_dict("records"), strict=True):
        day = pd.Timestamp(row["date"])
        for column in PRICE_COLUMNS[name] if day in vendors.index else []:
            text, value = row[column], number_at(vendors, day, column)
            if text and not math.isnan(value) and not is_same_price(float(text), value):
                written = price_text(value, decimals=len(text.partition(".")[2]))
                differences.append(Difference(f"{name}.csv", line, row["symbol"], row["date"], column, text, written))
    return differences


def is_same_price(embedded: float, value: float) -> bool:
    """Return whether the two are one price: the vendor's numbers carry seven digits, and half of the last one is noise.

    How many digits are embedded does not matter: 40 and 40.4 are two prices, 40.50 and 40.5 are one.
    """
    return math.isclose(embedded, value, rel_tol=5e-7)


def price_text(value: float, decimals: int) -> str:
    """Return the vendor's price in its seven digits, with at least `decimals` places: 118.5 beside 118.42 is 118.50."""
    exact = Decimal(f"{value:.7g}")
    return f"{exact:.{max(decimals, -cast('int', exact.normalize().as_tuple().exponent))}f}"


def flips(differences: pd.DataFrame) -> tuple[list[tuple[str, str, str]], str]:
    """Return which verdicts would change with the vendor's figures, as (claim, from, to), and the errors of building so.

    A copy of the project is built in a folder of its own; the project itself stays as it is.
    """
    before = {claim_id: finding.verdict for claim_id, (finding, _) in stored_findings().items() if finding.verdict}
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        root = Path(folder)
        clean_copy.copy_to(root)
        for name, text in _changed(differences).items():
            (root / current_project().data.name / name).write_bytes(text)
        failed = "\n".join(clean_copy.run(root, "checksums") or clean_copy.run(root, "report"))
        path = root / "reports" / "findings.json"
        entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        after = {entry["id"]: entry["verdict"] for entry in entries}
    return [(claim, word, after[claim]) for claim, word in before.items() if after.get(claim, word) != word], failed


def _changed(differences: pd.DataFrame) -> dict[str, bytes]:
    """Return the files with the vendor's figures where they differ; the source of such a row becomes the vendor."""
    by_file: dict[str, list[Difference]] = {}
    for values in differences.itertuples(index=False, name=None):
        difference = Difference(*values)
        by_file.setdefault(difference.file, []).append(difference)
    files = {}
    for file, changes in sorted(by_file.items()):
        raw = (current_project().data / file).read_bytes()
        header, *lines = csv.reader(io.StringIO(raw.decode("utf-8"), newline=""))
        for change in changes:
            lines[change.line - 2][header.index(change.column)] = change.vendor
            lines[change.line - 2][header.index("source")] = live.VENDOR
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows([header, *lines])
        files[file] = text.getvalue().encode("utf-8")
    return files


def update(differences: pd.DataFrame) -> None:
    """Write the vendor's figures into the tables, with their checksums: all or nothing.

    Raises DataError where the figures break the schema, and BuildError where a file cannot be written; then no file is
    changed.
    """
    write_all(_with_checksums(_changed(differences)))


def write_all(new: dict[str, str]) -> None:
    """Write several files of `data/` by their names: all of them or none.

    The texts are written to a journal first, so that `finish` can complete an update that was cut short. Raises BuildError
    where a file cannot be written; then no file is changed.
    """
    entries = {
        name: {"before": digests.file_digest(current_project().data / name), "text": text} for name, text in new.items()
    }
    before = {current_project().data / name: (current_project().data / name).read_bytes() for name in new}
    try:
        write_whole(current_project().prices_update, json.dumps(entries, ensure_ascii=False))
        finish()
    except BaseException as error:
        for path, raw in before.items():
            if path.read_bytes() != raw:
                write_whole(path, raw.decode("utf-8"))
        current_project().prices_update.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BuildError(f"data/ cannot be written ({error.strerror}); free the space or the permission") from error
        raise


def _with_checksums(changed: dict[str, bytes]) -> dict[str, str]:
    """Return the changed files and the descriptor with their checksums, after checking them in a copy."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clean_copy.copy_to(root)
        for name, raw in changed.items():
            (root / current_project().data.name / name).write_bytes(raw)
        for fault in clean_copy.run(root, "checksums"):
            raise DataError(fault.removeprefix("error:").strip())
        return {
            name: (root / current_project().data.name / name).read_text(encoding="utf-8")
            for name in (*changed, current_project().descriptor.name)
        }


def finish() -> bool:
    """Complete an update that is in the journal, and return whether there was one.

    Raises DataError where a file is neither as it was before nor as it is to be: somebody has changed it since.
    """
    if not current_project().prices_update.exists():
        return False
    entries = json.loads(current_project().prices_update.read_text(encoding="utf-8"))
    for name, entry in entries.items():
        if digests.file_digest(current_project().data / name) not in (entry["before"], digests.digest(entry["text"])):
            raise DataError(
                f"{shown(current_project().data / name)} was changed since an update was cut short; remove "
                f"{shown(current_project().prices_update)} to leave the tables as they are, or restore the file and run "
                "`prices update` again"
            )
    for name, entry in entries.items():
        write_whole(current_project().data / name, entry["text"])
    current_project().prices_update.unlink()
    return True
