"""The command line: `python -m shockcheck --help`."""

import json
import sys
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from shockcheck.errors import ParameterError, ShockcheckError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
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
) -> None:
    """Run the notebooks and build the pages, the index and findings.json in reports/."""
    from shockcheck import report as reports

    if p and not only:
        raise ParameterError("-p changes one notebook: name it with --only NOTEBOOK")
    if p:
        typer.echo(reports.shown(reports.build_variant(only, _pairs(p), console)))
    elif only:
        typer.echo(reports.shown(reports.build_page(only, console)))
    else:
        failures = reports.build(console)
        for error in failures.values():
            _complain(error)
        typer.echo(_summary())
        if failures:
            raise typer.Exit(1)


@app.command()
def notebooks() -> None:
    """Run the notebooks in place: refresh the outputs stored in them, and the README's verdict table."""
    from shockcheck import report as reports

    for path in reports.refresh_notebooks(console):
        typer.echo(reports.shown(path))


@app.command()
def checksums() -> None:
    """Accept the tables in data/ as they are now, if they have no fault: write their SHA-256 to the data package."""
    from shockcheck import tables

    changes = tables.renew_checksums()
    for file, old, new in changes:
        typer.echo(f"data/{file}: {old[:19]}… is now {new[:19]}…")
    if not changes:
        typer.echo("no table has changed")


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


def _summary() -> str:
    from shockcheck.paths import REPORTS, shown

    findings = json.loads((REPORTS / "findings.json").read_text(encoding="utf-8"))
    counts = Counter(entry["verdict"] for entry in findings)
    verdicts = ", ".join(f"{number} {word}" for word, number in counts.items())
    return f"{shown(REPORTS / 'index.html')}: {len(findings)} claims, {verdicts}"


def _complain(sentence: object) -> None:
    console.print(Text("error:", style="red"), Text(str(sentence)), soft_wrap=True)


def main() -> None:
    """Run the command line; a fault that the user can mend is one sentence on stderr and exit status 1."""
    try:
        app()
    except ShockcheckError as error:
        _complain(error)
        sys.exit(1)
