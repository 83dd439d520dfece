"""The command line in a process of its own, forked from one that has imported the libraries: what takes seconds to import
is imported once in a run of the tests, and the project itself anew in every command, so that it reads its own folder."""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path


def run(
    arguments: tuple[str, ...], environment: dict[str, str], folder: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    """`python -m shockcheck ...` with this environment, from `folder`; raises TimeoutExpired where it takes too long."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["command_preload"])
    with tempfile.TemporaryDirectory() as texts:
        process = server.Process(target=_command, args=(arguments, environment, folder, texts))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, seconds)
        said = [(Path(texts) / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess(arguments, process.exitcode, *said)


def _command(arguments: tuple[str, ...], environment: dict[str, str], folder: Path, texts: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(f"{texts}/{name}", os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    sys.argv = ["shockcheck", *arguments]
    assert not any(name == "shockcheck" for name in sys.modules), "the project is to be imported with its own folder"
    try:
        runpy.run_module("shockcheck", run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
