"""Parameters: what a notebook's cell of parameters declares, and texts read as values of the declared types.

A parameter is set to a constant: a truth value, a number, a text, a day, None, or a list, tuple or dictionary of these. Its
type is the one of its annotation or type comment, else the one of its default. papermill guesses all of this by a regular
expression over lines, and gives what it has guessed as text.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, Optional, Union, get_args, get_origin

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from shockcheck.errors import BuildError, ParameterError, plain
from shockcheck.notebook_files import cells

CONSTANT = 'True, 24 * 10**9, -0.5, "text", datetime.date(2001, 2, 3), None or [1, 2]'
TYPES = "bool, int, float, str, datetime.date, None, Literal, or a list, tuple or dict of these"
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
WHOLE = re.compile(r"[+-]?[0-9]+(_[0-9]+)*")
NUMBER = re.compile(r"[+-]?([0-9]+(_[0-9]+)*(\.([0-9]+(_[0-9]+)*)?)?|\.[0-9]+(_[0-9]+)*)([eE][+-]?[0-9]+)?")
MAX_WHOLE = 2**63 - 1  # whole number: what 64 bits hold, as in the tables that sweeps write
MAX_BITS = 4096  # of a whole number on the way to a constant
MAX_SHOWN = 80  # characters of a value in a message
OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
DATES = {"date", "datetime.date", "dt.date", "__import__('datetime').date"}


def _iso_day(text: str) -> str:
    if not ISO_DAY.fullmatch(text):
        raise ValueError("it is not written YYYY-MM-DD")
    date.fromisoformat(text)
    return text


Day = Annotated[str, AfterValidator(_iso_day)]  # a day as text
WORDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    date: "a date, YYYY-MM-DD",
    Day: "a date written as text, 'YYYY-MM-DD'",
    NoneType: "None",
    str: "a text",
}
NAMES: dict[str, Any] = {
    **{kind.__name__: kind for kind in (bool, int, float, str, date, list, tuple, dict)},
    **{"List": list, "Tuple": tuple, "Dict": dict, "Any": Any, "None": NoneType},
    **{"Optional": Optional, "Union": Union, "Literal": Literal},
}


class FaultError(Exception):
    """What is wrong with an expression, as the end of a sentence."""


@dataclass(frozen=True)
class Parameter:
    """A parameter as it is declared: its default, the type of its values for `typing`, and the line it stands in."""

    name: str
    default: Any
    kind: Any
    line: int

    @property
    def scalar(self) -> Any:
        """The type that all its values have, None aside; `object` where these have none in common, or are collections."""
        kinds = {str if kind == Day else kind for kind in _members(self.kind)} - {NoneType}
        if kinds == {int, float}:
            return float
        return next(iter(kinds)) if len(kinds) == 1 and kinds <= {bool, int, float, str, date} else object

    def read(self, text: str) -> Any:
        """Return the value that a text stands for; raises ParameterError for one that stands for none of the type."""
        kinds = [kind for kind in _members(self.kind) if kind is not NoneType]
        if not kinds and text.strip() != "None":
            raise ParameterError(
                f"{self.name} is None in the notebook and has no type; declare one there, as in "
                f"{self.name}: float | None = None"
            )
        if str in kinds and len(kinds) > 1:
            raise ParameterError(f"{self.name} may be a text or something else; declare one type for it in the notebook")
        if NoneType in _members(self.kind) and text.strip() == "None":
            return None
        for kind in kinds:
            try:
                return _READERS.get(kind, _read_other)(text, kind)
            except (ValueError, FaultError):
                pass
        what = " or ".join(dict.fromkeys(map(_in_words, _members(self.kind))))
        raise ParameterError(f"{self.name} must be {what}{self._like}, not {_shown(text)}")

    @property
    def _like(self) -> str:
        return "" if isinstance(self.default, date | bool | None) or self.kind == Day else f" like {_shown(self.default)}"


def of_notebook(content: Mapping[str, Any], name: str) -> dict[str, Parameter]:
    """Return the parameters of a notebook, which messages call `name`, by their names.

    Raises BuildError, naming cell, line and parameter, unless one code cell, tagged `parameters`, sets each to a constant
    in a statement of its own.
    """
    cell = _cell(content, name)
    number = cells.numbers(content).get(cell["id"])
    if number is None:
        return {}
    declared: dict[str, Parameter] = {}
    place = f"{name}, cell {number}"
    for statement in _statements(cell["source"], place):
        parameter = _declared(statement, cell["source"], f"{place}, line {statement.lineno}")
        if parameter and parameter.name in declared:
            raise BuildError(f"{place}, line {statement.lineno}: {parameter.name} is set a second time; keep one")
        if parameter:
            declared[parameter.name] = parameter
    return declared


def _cell(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    tagged = cells.tagged(content, cells.PARAMETERS)
    if not tagged:
        raise BuildError(f"{name} has no cell tagged 'parameters'; tag the one that holds them, or one with a comment alone")
    if len(tagged) > 1:
        raise BuildError(f"{name} has {len(tagged)} cells tagged 'parameters'; tag the one that holds them, and no other")
    if tagged[0]["cell_type"] != "code":
        raise BuildError(
            f"{name} has no code cell tagged 'parameters' but a {tagged[0]['cell_type']} cell; tag the code cell"
        )
    if cells.tagged(content, cells.INJECTED):
        raise BuildError(
            f"{name} has a cell tagged 'injected-parameters', left by a run of papermill; remove the cell, which would "
            "override the parameters"
        )
    return tagged[0]


def _statements(source: str, place: str) -> list[ast.stmt]:
    try:
        tree = cells.parse(source)
    except SyntaxError as error:
        raise BuildError(f"{place}, line {error.lineno}: {error.msg}; correct it") from error
    try:
        return ast.parse(source, cells.CODE, type_comments=True).body
    except (SyntaxError, ValueError):  # a comment that begins like one on types where none may stand, or a magic
        return tree.body


def _declared(statement: ast.stmt, source: str, place: str) -> Parameter | None:
    """Return the parameter that a statement sets; None for a text that stands there as a comment."""
    annotation = None
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return None
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            annotation = _of_comment(statement.type_comment)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            annotation = statement.annotation
        case _:
            lines = (ast.get_source_segment(source, statement) or source).splitlines()
            raise BuildError(
                f"{place}: `{plain(lines[0])[:MAX_SHOWN]}` stands in the cell of parameters, which holds only lines like "
                "`name = value`, one for each parameter; write it so, or move it to a cell before this one"
            )
    try:
        default = constant(value)
        kind = _kind(annotation) if annotation else _inferred(default)
    except FaultError as fault:
        raise BuildError(f"{place}: the parameter {name} {fault}") from fault
    if annotation:
        kind = _inferred(default) if kind is Any else _of_both(kind, default)
        if not _fits(default, kind):
            what = f"declared as {ast.unparse(annotation)} and set to {_shown(default)}"
            raise BuildError(f"{place}: the parameter {name} is {what}; make them agree")
    return Parameter(name, default, kind, statement.lineno)


def constant(node: ast.expr) -> Any:
    """Return the value of a constant expression; raises an error that says what is wrong with any other."""
    try:
        value = _value(node)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise FaultError(f"is set to `{_code(node)}`, which has no value ({error}); correct it") from error
    if any(isinstance(part, int) and abs(part) > MAX_WHOLE for part in _parts(value)):
        raise FaultError(f"is set to `{_code(node)}`, more than 64 bits hold; write it as a number with a point, like 1e30")
    return value


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            return value
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in SIGNS:
            return SIGNS[type(sign)](_number_of(operand))
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATIONS:
            return _computed(type(operation), _value(left), _value(right))
        case ast.List(elts=parts):
            return [_value(part) for part in parts]
        case ast.Tuple(elts=parts):
            return tuple(_value(part) for part in parts)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(key): _value(value) for key, value in zip(keys, values, strict=True) if key}
        case ast.Call(func=ast.Name(id="float"), args=[argument], keywords=[]):
            return float(_value(argument))
        case ast.Call(func=function, args=parts, keywords=[]) if ast.unparse(function) in DATES:
            year, month, day = map(_whole_number_of, parts)
            return date(year, month, day)
        case ast.Call(func=ast.Attribute(value=function, attr="fromisoformat"), args=[ast.Constant(value=str(text))]) if (
            ast.unparse(function) in DATES
        ):
            return date.fromisoformat(_iso_day(text))
    raise FaultError(
        f"is set to `{_code(node)}`, which is no constant; write a value like {CONSTANT}; compute from it in a cell below"
    )


def _number_of(node: ast.expr) -> float:
    value = _value(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{_shown(value)} is no number")
    return value


def _whole_number_of(node: ast.expr) -> int:
    value = _number_of(node)
    if not isinstance(value, int):
        raise TypeError(f"{_shown(value)} is no whole number")
    return value


def _computed(operation: type[ast.operator], left: Any, right: Any) -> Any:
    if operation is ast.Add and isinstance(left, str) and isinstance(right, str):
        return left + right
    if any(isinstance(side, bool) or not isinstance(side, int | float) for side in (left, right)):
        raise TypeError("only numbers are computed with")
    if operation is ast.Pow and abs(right) * max(1, int(left).bit_length()) > MAX_BITS:
        raise OverflowError("it is too large")
    value = OPERATIONS[operation](left, right)
    if isinstance(value, complex) or (isinstance(value, int) and value.bit_length() > MAX_BITS):
        raise OverflowError("it is no number of a common size")
    return value


def _parts(value: Any) -> list[Any]:
    """Return a value, or what a collection holds, keys of dictionaries as well."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return [part for inside in value for part in _parts(inside)] if isinstance(value, list | tuple) else [value]


