"""What cells do in the kernels of a build: start processes, print, end the notebook; on warm kernels as on ordinary ones."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from conftest import Project, wait_until

from shockcheck.authoring import scaffold
from shockcheck.errors import ParameterError
from shockcheck.notebooks.notebook import TIMEOUT, USUAL_TIMEOUT, cell_timeout, checked_project

pytestmark = pytest.mark.slow

NAME = "01-one-day-change"


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
    add(small, "02-children", CHILDREN, f"MARK = MEMORY = {mark!r}\n{LEFT}", "print('done')")
    done = small.run("report", *options)
    assert done.returncode == 0, done.stderr
    assert "resource_tracker" not in done.stderr
    assert printed(small, "02-children").split() == [*["[2.0]"] * 4, "Process-N", "MainProcess", "None", "done"]
    wait_until(lambda: left(mark) == [], "the end of what the cells have left")


STEERING = r"\x1b[2J\x1b]0;title\x07"
FAULTS = {
    "10-exit": ("exit()", "it ends the notebook (SystemExit), and no cell below it is run; remove exit() or sys.exit()"),
    "11-quit": ("quit", "it ends the notebook (SystemExit)"),
    "12-status": ("import sys; sys.exit(3)", "it ends the notebook (SystemExit, '3')"),
    "13-raise": ("raise SystemExit", "it ends the notebook (SystemExit)"),
    "14-interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "15-input": ("input('day: ')", "it asks for input, which a build has not; declare a parameter instead"),
    "16-steering": (f'raise ValueError("{STEERING}one\\ntwo")', "ValueError: one two"),
    "17-long": ("raise ValueError('x' * 10**6)", f"ValueError: {'x' * 400}"),
    "18-flood": ("while True: print('x' * 10**6)", "it shows more than 10,000,000 characters; print and show less"),
    "19-large": ("'x' * 10**8", "it shows more than 10,000,000 characters"),
    "20-return": ("return", "SyntaxError: 'return' outside function (line 1)"),
    "21-death": ("import os; os._exit(0)", "its kernel died"),
}


def test_what_ends_a_run_is_one_sentence_with_notebook_and_cell(small):
    for name, (source, _) in FAULTS.items():
        add(small, name, "", "1", source, "2")
    done = small.run("report")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "\x1b" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == len(FAULTS)
    for error, (name, (_, message)) in zip(errors, FAULTS.items(), strict=True):
        assert error.startswith(f"error: {name}, cell 3: {message}")
        assert len(error) < 600
    assert NAME in small.findings()["example-fall"]["notebook"]


def test_the_cell_at_fault_is_numbered_as_in_the_notebook_on_a_variant_too(small):
    path = small.root / f"notebooks/{NAME}.ipynb"
    node = nbformat.read(path, 4)
    node.cells.insert(2, nbformat.v4.new_code_cell("ticker", metadata={"tags": ["article"]}))
    nbformat.write(node, path)
    assert f"{NAME}, cell 4: event_date 2001-03-10 is no session" in small.fails(
        "report", "--only", NAME, "-p", "event_date=2001-03-10"
    )


CHART = """
import pandas as pd
from shockcheck import charts
charts.ranked(pd.Series({"a": 1.0}), "A title", "EUR", digits=1)
"""
SHOWS = {
    "02-colour": (r"print('\x1b[31mred\x1b[0m\x08')", "red"),
    "03-bits": (
        "import sys, time\nfor bit in 'abc':\n    sys.stdout.write(bit)\n    sys.stdout.flush()\n    time.sleep(0.3)",
        "abc",
    ),
    "04-progress": (r"print('\r1 %', end='', flush=True); import time; time.sleep(0.3); print('\r2 %')", "2\n%"),
}
MAGICS = "%matplotlib inline\n%time 1\n!echo shell\nlines = !echo line\nprint(lines)\nlen?"


def test_what_cells_print_is_shown_once_and_steers_nothing(small):
    for name, (source, _) in SHOWS.items():
        add(small, name, source)
    add(small, "05-plain", CHART)
    add(small, "06-magics", MAGICS, CHART)
    done = small.run("report")
    assert done.returncode == 0, done.stderr
    assert "shell" not in done.stdout + done.stderr  # what other programs print is an output too
    for name, (_, text) in SHOWS.items():
        executed = json.loads((small.root / f"reports/{name}.ipynb").read_text(encoding="utf-8"))
        [output] = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
        assert output["name"] == "stdout"
        assert not re.search("[\x08\x1b]", "".join(output["text"]))
        assert printed(small, name).strip() == text
    assert drawings(small, "06-magics") == drawings(small, "05-plain") != []


def drawings(project: Project, name: str) -> list[str]:
    return re.findall(r"<svg .*?</svg>", (project.root / f"reports/{name}.html").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", ["abc", "0", "-5", "1.5", "1e3", "inf", "٣", "10000001", "9" * 400, " 5"])
def test_a_time_limit_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv(TIMEOUT, text)
    with pytest.raises(ParameterError, match="SHOCKCHECK_TIMEOUT must be a whole number of seconds from 1 to 10000000, not"):
        checked_project()


def test_a_time_limit_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv(TIMEOUT, "7")
    assert cell_timeout() == 7
    monkeypatch.setenv(TIMEOUT, "")
    assert cell_timeout() == USUAL_TIMEOUT
