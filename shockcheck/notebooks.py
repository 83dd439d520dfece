"""Notebooks: what one takes, which claims it checks, and a run of it under papermill."""

import copy
import logging
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config
from zmq.error import ZMQError

from shockcheck import cells, kernel, parameters, scratch, shell, warm
from shockcheck.errors import BuildError, LedgerError, ParameterError, ShockcheckError, plain
from shockcheck.findings import VARIANT, alone, in_short, shown_in
from shockcheck.languages import VARIABLE
from shockcheck.ledger import Ledger, hand_over, load
from shockcheck.parameters import Parameter, literal
from shockcheck.paths import FINDINGS, NOTEBOOKS, READS, notebook_files, numbered_notebook_files, shown

if TYPE_CHECKING:
    from shockcheck.engine import Watch

TIMEOUT = "SHOCKCHECK_TIMEOUT"  # names the seconds for one cell
USUAL_TIMEOUT, LONGEST_TIMEOUT = 300, 10_000_000  # seconds
JOINED = "joined"  # in the metadata of a cell of several: their ids
ARTICLE = "article"  # tag of the cells that a variant leaves out
WIDGET = "application/vnd.jupyter.widget-view+json"
SHOWN_AS_TEXT = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml")
LONGEST_REASON = 500  # characters of an error that is not the project's own
_ALONE = threading.Lock()


def timeout() -> int:
    """Return the seconds that a cell may take; raises ParameterError where the environment names no such number."""
    text = os.environ.get(TIMEOUT) or str(USUAL_TIMEOUT)
    if not re.fullmatch(r"[0-9]{1,8}", text) or not 0 < int(text) <= LONGEST_TIMEOUT:
        raise ParameterError(f"{TIMEOUT} must be a whole number of seconds from 1 to {LONGEST_TIMEOUT}, not {text!r}")
    return int(text)


