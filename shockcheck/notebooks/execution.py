"""A run of a notebook under papermill, and what came out of it."""

import copy
import logging
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode
from traitlets.config import Config
from zmq.error import ZMQError

from shockcheck import errors
from shockcheck.errors import BuildError, plain
from shockcheck.findings.finding import Finding
from shockcheck.findings.outputs import findings_in, show_findings_only
from shockcheck.ledger import write_for_kernel
from shockcheck.notebook_files import cells
from shockcheck.notebook_files.parameters import literal
from shockcheck.notebooks import kernels, shell
from shockcheck.notebooks.notebook import Notebook, cell_timeout, require_notebooks
from shockcheck.notebooks.stable_outputs import without_what_differs
from shockcheck.project import scratch
from shockcheck.project.context import RunContext
from shockcheck.warm import kernel

if TYPE_CHECKING:
    from shockcheck.notebooks.engine import Watch

READS = "reads"  # the file of a run in which its kernel notes what it reads
MERGED = "joined"  # in the metadata of a cell that was merged from several: their ids
ARTICLE = "article"  # tag of the cells that a variant leaves out
OWN_ERRORS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.ShockcheckError)
}
MAX_REASON = 500  # characters of an error that is not the project's own


@dataclass(frozen=True)
class ExecutedNotebook:
    """A notebook with its outputs, those of a run or those that are stored in its file.

    `reads` is what a run has read, by the keys of `project.inputs`; of stored outputs nothing is known of that.
    """

    notebook: Notebook
    node: NotebookNode
    reads: tuple[str, ...] = ()

    @cached_property
    def findings(self) -> list[Finding]:
        """The findings that are shown, in order."""
        return findings_in(self.node)

    @property
    def notices(self) -> list[str]:
        """What was printed, line by line: which prices were used, and where others took their place."""
        outputs = (output for cell in self.node.cells for output in cell.get("outputs", []))
        return [line for output in outputs if output.output_type == "stream" for line in output.text.splitlines()]

    def check_complete(self) -> None:
        """Raise BuildError unless one finding is shown for each claim that the executed cells check."""
        shown_ids = [finding.id for finding in self.findings]
        twice = next((claim_id for claim_id in shown_ids if shown_ids.count(claim_id) > 1), None)
        if twice:
            raise BuildError(f"{self.notebook.name} shows the finding for {twice} more than once; show it once")
        executed = {cell_id for cell in self.node.cells for cell_id in cell.metadata.get(MERGED, [cell.id])}
        checked = {claim_id for claim_id, cell_id in self.notebook.checks if cell_id in executed}
        missing = sorted(checked - set(shown_ids))
        if missing:
            raise BuildError(
                f"{self.notebook.name} checks {missing[0]} but does not show its finding; "
                "make check(...) the last expression of its cell, without a semicolon behind it"
            )

    def entries(self) -> list[dict[str, Any]]:
        """Return the findings as `findings.json` has them, each with the notebook's name."""
        in_short = (
            {name: value for name, value in finding.in_short().items() if name != "quantity"} for finding in self.findings
        )
        return [entry | {"notebook": self.notebook.name} for entry in in_short]


def stored(notebook: Notebook) -> ExecutedNotebook:
    """Return a notebook with the outputs that are stored in its file."""
    return ExecutedNotebook(notebook, notebook.node)


def stored_findings() -> dict[str, tuple[Finding, Notebook]]:
    """Return the findings stored in the project's notebooks by the ids of their claims, each with its notebook."""
    return {finding.id: (finding, notebook) for notebook in require_notebooks() for finding in stored(notebook).findings}


