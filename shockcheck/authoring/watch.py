"""The report while it is being worked on: a saved file is built at once, and the browser shows the new page.

A save is recognised by comparing the files before each build, so that files saved during a build are built after it.
watchfiles says when to compare; comparing every second finds what a file system does not report: links, shared folders.
"""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from watchfiles import awatch

from shockcheck.authoring.server import HOST, Site, bind
from shockcheck.errors import ParameterError
from shockcheck.project.paths import PACKAGE, current_project

MAX_PAUSE_MS = 1000  # from one comparison to the next where no change is reported
GRACE_S = 10  # for an interrupted build to end by itself
# Files beside those that people edit: hidden files, backups, locks and probes of editors.
IGNORED = re.compile(r"\..*|.*~|~\$.*|#.*#|.*\.(partial|tmp|swp|swx|bak|pyc)|___jb_.*|\d{4}")
IGNORED_FOLDERS = re.compile(r"\..*|__pycache__")
Files = dict[Path, tuple[int, int, int, int]]  # times of content and of status, size and number, by path


def watch(lang: str, port: int, say: Callable[[str], None]) -> None:
    """Build the report, serve it on `port` of this machine, and rebuild it whenever an input is saved, until Ctrl-C.

    A table saved without a fault is accepted and its new SHA-256 printed. Errors of a build are printed and shown on the
    open pages; the next save starts another build. `say` is called with the address. Raises ParameterError where the port
    is taken.
    """
    try:
        sockets = bind(port)
    except OSError as error:
        raise ParameterError(f"port {port} cannot be used ({error.strerror}); give another by --port") from error
    say(f"http://{HOST}:{port}/ shows the report, and anew what is saved from now on; Ctrl-C ends it")
    asyncio.run(_until_interrupted(_serve(lang, sockets)))


async def _until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


async def _serve(lang: str, sockets: list[socket.socket]) -> None:
    site, accepted = Site(current_project().reports_in(lang)), _tables(files())
    built: Files = {}
    server = site.listen(sockets)
    try:
        async with aclosing(_ticks()) as ticks:
            async for _ in ticks:
                now = files()
                if now == built:
                    continue
                site.building = True
                errors = await _run("checksums") if _tables(now) != accepted else []
                if not errors:
                    accepted = _tables(now)
                    errors = await _run("report", "--lang", lang)
                built = now
                site.end_build(errors)
    finally:
        server.stop()
        await server.close_all_connections()


def _folders() -> tuple[Path, ...]:
    project = current_project()
    return project.data, project.notebooks, PACKAGE


def files() -> Files:
    """Return times, size and number of every file that a build may read, by path; for a link, those of its target."""
    states: Files = {}
    for path in (current_project().lock, *(path for folder in _folders() for path in _below(folder))):
        with suppress(OSError):  # it was replaced just now, or a link leads nowhere
            status = path.stat()
            states[path] = status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
    return states


def _below(folder: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not IGNORED_FOLDERS.fullmatch(name)]
        yield from (Path(path, name) for name in names if not IGNORED.fullmatch(name))


def _tables(states: Files) -> Files:
    """Return the files in data/ that have a checksum: all but the ledger, the corrections and the descriptor."""
    return {
        path: state
        for path, state in states.items()
        if current_project().data in path.parents and path.suffix not in (".yml", ".json")
    }


async def _ticks() -> AsyncGenerator[None, None]:
    """Yield when it is time to compare the files: now, at each change that the file system reports, and every second."""
    yield
    with suppress(OSError, RuntimeError):  # this machine watches no more files, or a folder cannot be read
        async for _ in awatch(*_folders(), watch_filter=None, rust_timeout=MAX_PAUSE_MS, yield_on_timeout=True):
            yield
    while True:
        await asyncio.sleep(MAX_PAUSE_MS / 1000)
        yield


async def _run(*words: str) -> list[str]:
    """Run a command in a process of its own, with the package as it is now, and return its error sentences.

    The process has a session of its own, so that Ctrl-C in a terminal reaches it only from here, and once.
    """
    command = (sys.executable, "-m", "shockcheck", *words)
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, start_new_session=True)
    printed = b""
    try:
        while process.stderr and (chunk := await process.stderr.read(4096)):
            sys.stderr.buffer.write(chunk)
            sys.stderr.buffer.flush()
            printed += chunk
        status = await process.wait()
    except asyncio.CancelledError:
        await _end(process)
        raise
    if status == 0:
        return []
    errors = [line for line in printed.decode("utf-8", "replace").splitlines() if line.startswith("error:")]
    return errors or [f"error: {' '.join(words)} ended with status {status}; the terminal of `watch` shows why"]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Interrupt a process, and kill it if it does not end by itself or the user interrupts again."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.communicate(), GRACE_S)
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
