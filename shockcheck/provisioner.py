"""How a warm kernel comes up: the provisioner of the kernel `warm` names, and a client that loses no time on it.

A kernel provisioner is the extension point that jupyter_client documents for this: everything else, from papermill down
to the messages, is as with any kernel.
"""

import asyncio
import math
import multiprocessing
import os
import signal
import sys
import time
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool

from shockcheck import keeper, kernel, warm

UNHEARD = 60  # seconds without a socket of a kernel's, after which the client, which waits longer, connects all the same


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel by a fork, or anew where it is not `forked`, kept by a `keeper` that takes all with it in the end."""

    forked = Bool(True)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Fork a kernel with the arguments, the folder and the environment that it would have been started with."""
        if not self.forked:
            return await super().launch_kernel(cmd, **kwargs)
        arguments = cmd[cmd.index(kernel.__name__) + 1 :]
        process = multiprocessing.get_context("forkserver").Process(
            target=_run, args=(arguments, f"{kwargs.get('cwd') or Path.cwd()}", dict(kwargs["env"])), daemon=True
        )
        try:
            warm.start()
            process.start()
        except (OSError, EOFError) as error:  # the process to fork from has ended, or can have no more files
            raise RuntimeError(f"no kernel can be forked ({error})") from error
        self.process = _Popen(process)
        self.pid = self.pgid = process.pid
        await self._until_it_listens()
        return self.connection_info

    def end(self) -> None:
        """End it, and what it has started, without waiting for that."""
        if self.process:
            self.process.terminate() if keeper.possible else self.process.kill()

    async def kill(self, restart: bool = False) -> None:
        """End it and wait for that: milliseconds, where jupyter_client would look again after a tenth of a second."""
        self.end()
        if self.process:
            self.process.wait()

    async def terminate(self, restart: bool = False) -> None:
        """End it: it has nothing left to do."""
        await self.kill(restart)

    async def _until_it_listens(self) -> None:
        """Wait for its sockets to be there: who connects before that is held up for a tenth of a second, or a few."""
        of = self.connection_info
        sockets = [f"{of['ip']}-{port}" for name, port in of.items() if name.endswith("_port")]
        end = time.monotonic() + UNHEARD
        while of["transport"] == "ipc" and not all(map(os.path.exists, sockets)):
            if self.process.poll() is not None or time.monotonic() > end:  # which the client finds out, and says
                return
            await asyncio.sleep(0.005)


class WarmClient(AsyncKernelClient):
    """Goes on as soon as a kernel is ready; jupyter_client waits another fifth of a second for what else it may say."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and says that it is idle; raises RuntimeError where it ends or takes too long."""
        end = time.monotonic() + (timeout or math.inf)
        while time.monotonic() < end and await self.parent._async_is_alive():
            asked = self.kernel_info()
            with suppress(Empty):  # asked again: what it said before the channel was up is lost
                self._handle_kernel_info_reply(await self.shell_channel.get_msg(timeout=0.2))
                while not _is_idle_after(asked, await self.iopub_channel.get_msg(timeout=0.2)):
                    pass
                return
        raise RuntimeError("the kernel ended before it was ready, or took too long")


def _is_idle_after(asked: str, message: dict[str, Any]) -> bool:
    return message["parent_header"].get("msg_id") == asked and message["content"].get("execution_state") == "idle"


class _Popen:
    """A process of multiprocessing's with the face of one of subprocess's, which the provisioner knows."""

    stdin = stdout = stderr = None

    def __init__(self, process: multiprocessing.Process) -> None:
        self._process, self.pid = process, process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """In the fork: become the leader of a group of one's own, as a new kernel would, and keep a kernel."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update({name: value for name, value in environment.items() if name != "JPY_PARENT_PID"})
    build = multiprocessing.parent_process()
    sys.exit(keeper.keep(lambda: _be_kernel(arguments), build.is_alive))


def _be_kernel(arguments: list[str]) -> None:
    sys.argv = ["ipykernel_launcher", *arguments]
    _forget_the_fork()
    kernel.run(arguments)


def _forget_the_fork() -> None:
    """Be what a new interpreter is to multiprocessing: the main process, which may have children, with a tracker of its own.

    It has no functions for this.
    """
    process = multiprocessing.current_process()
    process.name, process.daemon, process._identity = "MainProcess", False, ()
    multiprocessing.process._parent_process = None
    multiprocessing.set_start_method(None, force=True)
    tracker = resource_tracker._resource_tracker
    if tracker._fd is not None:
        os.close(tracker._fd)
    tracker._fd = None
