"""A process between a program and a kernel, which ends with either of them, and with it whatever the kernel has started.

On Linux a process whose parent has ended falls to the next ancestor that has asked for such processes, here to the keeper.
So what a cell starts is among the keeper's children in the end, be it in a session of its own or detached.
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
LOOK_S = 0.2  # from one look at the program to the next
KILL_WAIT_S = 5  # for what was killed to be gone
TRACKER = b"resource_tracker"  # in the command of multiprocessing's process that removes semaphores, and ends by itself


def is_supported() -> bool:
    """Return whether a kernel can be kept here: on Linux."""
    return sys.platform == "linux"


def keep(kernel: Callable[[], None], program_is_alive: Callable[[], bool]) -> int:
    """Run `kernel` in a process of its own until it or the program ends, and leave nothing of it; return its exit status.

    SIGTERM ends it before, SIGINT interrupts it. To be called in a process that does nothing else.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(TAKE_ORPHANS, 1)
    awaited = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    pid = os.fork()
    if pid == 0:
        libc.prctl(SIGNAL_AT_PARENTS_END, signal.SIGKILL)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _run(kernel)
    status = None
    while status is None:
        received = signal.sigtimedwait(awaited, LOOK_S)
        with suppress(ProcessLookupError):
            if received and received.si_signo == signal.SIGINT:
                os.killpg(pid, signal.SIGINT)
            if (received and received.si_signo == signal.SIGTERM) or not program_is_alive():
                os.kill(pid, signal.SIGKILL)
        status = _exit_statuses().get(pid)
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


def _exit_statuses() -> dict[int, int]:
    """Return the exit statuses of the children that have ended since the last call, by process."""
    statuses = {}
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            statuses[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    return statuses


def _end_children() -> None:
    """Kill whatever is left, and what falls to this process thereby, until there is nothing."""
    deadline = time.monotonic() + KILL_WAIT_S
    while children := _children():
        is_late = time.monotonic() > deadline
        for pid in children:
            with suppress(OSError):
                if is_late or TRACKER not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        if is_late:
            return
        time.sleep(0.002)
        _exit_statuses()


def _children() -> list[int]:
    """Return the processes that are children of this one."""
    own = os.getpid()
    with suppress(OSError):  # a Linux may be made without this file
        return [int(pid) for pid in Path(f"/proc/{own}/task/{own}/children").read_text().split()]
    return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if _parent(stat) == own]


def _parent(stat: Path) -> int | None:
    """Return the parent of the process whose `stat` file this is, None where it has ended."""
    with suppress(OSError):
        return int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
    return None


def main() -> None:
    """Be, or keep, an ordinary kernel, with the arguments that ipykernel takes."""
    # The process by whose end ipykernel would end is taken from it: its parent is the keeper, which ends with the program.
    program = int(os.environ.pop("JPY_PARENT_PID", os.getppid()))
    if not is_supported():
        os.environ["JPY_PARENT_PID"] = str(program)
        _be_kernel()
        return
    sys.exit(keep(_be_kernel, lambda: os.getppid() == program))


def _be_kernel() -> None:
    from shockcheck.warm import kernel

    kernel.main(sys.argv[1:])


if __name__ == "__main__":
    main()
