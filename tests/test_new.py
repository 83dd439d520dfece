"""A new project: made by the package as it is installed, green as made, and from a sentence to a page as the README says."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, SLOW
from flit_core.wheel import make_wheel_in

from shockcheck import __version__, scaffold
from shockcheck.errors import ProjectError

TAKEN_OVER = (".gitattributes", ".gitignore", "Makefile", "environment.yml", "requirements.txt", "pytest.ini",
              "reports/README.md", "data/corrections.yml", "tests/nbval.cfg", "tests/test_project.py")  # fmt: skip


def bare(**more: str) -> dict[str, str]:
    """The environment of a user who has activated nothing."""
    own = ("SHOCKCHECK", "PYTEST", "PYTHON", "VIRTUAL_ENV", "CONDA", "MAKE", "JUPYTER")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)} | more


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> tuple[Path, str]:
    """The commands of the README, run as printed on the wheel of this project; the project made, and what was said."""
    folder = tmp_path_factory.mktemp("walk")
    wheel = make_wheel_in(ROOT / "pyproject.toml", folder).file
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "site")
    (folder / "shockcheck").mkdir()
    (folder / "shockcheck/.venv").symlink_to(sys.prefix)
    section = re.search(r"(?ms)^## Check another article$(.*?)^## ", (ROOT / "README.md").read_text(encoding="utf-8"))[1]
    commands = "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```$", section))
    assert commands.count("make ") == 5
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder / "shockcheck",
        env=bare(PYTHONPATH=str(folder / "site")),
        capture_output=True,
        text=True,
        timeout=4 * SLOW,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "my-article", done.stdout


def test_the_readmes_commands_lead_from_a_sentence_to_its_page(walk):
    project, said = walk
    assert re.search(r"^12 passed in ", said, re.MULTILINE)
    assert "data/claims.yml: 2 claims are right\n\nno notebook checks index-monday-fall:" in said
    assert said.splitlines()[-2:] == ["reports/index.html: 2 claims, 2 holds", "reports/CHECKSUMS.sha256"]
    page = (project / "reports/02-monday.html").read_text(encoding="utf-8")
    assert "−1.458%" in page
    assert '<blockquote lang="en">the S&amp;P 500 lost 1.5% on Monday</blockquote>\n<dl' in page
    assert "“the S&P 500 lost 1.5% on Monday” | −1.458%" in (project / "README.md").read_text(encoding="utf-8")


def test_the_project_holds_no_copy_of_the_package_and_no_path_of_this_machine(walk):
    project, _ = walk
    assert not list(project.rglob("shockcheck"))
    assert (project / ".python").read_text() == f"{project.parent}/shockcheck/.venv/bin/python\n"
    ignored = {".python", ".cache", ".pytest_cache", "reports", "tests"}  # of the last two, what is built in them
    for path in project.rglob("*"):
        if path.is_file() and path.relative_to(project).parts[0] not in ignored:
            assert str(project.parent) not in path.read_text(encoding="utf-8"), path
    patterns = (project / ".gitignore").read_text().split()
    assert {".python", ".cache/", "reports/*", "!reports/README.md", "__pycache__/"} <= set(patterns)


def test_the_wheel_is_the_package_with_all_of_the_template(walk):
    site = walk[0].parent / "site/shockcheck"
    tracked = subprocess.run(["git", "ls-files", "shockcheck"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    packed = {f"shockcheck/{path.relative_to(site).as_posix()}" for path in site.rglob("*") if path.is_file()}
    assert {name for name in packed if "__pycache__" not in name} >= set(tracked)


@pytest.fixture
def made(tmp_path) -> Path:
    scaffold.make(tmp_path / "made")
    return tmp_path / "made"


def test_the_version_that_made_it_and_what_its_targets_need(made):
    first, *others = (made / "requirements.txt").read_text().splitlines()
    assert first == f"shockcheck=={__version__}"
    own = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(others) <= set(own["dependency-groups"]["dev"])
    entries = re.findall(r"^ +- (.+)$", (made / "environment.yml").read_text(), re.MULTILINE)
    assert entries == ["conda-forge", f"python {own['project']['requires-python']}", "pip", "pip:", "-r requirements.txt"]


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*")), ids=lambda path: path.name)
def test_an_example_is_as_it_would_be_made_now(made, example):
    for name in TAKEN_OVER:
        assert (example / name).read_bytes() == (made / name).read_bytes(), name


@pytest.mark.parametrize("what", ["a file in it", "a file"])
def test_a_folder_that_holds_something_is_refused_untouched(tmp_path, what):
    folder = tmp_path / "taken"
    if what == "a file":
        folder.write_text("mine")
    else:
        folder.mkdir()
        (folder / ".hidden").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(
        ProjectError, match=r"taken is (a file|not empty); name a folder that is not there yet, or an empty one"
    ):
        scaffold.make(folder)
    assert sorted(tmp_path.rglob("*")) == before


def killed_at(call: int, of: str, folder: Path) -> None:
    """Make a project in a process that is killed at that call of a function of the scaffold's, or of a path's."""
    child = os.fork()
    if child == 0:
        place = scaffold if hasattr(scaffold, of) else Path
        original, calls = getattr(place, of), itertools.count(1)
        setattr(place, of, lambda *given: os._exit(1) if next(calls) == call else original(*given))
        try:
            scaffold.make(folder)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] != 0, f"it is over before call {call} of {of}"


KILLS = [(False, "_copy", 1), (False, "_copy", 9), (False, "rename", 1), (True, "_copy", 1), (True, "_copy", 9)]
KILLS += [(True, "rename", call) for call in (1, 2, 9)]


@pytest.mark.parametrize(("existed", "of", "call"), KILLS)
def test_a_new_project_is_made_whole_after_one_that_was_killed(tmp_path, made, existed, of, call):
    folder = tmp_path / "new"
    if existed:
        folder.mkdir()
    killed_at(call, of, folder)
    assert not (folder / "data").exists(), "half a project"
    files = scaffold.make(folder)
    assert files == sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "new"]
    assert not list(folder.glob(".shockcheck*"))


def test_what_came_in_between_is_not_overwritten(tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    killed_at(3, "rename", folder)
    missing = ({path.name for path in scaffold.TEMPLATE.iterdir()} - {path.name for path in folder.iterdir()}).pop()
    (folder / missing).write_text("mine")
    with pytest.raises(ProjectError, match=f"new is not empty, it has {missing}; name a folder"):
        scaffold.make(folder)
    assert (folder / missing).read_text() == "mine"


@pytest.mark.parametrize("existed", [True, False])
def test_what_cannot_be_finished_leaves_nothing(tmp_path, monkeypatch, existed):
    def full(source, target):
        if source.suffix == ".ipynb":
            raise OSError(28, "No space left on device")
        shutil.copyfile(source, target)

    monkeypatch.setattr(scaffold, "_copy", full)
    folder = tmp_path / "new"
    if existed:
        folder.mkdir()
    with pytest.raises(ProjectError, match="new cannot be written"):
        scaffold.make(folder)
    assert list(tmp_path.rglob("*")) == ([folder] if existed else [])


def test_new_needs_no_project_around_it(project, tmp_path):
    done = project.run("new", str(tmp_path / "an article"), SHOCKCHECK_ROOT=str(tmp_path / "nowhere"))
    assert done.stdout.endswith(f"files; next: cd '{tmp_path}/an article' && make report\n")
    assert "is not empty" in project.fails("new", str(tmp_path / "an article"))


def python(path: Path, calls: Path, knows: bool = True) -> str:
    """A stand-in for an interpreter, with shockcheck or without, that notes how it is called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    script = f'#!/bin/sh\n[ "$1" = -m ] && echo "{path.parent.parent.name} $*" >> {calls}\nexit {0 if knows else 1}\n'
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


