"""A new project: made by the installed command, green as made, and from a sentence to a page as documented."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from conftest import ROOT, SLOW
from flit_core.wheel import make_wheel_in

from shockcheck import __version__, testing
from shockcheck.authoring import own_wheel, scaffold
from shockcheck.errors import ProjectError

WHEEL = f"wheels/shockcheck-{__version__}-py3-none-any.whl"
TAKEN_OVER = (".gitattributes", ".gitignore", "Makefile", "environment.yml", "pytest.ini",
              "reports/README.md", "data/corrections.yml", "tests/nbval.cfg", "tests/test_project.py")  # fmt: skip


def bare(**more: str) -> dict[str, str]:
    """The environment of a user who has activated nothing."""
    own = ("SHOCKCHECK", "PYTEST", "PYTHON", "VIRTUAL_ENV", "CONDA", "MAKE", "JUPYTER")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)} | more


@dataclass
class Walk:
    """What the documented commands made and printed, by the command of a wheel installed in an environment of its own."""

    folder: Path
    output: str
    libraries: Path

    @property
    def project(self) -> Path:
        return self.folder / "my-article"

    def run(self, *command: str, **environment: str) -> str:
        done = subprocess.run(
            command, cwd=self.project, env=bare(**environment), capture_output=True, text=True, timeout=2 * SLOW
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def all_but_shockcheck(folder: Path) -> Path:
    """Make a folder of links to the libraries of these tests' environment, in which shockcheck is not installed."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith("shockcheck"):
            (folder / entry.name).symlink_to(entry)
    return folder


