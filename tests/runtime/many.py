"""A site served by several real processes: supervisor in a thread of this one, everything else as it is in production.

In: a tiny repository. Out: an address, a clock that all of them see, and the processes by name, for a test to kill.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from shipworthy.runtime.listening import bind
from shipworthy.runtime.tree.supervisor import Supervisor
from shipworthy.runtime.workspace import Workspace
from shipworthy.testing.clock import SharedClock
from tests.flows.tiny import Tiny
from tests.runtime.served import LIMIT_S, ask, claim, wait_until


class Many:
    """One running site of `workers` workers. Use as a context manager."""

    def __init__(self, tiny: Tiny, workers: int = 2, observe_only: bool = False) -> None:
        self.tiny = tiny
        path = tiny.at / "clock"
        self.clock = SharedClock(path, tiny.clock())
        self.workspace = Workspace(root=tiny.workspace.root, home=tiny.workspace.home, clock=self.clock)
        command = [sys.executable, "-m", "tests.runtime.tree_child", str(path)]
        root, home = tiny.workspace.root.absolute(), tiny.workspace.home.absolute()
        self.supervisor = Supervisor(root, home, workers, command, observe_only=observe_only)
        self._listening = bind("127.0.0.1", 0)
        self._listening.set_inheritable(True)
        self.port = int(self._listening.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._leave = asyncio.Event()
        self._ready = threading.Event()
        self._ended: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._ready.is_set() or self._ended is not None, 60)
        if self._ended is not None:
            raise self._ended
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._thread.join(LIMIT_S)
        self._listening.close()

    def decide(self, **row: Any) -> dict[str, Any]:
        """Ask for a decision that must come."""
        status, told = ask(self.port, "POST", "/decide", {"row": claim(**row)})
        assert status == 200, told
        return told

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return status and body."""
        return ask(self.port, "GET", path)

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """Return status and body."""
        return ask(self.port, "POST", path, body)

    def status(self) -> dict[str, Any]:
        """Return the status page."""
        return self.get("/status")[1]

    def kill(self, name: str) -> int:
        """Kill one process by its name, `control` or `worker-0`; return its id."""
        pid = self.supervisor.children[name].pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self, name: str) -> None:
        """Let one process stand still."""
        os.kill(self.supervisor.children[name].pid, signal.SIGSTOP)

    def until_back(self, name: str, before: int) -> None:
        """Wait until a killed process runs again."""
        child = self.supervisor.children[name]
        wait_until(lambda: child.alive() and child.pid != before and child.ready, 60)

    def logs(self) -> str:
        """Return what the children logged."""
        folder = Path(self.tiny.workspace.home) / "logs"
        return "\n".join(f"{one.name}: {one.read_text()}" for one in sorted(folder.glob("*.log")))

    def _work(self) -> None:
        try:
            self._loop.run_until_complete(self.supervisor.run(self._listening, self._ready.set, self._leave))
        except BaseException as problem:  # told to the test's own thread
            self._ended = problem
        finally:
            self._loop.close()


def plain(told: dict[str, Any]) -> bytes:
    """Return an answer without what differs from one process to the next: receipt, id and time."""
    return msgspec.json.encode({key: told[key] for key in sorted(told) if key not in ("receipt", "request", "at")})