def test_which_python_the_targets_run_on(made, tmp_path):
    calls = tmp_path / "calls"

    def by(*arguments: str, **environment: str) -> str:
        calls.write_text("")
        path = {"PATH": f"{tmp_path / 'none'}:/usr/bin:/bin"}
        done = subprocess.run(["make", *arguments], cwd=made, env=path | environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return calls.read_text().rstrip()

    (made / ".python").write_text(python(tmp_path / "maker/bin/python", calls))
    assert by("claims") == "maker -m shockcheck claims check"
    python(made / ".venv/bin/python", calls)
    assert by("report") == ".venv -m shockcheck report"
    conda, active = tmp_path / "conda", tmp_path / "active"
    python(conda / "bin/python", calls)
    assert by("report", CONDA_PREFIX=str(conda)) == "conda -m shockcheck report"
    python(active / "bin/python", calls, knows=False)
    assert by("report", VIRTUAL_ENV=str(active)) == ".venv -m shockcheck report"  # the active one has no shockcheck
    python(active / "bin/python", calls)
    assert by("report", VIRTUAL_ENV=str(active)) == "active -m shockcheck report"
    given = python(tmp_path / "given one/bin/python", calls)
    assert by("report", f"PYTHON={given}", VIRTUAL_ENV=str(active)) == "given one -m shockcheck report"
    assert by("draft", "NOTEBOOK=02-x", "TICKER=^A", "DAY=2001-02-06") == (
        ".venv -m shockcheck claims add 02-x -p ticker=^A -p event_date=2001-02-06"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["report"],
            "shockcheck is not installed for any Python that make knows; install it (python3 -m venv .venv && .venv",
        ),
        (
            ["report", "PYTHON=python9"],
            "shockcheck is not installed for python9; install it (python3 -m venv .venv && .venv/bin/pip install PATH",
        ),
        (["draft", "PYTHON=true"], "name the notebook: make draft NOTEBOOK=02-subject TICKER=SYMBOL DAY=YYYY-MM-DD"),
        (["test", "PYTHON=./blind"], "make test needs pytest and nbval: './blind' -m pip install pytest nbval"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(made, tmp_path, arguments, said):
    (made / ".python").unlink()
    (made / "python3").write_text("#!/bin/sh\nexit 1\n")
    (made / "blind").write_text('#!/bin/sh\n[ "$#" = 2 ]\n')  # imports shockcheck, and finds no other package
    for name in ("python3", "blind"):
        (made / name).chmod(0o755)
    done = subprocess.run(
        ["make", *arguments], cwd=made, env={"PATH": f"{made}:/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert done.stderr.startswith(said)
