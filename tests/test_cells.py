"""Notebooks as people and programs write them: what a file holds, which claims its code checks, what is wrong with it."""

import copy
import json
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT

from shockcheck.errors import BuildError
from shockcheck.notebook_files import cells
from shockcheck.notebooks import stable_outputs
from shockcheck.notebooks.notebook import Notebook

TEMPLATE = ROOT / "shockcheck/authoring/project/notebooks/01-one-day-change.ipynb"


def stored() -> dict:
    return json.loads(TEMPLATE.read_text(encoding="utf-8"))


def without(content: dict, *names: str) -> dict:
    return {name: value for name, value in content.items() if name not in names}


def changed(**more: object) -> dict:
    return stored() | more


def with_cells(change) -> dict:
    content = stored()
    return content | {"cells": [change(cell) for cell in content["cells"]]}


def third_format() -> dict:
    """The notebook as IPython 2 wrote it."""
    old = [
        {"cell_type": "code", "language": "python", "input": cell["source"], "outputs": [], "collapsed": False}
        if cell["cell_type"] == "code"
        else {"cell_type": "markdown", "source": cell["source"]}
        for cell in stored()["cells"]
    ]
    for cell, now in zip(old, stored()["cells"], strict=True):
        cell["metadata"] = now["metadata"]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": old, "metadata": {}}]}


R_SPEC = {"name": "ir", "display_name": "R", "language": "R"}
SAME = {
    "as it is": stored(),
    "format 4.4, without ids": with_cells(lambda cell: without(cell, "id")) | {"nbformat_minor": 4},
    "format 4.5, without ids": with_cells(lambda cell: without(cell, "id")),
    "one id for all": with_cells(lambda cell: cell | {"id": "a"}),
    "ids that are none": with_cells(lambda cell: cell | {"id": "ä b"}),
    "sources as text": with_cells(lambda cell: cell | {"source": "".join(cell["source"])}),
    "cells without metadata": with_cells(lambda cell: cell if cell["metadata"] else without(cell, "metadata")),
    "tags that are null": with_cells(lambda cell: cell if cell["metadata"] else cell | {"metadata": {"tags": None}}),
    "cells without outputs": with_cells(lambda cell: without(cell, "outputs", "execution_count")),
    "outputs at every cell": with_cells(lambda cell: {"outputs": [None]} | cell),
    "no metadata": without(stored(), "metadata"),
    "no kernel": changed(metadata={"colab": {"provenance": []}, "kernelspec": None}),
    "a kernel of another name": changed(
        metadata={"kernelspec": {"name": "venv", "display_name": "x", "language": "python"}}
    ),
    "R's kernel, run in Python": changed(metadata={"kernelspec": R_SPEC, "language_info": {"name": "python"}}),
    "format 3": third_format(),
    "a later format 4": changed(nbformat_minor=9),
}


@pytest.mark.parametrize("name", SAME)
def test_a_notebook_is_the_same_however_it_is_stored(name, tmp_path):
    path = tmp_path / "01-x.ipynb"
    path.write_text(json.dumps(SAME[name]))
    notebook, usual = Notebook(path), Notebook(TEMPLATE)
    assert [(cell.cell_type, cell.source) for cell in notebook.node.cells] == [
        (cell.cell_type, cell.source) for cell in usual.node.cells
    ]
    assert (notebook.title, notebook.claims, notebook.parameters) == (usual.title, usual.claims, usual.parameters)
    assert len({cell.id for cell in notebook.node.cells}) == len(usual.node.cells)
    nbformat.validate(without_outputs(notebook.node))
    assert stable_outputs.as_text(notebook.node) == stable_outputs.as_text(Notebook(path).node)  # no id by chance


def without_outputs(node):
    node = copy.deepcopy(node)
    node.metadata.pop("kernelspec", None)  # of which one cannot be without a name
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    return node


