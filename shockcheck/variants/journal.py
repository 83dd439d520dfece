"""The journal of a sweep: what each row gave, kept as soon as it is known."""

import errno
import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from shockcheck.errors import BuildError
from shockcheck.project import digests, inputs
from shockcheck.project.files import write_error
from shockcheck.project.paths import shown


class Journal:
    """What rows gave, by key, in a file of one line a row, each with its digest; what was cut short counts as not there."""

    def __init__(self, path: Path, anew: bool = False) -> None:
        """Look at what is kept in `path`, with `anew` as if it were empty; raises BuildError where it cannot be written."""
        self._path, self._places, self._lock = path, {}, threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                end = file.tell()
                file.seek(max(end - 1, 0))
                if end and file.read() != b"\n":  # cut short: what comes next begins on a line of its own
                    file.write(b"\n")
                file.seek(0)
                place = 0
                for line in () if anew else file:
                    entry = _unsealed(line)
                    if entry and inputs.inputs_stand(entry["inputs"]):
                        self._places[entry["key"]] = place
                    place += len(line)
        except OSError as error:
            raise write_error(path, error) from error

    def __contains__(self, key: str) -> bool:
        """Whether something is kept by this key."""
        return key in self._places

    def __len__(self) -> int:
        """How many rows are kept."""
        return len(self._places)

    def add(self, key: str, findings: list[dict[str, Any]], inputs: dict[str, str]) -> None:
        """Keep the findings of a row, from now on and whatever comes next; raises BuildError where that is not possible.

        `inputs` are those that the key does not stand for, with their digests: later they must be the same.
        """
        line = _sealed({"key": key, "findings": findings, "inputs": inputs})
        try:
            with self._lock, self._path.open("ab", buffering=0) as file:
                if file.write(line) < len(line):  # at once, behind whatever another process may have written meanwhile
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._places[key] = file.tell() - len(line)
        except OSError as error:
            raise write_error(self._path, error) from error

    def findings(self, keys: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
        """Return the findings kept by these keys, row after row; raises BuildError where they are no longer there."""
        with suppress(OSError), self._path.open("rb") as file:
            for key in keys:
                file.seek(self._places[key])
                entry = _unsealed(file.readline())
                if not entry or entry["key"] != key:
                    break
                yield entry["findings"]
            else:
                return
        raise BuildError(f"{shown(self._path)} was changed or removed meanwhile; run the same command again, which goes on")


def _sealed(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry, ensure_ascii=False)
    return f"{digests.digest(text)[:16]} {text}\n".encode()


def _unsealed(line: bytes) -> dict[str, Any] | None:
    seal, _, text = line.rstrip(b"\n").partition(b" ")
    return json.loads(text) if seal == digests.digest(text)[:16].encode() else None
