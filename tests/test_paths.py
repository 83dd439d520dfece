"""Which project is meant: by the variable, or by the working directory, never another one; what counts as notebook."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project

from shockcheck import ledger
from shockcheck.audit import clean_copy
from shockcheck.authoring import scaffold
from shockcheck.errors import BuildError, ProjectError
from shockcheck.findings import finding
from shockcheck.notebook_files import cells
from shockcheck.project import paths
from shockcheck.project.context import RunContext


def project(root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    (root / "data/claims.yml").write_text("")
    (root / "notebooks").mkdir()
    return root


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A working directory outside of any project."""
    monkeypatch.delenv(paths.ROOT_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_nearest_project_upward_from_the_working_directory(outside, monkeypatch):
    outer = project(outside / "outer")
    inner = project(outer / "examples" / "inner")
    for folder, root in ((inner / "notebooks", inner), (inner, inner), (outer / "examples", outer), (outer / "data", outer)):
        monkeypatch.chdir(folder)
        assert paths.Project.find().root == root


def test_the_variable_comes_first_and_is_made_absolute_for_kernels(outside, monkeypatch):
    wanted = project(outside / "wanted")
    monkeypatch.chdir(project(outside / "other"))
    monkeypatch.setenv(paths.ROOT_VARIABLE, "../wanted")
    assert paths.current_project().root == wanted
    monkeypatch.chdir("notebooks")
    assert paths.current_project().root == wanted
    assert RunContext().environment()[paths.ROOT_VARIABLE] == str(wanted)


HALVES = {
    "no notebooks": (["data/claims.yml", "data/datapackage.json"], "notebooks"),
    "no ledger": (["data/datapackage.json", "notebooks/01-x.ipynb"], "data/claims.yml"),
    "no data": (["notebooks/01-x.ipynb"], "data/claims.yml"),
    "tables alone": (["data/datapackage.json"], "data/claims.yml"),
}


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("below", ["", "reports", "somewhere/else"])
def test_half_a_project_is_not_silently_the_one_around_it(outside, monkeypatch, half, below):
    files, missing = HALVES[half]
    root = project(outside) / "half"
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("")
    (root / below).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(root / below)
    with pytest.raises(ProjectError, match=f"{root} is half a project: {missing} is missing or cannot be read"):
        paths.Project.find()


def test_folders_that_only_look_alike_are_no_half_of_one(outside, monkeypatch):
    for folder in ("notebooks", "data", "notes/notebooks"):
        (outside / folder).mkdir(parents=True)
    (outside / "notebooks/analysis.ipynb").write_text("")
    (outside / "data/prices.csv").write_text("")
    with pytest.raises(ProjectError, match="is not inside a project"):
        paths.Project.find()
    inner = project(outside / "inner")
    (inner / "docs/notebooks").mkdir(parents=True)
    monkeypatch.chdir(inner / "docs")
    assert paths.Project.find().root == inner


def test_a_working_directory_that_is_gone(outside, monkeypatch):
    (outside / "gone").mkdir()
    monkeypatch.chdir(outside / "gone")
    (outside / "gone").rmdir()
    with pytest.raises(ProjectError, match=r"the working directory is gone \(No such file or directory\); go"):
        paths.Project.find()


def test_no_project_at_all_is_one_sentence_with_the_way_out(outside, monkeypatch):
    with pytest.raises(ProjectError, match=r"is not inside a project .*; go into one, .* new FOLDER"):
        paths.Project.find()
    monkeypatch.setenv(paths.ROOT_VARIABLE, "nowhere")
    with pytest.raises(ProjectError, match="SHOCKCHECK_ROOT is nowhere, which is no folder"):
        paths.Project.find()


PASSED_OVER = ["._01-x.ipynb", ".#02-y.ipynb", ".~03-z.ipynb", "~$04-x.ipynb", "#05-x.ipynb#", "06-x.ipynb~", "07-x.IPYNB"]


@pytest.mark.slow
def test_what_systems_editors_and_people_leave_beside_notebooks_is_passed_over(tmp_path, monkeypatch):
    scaffold.make(tmp_path / "project")
    folder = tmp_path / "project/notebooks"
    for name in PASSED_OVER:
        (folder / name).write_text("no notebook")
    (folder / ".#08-x.ipynb").symlink_to("user@host.1234")
    (folder / "#09-x.ipynb").symlink_to("nowhere")
    (folder / "10-x.ipynb").mkdir()
    (folder / ".ipynb_checkpoints").mkdir()
    shutil.copy(folder / "01-one-day-change.ipynb", folder / ".ipynb_checkpoints/01-one-day-change-checkpoint.ipynb")
    project = paths.Project(tmp_path / "project")
    assert [path.name for path in project.notebook_files()] == ["01-one-day-change.ipynb", "explore.ipynb"]
    done = Project(tmp_path / "project").run("notebooks")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "notebooks/01-one-day-change.ipynb"
    with project.active():
        clean_copy.copy_to(tmp_path / "copy")
    assert [path.name for path in paths.Project(tmp_path / "copy").notebook_files()] == [
        "01-one-day-change.ipynb",
        "explore.ipynb",
    ]


def test_a_project_is_made_without_what_an_editor_left_in_the_template(tmp_path, monkeypatch):
    shutil.copytree(scaffold.TEMPLATE, tmp_path / "template")
    (tmp_path / "template/notebooks/.ipynb_checkpoints").mkdir()
    (tmp_path / "template/notebooks/.ipynb_checkpoints/x.ipynb").touch()
    monkeypatch.setattr(scaffold, "TEMPLATE", tmp_path / "template")
    assert not [name for name in scaffold.make(tmp_path / "project") if "checkpoints" in name]


def test_a_link_that_leads_nowhere_is_said(tmp_path):
    link = project(tmp_path) / "notebooks/01-x.ipynb"
    link.symlink_to("nowhere")
    assert paths.Project(tmp_path).numbered_notebook_files() == [link]
    with pytest.raises(BuildError, match=r"01-x\.ipynb cannot be read \(No such file or directory\)"):
        cells.read(link)


def test_two_projects_in_one_process_are_each_their_own(tmp_path):
    for name in ("first", "second"):
        scaffold.make(tmp_path / name)
    ledger_file = tmp_path / "second/data/claims.yml"
    ledger_file.write_text(ledger_file.read_text().replace("example-fall", "another-fall"))
    first, second = (paths.Project(tmp_path / name) for name in ("first", "second"))
    for _ in range(2):
        with first.active():
            assert [claim.id for claim in ledger.load().claims] == ["example-fall"]
            with second.active():
                assert [claim.id for claim in ledger.load().claims] == ["another-fall"]
                assert paths.shown(ledger_file) == "data/claims.yml"
            assert paths.shown(ledger_file) == str(ledger_file)
            assert finding.article_ledger().claims[0].id == "example-fall"


@pytest.mark.slow
def test_the_package_can_be_imported_outside_of_a_project(outside):
    modules = ("findings", "charts", "explore", "report.article", "variants.sweep", "cli.app")
    code = "\n".join(
        [*(f"import shockcheck.{module}" for module in modules), "from shockcheck.data import facts, fx, prices, tables"]
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=outside, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
