"""How a kernel of a `Server` comes up: the provisioner that its kernels name, and a client that loses no time on it.

A kernel provisioner is the extension point that jupyter_client documents for this: everything else, from papermill down
to the messages, is as with any kernel.
"""

import asyncio
import math
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, List, Unicode

from shockcheck.warm import forking, keeper, kernel
from shockcheck.warm.pool import connection

SOCKET_WAIT_S = 60  # for a kernel's sockets, after which the client, which waits longer, connects all the same


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel by a fork, or anew where it is not `forked`, kept by a `keeper` that takes all with it in the end.

    The settings are those of a `Server`, which writes them into its kernel's specification.
    """

    forked = Bool(True)
    folder = Unicode(help="Where kernels start; empty: in the working directory.")
    home = Unicode(help="The folder of the server's files, which is its name too.")
    preload = List(Unicode())
    scratch = Unicode()
    _own_folder: str | None = None  # of a run that was given none

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Let the sockets be files, in a folder of the kernel's own unless the caller has configured another."""
        manager: Any = self.parent
        if manager.transport != "ipc":
            self._own_folder = tempfile.mkdtemp(prefix="run-", dir=self.home)
            for name, value in connection(Path(self._own_folder)).items():
                if name != "client_factory" or isinstance(manager, AsyncKernelManager):
                    setattr(manager, name, value)
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel with the arguments and the environment of any other, in the server's folder."""
        if self.folder:
            kwargs["cwd"] = kwargs.get("cwd") or self.folder
        if not self.forked:
            return await super().launch_kernel(cmd, **kwargs)
        arguments = cmd[cmd.index(kernel.__name__) + 1 :]
        target = (arguments, f"{kwargs.get('cwd') or Path.cwd()}", dict(kwargs["env"]))
        process = multiprocessing.get_context("forkserver").Process(target=_run, args=target, name=self.home, daemon=True)
        forking.start(self.preload, Path(self.scratch))
        try:
            process.start()
        except (OSError, EOFError) as error:  # the process to fork from has ended, or can have no more files
            raise RuntimeError(f"no kernel can be forked ({error})") from error
        self.process = _Popen(process)  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        await self._until_it_listens()
        return self.connection_info

    def end(self) -> None:
        """End the kernel, and what it has started, without waiting for that."""
        if self.process:
            self.process.terminate() if keeper.is_supported() else self.process.kill()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and wait for that: milliseconds; jupyter_client would look again after a tenth of a second."""
        self.end()
        if self.process:
            self.process.wait()

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel: it has nothing left to do."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the folder of a kernel that has ended, unless it starts once more."""
        await super().cleanup(restart)
        if self._own_folder and not restart:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    async def _until_it_listens(self) -> None:
        """Wait for its sockets to be there: who connects before that is held up for a tenth of a second, or a few."""
        info = self.connection_info
        sockets = [f"{info['ip']}-{port}" for name, port in info.items() if name.endswith("_port")]
        end = time.monotonic() + SOCKET_WAIT_S
        while not all(map(os.path.exists, sockets)):
            has_ended = self.process is None or self.process.poll() is not None
            if has_ended or time.monotonic() > end:  # which the client finds out, and says
                return
            await asyncio.sleep(0.005)


class WarmClient(AsyncKernelClient):
    """Goes on as soon as a kernel is ready; jupyter_client waits another fifth of a second for what else it may say."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and says that it is idle; raises RuntimeError where it ends or takes too long."""
        manager: Any = self.parent
        end = time.monotonic() + (timeout or math.inf)
        while time.monotonic() < end and await manager._async_is_alive():
            asked = self.kernel_info()
            with suppress(Empty):  # asked again: what it said before the channel was up is lost
                self._handle_kernel_info_reply(await self.shell_channel.get_msg(timeout=0.2))
                while not _is_idle_after(asked, await self.iopub_channel.get_msg(timeout=0.2)):
                    pass
                return
        raise RuntimeError("the kernel ended before it was ready, or took too long")


def _is_idle_after(asked: str, message: dict[str, Any]) -> bool:
    is_answer: bool = message["parent_header"].get("msg_id") == asked
    return is_answer and message["content"].get("execution_state") == "idle"


class _Popen:
    """A process of multiprocessing's with the face of one of subprocess's, which the provisioner knows."""

    stdin = stdout = stderr = None

    def __init__(self, process: ForkServerProcess) -> None:
        if process.pid is None:
            raise RuntimeError("the process has not started")
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
    """Become, in the fork, the leader of a group of its own, as a new kernel would, and keep a kernel."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update({name: value for name, value in environment.items() if name != "JPY_PARENT_PID"})
    program = multiprocessing.parent_process()
    sys.exit(keeper.keep(lambda: _be_kernel(arguments), lambda: program is not None and program.is_alive()))


def _be_kernel(arguments: list[str]) -> None:
    sys.argv = ["ipykernel_launcher", *arguments]
    _forget_the_fork()
    kernel.run(arguments)


def _forget_the_fork() -> None:
    """Be what a new interpreter is to multiprocessing: the main process, which may have children, with a tracker of its own.

    multiprocessing has no functions for this.
    """
    process = multiprocessing.current_process()
    process.name, process.daemon, process._identity = "MainProcess", False, ()
    multiprocessing.process._parent_process = None  # type: ignore[attr-defined]
    multiprocessing.set_start_method(None, force=True)
    tracker: Any = resource_tracker._resource_tracker
    if tracker._fd is not None:
        os.close(tracker._fd)
    tracker._fd = None
