"""Warm kernels by themselves: no project, only papermill and notebooks of a few lines."""

import ast
import contextvars
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode

from shockcheck import warm
from shockcheck.warm import forking, kernel

pytestmark = pytest.mark.slow

LIMIT_S = 300  # more than anything here takes on a machine that has much other work
WAYS = pytest.mark.parametrize("forked", [True, False], ids=["forked", "ordinary"])


def notebook(*cells: str) -> NotebookNode:
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return made


def run(server: warm.Server, *cells: str, folder: Path | None = None) -> str:
    """Run cells on the server's kernel; returns what the last one shows."""
    more = {"config": server.config(folder)} if folder else {}
    executed = papermill.execute_notebook(notebook(*cells), None, kernel_name=server.kernel_name, progress_bar=False, **more)
    return executed.cells[-1].outputs[0].data["text/plain"]


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < deadline, f"{what}: not in {LIMIT_S} seconds"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


@WAYS
@pytest.mark.parametrize("configured", [True, False])
def test_a_notebook_is_run_in_the_folder_of_the_server(folder, tmp_path, forked, configured):
    (folder / "number.txt").write_text("42")
    (tmp_path / "run").mkdir()
    here = Path.cwd()
    with warm.Server(folder=folder, forked=forked) as server:
        shown = run(
            server,
            "import os, pathlib",
            "int(pathlib.Path('number.txt').read_text()), os.getcwd()",
            folder=tmp_path / "run" if configured else None,
        )
        assert Path.cwd() == here
    assert ast.literal_eval(shown) == (42, str(folder))
    assert (tmp_path / "run" / kernel.LOG).exists() == configured


@WAYS
def test_without_a_folder_a_kernel_starts_in_the_working_directory(folder, monkeypatch, forked):
    monkeypatch.chdir(folder)
    with warm.Server(forked=forked) as server:
        assert run(server, "import os; os.getcwd()") == repr(str(folder))


@WAYS
def test_a_forked_kernel_has_what_was_preloaded_before_it_imports_anything(forked):
    with warm.Server(preload=["colorsys"], forked=forked) as server:
        assert run(server, "import sys; 'colorsys' in sys.modules") == str(forked)


def test_a_missing_module_is_left_to_the_notebook():
    with warm.Server(preload=["no_such_module_anywhere"]) as server:
        assert run(server, "1 + 1") == "2"
        with pytest.raises(papermill.PapermillExecutionError, match="no_such_module_anywhere"):
            run(server, "import no_such_module_anywhere")


@WAYS
def test_an_error_in_a_cell_is_papermills_own(forked):
    with (
        warm.Server(forked=forked) as server,
        pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError: division by zero") as caught,
    ):
        run(server, "1 + 1", "1 / 0")
    assert caught.value.cell_index == 1


@WAYS
def test_kernels_and_all_that_they_have_started_are_gone_after_the_block(forked):
    sleeper = "import os, subprocess; sleeper = subprocess.Popen(['sleep', '600'], start_new_session=True)"
    with warm.Server(forked=forked) as server:
        pids = [int(number) for number in re.findall(r"\d+", run(server, sleeper, "os.getpid(), sleeper.pid"))]
    assert len(pids) == 2
    wait_until(lambda: not any(map(is_running, pids)), "the end of a kernel and its child")


def test_a_block_that_is_left_ends_a_kernel_that_runs(tmp_path):
    mark = tmp_path / "pid"
    endless = f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(600)"
    faults = []

    def attempt() -> None:
        try:
            run(server, endless)
        except RuntimeError as error:
            faults.append(error)

    with warm.Server() as server:
        thread = threading.Thread(target=attempt)
        thread.start()
        wait_until(lambda: mark.exists() and mark.read_text() != "", "the kernel's number")
    thread.join(LIMIT_S)
    assert len(faults) == 1
    assert not is_running(int(mark.read_text()))


@WAYS
def test_results_come_in_order_whatever_is_ready_first(forked):
    with (
        warm.Server(forked=forked) as server,
        server.map_in_order(lambda number: run(server, f"{number} * 10"), [1, 2], workers=2) as results,
    ):
        assert list(results) == ["10", "20"]


