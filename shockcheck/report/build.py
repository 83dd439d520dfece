"""The build of the article's report: which pages are due, and those on all cores; over at once where nothing is due."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from shockcheck.errors import BuildError
from shockcheck.project import inputs, records
from shockcheck.project.paths import current_project
from shockcheck.project.records import Record


class Plan:
    """What is due in one language: the reason of each page by its name, None for one that stands as it is."""

    def __init__(self, language: str) -> None:
        """Look at every input and every page, by content."""
        self.language = language
        self.names = [path.stem for path in current_project().numbered_notebook_files()]
        self.records = {name: inputs.page_record(_record_path(language, name), name) for name in self.names}
        self.reasons = {name: inputs.reason_to_rebuild(record) for name, record in self.records.items()}
        self.index = records.load(_record_path(language, "index"))
        stored = {path.stem: path for path in (current_project().records / language).glob("*.json")}
        self.gone = {name: path for name, path in stored.items() if name not in (*self.names, "index")}
        self.unchecked: list[str] = []  # claims that no notebook checks, known once the index is built

    @property
    def due(self) -> list[str]:
        """The pages to build."""
        return [name for name in self.names if self.reasons[name]]

    @property
    def is_up_to_date(self) -> bool:
        """Whether all pages and the index stand, and so do the checks that come before a build."""
        if not self.names or self.due or self.gone or self.index is None:
            return False
        if set(self.index.inputs) != inputs.index_inputs(self.names):
            return False
        on_pages = [finding for record in self.records.values() if record for finding in record.findings]
        if sorted(on_pages, key=_claim_id) != sorted(self.index.findings, key=_claim_id):  # a page was built alone meanwhile
            return False
        return not inputs.reason_to_rebuild(self.index) and inputs.tables_are_as_described()

    def why(self) -> dict[str, str]:
        """Return a sentence for each page: why it is built, or that it stands."""
        return {name: reason or "stands; nothing that it depends on has changed" for name, reason in self.reasons.items()}


class BuiltPage(NamedTuple):
    """A page by its name, with its record, or with the error where it could not be built."""

    name: str
    record: Record | None
    error: str | None


def _claim_id(finding: dict[str, Any]) -> str:
    return str(finding["id"])


def _record_path(language: str, name: str) -> Path:
    return current_project().records / language / f"{name}.json"


def run(plan: Plan, on_page: Callable[[str, str | None], None], workers: int | None = None) -> dict[str, str]:
    """Build what is due and the index; return the failed pages with their errors, in the notebooks' order.

    `on_page(name, error)` is called for each page once it is done, in the notebooks' order. Raises ShockcheckError, before
    anything is written, for faults of tables, ledger or checks.
    """
    failures: dict[str, str] = {}
    with closing(_pages(plan.due, plan.language, workers)) as pages:
        for page in pages:
            on_page(page.name, page.error)
            if page.error:
                failures[page.name] = page.error
            else:
                plan.records[page.name] = page.record
    from shockcheck.report import article

    for name, path in plan.gone.items():
        if record := inputs.page_record(path, name):
            article.remove_page(record)
        with suppress(OSError):  # where `.cache` cannot be written; it is tried again the next time
            path.unlink()
    built = {name: record for name, record in plan.records.items() if record and name not in failures}
    index, plan.unchecked = article.build_index(plan.language, built, failures)
    if failures or plan.unchecked:  # then the index is built again, and what is missing named again, until nothing is
        with suppress(OSError):  # a record that stays is no longer that of the index, and stands for nothing
            _record_path(plan.language, "index").unlink()
    else:
        records.store(_record_path(plan.language, "index"), index)
    return failures


def build_page(name: str, language: str) -> None:
    """Build one page whatever stands, and leave the index as it is; raises BuildError where that cannot be done."""
    with closing(_pages([name], language, workers=1)) as pages:
        page = next(pages)
    if page.error:
        raise BuildError(page.error)


def _pages(names: list[str], language: str, workers: int | None) -> Generator[BuiltPage]:
    """Yield each page once it is built, in this order.

    The notebooks run while what writes pages is imported, and while tables that have changed are looked at: nothing is
    written before they are known to be right. Where ledger or checks are at fault, or a table is not the one described,
    there is no run.
    """
    from shockcheck.notebooks import kernels

    with kernels.session(len(names)):
        if not inputs.tables_are_as_described():
            from shockcheck.data import tables

            tables.check()
        import papermill  # noqa: F401  first what runs notebooks, then, while they run, what writes pages

        from shockcheck.notebooks.notebook import checked_project

        checked_project()
        checked: Future[None] = Future()
        with kernels.map_in_order(partial(_build, language, checked), names, workers) as built:
            try:
                from shockcheck.report import article, pages

                article.check(language)
            except BaseException as error:  # an interrupt too: who has run a notebook waits for this
                checked.set_exception(error)
                raise
            checked.set_result(None)
            pages.make_ready()
            yield from built


def _build(language: str, checked: Future[None], name: str) -> BuiltPage:
    """Run a notebook and, once tables and ledger are known to be right, write its page."""
    from shockcheck.notebooks import execution
    from shockcheck.notebooks.notebook import notebook_named

    last = inputs.page_record(_record_path(language, name), name)
    known = list(last.inputs) if last else []
    moment, before = time.time_ns(), inputs.project_state(name, known)
    try:
        executed = execution.run(notebook_named(name), language=language)
        checked.result()
        from shockcheck.report import article

        record = article.write_page(executed, language)
    except BuildError as error:
        return BuiltPage(name, None, str(error))
    # Else it may have been built from what has changed since. Times tell only of files that were not known before.
    if before == inputs.project_state(name, known) and not inputs.written_since(moment, set(record.inputs) - set(known)):
        records.store(_record_path(language, name), record)
    return BuiltPage(name, record, None)
