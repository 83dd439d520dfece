"""The commands `prices`: the embedded prices against what Yahoo Finance gives now."""

from typing import TYPE_CHECKING

import typer

from shockcheck.cli.console import complain, console
from shockcheck.errors import SourceError

if TYPE_CHECKING:
    from shockcheck.audit.price_check import Comparison

app = typer.Typer(no_args_is_help=True, help="Compare the embedded prices with those of Yahoo Finance, or update them.")


@app.command()
def compare() -> None:
    """Show which embedded figures differ from Yahoo's, and which verdicts would change; writes nothing."""
    if _compare().notes:
        raise typer.Exit(1)


@app.command()
def update() -> None:
    """Show the same, then write Yahoo's figures and their checksums into data/, all or none."""
    from shockcheck.audit import price_check

    if price_check.finish():
        typer.echo("an earlier, interrupted update of data/ is now complete; comparing again")
    comparison = _compare()
    if comparison.notes:
        raise SourceError("nothing was written because not every figure could be compared; see above and try again")
    if len(comparison.differences):
        price_check.update(comparison.differences)
        typer.echo("written to data/, checksums updated; run `make notebooks` to refresh the notebooks")


def _compare() -> "Comparison":
    """Compare, and print the differences and the verdicts that would flip."""
    from rich.progress import Progress

    from shockcheck.audit import price_check

    with Progress(console=console(), transient=True) as display:
        comparison = price_check.compare(lambda asked: display.track(asked, description="asking"))
    for note in comparison.notes:
        complain(note.removesuffix("."))
    if comparison.differences.empty:
        typer.echo(f"none of the {comparison.rows} compared rows differs")
        return comparison
    typer.echo(comparison.differences.to_string(index=False))
    with console().status("building a copy with these figures"):
        flipped, failed = price_check.flips(comparison.differences)
    for claim, before, after in flipped:
        typer.echo(f"would flip: {claim}, from {before} to {after}")
    if failed:
        complain(f"the report cannot be built with these figures; {failed}")
    typer.echo(
        f"{len(comparison.differences)} figures differ in {comparison.rows} rows; {len(flipped) or 'no'} verdicts would flip"
    )
    return comparison