def test_the_last_may_be_the_first_to_be_ready():
    done = [threading.Event() for _ in range(4)]

    def last_is_first(number: int) -> int:
        assert number == 3 or done[number + 1].wait(LIMIT_S)
        done[number].set()
        return 10 * number

    with warm.Server() as server, server.map_in_order(last_is_first, range(4), workers=4) as results:
        assert list(results) == [0, 10, 20, 30]


def test_what_is_pending_is_dropped_when_the_block_is_left(monkeypatch):
    begun, stopped = [], threading.Event()

    def call(name: str) -> str:
        begun.append(name)
        assert name == "a" or stopped.wait(LIMIT_S)
        return name.upper()

    with warm.Server() as server:
        monkeypatch.setattr(server, "stop_kernels", stopped.set)  # which ends what a kernel runs
        with server.map_in_order(call, "abcdefgh", workers=2) as results:
            assert next(results) == "A"
    assert "a" in begun and len(begun) <= 3


@WAYS
def test_calls_have_the_context_variables_of_the_caller(forked):
    variable = contextvars.ContextVar("variable", default="nothing")
    variable.set("the caller's")
    with warm.Server(forked=forked) as server, server.map_in_order(lambda _: variable.get(), range(3)) as results:
        assert list(results) == ["the caller's"] * 3


def test_calls_in_one_thread_do_not_see_each_others_context_variables():
    variable = contextvars.ContextVar("variable", default=0)

    def count(_: int) -> int:
        variable.set(variable.get() + 1)
        return variable.get()

    with warm.Server() as server, server.map_in_order(count, range(3), workers=1) as results:
        assert list(results) == [1, 1, 1]
    assert variable.get() == 0


def test_calls_of_a_thread_share_an_event_loop_and_threads_do_not():
    together = threading.Barrier(2, timeout=LIMIT_S)

    def loop(number: int) -> object:
        if number < 2:
            together.wait()
        return ensure_event_loop()

    def loops() -> tuple[object, set[object], set[object]]:
        own = ensure_event_loop()  # as after a notebook that was run in this thread
        with warm.Server() as server:
            with server.map_in_order(loop, [0, 1], workers=2) as results:
                of_two = set(results)
            with server.map_in_order(loop, [2, 3, 4], workers=1) as results:
                of_the_next = set(results)
        own.close()
        return own, of_two, of_the_next

    with ThreadPoolExecutor(1) as thread:  # the tests' own may have a loop that runs, of a browser
        own, of_two, of_the_next = thread.submit(loops).result()
    assert len({own, *of_two}) == 3
    assert len(of_the_next) == 1 and own not in of_the_next


@WAYS
def test_nothing_is_started_where_there_is_nothing_to_do(monkeypatch, forked):
    def refuse(*_: object) -> None:
        raise AssertionError("a process is started for nothing")

    monkeypatch.setattr(forking, "start", refuse)
    with warm.Server(forked=forked) as server, server.map_in_order(str, []) as results:
        assert list(results) == []


@WAYS
def test_a_server_leaves_the_environment_and_the_scratch_folder_as_they_were(tmp_path, monkeypatch, forked):
    monkeypatch.setenv("JUPYTER_PATH", "of/the/user")
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    before = dict(os.environ)
    scratch = Path(forking.default_scratch())
    files_before = set(scratch.iterdir())
    with warm.Server(scratch=scratch, forked=forked) as server:
        assert run(server, "1") == "1"
        assert os.environ["JUPYTER_PATH"].endswith("of/the/user")
    assert dict(os.environ) == before
    assert {path for path in scratch.iterdir() if not path.name.startswith("pymp-")} <= files_before


def test_servers_follow_on_each_other_in_other_folders_and_with_other_modules(tmp_path):
    for name, module in (("first", "colorsys"), ("second", "colorsys"), ("third", "imaplib")):
        (tmp_path / name).mkdir()
        with warm.Server(preload=[module], folder=tmp_path / name) as server:
            shown = run(server, "import os, sys; os.getcwd(), 'imaplib' in sys.modules")
        assert ast.literal_eval(shown) == (str(tmp_path / name), name == "third")


def test_one_server_may_be_used_again(folder):
    server = warm.Server(folder=folder)
    for _ in range(2):
        with server:
            assert ast.literal_eval(run(server, "import os; os.getcwd()")) == str(folder)


