"""Hand-written YAML: read into checked models, each fault named by file, line and entry."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor

from shockcheck import textfiles
from shockcheck.errors import ShockcheckError
from shockcheck.paths import read_bytes, shown

PLAINLY = {
    "extra_forbidden": "no such field; correct or remove it",
    "missing": "the field is missing; add it",
    "string_type": "must be a text; put it in quotes",
    "string_too_short": "is empty; fill it in or remove it",
    "string_pattern_mismatch": "must be small letters, digits and single hyphens, as in share-fall",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "greater_than": "must be above 0",
    "finite_number": "must be a number, not .inf or .nan",
    "date_type": "must be a day written YYYY-MM-DD, without quotes",
    "list_type": "must be a list in square brackets, as in [one, another]",
    "model_type": "must hold names with values, as in `id: share-fall`",
    "dict_type": "must hold names with values, as in `id: share-fall`",
    "too_short": "holds too few entries; add what is missing",
    "too_long": "holds too many entries; remove what is too much",
    "invalid_key": "the name of a field must be a text; correct it",
    "string_unicode": "holds a sign that is none; write the text anew",
}
REMEDIES = {
    "mapping values are not allowed here": "put a text that has a colon in it in quotes",
    "found character '\\t' that cannot start any token": "indent by blanks, not by a tab",
    "found duplicate key": "remove one of the two",
    "but found another document": "put everything into one document, without a line of three hyphens",
}
INDENT = re.compile(r"(?:\r\n|\r|\n|^) *(?![ \t\r\n])(\s)")  # a blank of another kind at the beginning of a line


class Entry(BaseModel):
    """A mapping of a document: no unknown fields, no guessed types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _visible(text: str) -> str:
    """The text itself; raises a fault for one with a control sign, which YAML can write by a backslash."""
    if textfiles.CONTROL.search(text):
        raise PydanticCustomError("control_sign", "holds an invisible control sign; remove it")
    return text


def _in_one_line(text: str) -> str:
    """The text in one line, whatever way of YAML's it was written in over several."""
    return re.sub(r"[ \t\r\n]+", " ", text)


Text = Annotated[
    str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_visible), AfterValidator(_in_one_line)
]


class Fault(NamedTuple):
    """What is wrong at a place of a document, which keys and numbers lead to; `kind` is pydantic's word for it, if any."""

    loc: tuple[str | int, ...]
    message: str
    kind: str = ""


class UnreadableError(Exception):
    """A document is no YAML mapping: what is wrong, and in which line where that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """What is wrong; lines count from 1."""
        super().__init__(message)
        self.message, self.line = message, line


Model = TypeVar("Model", bound=Entry)


def read(path: Path, model: type[Model], fault: type[ShockcheckError]) -> Model:
    """The document in `path` as a `model`; raises `fault` with file, line and entry for the first thing that is wrong."""
    document = parsed(path, fault)
    for found in faults(model, document):
        raise fault(sentence(path, document, found))
    return model.model_validate(document)


def faults(model: type[BaseModel], document: Mapping[str, Any]) -> list[Fault]:
    """What of a document is not as its model has it, field by field."""
    try:
        model.model_validate(document)
    except ValidationError as error:
        return [Fault(one["loc"], _plainly(one), one["type"]) for one in error.errors()]
    return []


def _plainly(error: Any) -> str:
    if error["type"] == "literal_error":
        return f"must be {error['ctx']['expected']}"
    if error["type"] == "greater_than_equal":
        return f"must be at least {error['ctx']['ge']}"
    if error["input"] is None and error["type"] != "missing":
        return PLAINLY["string_too_short"]
    return PLAINLY.get(error["type"], error["msg"].removeprefix("Value error, "))


def parsed(path: Path, fault: type[ShockcheckError]) -> CommentedMap:
    """The document in `path`; raises `fault` with file and line where it is no mapping or cannot be read."""
    try:
        return parse(path)
    except UnreadableError as error:
        line = f", line {error.line}" if error.line else ""
        raise fault(f"{shown(path)}{line}{':' if line else ''} {error.message}") from error


def parse(path: Path) -> CommentedMap:
    """The document in `path`, its lines known; raises UnreadableError where it is no mapping or cannot be read."""
    try:
        text = textfiles.decode(read_bytes(path))
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror}); restore it from version control") from error
    except textfiles.TextError as error:
        raise UnreadableError(error.message, error.line) from error
    try:
        yaml = YAML(typ="rt")
        yaml.Constructor = _Constructor
        document = yaml.load(text)
    except YAMLError as error:
        raise _misspelt(error, text) from error
    except RecursionError as error:
        raise UnreadableError("is nested too deeply; remove the brackets or blanks that nothing needs") from error
    if not isinstance(document, CommentedMap):
        raise UnreadableError("must hold names with values, not a list or a text" if document else "is empty; fill it in")
    return document


def _misspelt(error: YAMLError, text: str) -> UnreadableError:
    """What YAML's parser finds wrong, in one line, with its line and what to do."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    problem = " ".join(problem.split())
    indent = INDENT.search(text)
    if indent:
        line = len(textfiles.BREAK.findall(text[: indent.end()])) + 1
        return UnreadableError(f"begins with the invisible sign U+{ord(indent[1]):04X}; indent it by plain blanks", line)
    remedy = next((what for start, what in REMEDIES.items() if problem.startswith(start)), "correct the YAML")
    return UnreadableError(f"{problem}; {remedy}", mark.line + 1 if mark else None)


class _Constructor(RoundTripConstructor):
    """What makes values of YAML's texts; one that cannot be made, like the 30th of February, is a fault with its line."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """The value of a node."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise ConstructorError(None, None, f"{str(node.value)[:40]!r} is no value ({error})", node.start_mark) from error


def place(document: CommentedMap, loc: tuple[str | int, ...]) -> tuple[int, str, str]:
    """The line of a place in a document, the entry that it is of, 'claim ID' if it has an id, and the field's name."""
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
            entry = f"claim {node['id']}"
    names = [key for key in loc if isinstance(key, str)]
    return line + 1, entry, names[-1] if names and (len(names) > 1 or names == list(loc)) else ""


def sentence(path: Path, document: CommentedMap, fault: Fault) -> str:
    """The fault with file, line and the entry's id, if it has one."""
    line, entry, field = place(document, fault.loc)
    about = f"{shown(path)}, line {line}{', ' if entry else ''}{entry}: "
    return about + (f"`{field}`: " if field else "") + fault.message.rstrip(".")


def listed(path: Path, document: CommentedMap, fault: Fault) -> str:
    """The fault as a line of a list, 'FILE:LINE: sentence', which editors can follow."""
    line, entry, field = place(document, fault.loc)
    about = "".join(f"{one}: " for one in (entry, field and f"`{field}`") if one)
    return f"{shown(path)}:{line}: {about}{fault.message.rstrip('.')}"