def environment_with(wheel: Path, libraries: Path, place: Path) -> None:
    """Make an environment that finds these libraries, and let pip install the wheel, which asks for no other."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(f"{libraries}\n")
    (place / "share").symlink_to(Path(sys.prefix) / "share")  # what Jupyter keeps beside the packages
    pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, f"{wheel}[lab,test]"], env=bare(), check=True)


@pytest.fixture(scope="module")
def walk(tmp_path_factory) -> Walk:
    """Run the commands of docs/check-an-article.md with the wheel of this project installed."""
    folder = tmp_path_factory.mktemp("walk")
    wheel = make_wheel_in(ROOT / "pyproject.toml", folder).file
    libraries = all_but_shockcheck(folder / "libraries")
    (folder / "shockcheck").mkdir()
    environment_with(wheel, libraries, folder / "shockcheck/.venv")
    page = (ROOT / "docs/check-an-article.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```$", page))
    assert commands.count("make ") == 5
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder / "shockcheck",
        env=bare(),
        capture_output=True,
        text=True,
        timeout=4 * SLOW,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Walk(folder, done.stdout, libraries)


@pytest.mark.slow
def test_the_documented_commands_lead_from_a_sentence_to_its_page(walk):
    offered = [name for name in vars(testing) if name.startswith("test_")]
    [passed] = re.findall(r"^(\d+) passed in ", walk.output, re.MULTILINE)  # and none failed, was skipped or warned
    assert int(passed) > len(offered) > 5  # those of every project, and a test for each cell with an output
    assert f"; its requirements.txt installs the shockcheck that it brings, {WHEEL}\n" in walk.output
    assert "data/claims.yml: 2 claims are valid\n\nno notebook checks index-monday-fall:" in walk.output
    assert walk.output.splitlines()[-2:] == ["reports/index.html: 2 claims, 2 holds", "reports/CHECKSUMS.sha256"]
    page = (walk.project / "reports/02-monday.html").read_text(encoding="utf-8")
    assert "−1.458%" in page
    assert '<blockquote lang="en">the S&amp;P 500 lost 1.5% on Monday</blockquote>\n<dl' in page
    readme = (walk.project / "README.md").read_text(encoding="utf-8")
    assert "“the S&P 500 lost 1.5% on Monday” | −1.458%" in readme


@pytest.mark.slow
def test_the_installed_command_says_its_version_and_completes(walk):
    command = str(walk.folder / "shockcheck/.venv/bin/shockcheck")
    assert walk.run(command, "--version") == f"shockcheck {__version__}\n"
    typed = {"COMP_WORDS": "shockcheck tra", "COMP_CWORD": "1", "_SHOCKCHECK_COMPLETE": "complete_bash"}
    assert walk.run(command, **typed).split() == ["trace"]


@pytest.mark.slow
def test_the_project_holds_no_copy_of_the_package_and_no_path_of_this_machine(walk):
    project = walk.project
    assert not list(project.rglob("shockcheck"))
    assert Path((project / ".python").read_text().rstrip("\n")).parent == walk.folder / "shockcheck/.venv/bin"
    ignored = {".python", ".cache", ".pytest_cache", "reports", "tests"}  # of the last two, what is built in them
    for path in project.rglob("*"):
        if path.is_file() and path.relative_to(project).parts[0] not in ignored:
            assert str(project.parent).encode() not in path.read_bytes(), path
    patterns = (project / ".gitignore").read_text().split()
    assert {".python", ".cache/", "reports/*", "!reports/README.md", "__pycache__/"} <= set(patterns)


@pytest.mark.slow
def test_the_wheel_is_the_package_with_all_of_the_template(walk):
    tracked = subprocess.run(["git", "ls-files", "shockcheck"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    [wheel] = walk.folder.glob("*.whl")
    assert set(zipfile.ZipFile(wheel).namelist()) >= set(tracked)


@pytest.mark.slow
def test_the_project_carries_the_wheel_that_it_was_made_with(walk):
    [built] = walk.folder.glob("*.whl")
    carried = zipfile.ZipFile(walk.project / WHEEL)
    own = {name: carried.read(name) for name in carried.namelist()}
    other = {name: zipfile.ZipFile(built).read(name) for name in zipfile.ZipFile(built).namelist()}
    differing = {name for name in own.keys() | other.keys() if own.get(name) != other.get(name)}
    assert differing == {f"shockcheck-{__version__}.dist-info/{name}" for name in ("RECORD", "WHEEL")}


@pytest.mark.slow
def test_the_project_is_set_up_on_another_machine(walk):
    """Without the Python that made it, `make setup` installs the wheel that is carried, which builds the report."""
    shutil.copytree(walk.project, walk.folder / "moved", ignore=shutil.ignore_patterns(".python", ".cache", "*.html"))
    moved = Walk(walk.folder, "", walk.libraries)
    place = ["make", "-C", "../moved"]
    offline = {  # the libraries are there, and shockcheck is not
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": str(walk.libraries),
        "JUPYTER_PATH": str(Path(sys.prefix) / "share/jupyter"),
    }
    moved.run(*place, "setup", f"PYTHON={sys.executable}", **offline)
    python = walk.folder / "moved/.venv/bin/python"
    printed = moved.run(str(python), "-c", "import shockcheck; print(shockcheck.__file__)", **offline)
    assert Path(printed.strip()).is_relative_to(walk.folder / "moved/.venv")
    assert "reports/index.html: 2 claims, 2 holds" in moved.run(*place, "report", **offline)


@pytest.fixture
def made(tmp_path) -> Path:
    scaffold.make(tmp_path / "made")
    return tmp_path / "made"


def test_the_version_that_made_it_and_what_its_targets_need(made):
    assert (made / "requirements.txt").read_text() == f"./{WHEEL}[lab,test]\n"
    assert [path.relative_to(made).as_posix() for path in (made / "wheels").iterdir()] == [WHEEL]
    own = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = own["project"]["optional-dependencies"]
    assert set(extras["lab"] + extras["test"] + extras["cluster"]) <= set(own["dependency-groups"]["dev"])
    assert [re.match(r"\w+", text)[0] for text in extras["lab"] + extras["test"]] == ["jupyterlab", "nbval", "pytest"]
    entries = re.findall(r"^ +- (.+)$", (made / "environment.yml").read_text(), re.MULTILINE)
    assert entries == ["conda-forge", f"python {own['project']['requires-python']}", "pip", "pip:", "-r requirements.txt"]


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*")), ids=lambda path: path.name)
def test_an_example_is_as_it_would_be_made_now(made, example):
    for name in TAKEN_OVER:
        assert (example / name).read_bytes() == (made / name).read_bytes(), name
    assert (example / "requirements.txt").read_text() == "../..[lab,test]\n"  # the package of this repository


@pytest.mark.parametrize(
    ("installed", "message"),
    [
        (None, f"shockcheck runs without being installed, so no wheel of it can be made; install shockcheck {__version__}"),
        ("0.0.1", f"shockcheck 0.0.1 is installed, but {__version__} runs; install shockcheck {__version__} anew"),
    ],
)
def test_without_an_installation_of_what_runs_no_project_is_made(tmp_path, monkeypatch, installed, message):
    def distribution(name: str) -> metadata.Distribution:
        if installed is None:
            raise metadata.PackageNotFoundError(name)
        (tmp_path / "METADATA").write_text(f"Name: {name}\nVersion: {installed}\n")
        return metadata.PathDistribution(tmp_path)

    monkeypatch.setattr(own_wheel.metadata, "distribution", distribution)
    with pytest.raises(ProjectError, match=re.escape(message)):
        scaffold.make(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir() if path.name != "METADATA"] == []


def test_the_same_package_gives_the_same_wheel(made, tmp_path):
    """Also where it is installed from a checkout, as it is for these tests."""
    assert own_wheel.write(tmp_path).read_bytes() == (made / WHEEL).read_bytes()


def test_what_is_left_over_in_the_package_is_not_packed(tmp_path, monkeypatch):
    kept = ["verdicts.py", "report/pages.py", "authoring/project/reports/README.md"]
    left = ["__pycache__/x.pyc", "authoring/project/.python", "authoring/project/reports/index.html"]
    for name in kept + left:
        (tmp_path / "package" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / name).write_text("x")
    monkeypatch.setattr(own_wheel, "PACKAGE", tmp_path / "package")
    names = zipfile.ZipFile(own_wheel.write(tmp_path)).namelist()
    assert sorted(name for name in names if ".dist-info/" not in name) == sorted(f"shockcheck/{name}" for name in kept)


@pytest.mark.slow
def test_its_notebook_to_explore_runs_as_it_is_stored(small):
    stored = (scaffold.TEMPLATE / "notebooks/explore.ipynb").read_bytes()
    small.run("notebooks")
    assert (small.root / "notebooks/explore.ipynb").read_bytes() == stored
    assert b"With the article's inputs" in stored


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
    assert done.stdout.endswith(f"{WHEEL}\nnext: cd '{tmp_path}/an article' && make report\n")
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
            "shockcheck is not installed for any Python that make knows; install it (make setup), or name one that has it",
        ),
        (
            ["report", "PYTHON=python9"],
            "shockcheck is not installed for python9; install it (make setup), or name one that has it: make PYTHON=",
        ),
        (["draft", "PYTHON=true"], "name the notebook: make draft NOTEBOOK=02-subject TICKER=SYMBOL DAY=YYYY-MM-DD"),
        (
            ["test", "PYTHON=./blind"],
            "make test needs pytest and nbval: make setup, or './blind' -m pip install -r requirements.txt",
        ),
        (
            ["setup", "PYTHON=./python3"],
            "make setup needs Python 3.11 to 3.14, which ./python3 is not; install one, or name it: make setup PYTHON=/path",
        ),
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
