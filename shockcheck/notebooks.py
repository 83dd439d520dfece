"""Notebooks: what one takes, which claims it checks, and a run of it under papermill."""

import ast
import copy
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config
from zmq.error import ZMQError

from shockcheck import kernel, scratch, warm
from shockcheck.errors import BuildError, LedgerError, ParameterError, ShockcheckError
from shockcheck.findings import VARIANT, alone, in_short, shown_in
from shockcheck.languages import VARIABLE
from shockcheck.ledger import Ledger, hand_over, load
from shockcheck.paths import FINDINGS, NOTEBOOKS, READS, shown
from shockcheck.prices import day


def _timeout() -> int:
    """Return the seconds that one cell may take; raises ParameterError where SHOCKCHECK_TIMEOUT is no such number."""
    text = os.environ.get("SHOCKCHECK_TIMEOUT") or "300"
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ParameterError(f"SHOCKCHECK_TIMEOUT is {text!r}; give a whole number of seconds, or unset it")
    return int(text)


TIMEOUT = _timeout()
ARTICLE = "article"  # tag of the cells that a variant leaves out
WIDGET = "application/vnd.jupyter.widget-view+json"
_ALONE = threading.Lock()


@dataclass(frozen=True)
class Notebook:
    """One notebook of the project, by its file."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def node(self) -> NotebookNode:
        """The notebook as stored; raises BuildError where the file is no notebook."""
        try:
            return nbformat.read(self.path, as_version=4)
        except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
            raise BuildError(f"{shown(self.path)} is not readable as a notebook; restore it from version control") from error

    @property
    def title(self) -> str:
        """The first heading of the first cell."""
        return self.node.cells[0].source.splitlines()[0].lstrip("# ")

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters with their defaults; raises BuildError where no cell is tagged `parameters`."""
        from papermill import inspect_notebook  # takes a second or two to import: not before faults are looked for

        self.check_parameters_cell()
        found = inspect_notebook(self.path).values()
        return {parameter["name"]: ast.literal_eval(parameter["default"]) for parameter in found}

    def check_parameters_cell(self) -> None:
        """Raise BuildError unless a cell is tagged `parameters`; papermill alone would run such a notebook."""
        if not any("parameters" in cell.metadata.get("tags", []) for cell in self.node.cells):
            raise BuildError(f"{shown(self.path)} has no cell tagged 'parameters'; tag the one that holds them")

    @cached_property
    def claims(self) -> list[str]:
        """The ids that the code cells give to `check(...)`, in order; raises BuildError for an id that is not literal."""
        return _checked(self.node, self.path)

    def with_types(self, given: dict[str, str]) -> dict[str, Any]:
        """The parameters `given` as text, each in the type of its default.

        Raises ParameterError for an unknown name, a wrong type, or a day that is not written 'YYYY-MM-DD'.
        """
        typed = {}
        for name, text in given.items():
            if name not in self.parameters:
                raise ParameterError(f"{self.name} has no parameter {name!r}; it has {', '.join(self.parameters)}")
            typed[name] = _typed(name, text, self.parameters[name])
        return typed


def _checked(node: NotebookNode, path: Path) -> list[str]:
    code = "\n".join(cell.source for cell in node.cells if cell.cell_type == "code")
    return [_first_argument(call, path) for call in ast.walk(ast.parse(code)) if _is_check(call)]