def _code(node: ast.expr) -> str:
    code = plain(ast.unparse(node))
    return code if len(code) <= MAX_SHOWN else f"{code[:MAX_SHOWN]}…"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _of_comment(comment: str | None) -> ast.expr | None:
    """Return the type in a comment like `# type: float`; None for a comment that only begins like one."""
    whole = (comment or "").partition("#")[0].strip()
    for text in (whole, *whole.split(maxsplit=1)[:1]):
        try:
            annotation = ast.parse(text, cells.CODE, "eval").body
            _kind(annotation)
        except (SyntaxError, ValueError, FaultError):
            continue
        return annotation
    return None


def _kind(node: ast.expr) -> Any:
    """Return the type, for `typing`, that an annotation stands for; raises an error that says which there are."""
    match node:
        case ast.Constant(value=None):
            return NoneType
        case ast.Constant(value=str(text)):
            try:
                return _kind(ast.parse(text.strip(), cells.CODE, "eval").body)
            except (SyntaxError, ValueError):
                pass
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES and name not in ("Optional", "Union", "Literal"):
            return NAMES[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([_kind(left), _kind(right)])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inside) if name in NAMES:
            return _generic(name, inside.elts if isinstance(inside, ast.Tuple) else [inside], node)
    raise FaultError(f"is declared as `{_code(node)}`; declare it as {TYPES}, or leave its type out")


