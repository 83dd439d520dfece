"""The command `sweep`, and the one that a worker of a cluster starts beside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shockcheck.cli.console import complain, console, note_loss
from shockcheck.cli.options import NotebookName, Parameters, Workers, chosen_parameters
from shockcheck.project.paths import shown

if TYPE_CHECKING:
    from shockcheck.variants.grid import Row
    from shockcheck.variants.sweep import Sweep

MAX_FAULTS = 20  # of a sweep, in the terminal


def sweep(  # eight arguments: each is an option of the command
    notebook: NotebookName,
    grid: Annotated[Path, typer.Option(help="CSV table with one column per parameter, one row per run.", metavar="FILE")],
    parameters: Parameters = None,
    workers: Workers = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Run on the Dask cluster with this scheduler, e.g. tcp://HOST:PORT.", metavar="ADDRESS"),
    ] = None,
    pages: Annotated[
        str | None,
        typer.Option(help="Also build one page per row, in this folder or at this address (fsspec).", metavar="PLACE"),
    ] = None,
    timeout: Annotated[
        int | None, typer.Option(min=1, help="Time limit in seconds per row, or per cell with --pages; default: 300.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Run every row again, ignoring results of earlier runs.")] = False,
) -> None:
    """Compute a notebook's findings for many rows, as tables and a ranking; finished rows are kept for the next run."""
    from shockcheck.variants.sweep import planned_sweep

    with planned_sweep(notebook, grid, chosen_parameters(parameters), pages, timeout, anew) as swept:
        try:
            _run(swept, workers, scheduler)
        except KeyboardInterrupt:
            kept = f"{swept.done} of {swept.total} rows are done and kept"
            complain(f"interrupted; {kept}, and the same command continues with the rest")
            raise typer.Exit(130) from None
        overview = swept.write()
    note_loss()
    for row, reason in [fault for _, fault in sorted(swept.faults.items())][:MAX_FAULTS]:
        complain(f"{row.name}: {reason}")
    more = len(swept.faults) - MAX_FAULTS
    if more > 0:
        complain(f"{more} more rows failed; faults.parquet beside the overview lists them all")
    typer.echo(f"{shown(overview)}: {swept.total} rows, {swept.done} done, {len(swept.faults)} at fault")
    if swept.faults:
        raise typer.Exit(1)


def _run(swept: "Sweep", workers: int | None, scheduler: str | None) -> None:
    """Run what is due, with progress in rows a second."""
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    columns = (SpinnerColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True) as display:
        known = swept.total - len(swept.due)
        task = display.add_task("rows", total=swept.total, completed=known, rate="")

        def on_row(row: "Row", fault: str | None) -> None:
            if fault and len(swept.faults) <= MAX_FAULTS:
                display.console.print(f"  [red]failed[/] row {row.number}", highlight=False)
            display.advance(task)
            speed = display.tasks[0].finished_speed or display.tasks[0].speed
            display.update(task, rate=f"{speed:.1f} rows a second" if speed else "")

        def tell(sentence: str) -> None:
            display.console.print(Text(sentence), soft_wrap=True)

        swept.run(on_row, workers, scheduler, tell)


def rows() -> None:
    """Run rows as they are asked for on standard input: what a worker of a cluster starts beside it."""
    from shockcheck.variants import row_server

    row_server.serve()
