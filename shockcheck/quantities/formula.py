"""The formula of a measure: the line that it returns, read from its source.

So a page shows what Python computed, and JavaScript can compute it again.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import cached_property
from typing import Any

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Gt: ">", ast.Lt: "<"}


class Formula:
    """The line that a measure returns, as text and as JavaScript."""

    def __init__(self, measure: Callable[..., Any]) -> None:
        """The formula of `measure`; its source is read when it is first asked for."""
        self.name, self._measure = measure.__name__, measure
        self.signature = inspect.signature(measure)

    @cached_property
    def expression(self) -> ast.expr:
        """What the measure returns, parsed; raises ValueError where it does not end on one `return`."""
        definition = ast.parse(self._source).body[0]
        last = definition.body[-1] if isinstance(definition, ast.FunctionDef) else None
        if not isinstance(last, ast.Return) or last.value is None:
            raise ValueError(f"the measure {self.name} must end on the line that it returns")
        return last.value

    @cached_property
    def _source(self) -> str:
        return textwrap.dedent(inspect.getsource(self._measure))

    @property
    def text(self) -> str:
        """The formula as it is written."""
        return ast.get_source_segment(self._source, self.expression) or ""

    def javascript(self) -> str:
        """Return an arrow function of the same parameters; raises ValueError for what has no counterpart in JavaScript."""
        return f"({', '.join(self.signature.parameters)}) => {_javascript(self.expression)}"


def _javascript(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=int() | float() as value):
            return repr(value)
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(-{_javascript(operand)})"
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            return f"({_javascript(left)} {OPERATORS[type(sign)]} {_javascript(right)})"
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in OPERATORS:
            return f"({_javascript(left)} {OPERATORS[type(sign)]} {_javascript(right)})"
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id=name)]):
            return f"{name}.reduce((total, one) => total + one, 0)"
        case ast.Call(
            func=ast.Name(id="sum"), args=[ast.GeneratorExp(elt=each, generators=[ast.comprehension(ifs=[]) as loop])]
        ) if isinstance(loop.target, ast.Name):
            each_text = _javascript(each)
            return f"{_javascript(loop.iter)}.reduce((total, {loop.target.id}) => total + {each_text}, 0)"
    raise ValueError(f"{ast.unparse(node)!r} has no counterpart in JavaScript; write the formula with + - * / and sum")
