"""The report: every notebook run, a page each, the index, `findings.json`; and what is generated from findings."""

import hashlib
import json
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from shockcheck import cache, cells, facts, grid, ledger, markup, notebooks, pages, tables, warm
from shockcheck.errors import BuildError, ShockcheckError
from shockcheck.findings import SIGNS, Finding, in_short, shown_in
from shockcheck.languages import Language, get, quoted
from shockcheck.notebooks import Notebook
from shockcheck.paths import REPORTS, ROOT, reports_in, shown, unwritable, write

README = ROOT / "README.md"
NOTICES = 100  # lines that a notebook printed, in the terminal
TABLE = re.compile(r"(?<=<!-- verdicts -->\n).*?(?=<!-- end of verdicts -->)", re.DOTALL)


def check(language: Language) -> None:
    """Raise ShockcheckError for the first fault of tables or folder, before anything is written."""
    tables.check()
    prepare(reports_in(language.code))


def write_page(name: str, node: nbformat.NotebookNode, language: Language) -> cache.Entry:
    """Write the page of an executed notebook into the article's report; returns what it was built from and what was found.

    Raises BuildError, and leaves the page as it was, where that cannot be done.
    """
    notebook, book, folder = notebooks.named(name), ledger.load(), reports_in(language.code)
    executed, page = folder / f"{name}.ipynb", folder / f"{name}.html"
    findings = notebooks.complete_findings(notebook, node)
    read = [*node.metadata["shockcheck"]["read"], *(f"{facts.SOURCES}#{source['id']}" for source in pages.cited(node, book))]
    node.metadata["shockcheck"]["read"] = sorted(set(read))
    title = cells.title(node) or notebook.title  # as it was when the notebook ran
    built = pages.page(node, book, title, notebook.parameters, "index.html", name, language=language)
    read += built.pictures
    write(executed, notebooks.as_text(node))
    write(page, built.html)
    outputs = {shown(path): cache.of_file(path) for path in (executed, page)}
    return cache.Entry(cache.inputs(cache.of_page(name, read)), outputs, built.title, findings)


def remove_page(entry: cache.Entry) -> None:
    """Remove the files of a page whose notebook is gone, as far as they are still what was built."""
    for name, digest in entry.outputs.items():
        if cache.of_file(ROOT / name) == digest:
            (ROOT / name).unlink()


def build_index(
    language: Language, entries: dict[str, cache.Entry], failures: dict[str, str]
) -> tuple[cache.Entry, list[str]]:
    """Write `findings.json` and the index from what was found; the claims of the `failures` are shown as such.

    Returns what it was built from, and the ids of the claims that no notebook checks, which the index shows as such too.
    """
    book, folder = ledger.load(), reports_in(language.code)
    order = {claim.id: place for place, claim in enumerate(book.claims)}
    findings = sorted((one for entry in entries.values() for one in entry.findings), key=lambda one: order[one["id"]])
    titles = {name: entry.title for name, entry in entries.items()}
    checked = {one["id"] for one in findings} | {claim for name in failures for claim in notebooks.named(name).claims}
    unchecked = [claim for claim in order if claim not in checked]
    write(folder / "findings.json", _as_json(findings))
    write(folder / "index.html", pages.index(book, findings, failures, titles, language, unchecked))
    outputs = {shown(path): cache.of_file(path) for path in (folder / "findings.json", folder / "index.html")}
    return cache.Entry(cache.inputs(cache.of_index(entries)), outputs, findings=findings), unchecked