def run(
    notebook: Notebook,
    parameters: dict[str, Any] | None = None,
    language: str = "en",
    *,
    findings_only: bool = False,
    seconds: int | None = None,
) -> ExecutedNotebook:
    """Run a notebook under papermill; the outputs are the same in every run, and no file of the project is written.

    With `parameters` the run is a variant. With `findings_only` nothing is drawn, and findings, in short, are all that is
    shown; the cells run as one, and once more one by one where that fails, to say which cell failed. A cell, or all of
    them as one, may take `seconds`. Runs in several threads at once. Raises BuildError with the cell and the notebook's own
    error, or where its kernel died, took too long, showed too much or was ended by a cell.
    """
    from shockcheck.notebooks import engine

    for name in ("papermill", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once
    node = _to_run(notebook, variant=parameters is not None)
    node = _with_cells_merged(node) if findings_only else node
    with kernels.start_errors(), _run_folder(notebook) as folder:
        context = _context(folder, language, is_variant=parameters is not None, findings_only=findings_only)
        watch, limit = engine.Watch(), seconds or cell_timeout()
        try:
            executed = _executed(node, parameters, _config(folder, context), limit, watch)
        except _RunError as error:
            if findings_only and not isinstance(error, _TooSlowError):
                return run(notebook, parameters, language, seconds=limit)
            why = _why_died(folder, error) if isinstance(error, _DiedError) else error
            raise BuildError(f"{_place(notebook, watch, merged=findings_only)}: {why}") from error
        noted = tuple(sorted(set((folder / READS).read_text(encoding="utf-8").splitlines())))
    return ExecutedNotebook(notebook, without_what_differs(executed), noted)


def _context(folder: Path, language: str, *, is_variant: bool, findings_only: bool) -> RunContext:
    """Return what a run in this folder tells its kernel, with the files of the folder that pass between them."""
    reads, ledger = folder / READS, folder / "ledger.json"
    reads.touch()
    return RunContext(
        language=language,
        is_variant=is_variant,
        findings_only=findings_only,
        reads=str(reads),
        ledger=str(ledger) if write_for_kernel(ledger) else None,
    )


class _RunError(Exception):
    """What went wrong in a cell, as the end of a sentence."""


class _DiedError(_RunError):
    """A kernel ended before its time."""


class _TooSlowError(_RunError):
    """A cell took longer than it may."""


def _executed(
    node: NotebookNode, parameters: dict[str, Any] | None, config: Config, seconds: int, watch: "Watch"
) -> NotebookNode:
    """Return the notebook as executed; raises _RunError for what went wrong in the cell that `watch` names."""
    from nbclient.exceptions import CellTimeoutError
    from papermill import PapermillExecutionError, execute_notebook

    from shockcheck.notebooks import engine

    try:
        executed: NotebookNode = execute_notebook(
            node,
            None,
            parameters={name: literal(value) for name, value in (parameters or {}).items()},
            engine_name=engine.NAME,
            kernel_name=kernels.kernel_name(),
            language="python",
            progress_bar=False,
            execution_timeout=seconds,
            config=config,
            watch=watch,
        )
    except PapermillExecutionError as error:
        if (
            watch.cell is None or watch.cell.source != error.source
        ):  # a cell that may fail, by a tag, has failed before this one
            watch.cell = next(cell for cell in node.cells if cell.source == error.source)
        raise _RunError(_ended_by_itself(error.evalue) if error.ename == "SystemExit" else _reason(error)) from error
    except (RuntimeError, CellTimeoutError) as error:  # nbclient's own, or jupyter_client's for one that does not come up
        if watch.too_large:
            raise _RunError(f"it shows more than {shell.MAX_OUTPUT:,} characters; print and show less") from error
        if isinstance(error, CellTimeoutError):
            raise _TooSlowError(f"it took longer than {seconds} seconds; shorten its work") from error
        raise _DiedError(getattr(error.__cause__, "strerror", None)) from error
    outputs = (output for cell in executed.cells for output in cell.get("outputs", []))
    if any(output.get("ename") == "SystemExit" for output in outputs):
        raise _RunError(_ended_by_itself(""))
    return executed


def _ended_by_itself(message: str) -> str:
    status = f", {_sentence(message)!r}" if message not in ("", "None") else ""
    return f"it ends the notebook (SystemExit{status}), and no cell below it is run; remove exit() or sys.exit()"


def _place(notebook: Notebook, watch: "Watch", merged: bool) -> str:
    """Return the notebook and the cell that ran, by the number that stands before it when it is run from top to bottom."""
    number = None if merged or watch.cell is None else cells.numbers(notebook.content).get(watch.cell["id"])
    return notebook.name if number is None else f"{notebook.name}, cell {number}"


def _why_died(folder: Path, error: _RunError) -> str:
    """Why the kernel of a run in `folder` ended, as far as its last words or the machine tell."""
    cause = kernel.last_words(folder) or error.args[0] or "perhaps for want of memory"
    return scratch.shortage() or f"its kernel died ({cause}); run the build again"


@contextmanager
def _run_folder(notebook: Notebook) -> Iterator[Path]:
    """Inside the block the folder of one run of a notebook, for its kernel's sockets and what it is handed.

    Raises BuildError where there is no room for it, before the run or in it.
    """
    short = scratch.shortage()
    if short:
        raise BuildError(f"{notebook.name}: {short}")
    try:
        with tempfile.TemporaryDirectory(prefix="run-", dir=scratch.folder(), ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except (OSError, ZMQError) as error:
        why = scratch.shortage() or f"its kernel cannot be run ({error.strerror or error}); mend that and run again"
        raise BuildError(f"{notebook.name}: {why}") from error


def _config(folder: Path, context: RunContext) -> Config:
    """Return what the kernel of a run is started with: sockets in `folder`, and the context set before the first cell.

    papermill hands no environment to a kernel, so it is set by a line of code that IPython runs first. Level 50: at its end
    ipykernel logs the interrupt that nbclient sends to every kernel as an error of the kernel's. The cells are not noted in
    the user's history of IPython. The state of widgets is not stored: it is long, it is of no use without a kernel, and its
    ids differ from run to run. A kernel that has run its cells has nothing left to do and is ended at once.
    """
    line = _call(shell.prepare, context.environment())
    if context.findings_only:
        line += f"; {_call(show_findings_only)}"
    config = kernels.config(folder)
    config.NotebookClient = Config(
        extra_arguments=[
            "--IPKernelApp.log_level=50",
            "--HistoryManager.enabled=False",
            f"--IPKernelApp.exec_lines={line}",
        ],
        iopub_timeout=shell.KERNEL_WAIT_S,
        store_widget_state=False,
        shutdown_kernel="immediate",
    )
    return config


def _call(function: Callable[..., None], *arguments: object) -> str:
    """Return a line of code that calls a function and leaves no name behind."""
    module, name = function.__module__, function.__qualname__
    return f"from {module} import {name}; {name}({', '.join(map(repr, arguments))}); del {name}"


def _to_run(notebook: Notebook, variant: bool) -> NotebookNode:
    """Return the notebook without outputs; a variant also loses the cells tagged `article`, which suit its day alone."""
    node = copy.copy(notebook.node)
    node.cells = [copy.deepcopy(cell) for cell in node.cells if not variant or ARTICLE not in cell.metadata.get("tags", [])]
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return node


def _with_cells_merged(node: NotebookNode) -> NotebookNode:
    """Return the notebook with the code before and after its parameters in one cell each, as every cell costs messages."""
    code = [cell for cell in node.cells if cell.cell_type == "code"]
    place = next(place for place, cell in enumerate(code) if cells.PARAMETERS in cell.metadata.get("tags", []))
    joined = copy.copy(node)
    joined.cells = [*_merge_cells(code[:place]), code[place], *_merge_cells(code[place + 1 :])]
    return joined


def _merge_cells(code: list[NotebookNode]) -> list[NotebookNode]:
    if len(code) < 2 or any(cell.source.lstrip().startswith("%%") for cell in code):  # a magic word is of its cell alone
        return code
    joined = copy.copy(code[0])
    joined.metadata = NotebookNode({MERGED: [cell.id for cell in code]})
    joined.source = "\n".join(cell.source for cell in code)
    return [joined]


def _reason(error: Any) -> str:
    """Return the message alone for an error that speaks for itself, else with the name of its class."""
    if error.ename == "StdinNotImplementedError":
        return "it asks for input, which a build has not; declare a parameter instead"
    if error.ename in OWN_ERRORS:
        return " ".join(plain(error.evalue).split())
    message = re.sub(r" \(\d+\.py, line (\d+)\)$", r" (line \1)", error.evalue)  # the file is the kernel's for the cell
    return f"{error.ename}: {_sentence(message)}".removesuffix(": ")


def _sentence(message: str) -> str:
    """Return an error's message in one line, no longer than one reads."""
    line = " ".join(plain(message).split())
    return line if len(line) <= MAX_REASON else f"{line[:MAX_REASON]}…"
