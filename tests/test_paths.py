"""Which project is meant: by the variable, by the working directory, by where the package lies."""

from pathlib import Path

import pytest

from shockcheck import paths
from shockcheck.errors import ProjectError


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
