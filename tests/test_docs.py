"""README and documentation: short enough, true of the code, and without a link that leads nowhere."""

import ast
import html
import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from conftest import ROOT

from shockcheck.cli.app import app
from shockcheck.verdicts import Verdict

README, ARCHITECTURE, API = ROOT / "README.md", ROOT / "docs/architecture.md", ROOT / "docs/api.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAPERS = [*sorted(ROOT.glob("*.md")), *DOCS, *(ROOT / name / "README.md" for name in ("benchmarks", "data", "reports"))]
PACKAGE = ROOT / "shockcheck"
FENCED = re.compile(r"(?ms)^```(\w*)[^\n]*\n(.*?)^```$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
OUTSIDE = ("https://", "mailto:")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [code for kind, code in FENCED.findall(text) if kind == language]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings; on the API page, those of the modules and their members too."""
    prose = FENCED.sub("", text_of(path))
    headings = [re.sub(r"[`*]", "", heading) for heading in re.findall(r"(?m)^#+ (.+?)\s*$", prose)]
    slugs = {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", html.unescape(heading)).strip().lower()) for heading in headings}
    return slugs | set(re.findall(r"(?m)^::: ([\w.]+)$", prose))


@pytest.mark.parametrize("paper", PAPERS, ids=named)
def test_every_link_leads_somewhere(paper):
    prose = re.sub(r"`[^`\n]+`", "", FENCED.sub("", text_of(paper)))
    for link in LINK.findall(prose):
        if link.startswith(OUTSIDE):
            continue
        target, _, anchor = link.partition("#")
        page = (paper.parent / target).resolve() if target else paper
        assert page.is_relative_to(ROOT) and page.exists(), link
        if anchor:
            assert anchor in anchors(page), link


def test_the_documentation_links_to_nothing_outside_of_it():
    """It is a site of its own; what lies elsewhere in the repository is named, not linked to."""
    for page in DOCS:
        for link in LINK.findall(FENCED.sub("", text_of(page))):
            target = link.partition("#")[0]
            outside = target and not (page.parent / target).resolve().is_relative_to(ROOT / "docs")
            assert link.startswith(OUTSIDE) or not outside, f"{named(page)}: {link}"


def test_every_page_is_in_the_navigation():
    listed = re.findall(r"(?m)^ +- (?:[^:\n]+: )?([\w/-]+\.md)$", text_of(ROOT / "mkdocs.yml"))
    assert sorted(listed) == sorted(page.relative_to(ROOT / "docs").as_posix() for page in DOCS)


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", f"{tmp_path}/site"]
    done = subprocess.run(words, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'id="shockcheck.findings.check"' in text_of(tmp_path / "site/api.html")
    loaded = re.compile(r'<(?:link|script|img)\b[^>]*\b(?:href|src)="(?:https?:)?//')
    assert [page.name for page in tmp_path.rglob("*.html") if loaded.search(text_of(page))] == []


def test_the_readme_is_short():
    assert len(README.read_bytes()) <= 10_000


@pytest.mark.parametrize("paper", [README, ROOT / "docs/verdicts.md"], ids=named)
def test_every_verdict_is_explained_as_the_pages_do(paper):
    for verdict in Verdict:
        assert f"| {verdict.sign} {verdict} | {verdict.meaning} |" in text_of(paper)


def test_every_hedge_of_the_rule_is_explained():
    rule = ast.get_docstring(ast.parse(text_of(PACKAGE / "verdicts.py")))
    hedges = re.findall(r"(?m)^\| [^|]+ \| ([a-z ]+?) +\|", rule.partition("---")[2])
    assert len(hedges) == 6
    for hedge in set(hedges):
        assert f"`{hedge}`" in text_of(ROOT / "docs/verdicts.md")
        assert f"`{hedge}`" in text_of(ROOT / "docs/add-a-claim.md")


def modules() -> list[str]:
    """The package's modules but for the template of new projects; a room stands for its `__init__`, if it has one."""
    template = PACKAGE / "authoring/project"
    files = [path for path in PACKAGE.rglob("*.py") if template not in path.parents]
    return sorted((path.parent if path.name == "__init__.py" else path).relative_to(ROOT).as_posix() for path in files)


def tree() -> list[str]:
    """The modules and rooms that the architecture page lists, each by its path."""
    [listing] = blocks(text_of(ARCHITECTURE), "tree")
    paths, rooms = [], []
    for line in listing.splitlines():
        indent, name, about = re.fullmatch(r"( *)(\S+) {2,}(\S.*)", line).groups()
        rooms = [*rooms[: len(indent) // 2], name.rstrip("/")]
        assert about
        paths.append("/".join(rooms))
    return paths


def test_the_architecture_lists_every_module_once():
    assert sorted(tree()) == modules()


def layers() -> dict[str, int]:
    """The layer of each room and top-level module, counted from the top."""
    [listing] = blocks(text_of(ARCHITECTURE), "layers")
    return {name: number for number, line in enumerate(listing.splitlines()) for name in line.split()}


def imported(path: Path) -> set[str]:
    """The rooms and top-level modules that a module imports, anywhere in its code."""
    names = set()
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.ImportFrom) and node.module == "shockcheck":
            names |= {alias.name for alias in node.names if not alias.name.startswith("_")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shockcheck."):
            names.add(node.module.split(".")[1])
    return names


@pytest.mark.slow
def test_imports_run_downwards_through_the_layers():
    level = layers()
    for name in modules():
        path = ROOT / name if name.endswith(".py") else ROOT / name / "__init__.py"
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own not in ("__init__", "__main__"):
            assert [other for other in imported(path) - {own} if level[other] <= level[own]] == [], name


def test_every_environment_variable_is_explained():
    code = "".join(text_of(path) for path in PACKAGE.rglob("*.py"))
    variables = set(re.findall(r"\bSHOCKCHECK_[A-Z]+\b", code))
    assert sorted(variables) == sorted(re.findall(r"(?m)^\| `(SHOCKCHECK_[A-Z]+)` \|", text_of(ARCHITECTURE)))


def documented() -> dict[str, list[str]]:
    """The names that the API page shows of each module."""
    entries = re.findall(r"(?m)^::: ([\w.]+)\n    options:\n      members: \[(.+)\]$", text_of(API))
    return {module: names.split(", ") for module, names in entries}


def test_the_api_page_shows_every_public_name():
    assert text_of(API).count(":::") == len(documented())
    for name, members in documented().items():
        module = importlib.import_module(name)
        assert [member for member in members if not hasattr(module, member)] == [], name
        assert members == sorted(getattr(module, "__all__", members)), name


def test_the_api_page_shows_every_module_that_a_notebook_may_import():
    for page in (API, ARCHITECTURE):
        imports = [node for code in blocks(text_of(page), "python") for node in ast.parse(code).body]
        named = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
        known = {f"{module}.{member}" for module, members in documented().items() for member in members} | set(documented())
        assert len(named) == 14
        assert named <= known
    used = set()
    for notebook in (*ROOT.glob("notebooks/*.ipynb"), *PACKAGE.glob("authoring/project/notebooks/*.ipynb")):
        for module, names in re.findall(r"from (shockcheck[\w.]*) import ([\w, ]+)", text_of(notebook)):
            used |= {f"{module}.{name.strip()}" for name in names.split(",")}
    assert used <= named


def commands() -> list[tuple[str, str]]:
    """The commands of shockcheck that papers show, each with its paper: in blocks for a shell, and after a prompt."""
    shown = []
    for paper in PAPERS:
        lines = "".join(blocks(text_of(paper), "sh")).splitlines()
        for block in blocks(text_of(paper), "console"):
            lines += [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
        shown += [(named(paper), line) for line in lines if re.match(r"(\S+/)?shockcheck ", line)]
    return shown


@pytest.mark.parametrize(("paper", "line"), commands())
def test_commands_have_the_options_that_papers_show(paper, line):
    words = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if not hasattr(command, "commands"):
        command.make_context("shockcheck", words)
    else:
        own = {option for parameter in command.params for option in parameter.opts}
        assert words and set(words) <= own, f"{paper}: there is no such command"


def test_papers_show_commands():
    assert len(commands()) >= 8


def test_options_in_tables_exist():
    """Pages about one command list its options in a table."""
    group = typer.main.get_command(app).commands
    for page, names in (("build", ["report"]), ("variants-and-sweeps", ["report", "sweep"])):
        known = {option for name in names for parameter in group[name].params for option in parameter.opts}
        rows = re.findall(r"(?m)^\| (`-.+?`) \|", text_of(ROOT / f"docs/{page}.md"))
        listed = {option for row in rows for option in re.findall(r"(?<=`)--?[a-z-]+", row)}
        assert listed
        assert listed <= known


def test_targets_of_make_that_papers_name_exist():
    """Targets in the text are those of this project's Makefile, or of the one of new projects."""
    known = set()
    for makefile in (ROOT / "Makefile", PACKAGE / "authoring/project/Makefile"):
        known |= set(re.findall(r"(?m)^([a-z][a-z-]*):", text_of(makefile)))
    for paper in PAPERS:
        targets = re.findall(r"`make ([a-z-]+)", text_of(paper)) + re.findall(r"(?m)^(?:\$ )?make ([a-z-]+)", text_of(paper))
        assert [target for target in targets if target not in known] == [], named(paper)
