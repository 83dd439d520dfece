"""Notebooks run in place: their stored outputs, and the verdict table of the README made from these."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from shockcheck import ledger, markup
from shockcheck.errors import BuildError
from shockcheck.languages.language import get_language, quoted
from shockcheck.notebooks import execution
from shockcheck.notebooks.notebook import Notebook, check_against, unnumbered_notebooks
from shockcheck.notebooks.stable_outputs import as_text
from shockcheck.project.files import write
from shockcheck.project.paths import current_project, shown
from shockcheck.report import article

TABLE = re.compile(r"(?<=<!-- verdicts -->\n).*?(?=<!-- end of verdicts -->)", re.DOTALL)


def refresh_notebooks(track: Callable[[list[Notebook]], Iterable[Notebook]] = iter) -> list[Path]:
    """Run every notebook and write it back with its outputs, then the README's table; nothing is written if one fails.

    `track` wraps the list of notebooks, to show progress.
    """
    book, numbered = article.check_project()
    check_against(book, numbered)
    _readme()
    runs = [execution.run(notebook) for notebook in track([*numbered, *unnumbered_notebooks()])]
    for executed in runs:
        executed.check_complete()
    for executed in runs:
        write(executed.notebook.path, as_text(executed.node))
    write(current_project().readme, readme())
    return [executed.notebook.path for executed in runs]


def readme() -> str:
    """Return the README with its verdict table made anew from the outputs stored in the notebooks."""
    text = _readme()
    table = _verdict_table(ledger.load())
    return TABLE.sub(lambda _: table, text)


def _readme() -> str:
    """Return the README as it is; raises BuildError where it has no place for the verdict table."""
    path = current_project().readme
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if not TABLE.search(text):
        raise BuildError(f"{shown(path)} has no lines '<!-- verdicts -->' and '<!-- end of verdicts -->'; restore them")
    return text


def _verdict_table(book: ledger.Ledger) -> str:
    stored = execution.stored_findings()
    lines = ["| the article says | recomputed | verdict | notebook |", "| --- | --- | --- | --- |"]
    for claim in book.claims:
        finding, notebook = stored[claim.id]
        value = finding.in_words(get_language("en")).recomputed or "documented"
        verdict = f"{finding.verdict.sign} {finding.verdict}" if finding.verdict else ""
        link = f"[{notebook.name[:2]}]({markup.path(shown(notebook.path))})"
        quote = markup.markdown(quoted(claim.quote, book.article.language))
        lines.append(f"| {quote} | {markup.markdown(value)} | {verdict} | {link} |")
    return "\n".join(lines) + "\n"
