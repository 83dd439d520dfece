"""The build of the article's report: which pages are due, and those on all cores; over at once where nothing is due."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from shockcheck import cache
from shockcheck.errors import BuildError
from shockcheck.paths import NOTEBOOKS, numbered_notebook_files


class Plan:
    """What is due in one language: the reason of each page by its name, None for one that stands as it is."""

    def __init__(self, lang: str) -> None:
        """Look at every input and every page, by content."""
        self.lang = lang
        self.names = [path.stem for path in numbered_notebook_files(NOTEBOOKS)]
        self.entries = {name: cache.load_page(_entry(lang, name), name) for name in self.names}
        self.reasons = {name: cache.changed(entry) for name, entry in self.entries.items()}
        self.index = cache.load(_entry(lang, "index"))
        entries = {path.stem: path for path in (cache.FOLDER / lang).glob("*.json")}
        self.gone = {name: path for name, path in entries.items() if name not in (*self.names, "index")}
        self.unchecked: list[str] = []  # claims that no notebook checks, known once the index is built

    @property
    def due(self) -> list[str]:
        """The pages to build."""
        return [name for name in self.names if self.reasons[name]]

    @property
    def nothing(self) -> bool:
        """Whether all pages and the index stand, and so do the checks that come before a build."""
        if not self.names or self.due or self.gone or self.index is None:
            return False
        if set(self.index.inputs) != cache.of_index(self.names):
            return False
        on_pages = [finding for entry in self.entries.values() if entry for finding in entry.findings]
        if sorted(on_pages, key=_id) != sorted(self.index.findings, key=_id):  # a page was built alone meanwhile
            return False
        return not cache.changed(self.index) and cache.tables_are_as_described()

    def why(self) -> dict[str, str]:
        """A sentence for each page: why it is built, or that it stands."""
        return {name: reason or "stands; nothing that it depends on has changed" for name, reason in self.reasons.items()}


def _id(finding: dict[str, Any]) -> str:
    return finding["id"]


def _entry(lang: str, name: str) -> Path:
    return cache.FOLDER / lang / f"{name}.json"


def run(plan: Plan, said: Callable[[str, str | None], None], workers: int | None = None) -> dict[str, str]:
    """Build what is due and the index; returns the failed pages with their errors, in the notebooks' order.

    `said(name, error)` is told of each page once it is done, in the notebooks' order. Raises ShockcheckError, before
    anything is written, for faults of tables, ledger or checks.
    """
    failures: dict[str, str] = {}
    with closing(_pages(plan.due, plan.lang, workers)) as pages:
        for name, entry, error in pages:
            said(name, error)
            if error:
                failures[name] = error
            else:
                plan.entries[name] = entry
    from shockcheck import languages, report

    for name, path in plan.gone.items():
        if entry := cache.load_page(path, name):
            report.remove_page(entry)
        with suppress(OSError):  # where `.cache` cannot be written; it is tried again the next time
            path.unlink()
    built = {name: entry for name, entry in plan.entries.items() if entry and name not in failures}
    index, plan.unchecked = report.build_index(languages.get(plan.lang), built, failures)
    if failures or plan.unchecked:  # then the index is built again, and what lacks said again, until nothing does
        with suppress(OSError):  # an entry that stays is no longer that of the index, and stands for nothing
            _entry(plan.lang, "index").unlink()
    else:
        cache.store(_entry(plan.lang, "index"), index)
    return failures


def page(name: str, lang: str) -> None:
    """Build one page whatever stands, and leave the index as it is; raises BuildError where that cannot be done."""
    with closing(_pages([name], lang, workers=1)) as pages:
        _, _, error = next(pages)
    if error:
        raise BuildError(error)


def _pages(names: list[str], lang: str, workers: int | None) -> Iterator[tuple[str, cache.Entry | None, str | None]]:
    """Each page once it is built, in this order, with its entry or its error.

    The notebooks run while what writes pages is imported, and while tables that have changed are looked at: nothing is
    written before they are known to be right. Where ledger or checks are at fault, or a table is not the one described,
    there is no run.
    """
    from shockcheck import warm

    with warm.kernels():
        if not cache.tables_are_as_described():
            from shockcheck import tables

            tables.check()
        import papermill  # noqa: F401  first what runs notebooks, then, while they run, what writes pages

        from shockcheck import notebooks

        notebooks.checked()
        checked: Future[None] = Future()
        with warm.each(partial(_built, lang, checked), names, workers) as results:
            try:
                from shockcheck import languages, pages, report

                report.check(languages.get(lang))
            except BaseException as error:  # an interrupt too: who has run a notebook waits for this
                checked.set_exception(error)
                raise
            checked.set_result(None)
            pages.make_ready()
            yield from ((name, *result) for name, result in zip(names, results, strict=True))


def _built(lang: str, checked: Future[None], name: str) -> tuple[cache.Entry | None, str | None]:
    from shockcheck import notebooks

    last = cache.load_page(_entry(lang, name), name)
    known = list(last.inputs) if last else []
    moment, before = time.time_ns(), cache.state(name, known)
    try:
        node = notebooks.run(notebooks.named(name), language=lang)
        checked.result()
        from shockcheck import languages, report

        entry = report.write_page(name, node, languages.get(lang))
    except BuildError as error:
        return None, str(error)
    # Else it may have been built from what has changed since. Times tell only of files that were not known before.
    if before == cache.state(name, known) and not cache.touched_since(moment, set(entry.inputs) - set(known)):
        cache.store(_entry(lang, name), entry)
    return entry, None
