"""What is given to make's targets is data: no sign in it is run by make or by a shell, and it arrives as it was given."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow

NASTY = [
    "$(shell touch pwned)",
    "$$(touch pwned)",
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "'; touch pwned; '",
    "; touch pwned",
    "& touch pwned",
    "| touch pwned",
    "x\ntouch pwned\n",
    "${HOME}$HOME$$HOME",
    "$(NOTEBOOK)$@",
    "a#b",
    "*",
    "back\\slash",
    "^A",
    "über 東京",
    "two  words",
]
OWN, TEMPLATE = "Makefile", "shockcheck/authoring/project/Makefile"


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A folder with stand-ins for Python and Jupyter, which write down what they are given."""
    folder = tmp_path / "a bin"
    folder.mkdir()
    for name in ("python", "jupyter"):
        (folder / name).write_text('#!/bin/sh\nprintf "%s\\0" "$@" >> "$CALLS"\nprintf "\\1" >> "$CALLS"\n')
        (folder / name).chmod(0o755)
    return folder


def calls(folder: Path, makefile: str, *words: str, **environment: str) -> list[list[str]]:
    """The arguments of what `make` calls by a copy of that Makefile in a folder where nothing else may come to be."""
    project, noted = folder / "project", folder / "noted"
    project.mkdir(exist_ok=True)
    shutil.copy(ROOT / makefile, project / "Makefile")
    noted.write_text("")
    own = {"PATH": "/usr/bin:/bin", "CALLS": str(noted)} | environment
    done = subprocess.run(["make", *words], cwd=project, env=own, capture_output=True, text=True)
    assert [path.name for path in project.iterdir()] == ["Makefile"], words
    assert done.returncode == 0, done.stderr
    found = [call.rstrip("\0").split("\0") for call in noted.read_text().split("\1")[:-1]]
    return [call for call in found if call[0] != "-c"]  # by which a target asks what there is


@pytest.mark.parametrize("place", range(0, len(NASTY), 3))
def test_a_draft_is_asked_for_as_it_was_typed(tmp_path, bin_folder, place):
    notebook, ticker, day = NASTY[place : place + 3]
    given = {"NOTEBOOK": notebook, "TICKER": ticker, "DAY": day, "PYTHON": str(bin_folder / "python")}
    call = ["-m", "shockcheck", "claims", "add", notebook, "-p", f"ticker={ticker}", "-p", f"event_date={day}"]
    assert calls(tmp_path, TEMPLATE, "draft", *(f"{name}={value}" for name, value in given.items())) == [call]
    assert calls(tmp_path, TEMPLATE, "draft", **given) == [call]


@pytest.mark.parametrize(
    ("makefile", "target", "call"),
    [
        (TEMPLATE, "watch", ["-m", "shockcheck", "watch"]),
        (TEMPLATE, "lab", ["-m", "jupyterlab", "--notebook-dir=notebooks"]),
        (OWN, "watch", ["-m", "shockcheck", "watch"]),
        (OWN, "bench", ["-m", "benchmarks"]),
        (OWN, "lab", ["lab", "--notebook-dir=notebooks"]),
    ],
)
def test_options_are_split_at_blanks_and_handed_on(tmp_path, bin_folder, makefile, target, call):
    options = f"--port 5501 {' '.join(NASTY)}"
    words = ["-o", "setup", target, f"PYTHON={bin_folder}/python", f"BIN={bin_folder}"]
    assert calls(tmp_path, makefile, *words, f"OPTIONS={options}") == [[*call, *options.split()]]
    assert calls(tmp_path, makefile, *words, OPTIONS=options) == [[*call, *options.split()]]
    assert calls(tmp_path, makefile, *words) == [call]


@pytest.mark.parametrize("name", ["$(shell touch pwned)", '"; touch pwned; "', "`touch pwned`", "; touch pwned", "$HOME"])
def test_a_python_of_a_strange_name_is_called_by_it(tmp_path, bin_folder, name):
    strange = (bin_folder / "python").rename(bin_folder / name)
    assert calls(tmp_path, TEMPLATE, "claims", PYTHON=str(strange)) == [["-m", "shockcheck", "claims", "check"]]
    assert calls(tmp_path, OWN, "setup", f"PYTHON={strange}") == [["tools/bootstrap.py"]]
    (tmp_path / name).mkdir()
    (tmp_path / name / "bin").symlink_to(bin_folder)
    strange.rename(bin_folder / "python")
    conda = {"CONDA_DEFAULT_ENV": "shockcheck", "CONDA_PREFIX": str(tmp_path / name), "JUPYTER_PATH": name}
    assert calls(tmp_path, OWN, "-o", "setup", "report", **conda) == [["-m", "shockcheck", "report"]]


@pytest.mark.parametrize(("notebook", "claim"), [("", ""), ("-x", ""), ("--help", ""), ("02-x", "--help"), ("02-x", "a -p")])
def test_a_draft_without_a_notebook_or_with_an_option_in_its_place(tmp_path, notebook, claim):
    shutil.copy(ROOT / TEMPLATE, tmp_path / "Makefile")
    words = ["make", "draft", "PYTHON=true", f"NOTEBOOK={notebook}", f"CLAIM={claim}"]
    done = subprocess.run(words, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.startswith("name the notebook: make draft NOTEBOOK=02-subject TICKER=SYMBOL DAY=YYYY-MM-DD")


def test_claims_are_drafted_by_name(tmp_path, bin_folder):
    given = {"NOTEBOOK": "02-x", "CLAIM": "a-fall b-fall", "TICKER": "A B", "PYTHON": str(bin_folder / "python")}
    [call] = calls(tmp_path, TEMPLATE, "draft", **given)
    assert call == ["-m", "shockcheck", "claims", "add", "02-x", "a-fall", "b-fall", "-p", "ticker=A B"]
