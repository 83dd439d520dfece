"""How papermill runs a notebook here: with an eye on which cell runs and how much it shows, and with parameters as code.

Engines and translators are the extension points that papermill documents for this; all the rest is its own.
"""

from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.log import logger
from papermill.translators import Translator, papermill_translators

from shockcheck import warm
from shockcheck.notebooks.shell import KERNEL_WAIT_S, MAX_OUTPUT

NAME = "shockcheck"


@dataclass
class Watch:
    """What a run is at: the cell that runs, how much the notebook shows so far, and whether that has become too much."""

    cell: NotebookNode | None = None
    size: int = 0
    too_large: bool = False


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    def __init__(self, nb_man: Any, watch: Watch, **more: Any) -> None:
        # What a cell prints bit by bit is one output, so that it is the same however the bits come.
        super().__init__(nb_man, on_cell_execute=self._begin, coalesce_streams=True, **more)
        self.watch = watch

    def _begin(self, cell: NotebookNode, cell_index: int) -> None:
        self.watch.cell = cell

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take what the kernel says, as long as that is not too much; then end the kernel."""
        self.watch.size += _size(msg)
        if self.watch.size <= MAX_OUTPUT:
            shown: NotebookNode | None = super().process_message(msg, cell, cell_index)
            return shown
        if not self.watch.too_large:
            self.watch.too_large = True
            self.km.provisioner.end()
        return None


def _size(message: dict[str, Any]) -> int:
    if message["msg_type"] not in ("stream", "display_data", "execute_result", "error"):
        return 0
    return _length(message["content"])


def _length(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_length, value.values()))
    return sum(map(_length, value)) if isinstance(value, list) else len(str(value))


class _Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, watch: Watch, execution_timeout: int, config: Any, **_: Any
    ) -> None:
        """Run the notebook; a cell may take `execution_timeout` seconds."""
        limits = {"timeout": execution_timeout, "startup_timeout": KERNEL_WAIT_S}
        _Client(nb_man, watch, **limits, kernel_name=kernel_name, config=config, log=logger).execute()


class _AsGiven(Translator):  # type: ignore[misc]  # papermill has no types
    """Parameters that are code already: papermill's own translator would write a date or a tuple as text."""

    @classmethod
    def translate(cls, val: str) -> str:
        return val

    @classmethod
    def comment(cls, cmt_str: str) -> str:
        return f"# {cmt_str}"

    @classmethod
    def inspect(cls, parameters_cell: NotebookNode) -> list[Any]:
        return []  # the names are known to be right


papermill_engines.register(NAME, _Engine)
for kernel_name in (warm.FORKED_KERNEL, warm.ORDINARY_KERNEL):
    papermill_translators.register(kernel_name, _AsGiven)
