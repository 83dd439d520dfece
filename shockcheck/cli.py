"""The command line: `python -m shockcheck --help`."""

import json
import os
import shlex
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shockcheck.errors import ParameterError, ShockcheckError, SourceError, plain

if TYPE_CHECKING:
    from rich.console import Console

    from shockcheck import build, snapshot
    from shockcheck import grid as grid_module
    from shockcheck import sweep as sweep_module

FAULTS_SAID = 20  # of a sweep, in the terminal

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
prices = typer.Typer(no_args_is_help=True, help="The embedded prices against what Yahoo Finance gives now.")
app.add_typer(prices, name="prices")
claims = typer.Typer(no_args_is_help=True, help="The ledger of claims: its faults, and the cells that check them.")
app.add_typer(claims, name="claims")


@cache
def _console() -> "Console":
    from rich.console import Console  # a tenth of a second, which a build that has nothing to do need not wait for

    return Console(stderr=True)


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
        typer.Option(
            help="A CSV table with a column a parameter: builds a variant a row.", metavar="FILE", resolve_path=True
        ),
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of labels, verdicts, numbers and days: en or de.")] = "en",
    why: Annotated[bool, typer.Option("--why", help="Say for each page why it is built, or not.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Notebooks run at once; by default two a core.")] = None,
    no_warm: Annotated[bool, typer.Option("--no-warm", help="Start an ordinary kernel for each notebook.")] = False,
) -> None:
    """Build the pages that are due, the index and findings.json in reports/, or in reports/LANG/."""
    if no_warm:
        os.environ["SHOCKCHECK_COLD"] = "1"
    if lang != "en":
        from shockcheck import languages

        languages.get(lang)
    if (p or grid) and lang != "en":
        raise ParameterError("--lang is for the article's own pages; leave it out for a variant")
    if (p or grid) and not only:
        raise ParameterError(f"{'-p changes' if p else '--grid runs'} one notebook: name it with --only NOTEBOOK")
    try:
        if p or grid or only:
            _one(only, _pairs(p or []), grid, lang, workers)
        else:
            _all(lang, why, workers)
    except KeyboardInterrupt:
        _complain("interrupted; what was built before stands, and the next build goes on from there")
        raise typer.Exit(130) from None


def _all(lang: str, why: bool, workers: int | None) -> None:
    from shockcheck import build
    from shockcheck.paths import reports_in, shown

    folder = reports_in(lang)
    plan = build.Plan(lang)
    if why:
        for name, reason in plan.why().items():
            typer.echo(f"{shown(folder / name)}.html: {reason}")
    faults = []
    if not plan.nothing:
        faults += _built(plan, folder, workers).values()
    if plan.unchecked:
        from shockcheck.notebooks import not_checked

        faults.append(not_checked(plan.unchecked))
    for fault in faults:
        _complain(fault)
    _note_loss()
    typer.echo(_summary(folder, stood=plan.nothing))
    if faults:
        raise typer.Exit(1)


def _built(plan: "build.Plan", folder: Path, workers: int | None) -> dict[str, str]:
    from shockcheck import build, warm

    if plan.due:
        warm.start(len(plan.due))  # makes itself ready while the rest is imported
    from rich.markup import escape
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from shockcheck.paths import shown

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console(), transient=True) as progress:
        task = progress.add_task("building", total=len(plan.due))

        def said(name: str, error: str | None) -> None:
            page = escape(f"{shown(folder / name)}.html")
            line = f"  [red]failed[/] {escape(name)}" if error else f"  [green]built[/]  {page}"
            progress.console.print(line, highlight=False)
            progress.advance(task)

        return build.run(plan, said, workers)


def _one(name: str, given: dict[str, str], grid: Path | None, lang: str, workers: int | None) -> None:
    """One notebook alone: its page, a variant of it, or one a row of a grid."""
    from shockcheck import warm
    from shockcheck.paths import reports_in, shown

    if not grid and not given:
        from rich.markup import escape

        from shockcheck import build

        warm.start()
        with _console().status(f"running {escape(name)}"):
            build.page(name, lang)
        _note_loss()
        typer.echo(shown(reports_in(lang) / f"{name}.html"))
        return
    with warm.kernels():
        warm.start(2 if grid else 1)
        from shockcheck import report as reports

        if not grid:
            typer.echo(shown(reports.build_variant(name, given, _console())))
            return
        overview, failures = reports.build_grid(name, grid, given, _console(), workers)
        for row, error in failures.items():
            _complain(f"{row}: {error}")
        typer.echo(shown(overview))
        if failures:
            raise typer.Exit(1)