def _generic(name: str, inside: list[ast.expr], node: ast.expr) -> Any:
    try:
        if name == "Literal":
            return Literal[tuple(constant(part) for part in inside)]
        parts = [... if isinstance(part, ast.Constant) and part.value is ... else _kind(part) for part in inside]
        generic: Any = NAMES[name]
        kind = generic[tuple(parts) if len(parts) > 1 else parts[0]]
        _adapter(kind)
    except FaultError:
        raise
    except Exception as error:  # typing and pydantic raise errors of many classes for what cannot be
        raise FaultError(f"is declared as `{_code(node)}`, which is no type; correct it") from error
    return kind


def _inferred(value: Any) -> Any:
    match value:
        case None:
            return NoneType
        case str():
            return Day if _is_day(value) else str
        case list():
            return GenericAlias(list, (_inferred_inside(value),))
        case tuple():
            return GenericAlias(tuple, (_inferred_inside(value), ...))
        case dict():
            return GenericAlias(dict, (_inferred_inside(value), _inferred_inside(value.values())))
    return type(value)


def _inferred_inside(values: Any) -> Any:
    kinds = list(dict.fromkeys(map(_inferred, values)))
    return _union(kinds) if kinds else Any


def _is_day(text: str) -> bool:
    try:
        _iso_day(text)
    except ValueError:
        return False
    return True


