"""What cells do in the kernels of a build: start processes, on warm kernels as on ordinary ones."""

import re
from pathlib import Path

import nbformat
import pytest
from conftest import Project, wait_until

from shockcheck import scaffold


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project with one notebook, which takes no time."""
    scaffold.make(tmp_path / "project")
    return Project(tmp_path / "project")


def add(project: Project, name: str, *sources: str) -> None:
    """Put a notebook that checks no claim into the project."""
    first = nbformat.v4.new_code_cell("# no parameters", metadata={"tags": ["parameters"]})
    cells = [nbformat.v4.new_markdown_cell(f"# {name}"), first, *map(nbformat.v4.new_code_cell, sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), project.root / f"notebooks/{name}.ipynb")


def printed(project: Project, name: str) -> str:
    html = (project.root / f"reports/{name}.html").read_text(encoding="utf-8")
    return re.sub(r"<br>|\s+", "\n", "\n".join(re.findall(r'<p class="notice"[^>]*>(.*?)</p>', html, re.DOTALL)))


CHILDREN = r"""
import math, multiprocessing, os, re, subprocess, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory

multiprocessing.set_start_method("fork")

def answer(queue):
    queue.put(multiprocessing.current_process().name)

for method in ("fork", "spawn"):
    with multiprocessing.get_context(method).Pool(1) as pool:
        print(pool.map(math.sqrt, [4]))
for method in ("fork", "forkserver"):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        print(list(pool.map(math.sqrt, [4])))
queue = multiprocessing.Queue()
process = multiprocessing.Process(target=answer, args=(queue,))
process.start()
print(re.sub("[0-9]+", "N", queue.get()))
process.join()
print(multiprocessing.current_process().name, multiprocessing.parent_process())
"""
LEFT = r"""
lock, memory = multiprocessing.get_context("spawn").Lock(), shared_memory.SharedMemory(MEMORY, create=True, size=9)
pool = multiprocessing.get_context("fork").Pool(1)
sleep = [sys.executable, "-c", "import time; time.sleep(900)", MARK]
subprocess.Popen(sleep, start_new_session=True, env={})
subprocess.Popen(["sh", "-c", "exec \"$@\" &", "sh", *sleep])
if os.fork() == 0:
    os.setsid()
    os.execv(sys.executable, sleep)
"""


def left(mark: str) -> list[str]:
    """The processes with this word in their command, and the shared memory of that name."""
    found = [str(path) for path in Path("/dev/shm").glob(mark)]
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [str(command)] if mark.encode() in command.read_bytes().split(b"\0") else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize("options", [(), ("--no-warm",)])
def test_cells_may_start_processes_which_end_with_their_kernel(small, options):
    mark = f"shockcheck-{small.root.parent.name}{len(options)}"
    add(
        small,
        "02-children",
        CHILDREN,
        f"MARK = MEMORY = {mark!r}\n{LEFT}",
        "from shockcheck import ledger; ledger.load(); print('done')",
    )
    done = small.run("report", *options)
    assert done.returncode == 0, done.stderr
    assert printed(small, "02-children").split() == [*["[2.0]"] * 4, "Process-N", "MainProcess", "None", "done"]
    wait_until(lambda: left(mark) == [], "the end of what the cells have left")
