"""The command `report`: the article's pages, or one notebook alone, as a page, a variant, or one for each row of a grid."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shockcheck.cli.console import complain, console, note_loss, progress
from shockcheck.cli.options import Lang, Parameters, Workers, chosen_parameters
from shockcheck.errors import ParameterError
from shockcheck.project.paths import current_project, shown

if TYPE_CHECKING:
    from shockcheck.report.build import Plan
    from shockcheck.variants.grid import Row

MAX_NOTICES = 100  # lines that a notebook printed, in the terminal


def report(  # seven arguments: each is an option of the command
    only: Annotated[str | None, typer.Option(help="Build only this notebook's page.", metavar="NOTEBOOK")] = None,
    parameters: Parameters = None,
    grid: Annotated[
        Path | None,
        typer.Option(
            help="CSV table with one column per parameter; builds one variant per row.", metavar="FILE", resolve_path=True
        ),
    ] = None,
    lang: Lang = "en",
    why: Annotated[bool, typer.Option("--why", help="Explain for each page why it is built or not.")] = False,
    workers: Workers = None,
    no_warm: Annotated[bool, typer.Option("--no-warm", help="Start an ordinary kernel for each notebook.")] = False,
) -> None:
    """Build the pages that are due, the index and findings.json in reports/, or in reports/LANG/."""
    if no_warm:
        os.environ["SHOCKCHECK_COLD"] = "1"
    if lang != "en":
        from shockcheck.languages import language

        language.get_language(lang)
    if (parameters or grid) and lang != "en":
        raise ParameterError("--lang applies only to the article's own pages; omit it for a variant")
    if (parameters or grid) and not only:
        raise ParameterError(f"{'-p changes' if parameters else '--grid runs'} one notebook: name it with --only NOTEBOOK")
    try:
        if only and grid:
            _build_grid(only, grid, chosen_parameters(parameters), workers)
        elif only and parameters:
            _build_variant(only, chosen_parameters(parameters))
        elif only:
            _build_page(only, lang)
        else:
            build_all(lang, why, workers)
    except KeyboardInterrupt:
        complain("interrupted; finished pages are kept, and the next build continues from there")
        raise typer.Exit(130) from None


def build_all(lang: str, why: bool = False, workers: int | None = None) -> None:
    """Build what is due in a language; ends the command with status 1 where a page fails or a claim is unchecked."""
    from shockcheck.report.build import Plan

    folder = current_project().reports_in(lang)
    plan = Plan(lang)
    if why:
        for name, reason in plan.why().items():
            typer.echo(f"{shown(folder / name)}.html: {reason}")
    stood = plan.is_up_to_date
    faults = [] if stood else list(_build_due(plan, folder, workers).values())
    if plan.unchecked:
        from shockcheck.notebooks.notebook import unchecked_sentence

        faults.append(unchecked_sentence(plan.unchecked))
    for fault in faults:
        complain(fault)
    note_loss()
    typer.echo(_summary(folder, stood))
    if faults:
        raise typer.Exit(1)


def _build_due(plan: "Plan", folder: Path, workers: int | None) -> dict[str, str]:
    """Build what is due; return the errors of failed pages by their names."""
    from shockcheck.notebooks import kernels
    from shockcheck.report import build

    if plan.due:
        kernels.prestart(len(plan.due))  # makes itself ready while the rest is imported
    from rich.markup import escape

    with progress() as display:
        task = display.add_task("building", total=len(plan.due))

        def on_page(name: str, error: str | None) -> None:
            page = escape(f"{shown(folder / name)}.html")
            line = f"  [red]failed[/] {escape(name)}" if error else f"  [green]built[/]  {page}"
            display.console.print(line, highlight=False)
            display.advance(task)

        return build.run(plan, on_page, workers)


def _summary(folder: Path, stood: bool) -> str:
    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    counts = Counter(finding["verdict"] for finding in findings)
    claims = f"{len(findings)} claim{'' if len(findings) == 1 else 's'}"
    listed = ", ".join([claims, *(f"{number} {verdict}" for verdict, number in counts.items())])
    return f"{shown(folder / 'index.html')}: {listed}{'; nothing was due' if stood else ''}"


def _build_page(name: str, lang: str) -> None:
    from rich.markup import escape

    from shockcheck.notebooks import kernels
    from shockcheck.report import build

    kernels.prestart()
    with console().status(f"running {escape(name)}"):
        build.build_page(name, lang)
    note_loss()
    typer.echo(shown(current_project().reports_in(lang) / f"{name}.html"))


def _build_variant(name: str, chosen: dict[str, str]) -> None:
    from rich.markup import escape

    from shockcheck.notebooks import kernels

    with kernels.session() as server:
        server.prestart()
        from shockcheck.notebooks.notebook import notebook_named
        from shockcheck.variants import variant

        with console().status(f"running {escape(name)}"):
            built = variant.build_variant(notebook_named(name), chosen)
    notices = built.executed.notices
    for notice in notices[:MAX_NOTICES]:
        console().print(notice, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if len(notices) > MAX_NOTICES:
        more = f"and {len(notices) - MAX_NOTICES:,} more lines, shown on the page"
        console().print(more, style="yellow", soft_wrap=True)
    typer.echo(shown(built.page))


def _build_grid(name: str, file: Path, chosen: dict[str, str], workers: int | None) -> None:
    from shockcheck.notebooks import kernels

    with kernels.session(2) as server:
        server.prestart()
        from rich.text import Text

        from shockcheck.variants import variant

        with progress() as display:
            task = display.add_task("building", total=None)

            def on_row(row: "Row", fault: str | None) -> None:
                if fault:
                    display.console.print("  [red]failed[/]", Text(row.name), highlight=False)
                else:
                    display.console.print(f"  [green]built[/]  row {row.number}", highlight=False)
                display.advance(task)

            built = variant.build_grid(name, file, chosen, on_row, workers)
    for row, error in built.failures.items():
        complain(f"{row}: {error}")
    typer.echo(shown(built.overview))
    if built.failures:
        raise typer.Exit(1)
