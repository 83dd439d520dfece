"""The project as a whole: which way imports run, what the package must not know, what must keep step."""

import ast
import re
import subprocess
import sys
import tomllib

import pandas as pd
import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shockcheck import findings, report
from shockcheck.errors import BuildError

ARROWS = {
    "errors": set(),
    "surroundings": set(),
    "leftovers": set(),
    "paths": {"errors", "leftovers"},
    "scratch": {"errors", "leftovers"},
    "derivations": {"errors"},
    "links": set(),
    "numerals": set(),
    "textfiles": set(),
    "sheets": {"textfiles"},
    "verdicts": {"numerals"},
    "languages": {"errors"},
    "frames": set(),
    "markup": {"links"},
    "prose": {"errors", "paths"},
    "outputs": {"errors", "findings", "frames", "prose"},
    "measures": {"derivations", "errors"},
    "charts": {"derivations", "frames", "languages", "paths"},
    "documents": {"textfiles", "errors", "paths"},
    "descriptors": {"documents"},
    "validation": {"links", "sheets"},
    "tables": {"cache", "derivations", "descriptors", "sheets", "validation", "errors", "paths"},
    "corrections": {"documents", "tables", "errors", "paths"},
    "exchanges": {"corrections", "errors", "paths"},
    "bars": {"corrections", "errors", "paths"},
    "counts": {"errors"},
    "yahoo": {"bars", "corrections", "exchanges", "scratch", "errors", "paths"},
    "live": {"bars", "corrections", "counts", "exchanges", "yahoo", "errors"},
    "keeper": {"kernel"},
    "kernel": set(),
    "shell": {"reads"},
    "cells": {"errors", "paths"},
    "parameters": {"cells", "errors"},
    "defaults": {"cells", "parameters", "errors", "paths"},
    "engine": {"shell", "warm"},
    "facts": {"derivations", "tables", "errors", "paths"},
    "fx": {"derivations", "errors"},
    "prices": {"derivations", "exchanges", "live", "measures", "tables", "yahoo", "errors"},
    "ledger": {"cache", "documents", "facts", "links", "numerals", "verdicts", "errors", "paths"},
    "forensics": {"measures", "verdicts"},
    "findings": {"defaults", "derivations", "facts", "forensics", "languages", "ledger", "markup", "verdicts"}
    | {"errors", "paths"},
    "explore": {"charts", "facts", "findings", "fx", "ledger", "measures", "prices", "tables", "errors", "paths"},
    "notebooks": {"cells", "engine", "findings", "kernel", "languages", "ledger", "parameters", "scratch", "shell"}
    | {"warm", "errors", "paths"},
    "mentions": set(),
    "drafts": {"ledger", "mentions", "notebooks", "prices", "tables", "errors", "paths"},
    "grid": {"sheets", "errors", "paths"},
    "linked": {"findings", "languages", "ledger", "markup", "tables", "errors"},
    "cache": {"documents", "paths"},
    "reads": {"cache", "paths"},
    "warm": {"scratch", "errors", "paths"},
    "provisioner": {"keeper", "kernel", "warm"},
    "scaffold": {"__version__", "leftovers", "errors"},
    "preload_more": {"charts", "exchanges", "findings", "fx"},
    "preload": {"charts", "exchanges", "findings", "forensics", "fx", "kernel", "prices", "provisioner"},
    "build": {"cache", "languages", "notebooks", "pages", "report", "tables", "warm", "errors", "paths"},
    "trace": {"derivations", "facts", "findings", "fx", "languages", "notebooks", "tables", "errors", "paths"},
    "what_if": {"derivations", "findings", "languages", "markup", "measures"},
    "pages": {
        "cache",
        "charts",
        "derivations",
        "findings",
        "frames",
        "languages",
        "ledger",
        "linked",
        "markup",
        "outputs",
        "prose",
        "tables",
        "trace",
        "what_if",
    }
    | {"fx", "errors", "paths"},
    "report": {
        "cache",
        "cells",
        "facts",
        "findings",
        "grid",
        "languages",
        "ledger",
        "markup",
        "notebooks",
        "pages",
        "tables",
        "warm",
        "errors",
        "paths",
    },
    "sweep": {"cache", "cluster", "findings", "grid", "ledger", "notebooks", "pages", "parameters", "report", "tables"}
    | {"leftovers", "scratch", "warm", "errors", "paths"},
    "cluster": {"cache", "runner", "errors", "paths"},
    "runner": {"__version__", "cache", "sweep", "warm"},
    "copies": {"scratch", "errors", "paths"},
    "server": {"paths"},
    "watch": {"server", "errors", "paths"},
    "receipt": {"cache", "copies", "findings", "notebooks", "scratch", "errors", "paths"},
    "snapshot": {"cache", "copies", "findings", "live", "notebooks", "prices", "scratch", "tables"} | {"errors", "paths"},
    "cli": {
        "build",
        "cache",
        "drafts",
        "grid",
        "runner",
        "sweep",
        "languages",
        "notebooks",
        "receipt",
        "report",
        "scaffold",
        "snapshot",
        "tables",
        "trace",
        "warm",
        "watch",
    }
    | {"errors", "paths"},
    "__init__": set(),
    "__main__": {"cli", "surroundings"},
}


def imported(path):
    """The project's own modules that one of them imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "shockcheck":
            names |= {node.module.split(".")[1]} if "." in node.module else {alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "shockcheck").glob("*.py")), ids=lambda path: path.stem)
def test_imports_run_one_way(path):
    assert imported(path) <= ARROWS[path.stem]


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
    assert report.readme() == report.README.read_text(encoding="utf-8"), "run `make notebooks`"


def test_a_readme_that_has_no_place_for_the_verdicts_is_said(tmp_path, monkeypatch):
    for text in (None, "# A project\n"):
        monkeypatch.setattr(report, "README", tmp_path / "README.md")
        if text:
            report.README.write_text(text)
        with pytest.raises(BuildError, match=r"README\.md has no lines '<!-- verdicts -->' and '<!-- end of verdicts -->'"):
            report.readme()


def test_the_readme_explains_every_verdict_as_the_pages_do():
    text = report.README.read_text(encoding="utf-8")
    for word, meaning in findings.MEANINGS.items():
        assert f"| {findings.SIGNS[word]} {word} | {meaning} |" in text


def test_the_readmes_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", report.README.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_make_lists_every_target_with_a_line():
    done = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True)
    listed = re.findall(r"^make (\w+) +\S", done.stdout, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()
    assert [*listed, "setup"] == phony


def test_code_is_linted_and_formatted():
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *arguments, "."], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
