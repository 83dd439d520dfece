"""Hand-written YAML: read into checked models, each fault named by file, line and entry."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.comments import CommentedMap

from shockcheck.errors import ShockcheckError
from shockcheck.paths import shown

PLAINLY = {"extra_forbidden": "no such field; correct or remove it", "missing": "the field is missing; add it"}


class Entry(BaseModel):
    """A mapping of a document: no unknown fields, no guessed types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Model = TypeVar("Model", bound=Entry)


def read(path: Path, model: type[Model], fault: type[ShockcheckError]) -> tuple[Model, CommentedMap]:
    """The document in `path` as a `model`, and as parsed; raises `fault` with file, line and entry for what is wrong."""
    document = _parsed(path, fault)
    try:
        return model.model_validate(document), document
    except ValidationError as error:
        first = error.errors()[0]
        message = PLAINLY.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise fault(sentence(path, document, first["loc"], message)) from error


def _parsed(path: Path, fault: type[ShockcheckError]) -> CommentedMap:
    try:
        document = YAML(typ="rt").load(path)
    except OSError as error:
        raise fault(f"{shown(path)} cannot be read ({error.strerror}); restore it from version control") from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise fault(f"{shown(path)}{line}: {getattr(error, 'problem', None) or error}; correct the YAML") from error
    if not isinstance(document, CommentedMap):
        raise fault(f"{shown(path)} must hold names with values, not a list or a text")
    return document


def sentence(path: Path, document: CommentedMap, loc: tuple, message: str) -> str:
    """The message with file, line and the entry's id, if it has one, of the place `loc` in the document."""
    node: Any = document
    line, entry = 0, ""
    for key in loc:
        position = getattr(node, "lc", None)
        try:
            line = (position.key(key) if isinstance(key, str) else position.item(key))[0]
            node = node[key]
        except (KeyError, IndexError, AttributeError, TypeError):
            break  # the field is missing: its mapping's line is the nearest
        if isinstance(node, CommentedMap) and "id" in node:
            entry = f", claim {node['id']}"
    names = [key for key in loc if isinstance(key, str)]
    field = f"`{names[-1]}`: " if names and (len(names) > 1 or names == list(loc)) else ""
    return f"{shown(path)}, line {line + 1}{entry}: {field}{message.rstrip('.')}"
