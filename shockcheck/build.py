"""The build of the article's report: which pages are due, and those on all cores; over at once where nothing is due."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from shockcheck import cache
from shockcheck.errors import BuildError
from shockcheck.paths import NOTEBOOKS

PATIENCE = 0.1  # seconds


class Plan:
    """What is due in one language: the reason of each page by its name, None for one that stands as it is."""

    def __init__(self, lang: str) -> None:
        """Look at every input and every page, by content."""
        self.lang = lang
        self.names = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))]
        self.entries = {name: cache.load(_entry(lang, name)) for name in self.names}
        self.reasons = {name: cache.changed(entry) for name, entry in self.entries.items()}
        self.index = cache.load(_entry(lang, "index"))

    @property
    def due(self) -> list[str]:
        """The pages to build."""
        return [name for name in self.names if self.reasons[name]]

    @property
    def nothing(self) -> bool:
        """Whether all pages and the index stand, and so do the checks that come before a build."""
        if not self.names or self.due or self.index is None or set(self.index.inputs) != cache.of_index(self.names):
            return False
        return not cache.changed(self.index) and cache.tables_are_as_described()

    def why(self) -> dict[str, str]:
        """A sentence for each page: why it is built, or that it stands."""
        return {name: reason or "stands; nothing that it depends on has changed" for name, reason in self.reasons.items()}


def _entry(lang: str, name: str) -> Path:
    return cache.FOLDER / lang / f"{name}.json"


def run(plan: Plan, said: Callable[[str, str | None], None], workers: int | None = None) -> dict[str, str]:
    """Build what is due and the index; returns the failed pages with their errors, in the notebooks' order.

    `said(name, error)` is told of each page once it is done, in the notebooks' order. Raises ShockcheckError, before
    anything is written, for faults of tables, ledger or checks.
    """
    from shockcheck import warm

    with warm.kernels():
        if cache.tables_are_as_described():  # else there will be no run: the check below says what is wrong
            warm.start()
        from shockcheck import languages, report

        language = languages.get(plan.lang)
        report.check(language)
        failures: dict[str, str] = {}
        with closing(_pages(plan, workers)) as pages:
            for name, entry, error in pages:
                said(name, error)
                if error:
                    failures[name] = error
                else:
                    plan.entries[name] = entry
        built = {name: entry for name, entry in plan.entries.items() if entry and name not in failures}
        index = report.build_index(language, built, failures)
        if failures:
            _entry(plan.lang, "index").unlink(missing_ok=True)
        else:
            cache.store(_entry(plan.lang, "index"), index)
        return failures


def _pages(plan: Plan, workers: int | None) -> Iterator[tuple[str, cache.Entry | None, str | None]]:
    """Each due page once it is built, in the notebooks' order, with its entry or its error.

    Threads, since nearly all the work is the kernels'; where kernels are ordinary ones, one after another.
    """
    from shockcheck import warm

    if not warm.possible() or len(plan.due) == 1:
        yield from ((name, *_built(plan, name)) for name in plan.due)
        return
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    jobs = {name: pool.submit(_built, plan, name) for name in plan.due}
    try:
        for name, job in jobs.items():
            yield name, *job.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(job.done() for job in jobs.values()):  # interrupted; a kernel may be about to start just now
            warm.stop()
            time.sleep(PATIENCE)


def _built(plan: Plan, name: str) -> tuple[cache.Entry | None, str | None]:
    from shockcheck import languages, report

    try:
        return report.build_page(name, languages.get(plan.lang)), None
    except BuildError as error:
        return None, str(error)