def test_the_inner_of_two_servers_ends_its_own_kernels_only(tmp_path):
    for name in ("outer", "inner"):
        (tmp_path / name).mkdir()
    mark, go = tmp_path / "mark", tmp_path / "go"
    waiting = (
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)\n"
        "os.getcwd()"
    )
    with (
        warm.Server(folder=tmp_path / "outer") as outer,
        outer.map_in_order(lambda cell: run(outer, cell), [waiting]) as results,
    ):
        wait_until(mark.exists, "the kernel of the outer server")
        with warm.Server(folder=tmp_path / "inner") as inner:
            assert run(inner, "import os; os.getcwd()") == repr(str(tmp_path / "inner"))
        go.touch()
        assert list(results) == [repr(str(tmp_path / "outer"))]


def test_kernels_are_forked_where_they_can_be(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert warm.Server().kernel_name == warm.FORKED_KERNEL
    assert warm.Server(forked=False).kernel_name == warm.ORDINARY_KERNEL
    monkeypatch.setattr(sys, "platform", "darwin")
    assert warm.Server().kernel_name == warm.ORDINARY_KERNEL
    with pytest.raises(ValueError, match="on Linux alone"):
        warm.Server(forked=True)


def test_a_scratch_folder_that_cannot_be_used_is_an_error_of_its_own(tmp_path, monkeypatch):
    with pytest.raises(warm.StartError, match="No such file"), warm.Server(scratch=tmp_path / "none"):
        pass
    monkeypatch.setattr(forking, "_preloaded", None)  # as in a process that has started none
    with pytest.raises(warm.StartError, match=r"too long an address.*70 bytes at most"):
        warm.Server(scratch=tmp_path / ("long" * 20)).prestart()


def script(text: str, folder: Path) -> str:
    """Run a script, in a process of its own, from `folder`; returns what it prints."""
    (folder / "script.py").write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_in_the_documentation_runs_as_it_stands(tmp_path):
    """It is a script that does not ask whether it is the main module, as multiprocessing would want it to."""
    assert warm.__doc__
    example = re.search(r"::\n\n((?:    .*\n|\n)+)", warm.__doc__)
    lines = (line.removeprefix("    ") for line in example[1].splitlines())
    printed = script("\n".join(lines), tmp_path).splitlines()
    shown = [f"Decimal('{number}')" for number in ("0.25", "0.5", "0.75")]
    assert printed == [shown[0], repr(shown)]


APART = """
import sys
import nbformat, papermill
from shockcheck import warm

others = "sorted(name for name in sys.modules if name.startswith('shockcheck.') and not name.startswith('shockcheck.warm'))"
notebook = nbformat.v4.new_notebook()
notebook.cells = [nbformat.v4.new_code_cell("import sys; print(" + others + ")")]
with warm.Server(forked={forked}) as server:
    executed = papermill.execute_notebook(notebook, None, kernel_name=server.kernel_name, progress_bar=False)
print(executed.cells[0].outputs[0].text.strip(), eval(others))
"""


@WAYS
def test_nothing_else_of_the_package_is_imported(tmp_path, forked):
    assert script(APART.format(forked=forked), tmp_path) == "[] []\n"


def test_importing_the_room_is_cheap(tmp_path):
    text = "import sys; from shockcheck import warm; print({'jupyter_client', 'traitlets', 'zmq'} & set(sys.modules))"
    assert script(text, tmp_path) == "set()\n"


AT_ONCE = """
import time, traitlets
import nbformat, papermill
from shockcheck import warm

def slowly(self):
    if isinstance(self.klass, str):
        time.sleep(0.2)
        self.klass = self._resolve_string(self.klass)

traitlets.Instance._resolve_classes = slowly
notebook = nbformat.v4.new_notebook()

def run(_):
    papermill.execute_notebook(notebook, None, kernel_name=server.kernel_name, progress_bar=False)
    return "done"

with warm.Server() as server, server.map_in_order(run, range(2), workers=2) as results:
    print(*results)
"""


def test_runs_that_start_at_the_same_moment_do_not_meet_in_what_libraries_do_once(tmp_path):
    """Traitlets turns names of classes into classes at a class's first instance: here so slowly that threads would meet."""
    assert script(AT_ONCE, tmp_path) == "done done\n"


def test_all_that_the_room_shows_is_named():
    assert sorted(warm.__all__) == warm.__all__ and all(hasattr(warm, name) for name in warm.__all__)
