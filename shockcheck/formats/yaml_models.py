"""Hand-written YAML: read into checked models, each fault named by file, line and entry."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import YAMLError

from shockcheck.formats import text_files

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
ENUM_MEMBER = re.compile(r"<[\w.]+: ('[^']*')>")  # as pydantic names one of the values that a field may have
INDENT = re.compile(r"(?:\r\n|\r|\n|^) *(?![ \t\r\n])(\s)")  # a blank of another kind at the beginning of a line


class StrictModel(BaseModel):
    """A mapping of a document: no unknown fields, no guessed types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _visible(text: str) -> str:
    """Return the text itself; raises a fault for one with a control sign, which YAML can write by a backslash."""
    if text_files.CONTROL.search(text):
        raise PydanticCustomError("control_sign", "holds an invisible control sign; remove it")
    return text


def _in_one_line(text: str) -> str:
    """Return the text in one line, whatever way of YAML's it was written in over several."""
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


def faults(model: type[BaseModel], document: Mapping[str, Any]) -> list[Fault]:
    """Return what of a document is not as its model has it, field by field."""
    try:
        model.model_validate(document)
    except ValidationError as error:
        return [Fault(fault["loc"], _plainly(fault), fault["type"]) for fault in error.errors()]
    return []


def _plainly(error: Any) -> str:
    if error["type"] == "literal_error":
        expected = ENUM_MEMBER.sub(r"\1", error["ctx"]["expected"])
        return f"must be {expected}"
    if error["type"] == "greater_than_equal":
        return f"must be at least {error['ctx']['ge']}"
    if error["input"] is None and error["type"] != "missing":
        return PLAINLY["string_too_short"]
    return PLAINLY.get(error["type"], str(error["msg"]).removeprefix("Value error, "))


def parse(raw: bytes) -> CommentedMap:
    """Return the document in `raw`, its lines known; raises UnreadableError where it is no mapping or no YAML."""
    try:
        text = text_files.decode(raw)
    except text_files.TextError as error:
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
    """Return what YAML's parser finds wrong, in one line, with its line and what to do."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    problem = " ".join(problem.split())
    indent = INDENT.search(text)
    if indent:
        line = len(text_files.BREAK.findall(text[: indent.end()])) + 1
        return UnreadableError(f"begins with the invisible sign U+{ord(indent[1]):04X}; indent it by plain blanks", line)
    remedy = next((what for start, what in REMEDIES.items() if problem.startswith(start)), "correct the YAML")
    return UnreadableError(f"{problem}; {remedy}", mark.line + 1 if mark else None)


class _Constructor(RoundTripConstructor):
    """What makes values of YAML's texts; one that cannot be made, like the 30th of February, is a fault with its line."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Return the value of a node."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise ConstructorError(None, None, f"{str(node.value)[:40]!r} is no value ({error})", node.start_mark) from error


def place_of(document: CommentedMap, loc: tuple[str | int, ...]) -> tuple[int, str, str]:
    """Return the line of a place in a document, its entry ('claim ID' if it has an id), and the field's name."""
    node: Any = document
    line, entry = 0, ""
    for key in loc:
        try:
            line = (node.lc.key(key) if isinstance(key, str) else node.lc.item(key))[0]
            node = node[key]
        except (KeyError, IndexError, AttributeError, TypeError):
            break  # the field is missing: its mapping's line is the nearest
        if isinstance(node, CommentedMap) and "id" in node:
            entry = f"claim {node['id']}"
    names = [key for key in loc if isinstance(key, str)]
    return line + 1, entry, names[-1] if names and (len(names) > 1 or names == list(loc)) else ""


def fault_sentence(name: str, document: CommentedMap, fault: Fault) -> str:
    """Return the fault with the file, called `name`, its line and the entry's id, if it has one."""
    line, entry, field = place_of(document, fault.loc)
    about = f"{name}, line {line}{', ' if entry else ''}{entry}: "
    return about + (f"`{field}`: " if field else "") + fault.message.rstrip(".")


def listed_fault(name: str, document: CommentedMap, fault: Fault) -> str:
    """Return the fault as a line of a list, 'FILE:LINE: sentence', which editors can follow; the file is called `name`."""
    line, entry, field = place_of(document, fault.loc)
    about = "".join(f"{part}: " for part in (entry, field and f"`{field}`") if part)
    return f"{name}:{line}: {about}{fault.message.rstrip('.')}"
