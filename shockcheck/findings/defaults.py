"""Whether a kernel computes with the article's parameters: those that the notebook which checks a claim has in its file.

A build says so itself. Elsewhere, in JupyterLab, under papermill alone or in plain Python, the values that the names have
are compared with the defaults in the file, which every way to run a notebook leaves as they are.
"""

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from shockcheck.errors import BuildError
from shockcheck.notebook_files import cells, parameters
from shockcheck.project.paths import current_project, shown

EXECUTED = "In"  # IPython's list of the cells that were run


@dataclass(frozen=True)
class _Declared:
    """What a notebook's file says: the claims that it checks, its parameters' defaults, and the code of its other cells.

    The defaults are None where the file does not say them.
    """

    claims: frozenset[str]
    defaults: dict[str, Any] | None
    own: tuple[ast.Module, ...]


def hold(claim_id: str, namespace: Mapping[str, Any]) -> bool:
    """Return whether the parameters in `namespace` are those of the notebook that checks the claim.

    A name that is not there is not compared, and nothing is where no notebook checks the claim.
    """
    declared = _of_claim(claim_id)
    if declared is None:
        return True
    if declared.defaults is None:
        return False
    return all(
        name not in namespace or _same(namespace[name], default) or _set_by_the_notebook(name, default, declared, namespace)
        for name, default in declared.defaults.items()
    )


def _of_claim(claim_id: str) -> _Declared | None:
    files = ((path, path.stat()) for path in current_project().numbered_notebook_files() if path.exists())
    declared = (_declared(path, state.st_mtime_ns, state.st_size) for path, state in files)
    return next((notebook for notebook in declared if claim_id in notebook.claims), None)


@lru_cache(maxsize=256)
def _declared(path: Path, changed: int, size: int) -> _Declared:
    """Return what the file says as it is now; cells that are no Python, as while somebody works on them, say nothing."""
    try:
        content = cells.read(path)
    except BuildError:
        return _Declared(frozenset(), None, ())
    try:
        defaults = {name: parameter.default for name, parameter in parameters.of_notebook(content, shown(path)).items()}
    except BuildError:
        defaults = None
    code = [parsed for cell in content["cells"] for parsed in _code(content, cell, path)]
    try:
        claims = frozenset(claim_id for claim_id, _ in cells.checks(code))
    except BuildError:
        claims = frozenset()
    tags = {cell["id"]: cell["metadata"].get("tags", []) for cell in content["cells"]}
    own = tuple(cell.tree for cell in code if cells.PARAMETERS not in tags[cell.cell_id])
    return _Declared(claims, defaults, own)


def _code(content: dict[str, Any], cell: dict[str, Any], path: Path) -> list[cells.Code]:
    try:
        return cells.code(content | {"cells": [cell]}, shown(path))
    except BuildError:
        return []


def _same(value: Any, default: Any) -> bool:
    """Return whether two values are equal and alike; a whole number is like the same one with a point."""
    if isinstance(default, float) and math.isnan(default):
        return isinstance(value, float) and math.isnan(value)
    try:
        return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)
    except Exception:  # of a class of anyone's, like an array
        return False


def _set_by_the_notebook(name: str, default: Any, declared: _Declared, namespace: Mapping[str, Any]) -> bool:
    """Return whether the notebook's own code has given the parameter another value, from the default and no other."""
    changed_in_place = isinstance(default, list | dict)
    if not changed_in_place and not any(name in _names_set(tree) for tree in declared.own):
        return False
    own = {ast.dump(tree) for tree in declared.own}
    values = [value for tree in _executed(namespace) if ast.dump(tree) not in own for value in _values_set(name, tree)]
    return not values or (values[-1] is not None and _same(values[-1].value, default))


def _names_set(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}


def _executed(namespace: Mapping[str, Any]) -> Iterator[ast.Module]:
    """Return the cells that were run in this kernel, in order."""
    executed = namespace.get(EXECUTED)
    for source in executed if isinstance(executed, list) else []:
        try:
            yield cells.parse(source)
        except SyntaxError:
            continue


@dataclass(frozen=True)
class _Constant:
    value: Any


def _values_set(name: str, tree: ast.Module) -> Iterator[_Constant | None]:
    """Return the constants that a cell sets the name to, None for what is none."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                pass
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                pass
            case _:
                continue
        try:
            yield _Constant(parameters.constant(value))
        except parameters.FaultError:
            yield None
