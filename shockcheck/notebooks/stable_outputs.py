"""Executed notebooks without what differs between runs that are alike."""

import re
from collections.abc import Iterator
from typing import Any

import nbformat
from nbformat import NotebookNode

from shockcheck.errors import plain

WIDGET = "application/vnd.jupyter.widget-view+json"
SHOWN_AS_TEXT = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml")
# What a shown text has of the run that it is from: an object's place in memory, a cell's file, the id of a styled table.
OF_THE_RUN = re.compile(r"(?<= at )0x[0-9a-f]{6,}|\S*ipykernel_\d+/\d+\.py(?=:)|(?<=T_)[0-9a-f]{5}(?=[\s_\"#{.,])")


def without_what_differs(node: NotebookNode) -> NotebookNode:
    """Return the notebook without what differs between equal runs, and its outputs without a terminal's control codes.

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
    """Return a text that a cell shows without what differs from run to run; a styled table gets its cell's number as id."""

    def instead(match: re.Match[str]) -> str:
        if match[0].startswith("0x"):
            return "0x…"
        return "cell" if match[0].endswith(".py") else f"{number}"

    return OF_THE_RUN.sub(instead, text)


def _texts(output: NotebookNode) -> Iterator[tuple[dict[str, Any], str]]:
    """Return where an output holds texts: each by what holds it and its name there."""
    for holder in (output, output.get("data", {})):
        yield from ((holder, kind) for kind in ("text", *SHOWN_AS_TEXT) if isinstance(holder.get(kind), str))


def as_text(node: NotebookNode) -> str:
    """Return the notebook as its file has it."""
    return str(nbformat.writes(node)).rstrip("\n") + "\n"
