"""Make the environment that the Makefile's targets run in: a `.venv`, or the active conda environment `shockcheck`.

Runs on any Python 3 with nothing but the standard library. The environment is made from `requirements.lock` and made
again only when the lock or the Python changes; of two set-ups at once the second waits for the first. Every fault is one
sentence on stderr and exit status 1.
"""

import ast
import hashlib
import os
import shutil
import subprocess
import sys

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REQUIREMENTS = os.path.join(ROOT, "requirements.lock")
VENV = os.path.join(ROOT, ".venv")
LOG = os.path.join(ROOT, ".setup.log")
UNDER_WAY = os.path.join(ROOT, ".setup.lock")
OLDEST, NEWEST = (3, 11), (3, 14)
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
# Where packages come from and how they are reached, which is the user's to say; what is installed, and where, is not.
SOURCES = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "trusted-host",
    "cert",
    "client-cert",
    "proxy",
    "timeout",
    "default-timeout",
    "retries",
    "cache-dir",
    "no-cache-dir",
    "keyring-provider",
    "use-feature",
)
UV_SOURCES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX", "UV_FIND_LINKS", "UV_INSECURE_HOST", "UV_KEYRING", "UV_HTTP")
UV_SOURCES += ("UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_CACHE_DIR", "UV_NO_CACHE", "UV_OFFLINE", "UV_PYTHON_", "UV_CONFIG")
OTHERS = ("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV", "__PYVENV")


def stop(sentence):
    sys.stderr.write("set-up: " + sentence + "\n")
    sys.exit(1)


def run(command, otherwise, environment):
    """Run the command with its output in the log; stop with a sentence where it fails.

    It inherits the lock of `wait_for_turn`: the next set-up waits even for one that outlives this one.
    """
    with open(LOG, "ab") as log:
        log.write(("$ " + " ".join(command) + "\n").encode())
        log.flush()
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
        failed = subprocess.call(command, cwd=ROOT, env=environment, close_fds=False, **streams)
    if not failed:
        return
    with open(LOG, "rb") as log:
        said = log.read().decode("utf-8", "replace").lower()
    if "no space left" in said or "disk quota" in said:
        stop("the disk is full; free some space and run make again (details: .setup.log)")
    if environment.get("PIP_NO_INDEX") and "no matching distribution" in said:
        stop("pip's setting no-index keeps it from the packages; unset it for the first set-up (details: .setup.log)")
    if any(word in said for word in NETWORK):
        stop(
            "the packages could not be downloaded; connect to the network, which the first set-up needs, "
            "and run make again (details: .setup.log)"
        )
    stop(otherwise + " (details: .setup.log)")


def suits(version):
    return OLDEST <= tuple(version[:2]) <= NEWEST


def interpreter():
    """Return the Python to build on: the one running this if it suits, else a suitable one on the PATH.

    In an active .venv it is the one that the .venv was made with: the .venv itself is about to be removed.
    """
    if suits(sys.version_info):
        if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
            return os.path.join(sys.base_exec_prefix, "bin", "python%d.%d" % tuple(sys.version_info[:2]))
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        if found:
            return found
    return None


def plain_environment():
    """Return the environment without what changes how Python, pip and uv work; of uv's variables the sources stay."""
    return {name: value for name, value in os.environ.items() if name.startswith(UV_SOURCES) or not name.startswith(OTHERS)}


