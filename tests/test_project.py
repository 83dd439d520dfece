"""The project as a whole: which way imports run, what the package must not know, what must keep step."""

import re
import subprocess
import tomllib

import pandas as pd
import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shockcheck.errors import BuildError
from shockcheck.report import stored

README = ROOT / "README.md"


@pytest.mark.slow
def test_the_package_knows_nothing_of_an_article():
    words = {"DeepSeek", "Siemens", "Advantest", "Nvidia", "Meta", "2022", "2024", "2025", "January", "September"}
    for root in (ROOT, *ROOT.glob("examples/*")):
        words |= set(re.findall(r"(?m)^  publisher: (.+)$", (root / "data/claims.yml").read_text(encoding="utf-8")))
        for table in ("listings", "record_losses"):
            rows = pd.read_csv(root / f"data/{table}.csv")
            words |= set(rows["symbol"]) | set(rows["company"])
    assert {"junge Welt", "Investopedia", "NVDA", "AMZN", "Amazon"} <= words
    for path in (ROOT / "shockcheck").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            text = path.read_text(encoding="utf-8")
            assert [word for word in words if re.search(rf"\b{re.escape(word)}\b", text)] == [], path


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_dependency_is_locked_within_its_range_and_hashed():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", lock, re.MULTILINE))
    for text in pyproject()["project"]["dependencies"] + pyproject()["dependency-groups"]["dev"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), text
    blocks = re.split(r"\n(?=[a-z0-9])", lock[re.search(r"^[a-z0-9]", lock, re.MULTILINE).start() :])
    assert len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)


def test_conda_gives_python_alone_and_installs_the_same_lock():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    entries = re.findall(r"^ +- (.+)$", text, re.MULTILINE)
    python = pyproject()["project"]["requires-python"]
    assert entries == ["conda-forge", f"python {python}", "pip", "pip:", "-r requirements.lock"]
    assert re.search(r"^name: shockcheck$", text, re.MULTILINE)
    assert "CONDA_DEFAULT_ENV),shockcheck" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_binder_installs_the_project_beside_the_lock(tmp_path):
    """Binder reads environment.yml by itself; what it leaves out, the project's own install, is in postBuild."""
    said = tmp_path / "said"
    (tmp_path / "python").write_text(f'#!/bin/sh\necho "$PWD $@" > {said}\n')
    (tmp_path / "python").chmod(0o755)
    subprocess.run([ROOT / "postBuild"], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    wanted = "-m pip --isolated install --disable-pip-version-check --no-deps --no-build-isolation --editable ."
    assert said.read_text() == f"{ROOT} {wanted}\n"


def test_the_versions_keep_step():
    wanted = pyproject()["project"]["version"]
    assert f'__version__ = "{wanted}"' in (ROOT / "shockcheck/__init__.py").read_text(encoding="utf-8")
    assert f"\nversion: {wanted}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def committed():
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    return [ROOT / name for name in names if not name.endswith(".png")] or sorted(ROOT.glob("[!.]*.*"))


def test_nothing_that_is_built_is_committed():
    """What git is told to ignore, in an example as well, is not under version control."""
    words = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout == ""


def test_no_registry_address_and_no_path_of_a_machine_is_committed():
    wrong = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|--(?:extra-)?index-url|/root/|/home/[a-z]|/Users/")
    for path in committed():
        if path.is_file() and path.name != "test_project.py" and path.name != "test_notebooks.py":
            assert not wrong.search(path.read_text(encoding="utf-8").replace("--no-emit-index-url", "")), path


def test_the_readme_shows_the_verdicts_of_the_notebooks():
    assert stored.readme() == README.read_text(encoding="utf-8"), "run `make notebooks`"


def test_a_readme_that_has_no_place_for_the_verdicts_is_said(own_project):
    for text in (None, "# A project\n"):
        if text:
            own_project.readme.write_text(text)
        with pytest.raises(BuildError, match=r"README\.md has no lines '<!-- verdicts -->' and '<!-- end of verdicts -->'"):
            stored.readme()


def test_make_lists_every_target_with_a_line():
    done = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True)
    listed = re.findall(r"^make ([\w-]+) +\S", done.stdout, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()
    assert [*listed, "setup"] == phony
