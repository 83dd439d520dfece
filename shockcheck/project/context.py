"""What a build tells the kernel of a notebook, and what the kernel notes for the build.

One environment variable holds it all as JSON. Where it is not set, as in JupyterLab, nothing is noted, numbers are in
English, and whether the parameters are the article's is told from the notebook's file.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from shockcheck.project.paths import ROOT_VARIABLE, current_project

RUN_VARIABLE = "SHOCKCHECK_RUN"


@dataclass(frozen=True)
class RunContext:
    """One run of a notebook by a build.

    `language` is that of its charts. `is_variant` is whether the parameters are others than the article's, None outside a
    build. With `findings_only` nothing is drawn or shown but findings. `reads` is the file in which reads are noted,
    `ledger` the file with the ledger as the build has checked it.
    """

    language: str = "en"
    is_variant: bool | None = None
    findings_only: bool = False
    reads: str | None = None
    ledger: str | None = None

    def environment(self) -> dict[str, str]:
        """Return the variables by which a kernel finds the project and this context."""
        return {ROOT_VARIABLE: str(current_project().root), RUN_VARIABLE: json.dumps(asdict(self))}


def current_run() -> RunContext:
    """Return the context that the environment holds, the default one where it holds none."""
    return _parsed(os.environ.get(RUN_VARIABLE))


@lru_cache(maxsize=4)
def _parsed(text: str | None) -> RunContext:
    return RunContext(**json.loads(text)) if text else RunContext()


def note(name: str) -> None:
    """Note that a notebook has read `name`, where the build watches it: a file, or 'FILE#KEY' for a row or entry of it.

    'FILE#KEY*' stands for all rows whose key begins so.
    """
    log = current_run().reads
    if log:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name}\n")


_thread = threading.local()


@contextmanager
def unnoted_reads() -> Iterator[None]:
    """Inside the block no read of this thread is noted by itself: the package notes what it uses of what it reads."""
    before, _thread.unnoted = is_unnoted(), True
    try:
        yield
    finally:
        _thread.unnoted = before


def is_unnoted() -> bool:
    """Return whether this thread is inside such a block."""
    return getattr(_thread, "unnoted", False)


def tell_reader(sentence: str) -> None:
    """Print a sentence, once in a run: the page shows it as a notice."""
    told: set[str] = current_project().memory.setdefault("told", set())
    if sentence not in told:
        told.add(sentence)
        print(sentence)  # noqa: T201 - the way out of a notebook
