"""Change the core code on purpose, one place at a time, and list the changes that no test notices.

The changes are those that mutmut makes, and the negation of every condition. mutmut by itself leaves out decorated
functions, which most measures are, and what stands outside of functions, such as the table of signs; here every line
counts. Each change is tested in a fork of a process that has imported the libraries, in a copy of the project in
`mutants/`, by the tests that reach the changed function, fastest first.

A change that cannot be noticed has its reason in `tests/mutants.toml`. Exit status 1 means that a change survived without
a reason, or that a reason is given for a change that does not survive (any more).

    python tools/mutants.py [--jobs N] [FILE ...]
"""

import argparse
import contextlib
import gc
import importlib
import io
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import coverage
import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "mutants"
REASONS = ROOT / "tests/mutants.toml"
COPIED = ("shockcheck", "tests", "data", "notebooks", "examples", "README.md", "pyproject.toml")
TESTS = {
    "shockcheck/verdicts.py": ("tests/test_verdicts.py",),
    "shockcheck/quantities/formula.py": ("tests/test_derivations.py",),
    "shockcheck/quantities/graph.py": ("tests/test_derivations.py",),
    "shockcheck/quantities/quantity.py": ("tests/test_derivations.py",),
    "shockcheck/quantities/__init__.py": ("tests/test_exported_members.py",),
    "shockcheck/measures.py": ("tests/test_measures.py", "tests/test_derivations.py", "tests/test_exported_members.py"),
    "shockcheck/data/tables.py": ("tests/test_table_rows.py", "tests/test_tables.py", "tests/test_exported_members.py"),
}
PYTEST = (
    "-q",
    "-x",
    "-n0",
    "-o",
    "addopts=",
    "-p",
    "no:nbval",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "--tb=no",
)
LEAST_SECONDS = 30  # of processor time for one change: what takes longer, and ten times as long as the tests, never ends
MEMORY = 8 << 30  # bytes of address space: what asks for more never ends


@dataclass(frozen=True)
class Change:
    """One changed place: the file's new text, the lines that differ, and those of the function around it (None: none)."""

    file: str
    code: str
    before: str
    after: str
    number: int
    function: tuple[int, int] | None


@dataclass
class Baseline:
    """What the unchanged file's tests did: seconds by test, tests by line, and the libraries that they imported."""

    seconds: dict[str, float] = field(default_factory=dict)
    reached: dict[int, set[str]] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)

    def tests(self, change: Change) -> list[str]:
        """The tests that reach the changed function, fastest first; all where the change is outside of functions."""
        chosen = set(self.seconds)
        if change.function is not None:
            first, last = change.function
            chosen &= set().union(*(self.reached.get(line, set()) for line in range(first, last + 1)))
        return sorted(chosen, key=lambda test: (self.seconds[test], test))


def negated(node: Any) -> Iterator[Any]:
    """The condition of a statement or a comprehension, negated."""
    condition = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield node.with_changes(test=cst.UnaryOperation(cst.Not(), condition))


OPERATORS = [*mutation_operators, (cst.If, negated), (cst.CompIf, negated)]


class Places(cst.CSTVisitor):
    """The nodes of a statement that can be changed, each with what it becomes and the lines of the function around it."""

    def __init__(self, positions: Any) -> None:
        """Nothing yet; `positions` are those of all nodes in the file."""
        super().__init__()
        self.positions, self.functions = positions, list[tuple[int, int]]()
        self.places: list[tuple[Any, Any, tuple[int, int] | None]] = []

    def on_visit(self, node: Any) -> bool:
        """Note the node and go on to those inside it; annotations are no part of what runs."""
        if isinstance(node, cst.Annotation):
            return False
        if isinstance(node, cst.FunctionDef):
            position = self.positions[node.body]
            self.functions.append((position.start.line, position.end.line))
        around = self.functions[0] if self.functions else None
        if around and node in self.positions and self.positions[node].start.line < around[0]:
            around = None  # decorators and defaults are worked out where the function is defined
        self.places += [(node, new, around) for kind, make in OPERATORS if isinstance(node, kind) for new in make(node)]
        return True

    def on_leave(self, original_node: Any) -> None:
        """Leave a function."""
        if isinstance(original_node, cst.FunctionDef):
            self.functions.pop()


