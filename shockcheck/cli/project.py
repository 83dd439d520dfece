"""Commands about a project as a whole: making it, running its notebooks in place, verifying, watching, tracing."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from shockcheck.cli.console import console, progress
from shockcheck.cli.options import Lang
from shockcheck.cli.report import build_all
from shockcheck.project.paths import current_project, shown

SHORT = 19  # characters of a checksum that tell it from others


def new(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Create a project for another article: ledger, notebooks, tables, tests and Makefile, with an example to replace."""
    from shockcheck.authoring import scaffold

    files = scaffold.make(folder)
    wheel = next(name for name in files if name.startswith(f"{scaffold.WHEELS}/"))
    typer.echo(f"made {folder}, {len(files)} files; its requirements.txt installs the shockcheck that it brings, {wheel}")
    typer.echo(f"next: cd {shlex.quote(str(folder))} && make report")


def notebooks() -> None:
    """Run the notebooks in place; refresh their stored outputs, the README's verdict table and the pages' checksums."""
    from shockcheck.notebooks import kernels

    with kernels.session(2) as server:
        server.prestart()
        from shockcheck.audit import receipt
        from shockcheck.report import stored

        with progress() as display:
            for path in stored.refresh_notebooks(lambda every: display.track(every, description="running")):
                typer.echo(shown(path))
    build_all("en")
    receipt.record()
    typer.echo(shown(current_project().checksums))


def verify() -> None:
    """Rebuild the report in a clean folder and compare its claims and pages with the record; writes a receipt."""
    from shockcheck.audit import receipt

    with console().status("building in a clean folder"):
        verified = receipt.verify()
    for line in verified.lines():
        typer.echo(line)
    typer.echo(f"receipt: {shown(current_project().receipt)}")
    if verified.differing:
        raise typer.Exit(1)


def watch(
    lang: Lang = "en",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5500,
) -> None:
    """Serve the report on this machine; rebuild and reload when a file is saved, until Ctrl-C."""
    from shockcheck.authoring import watch as watching
    from shockcheck.languages import language

    language.get_language(lang)
    watching.watch(lang, port, typer.echo)


def trace(
    row: Annotated[str, typer.Argument(help="A row of a table: data/FILE.csv:KEY, its key as in the file.", metavar="ROW")],
) -> None:
    """List every claim that uses a row of data/: as an input of its number, or as a fact or source it cites."""
    from shockcheck.audit import uses

    claims = uses.uses_of(row)
    for use in claims:
        typer.echo(f"{use.claim}, {use.verdict} ({use.page}): {use.as_what}")
    if not claims:
        typer.echo(f"no claim rests on {row}")


def checksums() -> None:
    """Accept the tables in data/ as they are now, if they are valid: write their SHA-256 to the data package."""
    from shockcheck.data import tables

    changes = tables.renew_checksums()
    for file, old, new_checksum in changes:
        typer.echo(f"data/{file}: {_shortened(old)} is now {_shortened(new_checksum)}")
    if not changes:
        typer.echo("no table has changed")
    for file in tables.undescribed():
        typer.echo(
            f"data/{file} is no table of data/datapackage.json: it is not checked; put its rows into one, or describe it"
        )


def _shortened(checksum: str) -> str:
    return f"{checksum[:SHORT]}…" if len(checksum) > SHORT else checksum
