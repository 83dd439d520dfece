"""What notebooks may import: every public name of the modules they use is decided on, and no notebook uses another."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from shockcheck.project.paths import PACKAGE, current_project

MODULES = [
    "charts",
    "data.facts",
    "data.fx",
    "data.prices",
    "data.tables",
    "event_study",
    "explore",
    "findings",
    "forensics",
    "frames",
    "markup",
    "measures",
    "quantities",
]

# Functions that other rooms of the package use, and notebooks do not.
PACKAGE_ONLY = {
    "data.facts": {"ids"},
    "data.tables": {
        "as_written",
        "check",
        "checksum",
        "checksum_now",
        "content",
        "faults",
        "is_number",
        "key",
        "package",
        "renew_checksums",
        "resource",
        "undescribed",
    },
    "frames": {"as_csv", "as_data"},
}


def module(name: str) -> ModuleType:
    return importlib.import_module(f"shockcheck.{name}")


def notebooks() -> list[Path]:
    root = current_project().root
    return [
        *sorted(root.glob("notebooks/*.ipynb")),
        *sorted(root.glob("examples/*/notebooks/*.ipynb")),
        *sorted(PACKAGE.glob("authoring/project/notebooks/*.ipynb")),
    ]


def members(code: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the module, below `shockcheck`, and the name of each of its members that a notebook uses."""
    modules = {}
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "shockcheck":
            room = (node.module or "").partition(".")[2]
            for alias in node.names:
                name = f"{room}.{alias.name}".lstrip(".")
                if inspect.ismodule(getattr(module(room), alias.name, None)) if room else True:
                    modules[alias.asname or alias.name] = name
                else:
                    yield room, alias.name
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


@pytest.mark.parametrize("name", MODULES)
def test_all_is_sorted_constants_first_then_classes_then_functions(name: str):
    exported = module(name).__all__
    assert exported == sorted(exported, key=lambda member: (not member.isupper(), member[0].islower(), member))
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_and_class_is_for_notebooks_or_for_the_package_only(name: str):
    exported, members = set(module(name).__all__), vars(module(name))
    assert exported <= set(members)
    is_package = hasattr(module(name), "__path__")
    public = {
        member
        for member, value in members.items()
        if not member.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and (is_package or value.__module__ == f"shockcheck.{name}")
    }
    assert public - exported == PACKAGE_ONLY.get(name, set())
    constants = {member for member in exported if member.isupper()}
    assert exported - public - constants == ({"Listing", "day"} if name == "data.prices" else set())  # defined elsewhere


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_notebooks_use_only_what_is_exported(path: Path):
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    used = set(members(ast.parse("\n".join(cells))))
    assert used
    for name, member in sorted(used):
        assert name in MODULES, name
        assert member in module(name).__all__, f"{name}.{member}"
