"""What commands print on stderr: errors, notes and progress."""

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from shockcheck.errors import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@cache
def console() -> "Console":
    """Return the console of stderr."""
    from rich.console import Console  # a tenth of a second, which a build that has nothing to do need not wait for

    return Console(stderr=True)


def complain(sentence: object) -> None:
    """Print an error."""
    from rich.text import Text

    with suppress(OSError):  # nobody can be told
        console().print(Text("error:", style="red"), Text(plain(str(sentence))), soft_wrap=True)


def note_loss() -> None:
    """Print once that nothing could be kept in the cache, where that is so."""
    from shockcheck.project import records

    if sentence := records.loss_notice():
        from rich.text import Text

        console().print(Text("note:", style="yellow"), Text(sentence), soft_wrap=True)


def progress() -> "Progress":
    """Return a progress display that counts what is done and the time it takes."""
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console(), transient=True)