def changes(file: str) -> Iterator[Change]:
    """Every change of a file that is another program."""
    source = (ROOT / file).read_text(encoding="utf-8")
    wrapper, seen = MetadataWrapper(cst.parse_module(source)), set[str]()
    module, positions = wrapper.module, wrapper.resolve(PositionProvider)
    start = sum(len(module.code_for_node(line)) for line in module.header)
    for statement in module.body:
        old, visitor = module.code_for_node(statement), Places(positions)
        assert source.startswith(old, start)
        statement.visit(visitor)
        line = source[:start].count("\n") + 1
        for node, new, function in visitor.places:
            part = module.code_for_node(statement.deep_replace(node, new))
            code = source[:start] + part + source[start + len(old) :]
            with contextlib.suppress(SyntaxError):
                compile(code, file, "exec")
                if part != old and code not in seen:
                    seen.add(code)
                    yield Change(file, code, *difference(old, part, line), function)
        start += len(old)


def difference(old: str, new: str, line: int) -> tuple[str, str, int]:
    """The lines in which two texts differ, as one line each, and the number of the first where the texts begin at `line`."""

    def common(before: list[str], after: list[str]) -> int:
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))

    before, after = old.splitlines(), new.splitlines()
    head = common(before, after)
    before, after = before[head:], after[head:]
    tail = common(before[::-1], after[::-1])
    return *(" ".join(map(str.strip, lines[: len(lines) - tail])) for lines in (before, after)), line + head


class Recorder:
    """A plugin for pytest that tells coverage which test runs, and keeps how long each took."""

    def __init__(self, measured: coverage.Coverage) -> None:
        """A recorder for what is measured."""
        self.measured, self.seconds = measured, dict[str, float]()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Count the lines from here on for this test."""
        self.measured.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add the time of set-up, call and tear-down."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration


def baseline(folder: Path, file: str) -> Baseline:
    """Run the tests of an unchanged file; ends the program where one fails."""

    def record(answer: Path) -> int:
        measured = coverage.Coverage(data_file=None, config_file=False, include=[str(folder / file)])
        measured.start()
        recorder = Recorder(measured)
        status = int(pytest.main([*PYTEST, *TESTS[file]], plugins=[recorder]))
        measured.stop()
        lines = measured.get_data().contexts_by_lineno(str(folder / file))
        libraries = [name for name in sys.modules if name.partition(".")[0] not in {"__main__", "shockcheck", "conftest"}]
        libraries = [name for name in libraries if sys.modules[name] and not is_of(folder, sys.modules[name])]
        answer.write_bytes(pickle.dumps((recorder.seconds, {line: set(names) for line, names in lines.items()}, libraries)))
        return status

    answer = folder.parent / "baseline.pickle"
    if os.waitpid(forked(lambda: record(answer), folder, None), 0)[1] != 0:
        sys.exit(f"mutants: the tests of the unchanged {file} fail; run `python -m pytest {' '.join(TESTS[file])}`")
    return Baseline(*pickle.loads(answer.read_bytes()))


def is_of(folder: Path, module: Any) -> bool:
    """Whether a module is the copied project's own, which a fork has to import anew."""
    return str(getattr(module, "__file__", None) or "").startswith(str(folder))


def forked(work: Callable[[], int], folder: Path, seconds: float | None) -> int:
    """Begin something silently in a fork, in a copy of the project, with its result as exit status; return the process."""
    process = os.fork()
    if process:
        return process
    status = 99
    try:
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        sys.dont_write_bytecode = True
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        sys.stdout = sys.stderr = io.StringIO()
        if seconds is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        status = work()
    finally:
        os._exit(status)


