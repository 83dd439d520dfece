"""Options that several commands take, each described once."""

from typing import Annotated

import typer

from shockcheck.errors import ParameterError

Parameters = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", help="Set a parameter; builds a variant.", metavar="NAME=VALUE"),
]
Lang = Annotated[str, typer.Option(help="Language of labels, verdicts, numbers and dates: en or de.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Notebooks to run at the same time; default: two per core.")]
NotebookName = Annotated[str, typer.Argument(help="Name of a notebook.", metavar="NOTEBOOK")]


def chosen_parameters(options: list[str] | None) -> dict[str, str]:
    """Return the values given by -p by name; raises ParameterError for anything but NAME=VALUE, or a repeated name."""
    chosen: dict[str, str] = {}
    for text in options or []:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ParameterError(f"-p takes NAME=VALUE, not {text!r}")
        if name in chosen:
            raise ParameterError(f"-p gives {name} twice; keep one")
        chosen[name] = value
    return chosen
