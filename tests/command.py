"""The command line in a process of its own, forked from one that has imported the libraries: what takes seconds to import
is imported once in a run of the tests, and the project itself anew in every command, so that it reads its own folder. The
same holds for the process that a command's warm kernels are forked from."""

import contextlib
import multiprocessing
import multiprocessing.util
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from functools import cache
from multiprocessing import forkserver
from pathlib import Path

import pytest


def run(
    arguments: tuple[str, ...], environment: dict[str, str], folder: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    """`python -m shockcheck ...` with this environment, from `folder`; raises TimeoutExpired where it takes too long."""
    server = _server()
    with tempfile.TemporaryDirectory() as texts:
        process = server.Process(target=_command, args=(arguments, environment, folder, texts))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, seconds)
        said = [(Path(texts) / name).read_text(encoding="utf-8") for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess(arguments, process.exitcode, *said)


@cache
def _server() -> multiprocessing.context.ForkServerContext:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["command_preload"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # the server looks for it where a new interpreter would
        forkserver.ensure_running()
    return server


def _command(arguments: tuple[str, ...], environment: dict[str, str], folder: Path, texts: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(f"{texts}/{name}", os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    sys.argv = ["shockcheck", *arguments]
    multiprocessing.util.spawnv_passfds = _Seed().spawn
    assert "pandas" in sys.modules, "the libraries are to be imported already"
    assert "shockcheck" not in sys.modules, "the project is to be imported with its own folder"
    try:
        runpy.run_module("shockcheck", run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


class _Seed:
    """A fork of this process while it is still bare, to become the fork server that a command starts later on."""

    def __init__(self) -> None:
        self._asked, asked = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._asked.close()
            with contextlib.suppress(SystemExit):
                self._grow(asked)
            os._exit(0)
        asked.close()

    @staticmethod
    def _grow(asked: socket.socket) -> None:
        code, handles, _, _ = socket.recv_fds(asked, 2000, 2)
        if code:
            asked.close()
            exec(code.decode().format(*handles), {"__name__": "__main__"})

    def spawn(self, path: str, arguments: list[str], handles: list[int]) -> int:
        """In place of multiprocessing's function that starts a helper by a new interpreter; returns its process id."""
        code = arguments[-1]
        if "forkserver" not in code:
            return _new_interpreter(path, arguments, handles)
        first = "main({}, {}, "
        assert first.format(*handles) in code
        blank = code.replace("{", "{{").replace("}", "}}").replace(first.format(*handles), first)
        socket.send_fds(self._asked, [blank.encode()], handles)
        self._asked.close()
        return self._pid


_new_interpreter = multiprocessing.util.spawnv_passfds
