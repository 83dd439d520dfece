"""Which project is meant: by the variable, or by the working directory, never another one; what counts as notebook."""

import shutil
from pathlib import Path

import pytest
from conftest import Project

from shockcheck import cells, copies, paths, scaffold
from shockcheck.errors import BuildError, ProjectError


def project(root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    (root / "data/claims.yml").write_text("")
    (root / "notebooks").mkdir()
    return root


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A working directory outside of any project."""
    monkeypatch.delenv(paths.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_nearest_project_upward_from_the_working_directory(outside, monkeypatch):
    outer = project(outside / "outer")
    inner = project(outer / "examples" / "inner")
    for folder, root in ((inner / "notebooks", inner), (inner, inner), (outer / "examples", outer), (outer / "data", outer)):
        monkeypatch.chdir(folder)
        assert paths.find_root() == root


def test_the_variable_comes_first_and_is_made_absolute_for_kernels(outside, monkeypatch):
    wanted = project(outside / "wanted")
    monkeypatch.chdir(project(outside / "other"))
    monkeypatch.setenv(paths.VARIABLE, "../wanted")
    assert paths.find_root() == wanted
    monkeypatch.chdir("notebooks")
    assert paths.find_root() == wanted


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
        paths.find_root()


def test_folders_that_only_look_alike_are_no_half_of_one(outside, monkeypatch):
    for folder in ("notebooks", "data", "notes/notebooks"):
        (outside / folder).mkdir(parents=True)
    (outside / "notebooks/analysis.ipynb").write_text("")
    (outside / "data/prices.csv").write_text("")
    with pytest.raises(ProjectError, match="is not inside a project"):
        paths.find_root()
    inner = project(outside / "inner")
    (inner / "docs/notebooks").mkdir(parents=True)
    monkeypatch.chdir(inner / "docs")
    assert paths.find_root() == inner


def test_a_working_directory_that_is_gone(outside, monkeypatch):
    (outside / "gone").mkdir()
    monkeypatch.chdir(outside / "gone")
    (outside / "gone").rmdir()
    with pytest.raises(ProjectError, match=r"the working directory is gone \(No such file or directory\); go"):
        paths.find_root()


def test_no_project_at_all_is_one_sentence_with_the_way_out(outside, monkeypatch):
    with pytest.raises(ProjectError, match=r"is not inside a project .*; go into one, .* new FOLDER"):
        paths.find_root()
    monkeypatch.setenv(paths.VARIABLE, "nowhere")
    with pytest.raises(ProjectError, match="SHOCKCHECK_ROOT is nowhere, which is no folder"):
        paths.find_root()


PASSED_OVER = ["._01-x.ipynb", ".#02-y.ipynb", ".~03-z.ipynb", "~$04-x.ipynb", "#05-x.ipynb#", "06-x.ipynb~", "07-x.IPYNB"]


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
    assert [path.name for path in paths.notebook_files(folder)] == ["01-one-day-change.ipynb"]
    done = Project(tmp_path / "project").run("notebooks")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "notebooks/01-one-day-change.ipynb"
    monkeypatch.setattr(copies, "NOTEBOOKS", folder)
    monkeypatch.setattr(copies, "DATA", folder.parent / "data")
    copies.copy_to(tmp_path / "copy")
    assert [path.name for path in paths.notebook_files(tmp_path / "copy/notebooks")] == ["01-one-day-change.ipynb"]


def test_a_project_is_made_without_what_an_editor_left_in_the_template(tmp_path, monkeypatch):
    shutil.copytree(scaffold.TEMPLATE, tmp_path / "template")
    (tmp_path / "template/notebooks/.ipynb_checkpoints").mkdir()
    (tmp_path / "template/notebooks/.ipynb_checkpoints/x.ipynb").touch()
    monkeypatch.setattr(scaffold, "TEMPLATE", tmp_path / "template")
    assert not [name for name in scaffold.make(tmp_path / "project") if "checkpoints" in name]


def test_a_link_that_leads_nowhere_is_said(tmp_path):
    (tmp_path / "01-x.ipynb").symlink_to("nowhere")
    assert [path.name for path in paths.numbered_notebook_files(tmp_path)] == ["01-x.ipynb"]
    with pytest.raises(BuildError, match=r"01-x\.ipynb cannot be read \(No such file or directory\)"):
        cells.read(tmp_path / "01-x.ipynb")
