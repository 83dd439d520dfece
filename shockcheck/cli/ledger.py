"""The commands `claims`: the ledger's faults, and the cells that check its claims."""

from typing import Annotated

import typer

from shockcheck.cli.options import Parameters, chosen_parameters
from shockcheck.project.paths import shown

app = typer.Typer(no_args_is_help=True, help="Check the ledger of claims, and add cells that check its claims to notebooks.")


@app.command()
def check() -> None:
    """List every fault in data/claims.yml with its line or, if there is none, the cells for claims not checked yet."""
    from shockcheck.authoring import drafts

    faults = drafts.faults()
    typer.echo("\n".join(faults) if faults else drafts.summary())
    if faults:
        raise typer.Exit(1)


@app.command()
def add(
    notebook: Annotated[str, typer.Argument(help="Notebook to add to; created if it does not exist.", metavar="NOTEBOOK")],
    ids: Annotated[list[str] | None, typer.Argument(help="Claims; default: all not checked yet.", metavar="CLAIM")] = None,
    parameters: Parameters = None,
) -> None:
    """Add the cells for unchecked claims to a notebook, and say what remains to be filled in.

    A new notebook takes its ticker and event_date from -p.
    """
    from shockcheck.authoring import drafts

    added = drafts.add_checks(notebook, ids or [], chosen_parameters(parameters))
    for draft in added.drafts:
        by = f" by the prices of {added.share}" if draft.of_a_share else ""
        typer.echo(f"{shown(added.path)} checks {draft.claim.id}{by}; to fill in: {draft.fill_in}")
    for reason in added.left_out:
        typer.echo(f"left out: {reason}")
