"""Copies of the project in a clean folder, to be built there without anything from an earlier build."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from shockcheck.errors import BuildError
from shockcheck.project import scratch
from shockcheck.project.paths import current_project


def copy_to(root: Path) -> None:
    """Copy tables and notebooks, from which a report is built, into the folder `root`.

    Hidden files and broken links are left out. Raises BuildError where the copy is not possible.
    """
    ignored = shutil.ignore_patterns(".*", "#*#", "~$*")
    try:
        for source in (current_project().data, current_project().notebooks):
            shutil.copytree(source, root / source.name, ignore=ignored, ignore_dangling_symlinks=True)
    except OSError as error:  # shutil's own error lists every file: take the first
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror
        raise BuildError(f"the project cannot be copied to {root} ({why}); {scratch.OTHERWISE}") from error


def run(root: Path, *command: str) -> list[str]:
    """Run a command of this package on the copy in `root`, and return its error sentences, none if it succeeded."""
    done = subprocess.run(
        [sys.executable, "-m", "shockcheck", *command],
        env=os.environ | {"SHOCKCHECK_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    return errors or [f"error: {' '.join(command)} ended with status {done.returncode}"]