def _is_check(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"


def _first_argument(call: ast.Call, path: Path) -> str:
    match call.args:
        case [ast.Constant(value=str(claim_id)), *_]:
            return claim_id
    raise BuildError(f"{shown(path)}: check(...) must be given the claim's id as a literal text")


def _typed(name: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return str(day(text, name)) if _is_day(default) else text
    try:
        return type(default)(text)
    except ValueError:
        kind = {int: "a whole number", float: "a number"}.get(type(default), f"of type {type(default).__name__}")
        raise ParameterError(f"{name} must be {kind} like {default!r}, not {text!r}") from None


def _is_day(text: str) -> bool:
    try:
        day(text)
    except ParameterError:
        return False
    return True


def numbered() -> list[Notebook]:
    """The project's numbered notebooks in reading order, of which there may be none."""
    return [Notebook(path) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]-*.ipynb"))]


def discover() -> list[Notebook]:
    """The project's numbered notebooks in reading order; raises BuildError where there are none."""
    found = numbered()
    if not found:
        raise BuildError(f"{shown(NOTEBOOKS)} holds no notebook named like 01-subject.ipynb")
    return found


def others() -> list[Notebook]:
    """The project's notebooks without a number, which check no claim and make no page."""
    numbered = {notebook.path for notebook in discover()}
    return [Notebook(path) for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path not in numbered]


def named(name: str) -> Notebook:
    """The notebook of that name; raises ParameterError, naming those there are, for an unknown one."""
    known = {notebook.name: notebook for notebook in discover()}
    if name not in known:
        raise ParameterError(f"no notebook {name!r} in {shown(NOTEBOOKS)}; there are {', '.join(known)}")
    return known[name]


def check_against(ledger: Ledger, found: list[Notebook], all_claims: bool = True) -> None:
    """Raise LedgerError unless every claim of the ledger is checked by exactly one of the notebooks, and no other is.

    Without `all_claims` some may be checked by none.
    """
    checked: dict[str, str] = {}
    for notebook in found:
        for claim_id in notebook.claims:
            if claim_id not in ledger.by_id:
                raise LedgerError(
                    f"{notebook.name} checks {claim_id!r}, which the ledger has not; "
                    "add the claim, correct the id, or remove the cell"
                )
            if claim_id in checked:
                raise LedgerError(f"{claim_id} is checked in {checked[claim_id]} and again in {notebook.name}; keep one")
            checked[claim_id] = notebook.name
    for claim in ledger.claims if all_claims else ():
        if claim.id not in checked:
            raise LedgerError(
                f"no notebook checks {claim.id}; add a cell with check({claim.id!r}, ...), which "
                "`python -m shockcheck claims check` writes for you, or remove the claim"
            )


def checked() -> tuple[Ledger, list[Notebook]]:
    """Ledger and notebooks, once they are known to go together; raises ShockcheckError with the first fault."""
    book, found = load(), discover()
    check_against(book, found)
    for notebook in found:
        notebook.check_parameters_cell()
    return book, found


def run(
    notebook: Notebook,
    parameters: dict[str, Any] | None = None,
    language: str = "en",
    *,
    findings_only: bool = False,
    timeout: int = TIMEOUT,
) -> NotebookNode:
    """The notebook as executed by papermill, the same in every run; no file of the project is written.

    With `parameters` the run is a variant. With `findings_only` nothing is drawn, and findings, in short, are all that is
    shown; the cells run as one, and once more one by one where that fails, to say which it was. A cell, or all of them as
    one, may take `timeout` seconds. What it read stands in its metadata. Runs in several threads at once. Raises
    BuildError with the notebook's own error and the cell it came from, or where its kernel died or took too long.
    """
    from nbclient.exceptions import CellTimeoutError
    from papermill import PapermillExecutionError, execute_notebook

    with _ALONE:
        _resolve()
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once
    with _run_folder(notebook) as folder:
        reads = folder / "reads"
        reads.touch()
        own = {READS: str(reads), VARIABLE: language, VARIANT: "" if parameters is None else "1"}
        if findings_only:
            own[FINDINGS] = "1"
        own |= hand_over(folder / "ledger.json")
        node = notebook.node if parameters is None else _for_any_event(notebook.node)
        try:
            executed = execute_notebook(
                _joined(node) if findings_only else node,
                None,
                parameters=parameters or {},
                kernel_name=warm.kernel(),
                progress_bar=False,
                execution_timeout=timeout,
                config=_config(str(folder), own),
            )
        except PapermillExecutionError as error:
            if findings_only:
                return run(notebook, parameters, language, timeout=timeout)
            raise BuildError(f"{notebook.name}, cell {error.exec_count}: {_reason(error)}") from error
        except RuntimeError as error:  # nbclient's own for one that dies, jupyter_client's for one that does not come up
            cause = kernel.last_words(folder) or getattr(error.__cause__, "strerror", None) or "perhaps for want of memory"
            why = scratch.shortage() or f"its kernel died ({cause}); run the build again"
            raise BuildError(f"{notebook.name}: {why}") from error
        except CellTimeoutError as error:
            what = "it" if findings_only else "a cell"
            raise BuildError(f"{notebook.name}: {what} took longer than {timeout} seconds; shorten its work") from error
        executed.metadata["shockcheck"] = {"read": sorted(set(reads.read_text(encoding="utf-8").splitlines()))}
    return without_what_differs(executed)


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


@cache
def _resolve() -> None:
    """Make one of each object whose class names others by strings: traitlets looks these up the first time, and fails
    where two threads do so at once.
    """
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning import LocalProvisioner

    AsyncKernelManager()
    LocalProvisioner()


def _config(folder: str, environment: dict[str, str]) -> Config:
    """What the kernel of one run is started with: sockets in `folder`, and `environment` set before its first cell.

    No port is opened, so that ipykernel has no cause to warn that TCP can be listened to. Level 50: at its end ipykernel
    logs the interrupt that nbclient sends to every kernel as an error of the kernel's. The cells are not noted in the
    user's history of IPython. The state of widgets is not stored: it is long, it is of no use without a kernel, and its
    ids differ from run to run. A kernel that has run its cells has nothing left to do and is ended at once.
    """
    line = f"import os; os.environ.update({environment!r}); del os"
    if FINDINGS in environment:
        line += f"; from {alone.__module__} import {alone.__name__}; alone(); del alone"
    arguments = ["--IPKernelApp.log_level=50", "--HistoryManager.enabled=False", f"--IPKernelApp.exec_lines={line}"]
    manager = {"transport": "ipc", "ip": f"{folder}/kernel", "connection_file": f"{folder}/kernel.json"}
    manager["client_factory"] = warm.CLIENT
    return Config(
        KernelManager=manager,
        NotebookClient={"extra_arguments": arguments, "store_widget_state": False, "shutdown_kernel": "immediate"},
    )


def _for_any_event(node: NotebookNode) -> NotebookNode:
    """The notebook without the cells tagged `article`, which make sense for the article's own share and day alone."""
    node = copy.deepcopy(node)
    node.cells = [cell for cell in node.cells if ARTICLE not in cell.metadata.get("tags", [])]
    return node


def _joined(node: NotebookNode) -> NotebookNode:
    """The notebook with the code before and after its parameters in one cell each: every cell costs a round of messages."""
    cells = [cell for cell in node.cells if cell.cell_type == "code"]
    place = next(place for place, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", []))
    joined = copy.copy(node)
    joined.cells = [*_as_one(cells[:place]), copy.deepcopy(cells[place]), *_as_one(cells[place + 1 :])]
    return joined


def _as_one(cells: list[NotebookNode]) -> list[NotebookNode]:
    if len(cells) < 2 or any(cell.source.lstrip().startswith("%%") for cell in cells):  # a magic word is of its cell alone
        return copy.deepcopy(cells)
    joined = copy.deepcopy(cells[0])
    joined.source = "\n".join(cell.source for cell in cells)
    return [joined]


def _reason(error: Any) -> str:
    """The message alone for an error that speaks for itself, else with the name of its class."""
    ours = error.ename in {kind.__name__ for kind in (ShockcheckError, *ShockcheckError.__subclasses__())}
    return error.evalue if ours else f"{error.ename}: {error.evalue}"


def without_what_differs(node: NotebookNode) -> NotebookNode:
    """The notebook without what differs between runs that are alike: papermill's notes, Python's version, widgets' ids."""
    node.metadata.pop("papermill", None)
    node.metadata.get("language_info", {}).pop("version", None)
    for cell in node.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
    return node


def as_text(node: NotebookNode) -> str:
    """The notebook as its file has it."""
    return nbformat.writes(node).rstrip("\n") + "\n"


def notices(node: NotebookNode) -> list[str]:
    """What an executed notebook printed, line by line: which prices were used, and where others took their place."""
    outputs = (output for cell in node.cells for output in cell.get("outputs", []))
    return [line for output in outputs if output.output_type == "stream" for line in output.text.splitlines()]


def complete_findings(notebook: Notebook, node: NotebookNode) -> list[dict[str, Any]]:
    """The findings of a run, one for each claim that its cells check; raises BuildError where one was not shown."""
    kept = [{key: value for key, value in in_short(found).items() if key != "quantity"} for found in shown_in(node)]
    shown_findings = [dict(found, notebook=notebook.name) for found in kept]
    missing = sorted(set(_checked(node, notebook.path)) - {found["id"] for found in shown_findings})
    if missing:
        raise BuildError(
            f"{notebook.name} checks {missing[0]} but does not show its finding; "
            "make check(...) the last expression of its cell"
        )
    return shown_findings
