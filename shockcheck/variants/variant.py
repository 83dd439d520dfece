"""Variants: a notebook run with other parameters than the article's, once or for each row of a grid."""

import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from shockcheck import ledger
from shockcheck.errors import ShockcheckError
from shockcheck.notebooks import execution, kernels
from shockcheck.notebooks.execution import ExecutedNotebook
from shockcheck.notebooks.notebook import Notebook, notebook_named
from shockcheck.notebooks.stable_outputs import as_text
from shockcheck.project.files import as_json, prepare_folder, write
from shockcheck.project.paths import current_project
from shockcheck.report import article, pages
from shockcheck.variants import grid, overview
from shockcheck.variants.overview import RankedRow

UNSAFE = re.compile(r"[^\w.+^-]", re.ASCII)  # in folder names; with an equals sign a value could be two parameters
MAX_NAME = 180  # characters of a folder's name


class Variant(NamedTuple):
    """A variant that was built: its page, and the notebook as it was run."""

    page: Path
    executed: ExecutedNotebook


class BuiltGrid(NamedTuple):
    """The overview of a grid, and the faults of the rows that could not be built, by row."""

    overview: Path
    failures: dict[str, str]


def build_variant(notebook: Notebook, chosen: dict[str, str]) -> Variant:
    """Run a notebook with the `chosen` parameters, into a folder of its own with page and `findings.json`.

    Raises ShockcheckError, and writes nothing, where a parameter, the project or the run is at fault.
    """
    parameters = notebook.with_types(chosen)
    article.check_project()
    return _write_variant(notebook, chosen, parameters)


def _write_variant(notebook: Notebook, chosen: dict[str, str], parameters: dict[str, Any]) -> Variant:
    name, folder = notebook.name, current_project().reports / "variants" / folder_name(notebook.name, chosen)
    executed = execution.run(notebook, parameters)
    executed.check_complete()
    page = pages.variant_page(
        executed, variant_title(notebook, chosen), notebook.parameters | parameters, "../../index.html"
    )
    prepare_folder(folder)
    write(folder / f"{name}.html", page.html)
    write(folder / f"{name}.ipynb", as_text(executed.node))
    write(folder / "findings.json", as_json(executed.entries()))
    return Variant(folder / f"{name}.html", executed)


def variant_title(notebook: Notebook, chosen: dict[str, str]) -> str:
    """Return the title of a variant: the notebook's with the chosen parameters."""
    return f"{notebook.title}: {', '.join(f'{name} {value}' for name, value in chosen.items())}"


def build_grid(
    name: str,
    file: Path,
    chosen: dict[str, str],
    on_row: Callable[[grid.Row, str | None], None],
    workers: int | None = None,
) -> BuiltGrid:
    """Build a variant for each row of the CSV table `file`, whose columns are parameters, and an overview that ranks them.

    `chosen` holds for all rows, which are built on all cores or on `workers` of them. `on_row(row, fault)` is called for
    each row in order. Raises ShockcheckError, and writes nothing, where the table itself is at fault.
    """
    notebook, rows = notebook_named(name), grid.read(file)
    grid.check_columns(rows, notebook.declared, chosen)
    article.check_project()
    folder = current_project().reports / "variants" / f"{folder_name(name, chosen)}-grid-{folder_name(file.stem, {})}"
    prepare_folder(folder)
    built: list[RankedRow] = []
    failures: dict[str, str] = {}
    with kernels.map_in_order(partial(_build_row, notebook, chosen), rows, workers) as results:
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, ShockcheckError):
                failures[row.name] = str(result)
            else:
                built.append(result)
            on_row(row, failures.get(row.name))
    ranked = sorted(built, key=lambda row: row.size, reverse=True)
    write(folder / "findings.json", as_json([row.as_json() for row in ranked]))
    write(folder / "index.html", overview.page(notebook.title, ranked, failures, ledger.load().article))
    return BuiltGrid(folder / "index.html", failures)


def _build_row(notebook: Notebook, chosen: dict[str, str], row: grid.Row) -> RankedRow | ShockcheckError:
    """Return what the overview shows of a row, once its page is built, or the row's fault."""
    try:
        parameters = chosen | row.parameters()
        variant = _write_variant(notebook, parameters, notebook.with_types(parameters))
    except ShockcheckError as error:
        return error
    page = Path("..", *variant.page.relative_to(current_project().reports / "variants").parts).as_posix()
    return RankedRow(row.number, row.cells, page, [finding.in_short() for finding in variant.executed.findings])


def folder_name(name: str, chosen: dict[str, str]) -> str:
    """Return a folder name that tells the parameters; where it cannot (length, signs), the start of their hash too."""
    plain = "-".join([name, *(f"{key}={value}" for key, value in sorted(chosen.items()))])
    pairs = (f"{key}={UNSAFE.sub('_', value)}" for key, value in sorted(chosen.items()))
    safe = "-".join([UNSAFE.sub("_", name), *pairs])[:MAX_NAME]
    return safe if safe == plain else f"{safe}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
