"""The build of the article's report: which pages are due, and those on all cores; over at once where nothing is due."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from shockcheck import cache
from shockcheck.errors import BuildError
from shockcheck.paths import NOTEBOOKS


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
        with closing(warm.each(partial(_built, plan), plan.due, workers)) as pages:
            for name, (entry, error) in zip(plan.due, pages, strict=True):
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


def _built(plan: Plan, name: str) -> tuple[cache.Entry | None, str | None]:
    from shockcheck import languages, report

    try:
        return report.build_page(name, languages.get(plan.lang)), None
    except BuildError as error:
        return None, str(error)
