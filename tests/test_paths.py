"""Which project is meant: by the variable, by the working directory, by where the package lies; what counts as notebook."""

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
    """A working directory outside of any project, and a package that lies in none."""
    monkeypatch.delenv(paths.VARIABLE, raising=False)
    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "site-packages" / "package")
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


def test_the_folder_of_the_package_comes_last(outside, monkeypatch):
    own = project(outside / "own")
    monkeypatch.setattr(paths, "PACKAGE", own / "package")
    assert paths.find_root() == own


def test_no_project_at_all_is_one_sentence_with_the_way_out(outside, monkeypatch):
    (outside / "data").mkdir()  # a folder with data alone is none
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