def build_variant(name: str, given: dict[str, str], console: Console) -> Path:
    """Run one notebook with other parameters, into a folder of its own with page and `findings.json`; returns the page.

    Raises ShockcheckError, and writes nothing, where a parameter or the run is at fault.
    """
    notebook = notebooks.named(name)
    parameters = notebook.with_types(given)
    book, _ = _checked()
    with console.status(f"running {escape(name)}"):
        page, node = _variant(notebook, given, parameters, book)
    lines = notebooks.notices(node)
    for notice in lines[:NOTICES]:
        console.print(notice, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if len(lines) > NOTICES:
        console.print(f"and {len(lines) - NOTICES:,} lines more, which stand on the page", style="yellow", soft_wrap=True)
    return page


def _variant(
    notebook: Notebook, given: dict[str, str], parameters: dict[str, Any], book: ledger.Ledger
) -> tuple[Path, nbformat.NotebookNode]:
    name, folder = notebook.name, REPORTS / "variants" / folder_name(notebook.name, given)
    node = notebooks.run(notebook, parameters)
    findings = notebooks.complete_findings(notebook, node)
    title = f"{notebook.title}: {', '.join(f'{key} {value}' for key, value in given.items())}"
    given_and_default = notebook.parameters | parameters
    built = pages.page(node, book, title, given_and_default, "../../index.html", name, variant=True)
    prepare(folder)
    write(folder / f"{name}.html", built.html)
    write(folder / f"{name}.ipynb", notebooks.as_text(node))
    write(folder / "findings.json", _as_json(findings))
    return folder / f"{name}.html", node


def build_grid(
    name: str, file: Path, given: dict[str, str], console: Console, workers: int | None = None
) -> tuple[Path, dict[str, str]]:
    """Build a variant a row of the CSV table `file`, whose columns are parameters, and an overview that ranks them.

    `given` holds for all rows, which are built on all cores or on `workers` of them. Returns the overview and the faults
    of the rows that could not be built, by row. Raises ShockcheckError, and writes nothing, where the table itself is at
    fault.
    """
    notebook, rows = notebooks.named(name), grid.read(file)
    grid.check_columns(rows, notebook.declared, given)
    book, _ = _checked()
    folder = REPORTS / "variants" / f"{folder_name(name, given)}-grid-{folder_name(file.stem, {})}"
    prepare(folder)
    built, failures = [], {}
    with _progress(console) as progress, warm.each(partial(_row, notebook, given, book), rows, workers) as results:
        for row, result in zip(rows, progress.track(results, len(rows), description="building"), strict=True):
            if isinstance(result, ShockcheckError):
                failures[row.name] = str(result)
                progress.console.print("  [red]failed[/]", Text(row.name), highlight=False)
            else:
                built.append(result)
                progress.console.print(f"  [green]built[/]  row {row.number}", highlight=False)
    ranked = sorted(built, key=size, reverse=True)
    write(folder / "findings.json", _as_json(ranked))
    write(folder / "index.html", pages.grid(notebook.title, ranked, failures, book))
    return folder / "index.html", failures


def _row(notebook: Notebook, given: dict[str, str], book: ledger.Ledger, row: grid.Row) -> dict[str, Any] | ShockcheckError:
    """What the overview says of one row, once its page is built, or its fault."""
    try:
        chosen = given | row.parameters()
        page, node = _variant(notebook, chosen, notebook.with_types(chosen), book)
    except ShockcheckError as error:
        return error
    way = Path("..", *page.relative_to(REPORTS / "variants").parts).as_posix()
    return {"row": row.number, "given": row.cells, "page": way, "findings": [in_short(found) for found in shown_in(node)]}


def size(entry: dict[str, Any]) -> float:
    """How large the first value of a row is, whatever its sign."""
    values = [abs(found["recomputed"]) for found in entry["findings"] if found["recomputed"] is not None]
    return values[0] if values else 0.0


def refresh_notebooks(console: Console) -> list[Path]:
    """Run every notebook and write it back with its outputs, then the README's table; nothing is written if one fails."""
    book, found = _checked()
    notebooks.check_against(book, found)
    _readme()
    with _progress(console) as progress:
        every = progress.track([*found, *notebooks.others()], description="running")
        runs = [(notebook, notebooks.run(notebook)) for notebook in every]
    for notebook, node in runs:
        notebooks.complete_findings(notebook, node)
        del node.metadata["shockcheck"]  # what it read is the build's to know
    for notebook, node in runs:
        write(notebook.path, notebooks.as_text(node))
    write(README, readme())
    return [notebook.path for notebook, _ in runs]


def readme() -> str:
    """The README with its verdict table made anew from the outputs stored in the notebooks."""
    table = _verdict_table(ledger.load(), notebooks.discover())
    return TABLE.sub(lambda _: table, _readme())


def _readme() -> str:
    """The README as it is; raises BuildError where it has no place for the verdict table."""
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    if not TABLE.search(text):
        raise BuildError(f"{shown(README)} has no lines '<!-- verdicts -->' and '<!-- end of verdicts -->'; restore them")
    return text


def _verdict_table(book: ledger.Ledger, found: list[Notebook]) -> str:
    stored = {entry["id"]: (Finding(**entry), notebook) for notebook in found for entry in shown_in(notebook.node)}
    lines = ["| the article says | recomputed | verdict | notebook |", "| --- | --- | --- | --- |"]
    for claim in book.claims:
        finding, notebook = stored[claim.id]
        value = finding.said(get("en")).recomputed if finding.recomputed is not None else "documented"
        link = f"[{notebook.name[:2]}]({markup.path(shown(notebook.path))})"
        quote = markup.markdown(quoted(claim.quote, book.article.language))
        lines.append(f"| {quote} | {markup.markdown(value)} | {SIGNS[finding.verdict]} {finding.verdict} | {link} |")
    return "\n".join(lines) + "\n"


def _checked() -> tuple[ledger.Ledger, list[Notebook]]:
    """The ledger and the notebooks, once tables, ledger and checks are known to be right."""
    tables.check()
    return notebooks.checked()


def folder_name(name: str, given: dict[str, str]) -> str:
    """A folder name that tells the parameters; where it cannot (length, signs), the start of their hash stands too."""
    plain = "-".join([name, *(f"{key}={value}" for key, value in sorted(given.items()))])
    unsafe = re.compile(r"[^\w.+^-]", re.ASCII)  # a value with an equals sign could be taken for two parameters
    safe = "-".join([unsafe.sub("_", name), *(f"{key}={unsafe.sub('_', value)}" for key, value in sorted(given.items()))])[
        :180
    ]
    return safe if safe == plain else f"{safe}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def prepare(folder: Path) -> None:
    """Make the folder and see that it takes files, before any work is spent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error) from error


def _as_json(findings: list[dict[str, Any]]) -> str:
    return json.dumps(findings, indent=2, ensure_ascii=False) + "\n"


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
