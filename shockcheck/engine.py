"""How papermill takes parameters here: as code, which has all of Python's constants. Translators are made to be added."""

from typing import Any

from nbformat import NotebookNode
from papermill.translators import Translator, papermill_translators

from shockcheck import warm


class _AsGiven(Translator):
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


for kernel in (warm.NAME, warm.ORDINARY):
    papermill_translators.register(kernel, _AsGiven)
