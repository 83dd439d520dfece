"""Findings in the outputs of a notebook."""

from collections.abc import Mapping
from typing import Any

from shockcheck.findings.finding import MIMETYPE, Finding


def show_findings_only() -> None:
    """Let a kernel show its findings in short and nothing else: no card, no table, no text."""
    from IPython import get_ipython

    shell = get_ipython()
    shell.ast_node_interactivity = "all"  # several cells may run as one
    shell.displayhook.quiet = lambda: False  # the semicolon at the end is of the last of them alone
    shell.display_formatter.format = lambda value, include=None, exclude=None: (
        ({MIMETYPE: value.in_short()}, {}) if isinstance(value, Finding) else ({}, {})
    )


def findings_in(node: Mapping[str, Any]) -> list[Finding]:
    """Return the findings that an executed notebook shows, in order."""
    outputs = (output for cell in node["cells"] for output in cell.get("outputs", []))
    return [Finding.from_json(output["data"][MIMETYPE]) for output in outputs if MIMETYPE in output.get("data", {})]
