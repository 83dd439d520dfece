"""Make the environment that the Makefile's targets run in: a `.venv`, or the active conda environment `shockcheck`.

Runs on any Python 3 with nothing but the standard library. The environment is made from `requirements.lock` and made
again only when the lock or the Python changes. Every fault is one sentence on stderr and exit status 1.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOCK = os.path.join(ROOT, "requirements.lock")
VENV = os.path.join(ROOT, ".venv")
LOG = os.path.join(ROOT, ".setup.log")
OLDEST, NEWEST = (3, 11), (3, 13)
NETWORK = (
    "connection",
    "resolve",
    "resolution",
    "network",
    "dns error",
    "timed out",
    "error sending request",
    "failed to fetch",
    "no matching distribution",
)


def stop(sentence):
    sys.stderr.write("set-up: " + sentence + "\n")
    sys.exit(1)


def run(command, otherwise):
    """Run the command with its output in the log; stop with a sentence where it fails."""
    with open(LOG, "ab") as log:
        log.write(("$ " + " ".join(command) + "\n").encode())
        log.flush()
        failed = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
    if not failed:
        return
    with open(LOG, "rb") as log:
        said = log.read().decode("utf-8", "replace").lower()
    if any(word in said for word in NETWORK):
        stop(
            "the packages could not be downloaded; connect to the network, which the first set-up needs, "
            "and run make again (details: .setup.log)"
        )
    stop(otherwise + " (details: .setup.log)")


def suits(version):
    return OLDEST <= tuple(version[:2]) <= NEWEST


def interpreter():
    """The Python to build on: the one running this if it suits, else a suitable one on the PATH."""
    if suits(sys.version_info):
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        if found:
            return found
    return None


def make_venv(uv):
    python = interpreter()
    if python is None and not uv:
        stop(
            "Python %d.%d to %d.%d is needed and %s is %d.%d; install one, or name it: make PYTHON=/path/to/python3.12"
            % (OLDEST + NEWEST + (sys.executable,) + tuple(sys.version_info[:2]))
        )
    shutil.rmtree(VENV, ignore_errors=True)
    if uv:
        wanted = python or "%d.%d" % NEWEST
        run([uv, "venv", "--quiet", "--python", wanted, VENV], "uv could not make .venv with Python " + wanted)
        return
    if subprocess.call([python, "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL):
        stop("Python's venv module is missing; install it (Debian, Ubuntu: apt install python3-venv) and run make again")
    run([python, "-m", "venv", VENV], "python could not make .venv; on Debian and Ubuntu install python3-venv")


def install(python, uv):
    """Exactly what the lock says, then the project itself, which needs no download."""
    pip = (
        [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install", "--disable-pip-version-check"]
    )
    run(pip + ["--require-hashes", "-r", LOCK], "the packages of requirements.lock could not be installed")
    run(pip + ["--no-deps", "--no-build-isolation", "-e", ROOT], "shockcheck itself could not be installed")


def main():
    conda = os.environ.get("CONDA_PREFIX") if os.environ.get("CONDA_DEFAULT_ENV") == "shockcheck" else None
    prefix = conda or VENV
    python = os.path.join(prefix, "bin", "python")
    with open(LOCK, "rb") as lock, open(os.path.join(ROOT, "pyproject.toml"), "rb") as project:
        wanted = hashlib.sha256(lock.read() + project.read()).hexdigest() + " " + ROOT  # the latter has the entry points
    stamp = os.path.join(prefix, "shockcheck-lock.sha256")
    if os.path.exists(stamp) and subprocess.call([python, "-c", ""], stderr=subprocess.DEVNULL) == 0:
        with open(stamp) as file:
            if file.read() == wanted:
                return
    sys.stderr.write("set-up: making the environment from requirements.lock, once; this takes a minute or two\n")
    if os.path.exists(LOG):
        os.remove(LOG)
    uv = shutil.which("uv")
    if conda:
        version = subprocess.check_output([python, "-c", "import sys; print(*sys.version_info[:2])"]).decode().split()
        if not suits([int(number) for number in version]):
            stop(
                "the conda environment has Python %s; make it anew: conda env create -f environment.yml" % ".".join(version)
            )
    else:
        make_venv(uv)
    install(python, uv)
    with open(stamp, "w") as file:
        file.write(wanted)


main()
