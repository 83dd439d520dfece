"""One row of a sweep, computed here or on a worker of a cluster."""

from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from shockcheck.errors import ParameterError, ShockcheckError
from shockcheck.notebook_files import parameters
from shockcheck.notebooks import execution
from shockcheck.notebooks.execution import ExecutedNotebook
from shockcheck.notebooks.notebook import notebook_named
from shockcheck.project import inputs
from shockcheck.project.files import write_whole


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Do what `Sweep` ordered for a row: return `findings`, each in short, and if asked for its `page`; or its `fault`."""
    try:
        notebook, page = notebook_named(order["notebook"]), order.get("page")
        values = {name: parameters.evaluated(code) for name, code in order["parameters"].items()}
        executed = execution.run(notebook, values, findings_only=not page, seconds=order["timeout"])
        executed.check_complete()
        reads = (key for key in executed.reads if not key.startswith(("data/", "notebooks/")))  # the others are in the key
        result: dict[str, Any] = {
            "findings": [finding.in_short() for finding in executed.findings],
            "inputs": inputs.input_digests(reads),
        }
        if page:
            html = _page(executed, page, values)
            if page["at"]:
                put(page["at"], page["name"], html)
            else:
                result["page"] = html
    except ShockcheckError as error:
        return {"fault": str(error)}
    return result


def _page(executed: ExecutedNotebook, page: dict[str, Any], values: dict[str, Any]) -> str:
    from shockcheck.report import pages  # slow to import, and most sweeps make no pages

    return pages.variant_page(executed, page["title"], values, page["home"]).html


def put(place: str, name: str, text: str) -> None:
    """Write a file of that name into a folder or to an address; raises ParameterError where that is not possible."""
    try:
        files, folder = fsspec.core.url_to_fs(place)
        if isinstance(files, LocalFileSystem):
            Path(folder).mkdir(parents=True, exist_ok=True)
            write_whole(Path(folder) / name, text)
        else:
            files.pipe_file(f"{folder}/{name}", text.encode())
    except (OSError, ValueError, ImportError) as error:
        raise ParameterError(f"{place} takes no pages ({error}); give --pages another folder or address") from error
