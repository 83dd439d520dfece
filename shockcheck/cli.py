"""The command line: `python -m shockcheck --help`."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from shockcheck.errors import ParameterError, ShockcheckError, SourceError

if TYPE_CHECKING:
    from shockcheck import snapshot

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
prices = typer.Typer(no_args_is_help=True, help="The embedded prices against what Yahoo Finance gives now.")
app.add_typer(prices, name="prices")
console = Console(stderr=True)


@app.callback()
def _root() -> None:
    """Recompute what a newspaper article says about a market shock."""


@app.command()
def report(
    only: Annotated[str | None, typer.Option(help="Build this notebook's page alone.", metavar="NOTEBOOK")] = None,
    p: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", help="Another value for a parameter: builds a variant.", metavar="NAME=VALUE"),
    ] = None,
    grid: Annotated[
        Path | None,
        typer.Option(help="A CSV table with a column a parameter: builds a variant a row.", metavar="FILE"),
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of labels, verdicts, numbers and days: en or de.")] = "en",
) -> None:
    """Run the notebooks and build the pages, the index and findings.json in reports/, or in reports/LANG/."""
    from shockcheck import languages
    from shockcheck import report as reports

    language = languages.get(lang)
    if (p or grid) and language.code != "en":
        raise ParameterError("--lang is for the article's own pages; leave it out for a variant")
    if (p or grid) and not only:
        raise ParameterError(f"{'-p changes' if p else '--grid runs'} one notebook: name it with --only NOTEBOOK")
    if grid:
        overview, failures = reports.build_grid(only, grid, _pairs(p or []), console)
        for row, error in failures.items():
            _complain(f"{row}: {error}")
        typer.echo(reports.shown(overview))
        if failures:
            raise typer.Exit(1)
    elif p:
        typer.echo(reports.shown(reports.build_variant(only, _pairs(p), console)))
    elif only:
        typer.echo(reports.shown(reports.build_page(only, console, language)))
    else:
        failures = reports.build(console, language)
        for error in failures.values():
            _complain(error)
        typer.echo(_summary(reports.folder_of(language)))
        if failures:
            raise typer.Exit(1)


@app.command()
def notebooks() -> None:
    """Run the notebooks in place: refresh the outputs stored in them, and the README's verdict table."""
    from shockcheck import report as reports

    for path in reports.refresh_notebooks(console):
        typer.echo(reports.shown(path))


@app.command()
def trace(
    row: Annotated[str, typer.Argument(help="A row of a table: data/FILE.csv:KEY, its key as in the file.", metavar="ROW")],
) -> None:
    """List every claim that a row of data/ touches: as an input of its number, or as a fact or source it cites."""
    from shockcheck import trace as traces

    found = traces.touched(row)
    for touch in found:
        typer.echo(f"{touch.claim}, {touch.verdict} ({touch.page}): {touch.as_what}")
    if not found:
        typer.echo(f"no claim rests on {row}")


@app.command()
def checksums() -> None:
    """Accept the tables in data/ as they are now, if they have no fault: write their SHA-256 to the data package."""
    from shockcheck import tables

    changes = tables.renew_checksums()
    for file, old, new in changes:
        typer.echo(f"data/{file}: {old[:19]}… is now {new[:19]}…")
    if not changes:
        typer.echo("no table has changed")


@prices.command()
def compare() -> None:
    """Show which embedded figures Yahoo gives differently, and which verdicts would flip; changes nothing."""
    if not _compared().notes:
        return
    raise typer.Exit(1)


@prices.command()
def update() -> None:
    """Show the same, then write Yahoo's figures into data/ with their checksums; all of it or nothing."""
    from shockcheck import snapshot

    found = _compared()
    if found.notes:
        raise SourceError("nothing is written, since not every figure could be compared; see above and try again")
    if len(found.differences):
        snapshot.update(found.differences)
        typer.echo("written to data/, checksums renewed; `make notebooks` refreshes the notebooks")


def _compared() -> "snapshot.Comparison":
    from shockcheck import snapshot

    with Progress(console=console, transient=True) as progress:
        found = snapshot.compare(lambda asked: progress.track(asked, description="asking"))
    for note in found.notes:
        _complain(note.removesuffix("."))
    if found.differences.empty:
        typer.echo(f"none of the {found.rows} embedded rows compared differs")
        return found
    typer.echo(found.differences.to_string(index=False))
    with console.status("building a copy with these figures"):
        flipped, failed = snapshot.flips(found.differences)
    for claim, before, after in flipped:
        typer.echo(f"would flip: {claim}, from {before} to {after}")
    if failed:
        _complain(f"with these figures the report cannot be built; {failed}")
    typer.echo(f"{len(found.differences)} figures differ in {found.rows} rows; {len(flipped) or 'no'} verdicts would flip")
    return found


def _pairs(given: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ParameterError(f"-p takes NAME=VALUE, not {text!r}")
        if name in pairs:
            raise ParameterError(f"-p gives {name} twice; keep one")
        pairs[name] = value
    return pairs


def _summary(folder: Path) -> str:
    from shockcheck.paths import shown

    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    counts = Counter(entry["verdict"] for entry in findings)
    verdicts = ", ".join(f"{number} {word}" for word, number in counts.items())
    return f"{shown(folder / 'index.html')}: {len(findings)} claims, {verdicts}"


def _complain(sentence: object) -> None:
    console.print(Text("error:", style="red"), Text(str(sentence)), soft_wrap=True)


def main() -> None:
    """Run the command line; a fault that the user can mend is one sentence on stderr and exit status 1."""
    try:
        app()
    except ShockcheckError as error:
        _complain(error)
        sys.exit(1)
