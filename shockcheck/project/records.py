"""Records of what was built: the digests of all inputs and outputs, and what was found.

A record is a small JSON file in `.cache/`, sealed by its own digest.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shockcheck.project.digests import digest
from shockcheck.project.files import write_whole
from shockcheck.project.paths import current_project, shown


@dataclass(frozen=True)
class Record:
    """What was built: the digest of every input by its key, that of every output by its file, and what was found."""

    inputs: dict[str, str]
    outputs: dict[str, str]
    title: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)


def load(path: Path) -> Record | None:
    """Return the record in `path`; None where there is none, or one that was cut short or changed by hand."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        seal = stored.pop("seal")
        return Record(**stored) if seal == _seal(stored) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def store(path: Path, record: Record) -> None:
    """Write a record; where that is not possible, `loss_notice` says so from then on."""
    stored = asdict(record)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(stored | {"seal": _seal(stored)}, ensure_ascii=False))
    except OSError as error:
        current_project().memory.setdefault("losses", []).append(error)


def loss_notice() -> str | None:
    """Return a sentence where a record could not be kept in `.cache`, else None: only time is lost."""
    losses = current_project().memory.get("losses")
    if not losses:
        return None
    where, why = shown(current_project().cache), losses[0].strerror
    return f"{where} cannot be written ({why}); what was built is right, but is not kept and will be built anew"


def _seal(stored: dict[str, Any]) -> str:
    return digest(json.dumps(stored, sort_keys=True))