@dataclass(frozen=True)
class Notebook:
    """One notebook of the project, by its file."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the file holds, as `cells.read` gives it; raises BuildError where it is no notebook in Python."""
        return cells.read(self.path)

    @cached_property
    def node(self) -> NotebookNode:
        """The same as papermill and nbconvert take it."""
        return nbformat.v4.to_notebook_json(self.content)

    @property
    def title(self) -> str:
        """The first heading; of a notebook without one its name in words."""
        return cells.title(self.content) or self.name.lstrip("0123456789-").replace("-", " ").capitalize() or self.name

    @cached_property
    def declared(self) -> dict[str, Parameter]:
        """The parameters by name; raises BuildError unless a cell tagged `parameters` sets each to a constant."""
        return parameters.of_notebook(self.content, shown(self.path))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters' defaults by name; raises as `declared`."""
        return {name: parameter.default for name, parameter in self.declared.items()}

    @cached_property
    def checks(self) -> list[tuple[str, str]]:
        """The claims that the code cells check, in order, each with the id of its cell.

        Raises BuildError, naming cell and line, for code that cannot be read and for an id that is not literal.
        """
        return cells.checks(cells.code(self.content, shown(self.path)))

    @property
    def claims(self) -> list[str]:
        """The ids of the claims that the code cells check, in order; raises as `checks`."""
        return [claim_id for claim_id, _ in self.checks]

    def with_types(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The parameters `given` as text, each in the type that it is declared with.

        Raises ParameterError for an unknown name and for a text that is no value of the type.
        """
        typed = {}
        for name, text in given.items():
            if name not in self.declared:
                raise ParameterError(f"{self.name} has no parameter {name!r}; it has {', '.join(self.declared) or 'none'}")
            if not text.isascii() and text != text.encode(errors="replace").decode():
                raise ParameterError(f"{name} holds bytes that are not UTF-8; write {text!r} in UTF-8")
            typed[name] = self.declared[name].read(text)
        return typed


def numbered() -> list[Notebook]:
    """The project's numbered notebooks in reading order, of which there may be none."""
    return [Notebook(path) for path in numbered_notebook_files(NOTEBOOKS)]


def discover() -> list[Notebook]:
    """The project's numbered notebooks in reading order; raises BuildError where there are none."""
    found = numbered()
    if not found:
        raise BuildError(f"{shown(NOTEBOOKS)} holds no notebook named like 01-subject.ipynb")
    return found


def others() -> list[Notebook]:
    """The project's notebooks without a number, which check no claim and make no page."""
    numbered = {notebook.path for notebook in discover()}
    return [Notebook(path) for path in notebook_files(NOTEBOOKS) if path not in numbered]


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
    unchecked = [claim.id for claim in ledger.claims if claim.id not in checked]
    if unchecked and all_claims:
        raise LedgerError(not_checked(unchecked))


def not_checked(claims: list[str]) -> str:
    """The sentence for claims, by their ids, that no notebook checks."""
    named = f"{', '.join(claims[:-1])} and {claims[-1]}" if len(claims) > 1 else claims[0]
    return (
        f"no notebook checks {named}; add a cell with check({claims[0]!r}, ...), which "
        f"`python -m shockcheck claims check` writes for you, or remove the claim{'s' if len(claims) > 1 else ''}"
    )


def checked() -> tuple[Ledger, list[Notebook]]:
    """Ledger and notebooks, once what the notebooks check is known to stand in the ledger, of which they may lack claims.

    Raises ShockcheckError with the first fault.
    """
    book, found = load(), discover()
    check_against(book, found, all_claims=False)
    for notebook in found:
        notebook.parameters  # noqa: B018  which raises what is wrong with them
    timeout()
    return book, found


def run(
    notebook: Notebook,
    parameters: dict[str, Any] | None = None,
    language: str = "en",
    *,
    findings_only: bool = False,
    seconds: int | None = None,
) -> NotebookNode:
    """The notebook as executed by papermill, the same in every run; no file of the project is written.

    With `parameters` the run is a variant. With `findings_only` nothing is drawn, and findings, in short, are all that is
    shown; the cells run as one, and once more one by one where that fails, to say which it was. A cell, or all of them as
    one, may take `seconds`. What it read stands in its metadata. Runs in several threads at once. Raises BuildError with
    the cell and the notebook's own error, or where its kernel died, took too long, showed too much or was ended by a cell.
    """
    from shockcheck import engine

    with _ALONE:
        _resolve()
    for name in ("papermill", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once
    node = _to_run(notebook, variant=parameters is not None)
    with _run_folder(notebook) as folder:
        reads = folder / "reads"
        reads.touch()
        own = {READS: str(reads), VARIABLE: language, VARIANT: "" if parameters is None else "1"}
        if findings_only:
            own[FINDINGS] = "1"
        own |= hand_over(folder / "ledger.json")
        watch, limit = engine.Watch(), seconds or timeout()
        config = _config(str(folder), own)
        try:
            executed = _executed(_joined(node) if findings_only else node, parameters, config, limit, watch)
        except _RunError as error:
            if findings_only and not isinstance(error, _TooSlowError):
                return run(notebook, parameters, language, seconds=limit)
            why = _why_died(folder, error) if isinstance(error, _DiedError) else error
            raise BuildError(f"{_place(notebook, watch, joined=findings_only)}: {why}") from error
        executed.metadata["shockcheck"] = {"read": sorted(set(reads.read_text(encoding="utf-8").splitlines()))}
    return without_what_differs(executed)


class _RunError(Exception):
    """What went wrong in a cell, as the end of a sentence."""


class _DiedError(_RunError):
    """A kernel ended before its time."""


class _TooSlowError(_RunError):
    """A cell took longer than it may."""


def _executed(
    node: NotebookNode, parameters: dict[str, Any] | None, config: Config, seconds: int, watch: "Watch"
) -> NotebookNode:
    """The notebook as executed; raises _RunError for what went wrong in the cell that `watch` names."""
    from nbclient.exceptions import CellTimeoutError
    from papermill import PapermillExecutionError, execute_notebook

    from shockcheck import engine

    try:
        executed = execute_notebook(
            node,
            None,
            parameters={name: literal(value) for name, value in (parameters or {}).items()},
            engine_name=engine.NAME,
            kernel_name=warm.kernel(),
            language="python",
            progress_bar=False,
            execution_timeout=seconds,
            config=config,
            watch=watch,
        )
    except PapermillExecutionError as error:
        if watch.cell.source != error.source:  # a cell that may fail, by a tag, has failed before this one
            watch.cell = next(cell for cell in node.cells if cell.source == error.source)
        raise _RunError(_ended_by_itself(error.evalue) if error.ename == "SystemExit" else _reason(error)) from error
    except (RuntimeError, CellTimeoutError) as error:  # nbclient's own, or jupyter_client's for one that does not come up
        if watch.too_large:
            raise _RunError(f"it shows more than {shell.LARGEST:,} characters; print and show less") from error
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


def _place(notebook: Notebook, watch: "Watch", joined: bool) -> str:
    """The notebook and the cell that ran, by the number that stands before it when it is run from top to bottom."""
    number = None if joined or watch.cell is None else cells.numbers(notebook.content).get(watch.cell["id"])
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
    line = f"from {shell.__name__} import {shell.prepare.__name__}; prepare({environment!r}); del prepare"
    if FINDINGS in environment:
        line += f"; from {alone.__module__} import {alone.__name__}; alone(); del alone"
    arguments = ["--IPKernelApp.log_level=50", "--HistoryManager.enabled=False", f"--IPKernelApp.exec_lines={line}"]
    manager = {"transport": "ipc", "ip": f"{folder}/kernel", "connection_file": f"{folder}/kernel.json"}
    manager["client_factory"] = warm.CLIENT
    return Config(
        KernelManager=manager,
        NotebookClient={
            "extra_arguments": arguments,
            "iopub_timeout": shell.PATIENCE,
            "store_widget_state": False,
            "shutdown_kernel": "immediate",
        },
    )


def _to_run(notebook: Notebook, variant: bool) -> NotebookNode:
    """The notebook without outputs, and a variant without the cells tagged `article`, which make sense for its day alone."""
    node = copy.copy(notebook.node)
    node.cells = [copy.deepcopy(cell) for cell in node.cells if not variant or ARTICLE not in cell.metadata.get("tags", [])]
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return node


def _joined(node: NotebookNode) -> NotebookNode:
    """The notebook with the code before and after its parameters in one cell each: every cell costs a round of messages."""
    code = [cell for cell in node.cells if cell.cell_type == "code"]
    place = next(place for place, cell in enumerate(code) if cells.PARAMETERS in cell.metadata.get("tags", []))
    joined = copy.copy(node)
    joined.cells = [*_as_one(code[:place]), code[place], *_as_one(code[place + 1 :])]
    return joined


def _as_one(code: list[NotebookNode]) -> list[NotebookNode]:
    if len(code) < 2 or any(cell.source.lstrip().startswith("%%") for cell in code):  # a magic word is of its cell alone
        return code
    joined = copy.copy(code[0])
    joined.metadata = NotebookNode({JOINED: [cell.id for cell in code]})
    joined.source = "\n".join(cell.source for cell in code)
    return [joined]


def _reason(error: Any) -> str:
    """The message alone for an error that speaks for itself, else with the name of its class."""
    if error.ename == "StdinNotImplementedError":
        return "it asks for input, which a build has not; declare a parameter instead"
    if error.ename in {kind.__name__ for kind in (ShockcheckError, *ShockcheckError.__subclasses__())}:
        return " ".join(plain(error.evalue).split())
    message = re.sub(r" \(\d+\.py, line (\d+)\)$", r" (line \1)", error.evalue)  # the file is the kernel's for the cell
    return f"{error.ename}: {_sentence(message)}".removesuffix(": ")


def _sentence(message: str) -> str:
    """An error's message in one line, no longer than one reads."""
    line = " ".join(plain(message).split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"


# What a shown text has of the run that it is from: an object's place in memory, a cell's file, the id of a styled table.
OF_THE_RUN = re.compile(r"(?<= at )0x[0-9a-f]{6,}|\S*ipykernel_\d+/\d+\.py(?=:)|(?<=T_)[0-9a-f]{5}(?=[\s_\"#{.,])")


def without_what_differs(node: NotebookNode) -> NotebookNode:
    """The notebook without what differs between runs that are alike, and what it shows without signs that steer a terminal.

    Left out are papermill's notes, Python's version and widgets' ids, and in what cells show the places of objects in
    memory, the names of cells' files and the ids of styled tables.
    """
    node.metadata.pop("papermill", None)
    node.metadata.get("language_info", {}).pop("version", None)
    for cell in node.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
            for holder, kind in _texts(output):
                holder[kind] = _without_the_run(plain(holder[kind]), cell.get("execution_count"))
    return node


def _without_the_run(text: str, number: int | None) -> str:
    """A text that a cell shows without what is of its run; the ids of a styled table are then those of its cell."""

    def instead(found: re.Match[str]) -> str:
        if found[0].startswith("0x"):
            return "0x…"
        return "cell" if found[0].endswith(".py") else f"{number}"

    return OF_THE_RUN.sub(instead, text)


def _texts(output: NotebookNode) -> Iterator[tuple[dict[str, Any], str]]:
    """Where an output holds texts: each by what holds it and its name there."""
    for holder in (output, output.get("data", {})):
        yield from ((holder, kind) for kind in ("text", *SHOWN_AS_TEXT) if isinstance(holder.get(kind), str))


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
    ids = [finding["id"] for finding in shown_findings]
    twice = next((claim_id for claim_id in ids if ids.count(claim_id) > 1), None)
    if twice:
        raise BuildError(f"{notebook.name} shows the finding for {twice} more than once; show it once")
    run = {cell_id for cell in node.cells for cell_id in cell.metadata.get(JOINED, [cell.id])}
    missing = sorted({claim_id for claim_id, cell_id in notebook.checks if cell_id in run} - set(ids))
    if missing:
        raise BuildError(
            f"{notebook.name} checks {missing[0]} but does not show its finding; "
            "make check(...) the last expression of its cell, without a semicolon behind it"
        )
    return shown_findings
