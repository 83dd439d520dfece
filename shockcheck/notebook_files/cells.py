"""Notebooks' files and cells: what a file holds, made whole, its code as Python, and the claims that the code checks.

Nothing is run here, and nothing imported that is slow to import: neither nbformat, but for old files, nor IPython, but for
cells that Python alone cannot read.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shockcheck.errors import BuildError, plain
from shockcheck.project.paths import shown

PARAMETERS = "parameters"  # tag of the cell that declares them
INJECTED = "injected-parameters"  # tag of the cell that papermill adds to what it runs
KINDS = {
    "code": {"id", "cell_type", "metadata", "source", "outputs", "execution_count"},
    "markdown": {"id", "cell_type", "metadata", "source", "attachments"},
    "raw": {"id", "cell_type", "metadata", "source", "attachments"},
}
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # how JSON writes half of a character, or with its other half a whole one
MAX_CODE = 80  # characters of a line of code in a message
CODE = "<cell>"  # what Python calls a cell in its warnings
CHECK = "shockcheck.findings.check"
RUN_PYTHON = {"capture", "prun", "time", "timeit"}  # IPython's magics that run what they are given as a cell's code
OPTIONS = re.compile(r"(?:-\w+\s*\d*\s+)*")  # of such a magic, in a line
FENCE = re.compile(r" {0,3}(```|~~~)")
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")

# Python warns of escapes like "\d" in a cell: the cell says so itself when it is run.
warnings.filterwarnings("ignore", module=re.escape(CODE))


def read(path: Path) -> dict[str, Any]:
    """Return what a notebook's file holds, as nbformat 4.5 has it: sources as text, and all that a cell needs filled in.

    Cells without an id, or with that of another, get one by their place. Raises BuildError, naming the file, where it cannot
    be read as a notebook, and for a notebook in another language than Python.
    """
    loaded = _json(path)
    content: dict[str, Any] = loaded if isinstance(loaded, dict) else {}
    if not isinstance(content.get("nbformat"), int):
        raise BuildError(
            f"{shown(path)} is not readable as a notebook (it has no `nbformat`); restore it from version control"
        )
    if content["nbformat"] > 4:
        raise BuildError(f"{shown(path)} is in format {content['nbformat']} of notebooks; save it in format 4")
    if content["nbformat"] < 4:
        content = _upgraded(path, content)
    content["metadata"] = _dict(content.get("metadata"))
    content["nbformat_minor"] = 5
    language = _language(content["metadata"])
    if not re.match(r"i?python|pyspark", language, re.IGNORECASE):
        raise BuildError(f"{shown(path)} is written in {language}; only notebooks in Python can be built")
    if not isinstance(content.get("cells"), list):
        raise _unreadable(path, "it has no cells")
    content["cells"] = [
        _whole(cell, f"{shown(path)}: cell {place} from the top") for place, cell in enumerate(content["cells"], 1)
    ]
    _name(content["cells"])
    return content


def _json(path: Path) -> Any:
    try:
        text = path.read_bytes().decode("utf-8")
        if text.startswith("\ufeff"):
            raise BuildError(f"{shown(path)} begins with a byte order mark; save it in UTF-8 without one")
        content = json.loads(text)
        if HALF_CHARACTER.search(text):
            json.dumps(content, ensure_ascii=False).encode()
    except OSError as error:
        raise BuildError(f"{shown(path)} cannot be read ({error.strerror}); restore it from version control") from error
    except UnicodeDecodeError as error:
        raise BuildError(f"{shown(path)} is not in UTF-8; save it in UTF-8") from error
    except UnicodeEncodeError as error:
        raise BuildError(f"{shown(path)} holds half of a character, {error.object[error.start]!a}; remove it") from error
    except json.JSONDecodeError as error:
        raise _unreadable(path, f"line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise _unreadable(path, "it is nested too deeply") from error
    return content


def _unreadable(path: Path, reason: str) -> BuildError:
    return BuildError(f"{shown(path)} is not readable as a notebook ({reason}); restore it from version control")


def _upgraded(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook of an older format in format 4, its cells without the ids that nbformat gives by chance."""
    import nbformat

    try:
        node = nbformat.convert(nbformat.reader.reads(json.dumps(content)), 4)
    except Exception as error:  # nbformat raises whatever a damaged file leads to
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error
    for cell in node.cells:
        cell.pop("id", None)
    plain_content: dict[str, Any] = json.loads(json.dumps(node))
    return plain_content


