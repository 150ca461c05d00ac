"""The model processes of a gateway: one per version in use, supervised, and the pool that reaches it.

In: admitted releases. Out: upstreams by version. A process that dies is started again with a growing pause; until it is
back its version has no place to be asked, and the gateway replays on the baseline.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from shipworthy.deploy.http.client import Pool, Upstream
from shipworthy.errors import Unreachable
from shipworthy.models.child import ModelProcess
from shipworthy.models.client import Answers, score_rows
from shipworthy.models.spec import Cell
from shipworthy.models.supervise import supervise
from shipworthy.runtime.releases import Loaded

_log = logging.getLogger("shipworthy.models")


class ModelsLike(Protocol):
    """Where the versions of a site are computed: `Models` in processes, `OwnModel` in the caller's."""

    @property
    def upstreams(self) -> dict[str, Upstream]: ...
    async def start(self, one: Loaded) -> None: ...
    async def stop(self, version: str) -> None: ...
    async def close(self) -> None: ...
    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]: ...
    def pids(self) -> dict[str, int]: ...


class Models:
    """Starts, watches and stops model processes. One event loop."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._processes: dict[str, ModelProcess] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._upstreams: dict[str, Upstream] = {}

    @property
    def upstreams(self) -> dict[str, Upstream]:
        """Where each version's scores come from."""
        return self._upstreams

    async def start(self, one: Loaded) -> None:
        """Start the model of a version and wait until it answers for the first time."""
        process = one.process(self._logs / f"model-{one.version}.log")
        self._processes[one.version] = process
        up = asyncio.get_running_loop().create_future()
        pool: list[Pool] = []

        def on_up(port: int) -> None:
            if pool:
                pool[0].move(port)
            else:
                pool.append(Pool(process.host, port))
                self.upstreams[one.version] = pool[0]
            if not up.done():
                up.set_result(port)

        def on_down(reason: str) -> None:
            _log.warning("model %s: %s", one.version, reason)

        self._tasks[one.version] = asyncio.create_task(supervise(process, on_up, on_down))
        await up

    async def stop(self, version: str) -> None:
        """Stop one version's model."""
        self.upstreams.pop(version, None)
        task = self._tasks.pop(version, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._processes.pop(version, None)

    async def close(self) -> None:
        """Stop them all."""
        for version in list(self._tasks):
            await self.stop(version)

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return the scores of many rows at once. Raises Unreachable when the version's model does not run."""
        return self.answers(version, rows).scores

    def answers(self, version: str, rows: list[list[Cell]]) -> Answers:
        """As `ask`, with the decisions that the model makes itself."""
        process = self._processes.get(version)
        if process is None or not process.alive():
            raise Unreachable(f"the model of version {version} is not running", "models", "see its log")
        return score_rows(process.port, rows)

    def pids(self) -> dict[str, int]:
        """Return the process id of each version's model."""
        return {version: process.pid for version, process in self._processes.items() if process.alive()}
