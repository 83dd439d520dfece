"""The set-up of a fresh machine, on copies of the project: what it says where something is missing."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

FAKE = "import sys; sys.version_info = {version!r}; sys.executable = {python!r}; sys.argv = ['bootstrap.py']; {then}"
RUN = "__file__ = {file!r}; exec(compile(open(__file__).read(), __file__, 'exec'))"


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    for name in ("tools/bootstrap.py", "requirements.lock", "pyproject.toml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def bootstrap(root: Path, version=sys.version_info[:3], python: str = sys.executable, **environment: str):
    """Run the set-up as if `python` were the interpreter and of that version; no other one is on the PATH."""
    then = RUN.format(file=str(root / "tools/bootstrap.py"))
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("CONDA", "PIP_", "UV_", "VIRTUAL"))}
    return subprocess.run(
        [sys.executable, "-c", FAKE.format(version=tuple(version), python=python, then=then)],
        env=bare | {"PATH": "/nonexistent"} | environment,
        capture_output=True,
        text=True,
    )


def says(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 9, 0), (3, 14, 0)])
def test_a_python_that_does_not_suit(fresh, version):
    said = says(bootstrap(fresh, version))
    assert said.startswith("set-up: Python 3.11 to 3.13 is needed and ")
    assert "make PYTHON=" in said


def script(path: Path, text: str) -> str:
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return str(path)


def test_a_suitable_python_on_the_path_is_taken(fresh):
    script(fresh / "python3.12", "exit 1\n")
    said = says(bootstrap(fresh, (3, 9, 0), PATH=str(fresh)))
    assert "venv module is missing" in said


def test_no_venv_module(fresh):
    said = says(bootstrap(fresh, python=script(fresh / "python", "exit 1\n")))
    assert said == (
        "set-up: Python's venv module is missing; install it (Debian, Ubuntu: apt install python3-venv) and run make again"
    )


NOWHERE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}


def test_no_network_at_the_first_set_up(fresh):
    said = says(bootstrap(fresh, **NOWHERE))
    assert said.startswith("set-up: the packages could not be downloaded; connect to the network")
    assert (fresh / ".setup.log").exists()
    assert not (fresh / ".venv/shockcheck-lock.sha256").exists()


def conda(fresh: Path) -> dict[str, str]:
    """An environment as conda makes it from environment.yml: this Python under another prefix, and the variables."""
    prefix = fresh / "conda"
    (prefix / "bin").mkdir(parents=True)
    script(prefix / "bin/python", f'echo "$@" >> {fresh}/calls\nexec {sys.executable} "$@"\n')
    return {"CONDA_DEFAULT_ENV": "shockcheck", "CONDA_PREFIX": str(prefix)}


def test_an_active_conda_environment_is_used_and_no_venv_made(fresh):
    done = bootstrap(fresh, **conda(fresh), **NOWHERE, PIP_DRY_RUN="1")
    calls = (fresh / "calls").read_text()
    assert "-m pip install --disable-pip-version-check --require-hashes -r" in calls
    assert not (fresh / ".venv").exists()
    assert "error" not in done.stdout


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_an_environment_is_left_alone_until_the_lock_or_the_project_changes(fresh, name):
    variables = conda(fresh)
    both = b"".join((fresh / file).read_bytes() for file in ("requirements.lock", "pyproject.toml"))
    digest = hashlib.sha256(both).hexdigest()
    stamp = Path(variables["CONDA_PREFIX"]) / "shockcheck-lock.sha256"
    stamp.write_text(f"{digest} {fresh}")
    done = bootstrap(fresh, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    (fresh / name).write_text("a-newer-one==1\n")
    pip_alone = f'case "$*" in *pip*) exit 1;; esac; exec {sys.executable} "$@"\n'
    script(Path(variables["CONDA_PREFIX"]) / "bin/python", pip_alone)  # set-up is begun, and ends at once
    assert "making the environment" in bootstrap(fresh, **variables).stderr


def test_no_python_at_all(fresh):
    done = subprocess.run(["make", "report", "PYTHON=python9"], cwd=fresh, capture_output=True, text=True)
    assert done.returncode != 0
    assert "set-up: python9 is not installed; install Python 3.11, 3.12 or 3.13" in done.stderr
