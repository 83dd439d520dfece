"""What the shell of a build, in which cells run, does otherwise than a person's."""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

LARGEST = 10_000_000  # characters that a notebook may show: pages with more are slow to open
PATIENCE = 300  # seconds for a kernel to come up, and to hand over what a cell showed: much for a machine with other work


def prepare(environment: Mapping[str, str]) -> None:
    """Set variables before the first cell, note what is read, and let what cells print reach their outputs alone.

    `exit()` in a cell raises SystemExit, so that the build can say where it was.
    """
    from IPython import get_ipython

    os.environ.update(environment)
    get_ipython().ask_exit = _end
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        _bound(stream)
        with suppress(OSError):  # where ipykernel does not take what other programs print, as in tests
            number = stream.fileno()  # the terminal's, to which it repeats that
        os.dup2(nowhere, number)
    os.close(nowhere)
    from shockcheck import reads  # once the variables are set, by which the project is found

    reads.watch()


def _bound(stream: TextIO) -> None:
    """Take no more than the largest size and one character, at which the build ends the kernel: it could fill the memory."""
    write, room = stream.write, LARGEST + 1

    def write_within(text: str) -> int:
        nonlocal room
        if room > 0:
            write(text[:room])
            room -= len(text)
        while room <= 0:
            time.sleep(1)
        return len(text)

    stream.write = write_within


def _end() -> None:
    raise SystemExit
