"""The grammar of the committed notebooks, so that they stay thin and read alike."""

import ast
import re

import nbformat
import pytest
from conftest import ROOT

from shockcheck import ledger
from shockcheck.findings.outputs import findings_in
from shockcheck.notebooks.notebook import Notebook, check_against, require_notebooks, unnumbered_notebooks
from shockcheck.verdicts import Verdict

FOUND = require_notebooks()
OF_OTHER_PROJECTS = [
    Notebook(path)
    for folder in ("shockcheck/authoring/project", "examples/*")
    for path in sorted(ROOT.glob(f"{folder}/notebooks/*.ipynb"))
]
EVERY = [*FOUND, *OF_OTHER_PROJECTS, *unnumbered_notebooks()]
NUMBERED = [notebook for notebook in EVERY if notebook.name[0].isdigit()]
IMPORTS_FROM = {"IPython", "pandas", "shockcheck"}
FORBIDDEN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try, ast.comprehension)


def code(notebook: Notebook) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.node.cells if cell.cell_type == "code"]


@pytest.fixture(params=NUMBERED, ids=lambda notebook: notebook.name)
def notebook(request):
    return request.param


@pytest.fixture(params=EVERY, ids=lambda notebook: notebook.name)
def any_notebook(request):
    return request.param


def test_name_title_and_length(notebook):
    assert re.fullmatch(r"\d\d(-[a-z0-9]+)+", notebook.name)
    assert 8 <= len(notebook.node.cells) <= 36  # one claim a cell, and the statements of an article are many
    first = notebook.node.cells[0]
    assert first.cell_type == "markdown"
    assert re.fullmatch(r"# .+\n\n.+", first.source), "a title and one paragraph"
    assert notebook.node.cells[-1].source.startswith("## What could move this number\n")


def test_parameters_come_second_each_a_literal_with_its_meaning(any_notebook):
    cell = any_notebook.node.cells[1]
    assert cell.metadata["tags"] == ["parameters"]
    for line in cell.source.splitlines():
        assert re.fullmatch(r"\w+ = .+  # \S.+", line), line
    assert set(any_notebook.parameters) == {line.split(" = ")[0] for line in cell.source.splitlines()}
    assert [cell for cell in any_notebook.node.cells[2:] if "parameters" in cell.metadata.get("tags", [])] == []


def test_every_parameter_is_used(any_notebook):
    used = {
        node.id for cell in code(any_notebook)[1:] for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)
    }
    assert set(any_notebook.parameters) <= used


def test_imports_stand_in_the_third_cell_alone(any_notebook):
    for number, cell in enumerate(any_notebook.node.cells):
        if cell.cell_type == "code":
            imported = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert bool(imported) == (number == 2)
            for node in imported:
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                assert module.split(".")[0] in IMPORTS_FROM


def test_cells_are_short_and_define_nothing(any_notebook):
    for cell in code(any_notebook):
        assert len(cell.source.splitlines()) <= 12, cell.source
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, FORBIDDEN), cell.source


def test_outputs_are_of_one_run_from_top_to_bottom_without_complaint(any_notebook):
    assert [cell.execution_count for cell in code(any_notebook)] == list(range(1, len(code(any_notebook)) + 1))
    for cell in code(any_notebook):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"


def test_no_trace_of_when_or_where(any_notebook):
    text = any_notebook.path.read_text(encoding="utf-8")
    assert "papermill" not in any_notebook.node.metadata
    assert not re.search(r"0x[0-9a-f]{8,}|/home/|/root/|/tmp/|/Users/", text)


def test_one_check_a_cell_as_its_last_expression(notebook):
    for cell in code(notebook):
        calls = [node for node in ast.walk(ast.parse(cell.source)) if is_check(node)]
        assert len(calls) <= 1
        if calls:
            last = ast.parse(cell.source).body[-1]
            assert isinstance(last, ast.Expr)
            assert is_check(last.value)


def is_check(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check"


def test_a_chart_is_of_the_table_displayed_before_it(notebook):
    """nbval does not look at drawings, so a table or a chart of the same table must stand above each."""
    shown_before = False
    for cell in code(notebook):
        draws = any("image/svg+xml" in output.get("data", {}) for output in cell.outputs)
        assert shown_before or not draws, cell.source
        shown_before = bool(cell.outputs)


def test_markdown_carries_no_result(notebook):
    """Digits in prose may name a day, a paragraph or a clock time; a result would go stale when a parameter changes."""
    results = {f"{abs(value):g}" for found in findings_of(notebook) for value in numbers_of(found)}
    for cell in notebook.node.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"\d[.,]\d|\d ?%|\d percent", cell.source), cell.source
            assert not results & set(re.findall(r"[\d.,]+\d", cell.source))


def findings_of(notebook):
    return findings_in(notebook.node)


def numbers_of(found):
    return [value for value in (found.recomputed, found.low, found.high) if value is not None and value != 1]


@pytest.mark.parametrize("notebook", FOUND, ids=lambda notebook: notebook.name)
def test_stored_findings_are_of_the_ledger(notebook):
    assert [found.id for found in findings_of(notebook)] == notebook.claims
    for found in findings_of(notebook):
        claim = ledger.load().claim(found.id)
        assert (found.kind, found.stated, found.unit) == (claim.kind, claim.stated, claim.unit)
        assert isinstance(found.verdict, Verdict)


def test_every_claim_is_checked_once():
    check_against(ledger.load(), FOUND)


def test_a_notebook_without_a_number_is_kept_from_the_report():
    assert {notebook.name for notebook in unnumbered_notebooks()} == {"explore"}
    assert not any(notebook.claims for notebook in unnumbered_notebooks())