@app.command()
def sweep(
    notebook: Annotated[str, typer.Argument(help="A notebook, by its name.", metavar="NOTEBOOK")],
    grid: Annotated[Path, typer.Option(help="A CSV table with a column a parameter and a row a run.", metavar="FILE")],
    p: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", help="A parameter's value for all rows.", metavar="NAME=VALUE"),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Rows run at once; by default two a core.")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Run on the Dask cluster of this scheduler, as tcp://HOST:PORT.", metavar="ADDRESS"),
    ] = None,
    pages: Annotated[
        str | None,
        typer.Option(help="Build a page a row too, into this folder or to this address (fsspec).", metavar="PLACE"),
    ] = None,
    timeout: Annotated[
        int | None, typer.Option(min=1, help="Seconds that a row may take, or with pages a cell; by default 300.")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Run every row, whatever is kept of former runs.")] = False,
) -> None:
    """Compute a notebook's findings for many rows, as tables and a ranking; what is done is kept and not done again."""
    from shockcheck import sweep as sweeps
    from shockcheck.paths import shown

    swept = sweeps.Sweep(notebook, grid, _pairs(p or []), pages, timeout, anew)
    try:
        _swept(swept, workers, scheduler)
    except KeyboardInterrupt:
        kept = f"{swept.done} of {swept.total} rows are done and kept"
        _complain(f"interrupted; {kept}, and the same command goes on with the others")
        raise typer.Exit(130) from None
    overview = swept.write()
    _note_loss()
    for row, reason in [fault for _, fault in sorted(swept.faults.items())][:FAULTS_SAID]:
        _complain(f"{row.name}: {reason}")
    more = len(swept.faults) - FAULTS_SAID
    if more > 0:
        _complain(f"{more} more rows are at fault; all of them stand in faults.parquet beside the overview")
    typer.echo(f"{shown(overview)}: {swept.total} rows, {swept.done} done, {len(swept.faults)} at fault")
    if swept.faults:
        raise typer.Exit(1)


def _swept(swept: "sweep_module.Sweep", workers: int | None, scheduler: str | None) -> None:
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    columns = (SpinnerColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=_console(), transient=True) as bar:
        known = swept.total - len(swept.due)
        task = bar.add_task("rows", total=swept.total, completed=known, rate="")

        def said(row: "grid_module.Row", fault: str | None) -> None:
            if fault and len(swept.faults) <= FAULTS_SAID:
                bar.console.print(f"  [red]failed[/] row {row.number}", highlight=False)
            bar.advance(task)
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, rate=f"{speed:.1f} rows a second" if speed else "")

        def tell(sentence: str) -> None:
            bar.console.print(Text(sentence), soft_wrap=True)

        swept.run(said, workers, scheduler, tell)


@app.command(hidden=True)
def rows() -> None:
    """Run rows as they are asked for on standard input: what a worker of a cluster starts beside it."""
    from shockcheck import runner

    runner.serve()


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, or an empty one.")]) -> None:
    """Make a project for another article: ledger, notebook, tables, tests and Makefile, with an example to replace."""
    from shockcheck import scaffold

    typer.echo(f"made {folder}, {len(scaffold.make(folder))} files; next: cd {shlex.quote(str(folder))} && make report")


@app.command()
def notebooks() -> None:
    """Run the notebooks in place: refresh their stored outputs, the README's verdict table, the checksums of the pages."""
    from shockcheck import warm

    with warm.kernels():
        warm.start(2)
        from shockcheck import receipt
        from shockcheck import report as reports

        for path in reports.refresh_notebooks(_console()):
            typer.echo(reports.shown(path))
    _all("en", why=False, workers=None)
    receipt.record()
    typer.echo(reports.shown(receipt.CHECKSUMS))


@app.command()
def verify() -> None:
    """Build the report anew in a clean folder and say which claims and pages come out as recorded; also in a file."""
    from shockcheck import receipt
    from shockcheck.paths import shown

    with _console().status("building in a clean folder"):
        found = receipt.verify()
    for line in found.lines():
        typer.echo(line)
    typer.echo(f"receipt: {shown(receipt.RECEIPT)}")
    if found.differing:
        raise typer.Exit(1)