DAMAGED = {
    "in another language": (
        changed(metadata={"kernelspec": R_SPEC, "language_info": {"name": "R"}}),
        "is written in R; only",
    ),
    "for another language": (changed(metadata={"kernelspec": {"name": "j", "language": "julia"}}), "is written in julia"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "begins with a byte order mark; save it in UTF-8 without one"),
    "UTF-16": ("{}".encode("utf-16"), "is not in UTF-8; save it in UTF-8"),
    "latin-1": ('{"a": "ä"}'.encode("latin-1"), "is not in UTF-8"),
    "nothing": (b"", "is not readable as a notebook (line 1: Expecting value); restore it from version control"),
    "a merge with conflicts": (
        b'{\n<<<<<<< HEAD\n"cells": []}',
        "(line 2: Expecting property name enclosed in double quotes)",
    ),
    "too deep": (b"[" * 100_000, "is not readable as a notebook (it is nested too deeply)"),
    "no notebook": ([], "is not readable as a notebook (it has no `nbformat`)"),
    "no cells": (without(stored(), "cells"), "is not readable as a notebook (it has no cells)"),
    "an old one that is damaged": ({"nbformat": 3, "worksheets": 5}, "is not readable as a notebook (TypeError: "),
    "a format to come": (changed(nbformat=5), "is in format 5 of notebooks; save it in format 4"),
    "a cell that is none": (changed(cells=[None]), ": cell 1 from the top is no cell of code, Markdown or raw text"),
    "a cell of another kind": (changed(cells=[{"cell_type": "heading"}]), ": cell 1 from the top is no cell of code"),
    "a source that is none": (changed(cells=[{"cell_type": "code", "source": 5}]), "has a source that is no text"),
    "tags as text": (
        changed(cells=[{"cell_type": "raw", "metadata": {"tags": "a"}}]),
        'has tags that are no list of texts; write them like ["parameters"]',
    ),
    "half of a character": (
        changed(cells=[{"cell_type": "raw", "source": "\ud83d"}]),
        "holds half of a character, '\\ud83d'",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_cannot_be_read_is_one_sentence(name, tmp_path):
    content, message = DAMAGED[name]
    path = tmp_path / "01-x.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(BuildError) as raised:
        cells.read(path)
    assert str(raised.value).startswith(f"{path}")
    assert message in str(raised.value)


def notebook(*sources: str) -> dict:
    """The content of a notebook with these cells of code; what begins with a hash and a letter, `#m `, is Markdown."""
    made = [
        {
            "id": f"c{place}",
            "cell_type": "markdown" if source.startswith("#m ") else "code",
            "metadata": {},
            "source": source,
        }
        for place, source in enumerate(sources)
    ]
    return {"cells": [cell | {"source": cell["source"].removeprefix("#m ")} for cell in made]}


def checked(*sources: str) -> list[str]:
    return [claim_id for claim_id, _ in cells.checks(cells.code(notebook(*sources), "01-x"))]


IMPORT = "from shockcheck.findings import check"
FOUND = {
    "by its name": (IMPORT, "check('a', 1)"),
    "by the module": ("from shockcheck import findings", "findings.check('a', 1)"),
    "by the module's whole name": ("import shockcheck.findings", "shockcheck.findings.check('a', 1)"),
    "by another name of the module": ("import shockcheck.findings as f", "f.check('a', 1)"),
    "by another name": (f"{IMPORT} as c", "c('a', 1)"),
    "by a name set to it": (IMPORT, "verify = check", "verify('a', 1)"),
    "by a star": ("from shockcheck.findings import *", "check('a', 1)"),
    "by keyword": (IMPORT, "check(value=1, claim_id='a')"),
    "by two texts": (IMPORT, "check('' 'a', 1)"),
    "set to a name": (IMPORT, "finding = check('a', 1)\nfinding"),
    "in a function": (IMPORT, "def f():\n    return check('a', 1)\nf()"),
    "in a loop": (IMPORT, "for value in [1]:\n    display(check('a', value))"),
    "after a magic": (IMPORT, "%matplotlib inline\ncheck('a', 1)"),
    "after a shell line": (IMPORT, "!echo check('b', 1)\nfiles = !ls\ncheck('a', 1)"),
    "after help": (IMPORT, "check?\ncheck('a', 1)"),
    "with a semicolon": (IMPORT, "check('a', 1);"),
    "after awaiting": (IMPORT, "await something()\ncheck('a', 1)"),
    "indented": (IMPORT, "    x = 1\n    check('a', x)"),
    "pasted from a prompt": (IMPORT, ">>> x = 1\n>>> check('a', x)"),
    "timed in a line": (IMPORT, "%time check('a', 1)"),
    "timed in a line, set": (IMPORT, "x = %time check('a', 1)"),
    "timed as a cell": (IMPORT, "%%time\nx = 1\ncheck('a', x)"),
    "timed with a magic inside": (IMPORT, "%%time\n%time check('a', 1)"),
    "captured": (IMPORT, "%%capture out\ncheck('a', 1)"),
    "beside what is no code": (IMPORT, "# check('b')\n'check(\"b\")'\n\"\"\"\ncheck('b')\n\"\"\"\ncheck('a', 1)"),
    "beside programs of other languages": (IMPORT, "%%bash\ncheck('b')", "%%writefile x.py\ncheck('b', 1)", "check('a', 1)"),
    "beside an own function": (f"{IMPORT} as c", "def check(x):\n    return c('a', x)\ncheck('b')"),
    "beside another's function": (f"from other import check\n{IMPORT} as c", "check('b')\nc('a', 1)"),
    "beside a method": (IMPORT, "model.check('b')\ncheck('a', 1)"),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_check_is_found_in_whatever_way_it_is_written(name):
    assert checked(*FOUND[name]) == ["a"]


def test_checks_are_in_the_order_of_the_cells():
    assert checked(IMPORT, "check('b', 1)\ncheck('a', f(check('c', 1)))", "", "%time check('d', 1)") == ["b", "a", "c", "d"]


@pytest.mark.parametrize(
    "code", ["check(x)", "check(f'a{x}', 1)", "check()", "check(*x)", "check(**x)", "check(claim_id=x)"]
)
def test_an_id_that_is_not_literal_is_refused_with_its_place(code):
    with pytest.raises(
        BuildError, match=r"01-x, cell 2, line 3: check\(\.\.\.\) must be given the claim's id as a literal text"
    ):
        checked(IMPORT, "", "#m # Text", f"x = 'a'\n\n{code}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ny = = 2", "line 2: invalid syntax in `y = = 2`; correct it"),
        ("days = f(a,\n", "line 1: '(' was never closed in `days = f(a,`"),
        ("\n\n%time 1\nfoo(\n", "line 4: '(' was never closed in `foo(`"),
        ("if True:\n\tx = 1\n        y = 2", "line 3: inconsistent use of tabs"),
        ("x = 'a\n", "line 1: unterminated string literal"),
        ("x = '\0'", "line 1: source code "),
        ("(" * 5000, "line 1: too many nested parentheses in `("),
        ("y = 1\n\x1b[31mx", "line 2: invalid non-printable character U+001B in `x`"),
        ("x <- 5\nlibrary(foo\n", "line 2: '(' was never closed"),
    ],
)
def test_code_that_cannot_be_read_is_refused_with_its_place(source, message):
    with pytest.raises(BuildError) as raised:
        checked("#m # Title", "a = 1", " \n", source)
    assert str(raised.value).startswith(f"01-x, cell 2, {message}")
    assert "\x1b" not in str(raised.value) and len(str(raised.value)) < 200


def test_an_escape_that_python_warns_of_is_no_matter():
    code = "from shockcheck.notebook_files import cells; cells.parse(r're.compile(1, \"\\d\")')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("sources", "title"),
    [
        (["#m # A title #\n\nText"], "A title"),
        (["#m Text before\n\n## A title"], "A title"),
        (["#m A title\n=======\n"], "A title"),
        (["#m ```\n# a comment\n```\n# A title"], "A title"),
        (["# a comment", "#m ## Below\n\n# A title"], "A title"),
        (["#m Text", "#m ## Below"], "One day"),
        (["# a comment"], "One day"),
    ],
)
def test_the_title_is_the_first_heading_or_the_name_in_words(sources, title, tmp_path):
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}} | notebook(*sources)
    (tmp_path / "01-one-day.ipynb").write_text(json.dumps(content))
    assert Notebook(tmp_path / "01-one-day.ipynb").title == title
