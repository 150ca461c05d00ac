"""The supervisor: the one process that `serve --workers N` starts. It holds the listening socket and starts the rest.

In: a workspace, an address and how many workers. Out: runs until told to stop. It decides nothing, opens no store and
reads no key: control process, workers and model processes are started, watched and started again, each by itself. When
the control process dies, workers and models go on; when the supervisor dies, all of them end.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from shipworthy.errors import Unreachable
from shipworthy.models.supervise import supervise
from shipworthy.runtime.tree.child import Child, ChildSpec
from shipworthy.runtime.tree.host import ModelHost

CHILD = (sys.executable, "-m", "shipworthy.runtime.tree")
_log = logging.getLogger("shipworthy.supervisor")


class Supervisor:
    """The processes of one site. `command` starts a child; `spec` says what all of them have in common."""

    def __init__(self, root: Path, home: Path, workers: int, command: Sequence[str] = CHILD, **told: object) -> None:
        self.run_folder = Path(tempfile.mkdtemp(prefix="shipworthy-"))
        self.models = ModelHost()
        self._command = command
        self._workers = workers
        self._logs = home / "logs"
        self._common = {"root": str(root), "home": str(home), "run": str(self.run_folder), "workers": workers, **told}
        self.children: dict[str, Child] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self, listening: socket.socket, ready: Callable[[], None], leave: asyncio.Event) -> None:
        """Serve until `leave` is set. Raises Unreachable when the control process or a worker cannot start at all."""
        starting = asyncio.create_task(self._start(listening))
        left = asyncio.create_task(leave.wait())
        try:
            await asyncio.wait({starting, left}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                ready()
                await left
        finally:
            for task in (starting, left):
                task.cancel()
            await asyncio.gather(starting, left, return_exceptions=True)
            await self._end()

    async def _start(self, listening: socket.socket) -> None:
        """Start the control process, then all workers; return when they are ready."""
        await self.models.open(self.run_folder)
        await self._begin("control", role="control")
        begun = [
            self._begin(f"worker-{number}", role="worker", number=number, listen=listening.fileno())
            for number in range(self._workers)
        ]
        await asyncio.gather(*begun)

    async def _begin(self, name: str, **told: object) -> None:
        """Start one child and keep it running; return when it is ready for the first time."""
        spec = ChildSpec(**{**self._common, **told})  # type: ignore[arg-type]
        child = self.children[name] = Child(self._command, spec, self._logs / f"{name}.log")
        up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_up(_: int) -> None:
            if not up.done():
                up.set_result(None)

        def on_down(why: str) -> None:
            if not up.done():
                up.set_exception(Unreachable(why, str(child.spec.home)))
            else:
                _log.error("%s: %s; it is started again", name, why)

        self._tasks[name] = asyncio.create_task(supervise(child, on_up, on_down))
        await up

    async def _end(self) -> None:
        """Workers leave first, then the control process that they tell the rest, then the models."""
        for wanted in ("worker", "control"):
            tasks = [task for name, task in self._tasks.items() if name.startswith(wanted)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.models.close()
        shutil.rmtree(self.run_folder, ignore_errors=True)


def leaving() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set."""
    leave = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, leave.set)
    return leave
