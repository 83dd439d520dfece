"""The article's report: writing a page, the index and `findings.json`."""

from shockcheck import ledger
from shockcheck.data import facts, tables
from shockcheck.languages.language import get_language
from shockcheck.notebook_files import cells
from shockcheck.notebooks.execution import ExecutedNotebook
from shockcheck.notebooks.notebook import Notebook, checked_project, notebook_named
from shockcheck.notebooks.stable_outputs import as_text
from shockcheck.project import files, inputs
from shockcheck.project.digests import file_digest
from shockcheck.project.paths import current_project, shown
from shockcheck.project.records import Record
from shockcheck.report import pages


def check(language: str) -> None:
    """Raise ShockcheckError for the first fault of tables or folder, before anything is written."""
    tables.check()
    files.prepare_folder(current_project().reports_in(language))


def write_page(executed: ExecutedNotebook, language: str) -> Record:
    """Write the page of an executed notebook into the article's report; return what it was built from and what was found.

    Raises BuildError, and leaves the page as it was, where that cannot be done.
    """
    notebook, folder = executed.notebook, current_project().reports_in(language)
    executed.check_complete()
    sources = pages.cited_sources(executed, ledger.load())
    reads = sorted({*executed.reads, *(f"{facts.SOURCES}#{source['id']}" for source in sources)})
    title = cells.title(executed.node) or notebook.title  # as it was when the notebook ran
    page = pages.article_page(executed, title, reads, sources, get_language(language))
    executed.node.metadata["shockcheck"] = {"read": reads}
    written = (folder / f"{notebook.name}.ipynb", folder / f"{notebook.name}.html")
    files.write(written[0], as_text(executed.node))
    files.write(written[1], page.html)
    keys = inputs.page_inputs(notebook.name, [*reads, *page.pictures])
    outputs = {shown(path): file_digest(path) for path in written}
    return Record(inputs.input_digests(keys), outputs, page.title, executed.entries())


def remove_page(record: Record) -> None:
    """Remove the files of a page whose notebook is gone, as far as they are still what was built."""
    for name, digest in record.outputs.items():
        path = current_project().root / name
        if file_digest(path) == digest:
            path.unlink()


def build_index(language: str, records: dict[str, Record], failures: dict[str, str]) -> tuple[Record, list[str]]:
    """Write `findings.json` and the index from the pages' findings; the claims of the `failures` are shown as such.

    `records` are those of the pages by name. Returns the record of the index, and the ids of the claims that no notebook
    checks, which the index shows as such too.
    """
    book, folder = ledger.load(), current_project().reports_in(language)
    order = {claim.id: number for number, claim in enumerate(book.claims)}
    unsorted = (finding for record in records.values() for finding in record.findings)
    findings = sorted(unsorted, key=lambda finding: order[finding["id"]])
    titles = {name: record.title for name, record in records.items()}
    checked = {finding["id"] for finding in findings} | {
        claim_id for name in failures for claim_id in notebook_named(name).claims
    }
    unchecked = [claim_id for claim_id in order if claim_id not in checked]
    written = (folder / "findings.json", folder / "index.html")
    files.write(written[0], files.as_json(findings))
    files.write(written[1], pages.index(book, findings, failures, titles, get_language(language), unchecked))
    outputs = {shown(path): file_digest(path) for path in written}
    return Record(inputs.input_digests(inputs.index_inputs(records)), outputs, findings=findings), unchecked


def check_project() -> tuple[ledger.Ledger, list[Notebook]]:
    """Return the ledger and the notebooks, once tables, ledger and checks are known to be right."""
    tables.check()
    return checked_project()
