"""What the shell of a build, in which cells run, does otherwise than a person's."""

import os
import sys
import time
import warnings
from collections.abc import Mapping
from typing import TextIO

FORK_BESIDE_THREADS = "This process .* is multi-threaded"  # how a warning of Python's begins, from 3.12 on
MAX_OUTPUT = 10_000_000  # characters that a notebook may show: pages with more are slow to open
KERNEL_WAIT_S = (
    300  # seconds for a kernel to come up, and to hand over what a cell showed: much for a machine with other work
)


def prepare(environment: Mapping[str, str]) -> None:
    """Set variables before the first cell, note what is read, and let what cells print reach their outputs alone.

    `exit()` in a cell raises SystemExit, so that the build can say where it was.
    """
    from IPython import get_ipython

    os.environ.update(environment)
    if "" not in sys.path:  # where Python was told to leave it out: modules beside the notebook are the notebook's own
        sys.path.insert(0, "")
    get_ipython().ask_exit = _end
    # The threads are the kernel's, of which a notebook that forks knows nothing, and the warning names the process's number,
    # which would be another one on the page of every build.
    warnings.filterwarnings("ignore", FORK_BESIDE_THREADS, DeprecationWarning)
    for stream in (sys.stdout, sys.stderr):
        _bound(stream)
    from shockcheck.notebooks import reads  # once the variables are set, by which the project is found

    reads.watch()


def _bound(stream: TextIO) -> None:
    """Take no more than the largest size and one character, at which the build ends the kernel: it could fill the memory."""
    write, room = stream.write, MAX_OUTPUT + 1

    def write_within(text: str) -> int:
        nonlocal room
        if room > 0:
            write(text[:room])
            room -= len(text)
        while room <= 0:
            time.sleep(1)
        return len(text)

    stream.write = write_within  # type: ignore[method-assign]  # of this one stream


def _end() -> None:
    raise SystemExit
