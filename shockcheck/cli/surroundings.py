"""What a command does not take over from where it is started: closed streams, and switches of Python's for developers.

Imported before everything else, so nothing is imported here that is not there already.
"""

import os
import resource
import sys

# Variables by which an interpreter and the notebooks' kernels print more or turn warnings into errors: the warnings
# of libraries are for those who develop them, and on a page they would be findings of nobody's.
SWITCHES = (
    "PYTHONWARNINGS",
    "PYTHONDEVMODE",
    "PYTHONASYNCIODEBUG",
    "PYTHONDEBUG",
    "PYTHONINSPECT",
    "PYTHONPROFILEIMPORTTIME",
    "PYTHONSAFEPATH",
    "PYTHONVERBOSE",
    "PYTHONWARNDEFAULTENCODING",
    "PYTHONMALLOCSTATS",
    "PYTHONDUMPREFS",
)
OPEN_FILES = 4096


def settle() -> None:
    """Open what is closed of the standard streams, and start anew without the switches where any is set."""
    _open_streams()
    _allow_open_files()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # notebooks run on all cores as it is, and sums are the same on any number
    os.environ.pop("IPYTHON_SUPPRESS_CONFIG_ERRORS", None)  # with a value that it does not know IPython would not start
    switches = [name for name in SWITCHES if os.environ.pop(name, None) is not None]
    options = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    if switches or any(option.startswith(("-W", "-X", "-P", "-v")) for option in options):
        os.execv(sys.executable, [sys.executable, "-m", "shockcheck", *sys.argv[1:]])


def _allow_open_files() -> None:
    """Allow this process as many open files as the system lets it have, within reason: every kernel takes a few dozen."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))


def _open_streams() -> None:
    """Let what is written to a stream that is closed go nowhere; else the next file that is opened would get its number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this one
            os.set_inheritable(nowhere, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