def pip_sources(python):
    """Return variables that give pip the user's sources of packages, from its files and variables, and no other setting."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python, "-I", "-m", "pip", "--disable-pip-version-check", "config", "list"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    lines = process.communicate()[0].decode("utf-8", "replace").splitlines()
    variables = {"PIP_CONFIG_FILE": os.devnull}
    for section in ("global.", "install.", ":env:."):  # each before those that it gives way to
        for line in lines:
            name, _, value = line[len(section) :].partition("=")
            if line.startswith(section) and name in SOURCES:
                variables["PIP_" + name.upper().replace("-", "_")] = ast.literal_eval(value)
    return variables


def make_venv(uv):
    python = interpreter()
    if python is None and not uv:
        stop(
            "Python %d.%d to %d.%d is needed and %s is %d.%d; install one, or name it: make PYTHON=/path/to/python3.12"
            % (OLDEST + NEWEST + (sys.executable,) + tuple(sys.version_info[:2]))
        )
    shutil.rmtree(VENV, ignore_errors=True)
    plain = plain_environment()
    if uv:
        wanted = python or "%d.%d" % NEWEST
        run([uv, "venv", "--quiet", "--python", wanted, VENV], "uv could not make .venv with Python " + wanted, plain)
        return
    if subprocess.call([python, "-I", "-c", "import venv, ensurepip"], stderr=subprocess.DEVNULL, env=plain):
        stop("Python's venv module is missing; install it (Debian, Ubuntu: apt install python3-venv) and run make again")
    otherwise = "python could not make .venv; on Debian and Ubuntu install python3-venv"
    run([python, "-I", "-m", "venv", VENV], otherwise, plain)


def install(python, uv):
    """Exactly what the lock says, pip itself included, then the project itself, which needs no download."""
    plain = plain_environment()
    if uv:
        pip = [uv, "pip", "install", "--python", python]
    else:
        pip = [python, "-I", "-m", "pip", "install", "--disable-pip-version-check"]
        plain.update(pip_sources(python))
    run(pip + ["--require-hashes", "-r", REQUIREMENTS], "the packages of requirements.lock could not be installed", plain)
    run(pip + ["--no-deps", "--no-build-isolation", "-e", ROOT], "shockcheck itself could not be installed", plain)


def is_ready(python, stamp, wanted):
    """Whether the environment is there, works and was made of the lock as it is."""
    try:
        with open(stamp) as file:
            made_from = file.read()
        return made_from == wanted and subprocess.call([python, "-I", "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def wait_for_turn():
    """Wait until no other set-up is under way here, and keep others waiting until this one has ended."""
    file = os.open(UNDER_WAY, os.O_RDWR | os.O_CREAT, 0o666)
    os.set_inheritable(file, True)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write("set-up: another one is under way here; waiting for its end\n")
        fcntl.flock(file, fcntl.LOCK_EX)
    except (AttributeError, OSError):  # neither Windows nor every network drive has locks
        pass


def set_up(python, conda):
    sys.stderr.write("set-up: making the environment from requirements.lock, once; this takes a minute or two\n")
    if os.path.exists(LOG):
        os.remove(LOG)
    uv = shutil.which("uv")
    if conda:
        version = subprocess.check_output([python, "-I", "-c", "import sys; print(*sys.version_info[:2])"]).decode().split()
        if not suits([int(number) for number in version]):
            stop(
                "the conda environment has Python %s; make it anew: conda env create -f environment.yml" % ".".join(version)
            )
    else:
        make_venv(uv)
    install(python, uv)


def main():
    conda = os.environ.get("CONDA_PREFIX") if os.environ.get("CONDA_DEFAULT_ENV") == "shockcheck" else None
    prefix = conda or VENV
    python, stamp = os.path.join(prefix, "bin", "python"), os.path.join(prefix, "shockcheck-lock.sha256")
    with open(REQUIREMENTS, "rb") as lock, open(os.path.join(ROOT, "pyproject.toml"), "rb") as project:
        wanted = hashlib.sha256(lock.read() + project.read()).hexdigest() + " " + ROOT  # the latter has the entry points
    if is_ready(python, stamp, wanted):
        return
    wait_for_turn()
    if is_ready(python, stamp, wanted):  # by the set-up that was waited for
        return
    set_up(python, conda)
    with open(stamp + ".partial", "w") as file:
        file.write(wanted)
    os.replace(stamp + ".partial", stamp)


try:
    main()
except KeyboardInterrupt:
    sys.stderr.write("set-up: interrupted; the next make begins it anew\n")
    sys.exit(130)
except OSError as error:
    stop("%s cannot be used (%s); mend that and run make again" % (error.filename or "a file", error.strerror or error))
