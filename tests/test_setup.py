"""The set-up of a fresh machine, on copies of the project: what it says where something is missing."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 9, 0), (3, 15, 0)])
def test_a_python_that_does_not_suit(fresh, version):
    said = says(bootstrap(fresh, version))
    assert said.startswith("set-up: Python 3.11 to 3.14 is needed and ")
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
    """An environment as conda makes it from environment.yml: this Python under another prefix, and the variables.

    Each call is noted; what would install is noted with the variables that pip gets, and does nothing.
    """
    prefix = fresh / "conda"
    (prefix / "bin").mkdir(parents=True)
    noted = f'echo "$@" >> {fresh}/calls\ncase "$*" in *" install "*) env | grep ^PIP_ | sort > {fresh}/pip; exit 0;; esac\n'
    script(prefix / "bin/python", f'{noted}exec {sys.executable} "$@"\n')
    return {"CONDA_DEFAULT_ENV": "shockcheck", "CONDA_PREFIX": str(prefix), "PATH": "/usr/bin:/bin"}


def test_an_active_conda_environment_is_used_and_no_venv_made(fresh):
    done = bootstrap(fresh, **conda(fresh))
    assert done.returncode == 0, done.stderr
    calls = (fresh / "calls").read_text()
    assert "-m pip install --disable-pip-version-check --require-hashes -r" in calls
    assert not (fresh / ".venv").exists()
    assert "error" not in done.stdout


def test_of_the_users_settings_of_pip_the_sources_of_packages_alone_are_taken(fresh):
    """Of two values for one setting pip's own order holds: its file, its section for install, the variable."""
    (fresh / "config/pip").mkdir(parents=True)
    (fresh / "config/pip/pip.conf").write_text(
        "[global]\nuser = true\nrequire-hashes = true\ntarget = /elsewhere\nfind-links = /first\n  /second\nproxy = a:1\n"
        "cert = /global.pem\n[install]\nno-deps = true\ncert = /install.pem\n"
    )
    own = {"PIP_USER": "1", "PIP_PREFIX": "/p", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_PROXY": "b:2", "PIP_NO_INDEX": "1"}
    own |= {"HOME": str(fresh), "XDG_CONFIG_HOME": str(fresh / "config"), "XDG_CONFIG_DIRS": str(fresh)}
    done = bootstrap(fresh, **conda(fresh), **own, PYTHONWARNINGS="error")
    assert done.returncode == 0, done.stderr
    given = dict(line.split("=", 1) for line in re.findall(r"(?m)^PIP_.+", (fresh / "pip").read_text()))
    assert given.pop("PIP_CONFIG_FILE") == os.devnull
    assert given["PIP_CERT"] == "/install.pem"
    assert given["PIP_PROXY"] == "b:2"
    assert given["PIP_FIND_LINKS"].startswith("/first")
    assert given["PIP_NO_INDEX"] == "1"
    others = ("USER", "PREFIX", "TARGET", "REQUIRE_VIRTUALENV", "REQUIRE_HASHES", "NO_DEPS")
    assert not set(given) & {f"PIP_{name}" for name in others}


def test_in_an_active_environment_that_is_outdated_a_new_one_is_made_by_the_python_that_made_it(fresh):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(fresh / ".venv")], check=True)
    script(fresh / "uv", 'echo "$@" >&2; exit 1\n')
    done = subprocess.run(
        [fresh / ".venv/bin/python", fresh / "tools/bootstrap.py"],
        env={"PATH": f"{fresh}:/usr/bin:/bin", "VIRTUAL_ENV": str(fresh / ".venv")},
        capture_output=True,
        text=True,
    )
    [_, maker] = re.fullmatch(
        r"set-up: (uv could not make \.venv with Python (.+)) \(details: \.setup\.log\)", says(done)
    ).groups()
    assert Path(maker).is_file() and not Path(maker).is_relative_to(fresh)  # the old .venv is gone by then


def stamp(fresh: Path, variables: dict[str, str]) -> None:
    """Leave what a set-up leaves that has succeeded."""
    both = b"".join((fresh / file).read_bytes() for file in ("requirements.lock", "pyproject.toml"))
    text = f"{hashlib.sha256(both).hexdigest()} {fresh}"
    (Path(variables["CONDA_PREFIX"]) / "shockcheck-lock.sha256").write_text(text)


def test_the_second_of_two_set_ups_waits_for_the_first_and_does_nothing(fresh):
    variables, command = conda(fresh), [sys.executable, fresh / "tools/bootstrap.py"]
    with (fresh / ".setup.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        second = subprocess.Popen(command, env=os.environ | variables, stderr=subprocess.PIPE, text=True)
        assert second.stderr.readline() == "set-up: another one is under way here; waiting for its end\n"
        stamp(fresh, variables)
    assert second.communicate(timeout=60)[1] == ""
    assert second.returncode == 0
    assert " install " not in (fresh / "calls").read_text()


def test_a_folder_that_cannot_be_written_is_one_sentence(fresh):
    (fresh / ".setup.lock").mkdir()
    said = says(bootstrap(fresh))
    assert said == f"set-up: {fresh}/.setup.lock cannot be used (Is a directory); mend that and run make again"


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_an_environment_is_left_alone_until_the_lock_or_the_project_changes(fresh, name):
    variables = conda(fresh)
    stamp(fresh, variables)
    done = bootstrap(fresh, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    (fresh / name).write_text("a-newer-one==1\n")
    pip_alone = f'case "$*" in *pip*) exit 1;; esac; exec {sys.executable} "$@"\n'
    script(Path(variables["CONDA_PREFIX"]) / "bin/python", pip_alone)  # set-up is begun, and ends at once
    assert "making the environment" in bootstrap(fresh, **variables).stderr


def test_no_python_at_all(fresh):
    done = subprocess.run(["make", "report", "PYTHON=python9"], cwd=fresh, capture_output=True, text=True)
    assert done.returncode != 0
    assert "set-up: python9 is not installed; install Python 3.11 to 3.14" in done.stderr
