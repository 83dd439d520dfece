"""The report while it is worked on: what is saved is built at once, and shown anew in the browser."""

import subprocess
import sys

from livereload import Server

from shockcheck.errors import ParameterError
from shockcheck.paths import DATA, NOTEBOOKS, PACKAGE, reports_in

HOST = "127.0.0.1"  # for this machine alone


def watch(lang: str, port: int) -> None:
    """Build the report, serve it on `port` of this machine and build what is due whenever an input is saved; until Ctrl-C.

    A table that is saved with no fault is accepted, and its new SHA-256 said. What goes wrong in a build is said, and the
    next save is another try. Raises ParameterError where the port is taken.
    """
    _build(lang)
    server = Server()
    server.watch(str(NOTEBOOKS), lambda: _build(lang), ignore=lambda name: ".ipynb_checkpoints" in name)
    server.watch(str(DATA), lambda: _run("checksums") and _build(lang), ignore=lambda name: name.endswith(".partial"))
    server.watch(str(PACKAGE), lambda: _build(lang))
    try:
        server.serve(port=port, host=HOST, root=str(reports_in(lang)))
    except OSError as error:
        raise ParameterError(f"port {port} cannot be used ({error.strerror}); give another by --port") from error


def _build(lang: str) -> None:
    _run("report", "--lang", lang)


def _run(*command: str) -> bool:
    """Run a command in a process of its own, which reads the package as it is saved by now; whether it succeeded."""
    return subprocess.run([sys.executable, "-m", "shockcheck", *command], check=False).returncode == 0