def _language(metadata: Mapping[str, Any]) -> str:
    """Return the language that a notebook was last run in, else its kernel's; Python where neither is named."""
    for name, key in (("language_info", "name"), ("kernelspec", "language")):
        language = _dict(metadata.get(name)).get(key)
        if language and isinstance(language, str):
            return language
    return "python"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(stored: Any, place: str) -> dict[str, Any]:
    """Return a cell with all that it needs filled in; raises BuildError, naming its `place`, for what is no cell."""
    kind = stored.get("cell_type") if isinstance(stored, dict) else None
    if kind not in KINDS:
        raise BuildError(f"{place} is no cell of code, Markdown or raw text; restore it from version control")
    cell: dict[str, Any] = {name: value for name, value in stored.items() if name in KINDS[kind]}
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise BuildError(f"{place} has a source that is no text; restore it from version control")
    metadata = _dict(cell.get("metadata"))
    tags = metadata.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BuildError(f'{place} has tags that are no list of texts; write them like ["parameters"]')
    if "tags" in metadata and not tags:
        del metadata["tags"]
    cell |= {"source": source, "metadata": metadata}
    if kind == "code":
        outputs = cell.get("outputs")
        cell["outputs"] = [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []
        cell.setdefault("execution_count", None)
    return cell


def _name(cells: list[dict[str, Any]]) -> None:
    """Give an id, by its place, to each cell that has none, or that of a cell above."""
    taken = {cell["id"] for cell in cells if isinstance(cell.get("id"), str)}
    above: set[str] = set()
    for place, cell in enumerate(cells, start=1):
        name = cell.get("id")
        if not isinstance(name, str) or not ID.fullmatch(name) or name in above:
            name = f"cell-{place:02}"
            while name in taken:
                name += "-"
            taken.add(name)
        cell["id"] = name
        above.add(name)


def tagged(content: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    """Return the cells with this tag."""
    return [cell for cell in content["cells"] if tag in cell["metadata"].get("tags", [])]


def numbers(content: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of each code cell by its id: the one that stands before it after a run from top to bottom."""
    run = (cell["id"] for cell in content["cells"] if cell["cell_type"] == "code" and cell["source"].strip())
    return {cell_id: number for number, cell_id in enumerate(run, start=1)}


def title(content: Mapping[str, Any]) -> str | None:
    """Return the first heading of the first cell, else the first of the first level; None where there is none."""
    for place, cell in enumerate(content["cells"]):
        if cell["cell_type"] == "markdown":
            for level, heading in _headings(cell["source"].splitlines()):
                if place == 0 or level == 1:
                    return heading
    return None


def _headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Return the headings in lines of Markdown, each with its level."""
    fence = None
    for place, line in enumerate(lines):
        begins = FENCE.match(line)
        if begins and fence in (None, begins[1]):
            fence = None if fence else begins[1]
        elif not fence:
            heading = HEADING.fullmatch(line)
            below = lines[place + 1] if place + 1 < len(lines) else ""
            if heading and heading[2]:
                yield len(heading[1]), heading[2]
            elif line.strip() and not heading and UNDERLINE.fullmatch(below):
                yield 1 if "=" in below else 2, line.strip()


def parse(source: str) -> ast.Module:
    """Return a cell's code as Python, magics and shell lines as the calls that IPython makes of them.

    Raises SyntaxError, with the line of the cell, for code that is neither.
    """
    try:
        return _python(source)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        transformed = TransformerManager().transform_cell(source)
        try:
            return _python(transformed)
        except SyntaxError as error:
            error.lineno = _line(source, transformed, error.lineno or 1)
            raise


def _python(source: str) -> ast.Module:
    try:
        return ast.parse(source, CODE)
    except (ValueError, RecursionError, MemoryError) as error:  # characters that no code holds, brackets without an end
        raise SyntaxError(str(error) or "it is nested too deeply") from error


def _line(source: str, transformed: str, number: int) -> int:
    """Return the line of a cell that became the line `number` of what IPython made of it, without blank lines at the top."""
    lines, line = source.splitlines(), "".join(transformed.splitlines()[number - 1 : number]).strip()
    alike = [place for place, text in enumerate(lines, start=1) if text.strip() == line]
    return min(alike or [max(1, min(number, len(lines)))], key=lambda place: abs(place - number))


@dataclass(frozen=True)
class Code:
    """A code cell as Python: its id, and `place`, which names notebook and cell in messages."""

    cell_id: str
    place: str
    tree: ast.Module


def code(content: Mapping[str, Any], name: str) -> list[Code]:
    """Return the code cells of a notebook, which messages call `name`; raises BuildError with cell and line of a fault."""
    number, parsed = numbers(content), []
    for cell in content["cells"]:
        if cell["id"] in number:
            place = f"{name}, cell {number[cell['id']]}"
            try:
                parsed.append(Code(cell["id"], place, parse(cell["source"])))
            except SyntaxError as error:
                lines, number_of_line = cell["source"].splitlines(), error.lineno or 0
                line = lines[number_of_line - 1] if 0 < number_of_line <= len(lines) else ""
                code = " ".join(plain(line).split())[:MAX_CODE]
                raise BuildError(f"{place}, line {number_of_line}: {error.msg} in `{code}`; correct it") from error
    return parsed


def checks(code_cells: Iterable[Code]) -> list[tuple[str, str]]:
    """Return which claims the code cells check, in order: the id of each with that of its cell.

    Raises BuildError, naming cell and line, where `check` is given an id that is not literal.
    """
    code_cells = list(code_cells)
    trees = {cell.cell_id: [cell.tree, *_run_by_magics(cell.tree)] for cell in code_cells}
    meanings = _meanings(tree for parts in trees.values() for tree in parts)
    return [
        (_checked(call, f"{cell.place}, line {call.lineno}"), cell.cell_id)
        for cell in code_cells
        for tree in trees[cell.cell_id]
        for call in _calls(tree)
        if _dotted(call.func, meanings) in ("check", "findings.check", CHECK)
    ]


def _calls(tree: ast.AST) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _run_by_magics(tree: ast.Module) -> Iterator[ast.Module]:
    """Return the code that a cell hands to magics which run it, like `%time` and `%%time`."""
    for call in _calls(tree):
        match call:
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic" | "run_cell_magic"),
                args=[ast.Constant(value=str(magic)), *_, ast.Constant(value=str(source))],
            ) if magic in RUN_PYTHON:
                try:
                    tree = parse(OPTIONS.sub("", source, count=1))
                except SyntaxError:  # which the magic says when it is run
                    continue
                yield tree
                yield from _run_by_magics(tree)


def _meanings(trees: Iterable[ast.AST]) -> dict[str, str]:
    """Return what names stand for in the code: those of imports and of functions, and what is set to one of them."""
    meanings: dict[str, str] = {}
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.Import(names=names):
                meanings |= {alias.asname: alias.name for alias in names if alias.asname}
            case ast.ImportFrom(module=str(module), names=names, level=0):
                meanings |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in names if alias.name != "*"}
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                meanings.setdefault(name, f"a cell's own {name}")
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name() | ast.Attribute() as value):
                meanings.setdefault(name, _dotted(value, meanings) or f"a cell's own {name}")
    return meanings


def _dotted(node: ast.expr, meanings: Mapping[str, str]) -> str | None:
    """Return what a name, or a name with attributes, stands for."""
    match node:
        case ast.Name(id=name):
            return meanings.get(name, name)
        case ast.Attribute(value=value, attr=attribute):
            whole = _dotted(value, meanings)
            return whole and f"{whole}.{attribute}"
    return None


def _checked(call: ast.Call, place: str) -> str:
    first = call.args[:1] or [keyword.value for keyword in call.keywords if keyword.arg == "claim_id"]
    match first:
        case [ast.Constant(value=str(claim_id))]:
            return claim_id
    raise BuildError(
        f'{place}: check(...) must be given the claim\'s id as a literal text, like check("the-claims-id", value)'
    )
