"""The command line: `shockcheck --help`."""

from typing import Annotated

import typer

from shockcheck import __version__
from shockcheck.cli import ledger, prices, project, report, sweeps
from shockcheck.cli.console import complain
from shockcheck.errors import ShockcheckError
from shockcheck.project.paths import fresh_look

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Fact-check what a newspaper article says about a market shock.",
)
app.add_typer(prices.app, name="prices")
app.add_typer(ledger.app, name="claims")
for command in (
    report.report,
    sweeps.sweep,
    project.new,
    project.notebooks,
    project.verify,
    project.watch,
    project.trace,
    project.checksums,
):
    app.command()(command)
app.command(hidden=True)(sweeps.rows)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"shockcheck {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Read the project as it is now."""
    context.with_resource(fresh_look())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, by default that of the process, and return its exit status.

    A fault that the user can mend is one sentence on stderr, and status 1.
    """
    try:
        app(arguments, prog_name="shockcheck")
    except ShockcheckError as error:
        complain(error)
        return 1
    except OSError as error:  # what no module has a better word for: files, streams and processes of this machine
        what = error.filename or "a file or a stream"
        complain(f"{what} cannot be used ({error.strerror or error}); mend that and run again")
        return 1
    except ImportError as error:
        complain(f"a library cannot be loaded ({error}); allow more memory, or recreate the environment")
        return 1
    except MemoryError:
        complain("there is not enough memory; free some, or allow more, and run again")
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0
