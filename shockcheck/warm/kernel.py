"""An IPython kernel without any settings of the user's, so that notebooks give the same everywhere.

`python -m shockcheck.warm.kernel` is such a kernel in an interpreter of its own; warm ones are forked, see `provisioner`.
What a kernel says outside of its notebook goes to a file beside its connection file, for the case that it dies.
"""

import importlib.util
import os
import re
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Any

LOG = "kernel.log"
ERROR = re.compile(r"(\w+\.)*\w*(Error|Exception)\b|Fatal Python error: ")  # at the beginning of a line of a log
MATPLOTLIB = {"MATPLOTLIBRC": os.devnull, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def import_matplotlib() -> None:
    """Import matplotlib with its own settings: no matplotlibrc of the user, the machine or the working directory is read.

    The user's list of fonts is, since making one takes a while; matplotlib looks first at the fonts that it ships with.
    Without effect where there is no matplotlib.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return
    os.environ.update(MATPLOTLIB)
    if not _can_keep_fonts():
        os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp(prefix="matplotlib-")
    with chdir(Path(__file__).parent):  # where there is no matplotlibrc
        import matplotlib.font_manager  # noqa: F401


def _can_keep_fonts() -> bool:
    """Return whether there is a folder of the user's that takes the list of fonts; without one matplotlib warns of that."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matplotlib"
        folder = Path(os.environ.get("MPLCONFIGDIR") or cache).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # the latter where nobody has a home
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def run(arguments: list[str]) -> None:
    """Be a kernel with these arguments, which name its connection file, until it is ended."""
    folder = _folder(arguments)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.environ.update(MATPLOTLIB, MPLCONFIGDIR=str(folder / "matplotlib"))  # the latter for the user's style sheets
    from ipykernel.kernelapp import IPKernelApp

    class Kernel(IPKernelApp):
        """A kernel that reads no configuration files, which a user, an environment or a machine may have."""

        def load_config_file(self, *arguments: Any, **options: Any) -> None:
            """Load no file."""

    ipython = folder / "ipython"
    ipython.mkdir(exist_ok=True)
    own = [f"--IPKernelApp.ipython_dir={ipython}", "--IPKernelApp.exec_PYTHONSTARTUP=False"]
    Kernel.launch_instance([*arguments, *own])


def _folder(arguments: list[str]) -> Path:
    """Return the folder of a run, in which its kernel's connection file lies."""
    return Path(arguments[arguments.index("-f") + 1]).parent


def last_words(folder: Path) -> str | None:
    """Return the error that a kernel which died ended with, as far as its log in `folder` says so, else None."""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:  # what the kernel died of may keep its log from being read
        return error.strerror
    errors = [line for line in lines if ERROR.match(line)]
    machine_errors = [line for line in errors if "OSError" in line or "ZMQError" in line or "MemoryError" in line]
    return next(reversed(machine_errors or errors), None)


def main(arguments: list[str]) -> None:
    """Be a kernel in an interpreter of its own."""
    tempfile.tempdir = str(_folder(arguments))  # for what libraries leave there at their import
    import_matplotlib()
    tempfile.tempdir = None
    run(arguments)


if __name__ == "__main__":
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():  # a module beside the notebook is none of the libraries'
        del sys.path[0]
    main(sys.argv[1:])
