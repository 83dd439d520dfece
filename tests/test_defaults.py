"""Verdicts outside of a build: only with the parameters that the notebook has in its file, in whatever way they changed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import papermill
import pytest
from conftest import ROOT

from shockcheck.findings import checks, defaults
from shockcheck.findings.outputs import findings_in
from shockcheck.project import paths
from shockcheck.project.context import RUN_VARIABLE, RunContext

PARAMETERS = 'x = 5\ny = [1]\nday = ""'
OWN = 'if not day:\n    day = "2001-03-07"\ny.append(2)'
CHECK = 'check("a-claim", x)'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of notebooks with one that checks a claim, among what else may stand there."""
    with paths.Project(tmp_path).active() as project:
        project.notebooks.mkdir()
        (project.notebooks / "01-other.ipynb").write_text("no notebook")
        write(project.notebooks / "02-x.ipynb", PARAMETERS, OWN, CHECK)
        write(project.notebooks / "x.ipynb", "x = 7", CHECK)  # which makes no page
        yield project.notebooks


def write(path: Path, declared: str, *code: str) -> None:
    first = nbformat.v4.new_code_cell(declared, metadata={"tags": ["parameters"]})
    cells = [first, *map(nbformat.v4.new_code_cell, code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def ran(*cells: str, in_ipython: bool = True) -> dict:
    """The names after these cells were run."""
    names: dict = {"In": [""]} if in_ipython else {}
    for cell in cells:
        if in_ipython:
            names["In"].append(cell)
        exec(cell, names)
    return names


INJECTED = "# Parameters\n"


@pytest.mark.parametrize(
    ("cells", "held"),
    [
        ((PARAMETERS, OWN), True),
        ((PARAMETERS, INJECTED + "x = 5", OWN), True),
        ((PARAMETERS, INJECTED + "x = 5.0", OWN), True),
        ((PARAMETERS, INJECTED + "x = 6", OWN), False),
        ((PARAMETERS, INJECTED + "x = True", OWN), False),
        ((PARAMETERS, INJECTED + "x = '5'", OWN), False),
        ((PARAMETERS.replace("5", "6"), OWN), False),  # edited in JupyterLab and not saved
        ((PARAMETERS, OWN, "x = 6"), False),
        ((PARAMETERS, OWN, "x = 6", "x = 5"), True),
        ((PARAMETERS, INJECTED + 'day = "2001-03-06"', OWN), False),
        ((PARAMETERS, INJECTED + 'day = "2001-03-07"', OWN), False),  # what the notebook would have set by itself
        ((PARAMETERS, INJECTED + 'day = ""', OWN), True),
        ((PARAMETERS, "day = '2001-' + str(5)", OWN), False),
        ((PARAMETERS, INJECTED + "y = [3]", OWN), False),
        ((PARAMETERS, INJECTED + "y = [1]", OWN), True),
    ],
)
def test_the_values_are_compared_with_those_in_the_file(folder, cells, held):
    assert defaults.hold("a-claim", ran(*cells)) is held


def test_without_a_list_of_what_was_run_a_name_that_the_notebook_sets_itself_is_not_compared(folder):
    assert defaults.hold("a-claim", ran(PARAMETERS, OWN, in_ipython=False))
    assert defaults.hold("a-claim", ran(PARAMETERS, 'day = "2001-03-06"', OWN, in_ipython=False))
    assert not defaults.hold("a-claim", ran(PARAMETERS, "x = 6", OWN, in_ipython=False))


def test_what_is_not_there_is_not_compared(folder):
    assert defaults.hold("a-claim", {})
    assert defaults.hold("another-claim", {"x": 6})


def test_a_file_that_has_been_saved_holds_the_articles_parameters_from_then_on(folder):
    assert not defaults.hold("a-claim", {"x": 6})
    write(folder / "02-x.ipynb", PARAMETERS.replace("5", "6"), OWN, "x  # another length", CHECK)
    assert defaults.hold("a-claim", {"x": 6})
    write(folder / "02-x.ipynb", "x = something()", OWN, CHECK)
    assert not defaults.hold("a-claim", {"x": 6})  # nobody knows what the article's are


@pytest.mark.parametrize("default", ["float('nan')", "date(2001, 3, 7)", "(1, 2)", "None", "{'a': 1}"])
def test_defaults_of_every_kind_are_equal_to_themselves(folder, default):
    write(folder / "02-x.ipynb", f"x = {default}", f"{CHECK}  # {default}")
    assert defaults.hold("a-claim", ran("from datetime import date", f"x = {default}"))
    assert not defaults.hold("a-claim", ran("x = 5"))


def test_the_build_says_itself_whether_a_run_is_a_variant(small, monkeypatch):
    monkeypatch.chdir(small.root)
    monkeypatch.delenv(paths.ROOT_VARIABLE, raising=False)
    names = {"check": checks.check, "ticker": "X"}  # another than that of the notebook that checks the claim
    assert eval("check('example-fall', -7.5).verdict", names) is None
    assert eval("check('example-fall', -7.5).verdict", names | {"ticker": "EXAG"}) == "holds"
    assert eval("check('example-fall', -7.5).verdict", names | {"__name__": "shockcheck.explore"}) == "holds"
    monkeypatch.setenv(RUN_VARIABLE, RunContext(is_variant=False).environment()[RUN_VARIABLE])
    assert eval("check('example-fall', -7.5).verdict", names) == "holds"
    monkeypatch.setenv(RUN_VARIABLE, RunContext(is_variant=True).environment()[RUN_VARIABLE])
    assert eval("check('example-fall', -7.5).verdict", names | {"ticker": "EXAG"}) is None


@pytest.mark.slow
def test_papermill_alone_draws_no_verdict_with_another_day(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "shockcheck/authoring/project", tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project/notebooks")
    monkeypatch.delenv(paths.ROOT_VARIABLE, raising=False)
    given = {"event_date": "2001-03-06"}
    node = papermill.execute_notebook("01-one-day-change.ipynb", None, given, kernel_name="python3", progress_bar=False)
    [found] = findings_in(node)
    assert (found.id, found.verdict) == ("example-fall", None)  # of the project of its folder, not that of the tests
