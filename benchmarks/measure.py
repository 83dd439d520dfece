"""A fresh copy of the project to run a tool in, its seconds or its peak memory, and whether its pages are complete."""

import compileall
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil

from shockcheck.errors import ShockcheckError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = ROOT / ".cache" / "benchmarks"
COPIED = ("requirements.lock", "data", "notebooks", "shockcheck")
EVERY = 0.05  # seconds between two looks at the memory
CARD = re.compile(r'id="claim-[^"]+"|class="recomputed">[^<]+<')


class BenchmarkError(ShockcheckError):
    """A tool could not be set up, failed, or left pages that are not complete: its figures would mean nothing."""


@dataclass(frozen=True)
class Bench:
    """A fresh copy of the project in `root`, a folder `out` for pages, and the environment `prefix` to run commands in."""

    root: Path
    out: Path
    prefix: Path
    sample: bool

    def run(self, *command: str) -> float:
        """Run a command in the copy and give its seconds or, where memory is sampled, its peak in megabytes.

        Commands and kernel are those of the environment, the package is the copy's, whatever the tool. Raises
        BenchmarkError with the last line that was said where the exit status is not 0.
        """
        own = {name: value for name, value in os.environ.items() if not name.startswith(("SHOCKCHECK_", "PYTHON"))}
        own |= {"PATH": f"{self.prefix / 'bin'}{os.pathsep}{own['PATH']}", "PYTHONPATH": str(self.root)}
        own["JUPYTER_PATH"] = str(self.prefix / "share" / "jupyter")
        with (self.out / "log").open("w", encoding="utf-8") as log:
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=self.root, env=own, stdout=log, stderr=log)
            peak = _peak(process) if self.sample else 0.0
            status = process.wait()
            seconds = time.perf_counter() - started
        if status:
            raise BenchmarkError(f"{' '.join(command)} ended with status {status}: {' '.join(self.said()[-1:])}")
        return peak if self.sample else seconds

    def said(self) -> list[str]:
        """What the last command said, line by line."""
        return (self.out / "log").read_text(encoding="utf-8").splitlines()


def _peak(process: subprocess.Popen) -> float:
    """The largest sum, in megabytes, of the memory of a process and of all that descend from it, until it ends.

    It is the proportional set size: of what processes share each counts its part, so that the sum counts it once.
    """
    peak, root = 0, psutil.Process(process.pid)
    while process.poll() is None:
        began, used = time.perf_counter(), 0
        with suppress(psutil.NoSuchProcess):
            for one in [root, *root.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it has ended just now
                    used += one.memory_full_info().pss
        peak = max(peak, used)
        time.sleep(max(0.0, EVERY - (time.perf_counter() - began)))
    return peak / 1e6


@contextmanager
def bench(prefix: Path, sample: bool) -> Iterator[Bench]:
    """A fresh copy of the project with its package compiled; removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="shockcheck-benchmark-") as folder:
        root, out = Path(folder, "project"), Path(folder, "out")
        root.mkdir(), out.mkdir()
        for name in COPIED:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy2)(ROOT / name, root / name)
        compileall.compile_dir(root / "shockcheck", quiet=1)
        yield Bench(root, out, prefix, sample)


def environment(name: str) -> Path:
    """The folder of a tool's environment: made, once, of the runtime packages of the lock and what the tool needs beside."""
    lock, own, folder = (
        (ROOT / "requirements.lock").read_text("utf-8"),
        HERE / f"requirements-{name}.txt",
        ENVIRONMENTS / name,
    )
    runtime = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    wanted = hashlib.sha256("\n".join([lock, own.read_text("utf-8"), *runtime, sys.version]).encode()).hexdigest()
    stamp, pins = folder / "made-from.sha256", folder / "constraints.txt"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        venv.create(folder, with_pip=True, clear=True)
        pins.write_text("\n".join(re.findall(r"^[a-z0-9][^\\\n]*==[^\\\n]*", lock, re.MULTILINE)), encoding="utf-8")
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--constraint", pins, "--requirement", own]
        done = subprocess.run([*pip, *runtime], capture_output=True, text=True)
        if done.returncode:
            raise BenchmarkError(f"the environment of {name} could not be made: {' '.join(done.stderr.splitlines()[-1:])}")
        stamp.write_text(wanted, encoding="utf-8")
    return folder


def check_pages(folder: Path) -> None:
    """Raise BenchmarkError unless the folder has a page of every notebook, with every card and value, and no error."""
    for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")):
        page = folder / f"{path.stem}.html"
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        outputs = (output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", []))
        cards = CARD.findall("\n".join(output.get("data", {}).get("text/html", "") for output in outputs))
        missing = sorted(set(cards) - set(CARD.findall(text)))
        if missing or not text or "Traceback" in text:
            raise BenchmarkError(f"{page.name} is not complete: {', '.join(missing) or 'an error or nothing'}")