def passed(every: list[Change], folders: list[Path], known: Baseline) -> list[Change]:
    """The changes for which all tests pass that reach them, as many tested at a time as there are folders."""
    free, busy, left = list(folders), dict[int, tuple[Change, Path]](), list[Change]()

    def end_one() -> None:
        process, status = os.wait()
        change, folder = busy.pop(process)
        shutil.copyfile(ROOT / change.file, folder / change.file)
        free.append(folder)
        if status == 0:
            left.append(change)

    for change in every:
        tests = known.tests(change)
        if not tests:
            left.append(change)
            continue
        if not free:
            end_one()
        folder = free.pop()
        (folder / change.file).write_text(change.code, encoding="utf-8")
        seconds = max(LEAST_SECONDS, 10 * sum(known.seconds[test] for test in tests))
        busy[forked(lambda tests=tests: int(pytest.main([*PYTEST, *tests])), folder, seconds)] = change, folder
    while busy:
        end_one()
    return sorted(left, key=lambda change: change.number)


def copy(folder: Path) -> None:
    """Copy the project into a new folder, compiled so that Python looks at what a file holds, not at its time."""
    folder.mkdir()
    unwanted = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "pictures")
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree(source, folder / name, ignore=unwanted) if source.is_dir() else shutil.copy(source, folder))
    words = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "shockcheck", "tests"]
    subprocess.run(words, cwd=folder, check=True)


def survivors(file: str, folders: list[Path]) -> tuple[int, list[Change]]:
    """How many changes of a file there are, and those that no test notices."""
    known = baseline(folders[0], file)
    for name in known.libraries:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    gc.freeze()  # what is shared with forks is not looked through there
    unchanged = Change(file, (ROOT / file).read_text(encoding="utf-8"), "", "", 0, None)
    if not passed([unchanged], folders, known):
        sys.exit(f"mutants: the tests of the unchanged {file} fail in a fork, so that those of its changes say nothing")
    every = list(changes(file))
    return len(every), passed(every, folders, known)


def explained(change: Change, reason: dict[str, Any]) -> bool:
    """Whether a reason is that of a change: of its file and line, and of what it becomes, unless it is for all of these."""
    of_line = (reason["file"], reason["line"]) == (change.file, change.before)
    becomes = reason.get("becomes", change.after)
    return of_line and change.after in ([becomes] if isinstance(becomes, str) else becomes)


def main(file: str, jobs: int) -> int:
    """Test the changes of a file and show what is left; return the exit status."""
    os.environ.pop("SHOCKCHECK_ROOT", None)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # no threads in a process that forks
    reasons = tomllib.loads(REASONS.read_text(encoding="utf-8")).get("survivor", [])
    start, faults = time.monotonic(), 0
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as work:
        folders = [Path(work) / str(number) for number in range(jobs)]
        for folder in folders:
            copy(folder)
        count, left = survivors(file, folders)
    for change in left:
        if not any(explained(change, reason) for reason in reasons):
            faults += 1
            print(f"{file}:{change.number}: no test notices\n  - {change.before}\n  + {change.after}")
    for reason in reasons:
        if reason["file"] == file and not any(explained(change, reason) for change in left):
            faults += 1
            print(f"{REASONS.relative_to(ROOT)}: there is no such survivor of {file}: {reason['line']}")
    minutes = (time.monotonic() - start) / 60
    print(f"{file}: {count} changes, {len(left)} survive, {minutes:.1f} minutes", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help=", ".join(TESTS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many changes are tested at a time")
    given = parser.parse_args()
    unknown = [file for file in given.files if file not in TESTS]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(TESTS)}")
    files, options = given.files or list(TESTS), ["--jobs", str(given.jobs)]
    if len(files) == 1:
        with contextlib.suppress(KeyboardInterrupt):
            sys.exit(main(files[0], given.jobs))
        sys.exit(130)
    # One process for each file: what one has imported would stand in the way of measuring the next.
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(max(subprocess.run([sys.executable, __file__, *options, file]).returncode for file in files))
    sys.exit(130)
