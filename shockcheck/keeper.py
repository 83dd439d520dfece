"""A process between a build and a kernel, which ends with either of them, and with it whatever the kernel has started.

On Linux a process whose parent has ended falls to the next ancestor that has asked for such processes, here to the keeper.
So what a cell starts is found among the keeper's children in the end, be it in a session of its own or detached.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TAKE_ORPHANS, SIGNAL_AT_PARENTS_END = 36, 1  # of prctl, as in <linux/prctl.h>
LOOK = 0.2  # seconds from one look at the build to the next
PATIENCE = 5  # seconds for what was killed to be gone
TIDIER = b"resource_tracker"  # in the command of multiprocessing's process that removes semaphores, and ends by itself
possible = sys.platform == "linux"


def keep(kernel: Callable[[], None], build_is_alive: Callable[[], bool]) -> int:
    """Run `kernel` in a process of its own, until it or the build ends, and leave nothing of it; returns its exit status.

    SIGTERM ends it before, SIGINT interrupts it. To be called in a process that does nothing else.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(TAKE_ORPHANS, 1)
    heeded = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, heeded)
    pid = os.fork()
    if pid == 0:
        libc.prctl(SIGNAL_AT_PARENTS_END, signal.SIGKILL)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _run(kernel)
    status = None
    while status is None:
        heard = signal.sigtimedwait(heeded, LOOK)
        with suppress(ProcessLookupError):
            if heard and heard.si_signo == signal.SIGINT:
                os.killpg(pid, signal.SIGINT)
            if (heard and heard.si_signo == signal.SIGTERM) or not build_is_alive():
                os.kill(pid, signal.SIGKILL)
        status = _ended().get(pid)
    _end_children()
    return status


def _run(kernel: Callable[[], None]) -> None:
    """Be the kernel, and never return."""
    status = 1
    try:
        kernel()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _ended() -> dict[int, int]:
    """The exit statuses of the children that have ended since the last look, by process."""
    statuses = {}
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            statuses[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    return statuses


def _end_children() -> None:
    """Kill whatever is left, and what falls to this process thereby, until there is nothing."""
    patient_until = time.monotonic() + PATIENCE
    while children := _children():
        late = time.monotonic() > patient_until
        for pid in children:
            with suppress(OSError):
                if late or TIDIER not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        if late:
            return
        time.sleep(0.002)
        _ended()


def _children() -> list[int]:
    own = os.getpid()
    with suppress(OSError):  # a kernel may be made without this file
        return [int(pid) for pid in Path(f"/proc/{own}/task/{own}/children").read_text().split()]
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent(stat) == own]


def _parent(stat: Path) -> int | None:
    with suppress(OSError):
        return int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
    return None


def main() -> None:
    """Be, or keep, an ordinary kernel, with the arguments that ipykernel takes."""
    build = int(os.environ.pop("JPY_PARENT_PID", os.getppid()))  # ipykernel would end with this process, which ends with it
    if not possible:
        os.environ["JPY_PARENT_PID"] = str(build)
        _be_kernel()
        return
    sys.exit(keep(_be_kernel, lambda: os.getppid() == build))


def _be_kernel() -> None:
    from shockcheck import kernel

    kernel.main(sys.argv[1:])


if __name__ == "__main__":
    main()