@app.command()
def watch(
    lang: Annotated[str, typer.Option(help="Language of the pages: en or de.")] = "en",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5500,
) -> None:
    """Serve the report to a browser on this machine; build and show again what is saved, until Ctrl-C."""
    from shockcheck import languages
    from shockcheck import watch as watching

    languages.get(lang)
    watching.watch(lang, port, typer.echo)


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
        typer.echo(f"data/{file}: {_in_short(old)} is now {_in_short(new)}")
    if not changes:
        typer.echo("no table has changed")
    for file in tables.undescribed():
        typer.echo(
            f"data/{file} is no table of data/datapackage.json: it is not checked; put its rows into one, or describe it"
        )


def _in_short(checksum: str) -> str:
    return f"{checksum[:19]}…" if len(checksum) > 19 else checksum


@claims.command()
def check() -> None:
    """List every fault of data/claims.yml with its line; of a good one, the cells to paste for claims not yet checked."""
    from shockcheck import drafts

    found = drafts.faults()
    typer.echo("\n".join(found) if found else drafts.summary())
    if found:
        raise typer.Exit(1)


@claims.command()
def add(
    notebook: Annotated[str, typer.Argument(help="A notebook, made if there is none of that name.", metavar="NOTEBOOK")],
    ids: Annotated[list[str] | None, typer.Argument(help="Claims; without, all not yet checked.", metavar="CLAIM")] = None,
    p: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", help="A parameter of a new notebook: ticker, event_date.", metavar="NAME=VALUE"),
    ] = None,
) -> None:
    """Put the cells for claims that no notebook checks into a notebook, and say what is to be filled in."""
    from shockcheck import drafts

    added = drafts.add(notebook, ids or [], _pairs(p or []))
    for draft in added.drafts:
        by = f" by the prices of {added.share}" if draft.of_a_share else ""
        typer.echo(f"{drafts.shown(added.path)} checks {draft.claim.id}{by}; to fill in: {draft.fill_in}")
    for reason in added.left_out:
        typer.echo(f"left out: {reason}")


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

    if snapshot.finish():
        typer.echo("data/ is as an update that was cut short was to leave it; comparing again")
    found = _compared()
    if found.notes:
        raise SourceError("nothing is written, since not every figure could be compared; see above and try again")
    if len(found.differences):
        snapshot.update(found.differences)
        typer.echo("written to data/, checksums renewed; `make notebooks` refreshes the notebooks")


def _compared() -> "snapshot.Comparison":
    from rich.progress import Progress

    from shockcheck import snapshot

    with Progress(console=_console(), transient=True) as progress:
        found = snapshot.compare(lambda asked: progress.track(asked, description="asking"))
    for note in found.notes:
        _complain(note.removesuffix("."))
    if found.differences.empty:
        typer.echo(f"none of the {found.rows} embedded rows compared differs")
        return found
    typer.echo(found.differences.to_string(index=False))
    with _console().status("building a copy with these figures"):
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


def _summary(folder: Path, stood: bool) -> str:
    from shockcheck.paths import shown

    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    counts = Counter(entry["verdict"] for entry in findings)
    claims = f"{len(findings)} claim{'' if len(findings) == 1 else 's'}"
    listed = ", ".join([claims, *(f"{number} {word}" for word, number in counts.items())])
    return f"{shown(folder / 'index.html')}: {listed}{'; nothing was due' if stood else ''}"


def _note_loss() -> None:
    """Say once that nothing could be kept in the cache, where that is so."""
    from shockcheck import cache

    if sentence := cache.loss():
        from rich.text import Text

        _console().print(Text("note:", style="yellow"), Text(sentence), soft_wrap=True)


def _complain(sentence: object) -> None:
    from rich.text import Text

    with suppress(OSError):  # nobody can be told
        _console().print(Text("error:", style="red"), Text(plain(str(sentence))), soft_wrap=True)


def main() -> int:
    """Run the command line and return its exit status; a fault that the user can mend is one sentence on stderr and 1."""
    try:
        app()
    except ShockcheckError as error:
        _complain(error)
        return 1
    except OSError as error:  # what no module has a better word for: files, streams and processes of this machine
        what = error.filename or "a file or a stream"
        _complain(f"{what} cannot be used ({error.strerror or error}); mend that and run again")
        return 1
    except ImportError as error:
        _complain(f"a library cannot be loaded ({error}); allow more memory, or make the environment anew")
        return 1
    except MemoryError:
        _complain("there is not enough memory; free some, or allow more, and run again")
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    return 0