def _of_both(kind: Any, default: Any) -> Any:
    """Return the declared type with what the default says besides: that None will do, or that the text is a day."""
    is_day = isinstance(default, str) and _is_day(default)
    kinds = [Day if member is str and is_day else member for member in _members(kind)]
    return _union([*kinds, NoneType] if default is None else kinds)


def _union(kinds: list[Any]) -> Any:
    return reduce(lambda left, right: Union[left, right], kinds)  # noqa: UP007  of types that are known here only


def _members(kind: Any) -> tuple[Any, ...]:
    """Return the types of a union; of any other type itself."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True))


def _fits(value: Any, kind: Any) -> bool:
    try:
        _adapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _in_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(_shown(value) for value in get_args(kind))
    if kind in WORDS:
        return WORDS[kind]
    return f"a {getattr(get_origin(kind) or kind, '__name__', 'value')} of the declared types, written as in Python,"


def _read_bool(text: str, _: Any) -> bool:
    if text.strip().lower() not in ("true", "false"):
        raise ValueError
    return text.strip().lower() == "true"


def _read_whole(text: str, _: Any) -> int:
    text = text.strip()
    if WHOLE.fullmatch(text) and len(text) < MAX_BITS:
        number = int(text)
    elif NUMBER.fullmatch(text) and Decimal(text).adjusted() < 20 and Decimal(text) == Decimal(text).to_integral_value():
        number = int(Decimal(text))  # as of 24e9 and 24.0
    else:
        raise ValueError
    if abs(number) > MAX_WHOLE:
        raise ValueError
    return number


def _read_number(text: str, _: Any) -> float:
    if not NUMBER.fullmatch(text.strip()) or not math.isfinite(float(text)):
        raise ValueError
    return float(text)


def _read_other(text: str, kind: Any) -> Any:
    """Return a collection, or one of a few literals."""
    if get_origin(kind) is Literal:
        named = [value for value in get_args(kind) if str(value) == text]
        if not named:
            raise ValueError
        return named[0]
    try:
        value = constant(ast.parse(text.strip(), cells.CODE, "eval").body)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError from error
    if any(isinstance(part, float) and not math.isfinite(part) for part in _parts(value)):
        raise ValueError
    return _adapter(kind).validate_python(value)


_READERS: dict[Any, Callable[[str, Any], Any]] = {
    str: lambda text, _: text,
    Day: lambda text, _: _iso_day(text),
    bool: _read_bool,
    int: _read_whole,
    float: _read_number,
    date: lambda text, _: date.fromisoformat(_iso_day(text.strip())),
}


def literal(value: Any) -> str:
    """Return a constant as Python code that needs no import, the same for equal values; `evaluated` reads it back."""
    match value:
        case date():
            return f"__import__('datetime').date({value.year}, {value.month}, {value.day})"
        case float() if not math.isfinite(value):
            return f"float('{value}')"
        case str():
            text = repr(value)
            return f'"{text[1:-1]}"' if '"' not in text and "\\'" not in text else text
        case list():
            return f"[{', '.join(map(literal, value))}]"
        case tuple():
            return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
        case dict():
            return f"{{{', '.join(f'{literal(key)}: {literal(inside)}' for key, inside in value.items())}}}"
    return repr(value)


def evaluated(text: str) -> Any:
    """Return the constant that `literal` has written."""
    return constant(ast.parse(text, cells.CODE, "eval").body)
