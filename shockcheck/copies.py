"""Copies of the project in a clean folder, to be built there with nothing of an earlier build at hand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from shockcheck import scratch
from shockcheck.errors import BuildError
from shockcheck.paths import DATA, NOTEBOOKS


def copy_to(root: Path) -> None:
    """Copy what a report is built from, tables and notebooks, into the folder `root`.

    Hidden files, and links that lead nowhere, stay behind. Raises BuildError where that is not possible.
    """
    ignored = shutil.ignore_patterns(".*", "#*#", "~$*")
    try:
        for source in (DATA, NOTEBOOKS):
            shutil.copytree(source, root / source.name, ignore=ignored, ignore_dangling_symlinks=True)
    except OSError as error:  # of shutil's own, which lists every file, the first
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise BuildError(f"the project cannot be copied to {root} ({why}); {scratch.OTHERWISE}") from error


def run(root: Path, *command: str) -> list[str]:
    """Run a command of this package's on the copy in `root`; returns its error sentences, none where it succeeded."""
    done = subprocess.run(
        [sys.executable, "-m", "shockcheck", *command],
        env=os.environ | {"SHOCKCHECK_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    said = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    return said or [f"error: {' '.join(command)} ended with status {done.returncode}"]
