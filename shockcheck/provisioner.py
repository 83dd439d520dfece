"""How a warm kernel comes up: the provisioner of the kernel `warm` names, and a client that loses no time on it.

A kernel provisioner is the extension point that jupyter_client documents for this: everything else, from papermill down
to the messages, is as with any kernel.
"""

import asyncio
import math
import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.provisioning import LocalProvisioner

from shockcheck import kernel, warm

UNHEARD = 60  # seconds


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel by a fork; all the rest, signals, time-outs and the end of it, is as with a local process."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Fork a kernel with the arguments, the folder and the environment that it would have been started with."""
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

    async def kill(self, restart: bool = False) -> None:
        """Kill it and wait for its end: milliseconds, where jupyter_client would look again after a tenth of a second."""
        await super().kill(restart)
        if self.process:
            self.process.wait()

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
    """In the fork: become the leader of a group of one's own, as a new kernel would, and be a kernel."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update({name: value for name, value in environment.items() if name != "JPY_PARENT_PID"})
    threading.Thread(target=_follow, args=(multiprocessing.parent_process(),), daemon=True).start()
    kernel.run(arguments)


def _follow(build: multiprocessing.process.BaseProcess) -> None:
    """End with the process of the build, even where that is killed."""
    build.join()
    os._exit(1)
