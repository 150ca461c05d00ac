"""Where the versions of a gateway are computed: a supervised process each, or a server that somebody else runs.

In: admitted releases, and a table of versions that are computed elsewhere. Out: upstreams by version. A process that
dies is started again with a growing pause; until it is back its version has no place to be asked, and the gateway
replays on the baseline. For a version in the table no process is started, and the status says that the gate has not
seen what that server has loaded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from shipworthy.deploy.http.client import Pool, Upstream
from shipworthy.errors import Unreachable
from shipworthy.models.child import ModelProcess
from shipworthy.models.client import Answers, score_rows
from shipworthy.models.spec import Cell, Columns
from shipworthy.models.supervise import supervise
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.upstreams import Elsewhere, pool_of, scores_of

HEALTHY_WITHIN_S = 20.0
_CHECK_EVERY_S = 0.1
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
    def told(self) -> dict[str, dict[str, object]]: ...


class Models:
    """Starts, watches and stops model processes. One event loop. `elsewhere`: versions that other servers compute."""

    def __init__(
        self, logs: Path, elsewhere: Mapping[str, Elsewhere] | None = None, within_s: float = HEALTHY_WITHIN_S
    ) -> None:
        self._logs = logs
        self._elsewhere = dict(elsewhere or {})
        self._within_s = within_s
        self._columns: dict[str, Columns] = {}
        self._processes: dict[str, ModelProcess] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._upstreams: dict[str, Upstream] = {}

    @property
    def upstreams(self) -> dict[str, Upstream]:
        """Where each version's scores come from."""
        return self._upstreams

    async def start(self, one: Loaded) -> None:
        """Start the model of a version and wait until it answers for the first time.

        Raises Unreachable when a server elsewhere is not healthy in time.
        """
        if one.version in self._elsewhere:
            await self._reach(one, self._elsewhere[one.version])
            return
        process = one.process(self._logs / f"model-{one.version}.log")
        self._processes[one.version] = process
        up = asyncio.get_running_loop().create_future()
        pool: list[Pool] = []

        def on_up(port: int) -> None:
            if pool:
                pool[0].move(port)
            else:
                pool.append(Pool(process.host, port, again=one.release.idempotent))
                self.upstreams[one.version] = pool[0]
            if not up.done():
                up.set_result(port)

        def on_down(reason: str) -> None:
            _log.warning("model %s: %s", one.version, reason)

        self._tasks[one.version] = asyncio.create_task(supervise(process, on_up, on_down))
        await up

    async def stop(self, version: str) -> None:
        """Stop one version's model, or let the server elsewhere go."""
        upstream = self.upstreams.pop(version, None)
        if isinstance(upstream, Pool):
            upstream.close()
        task = self._tasks.pop(version, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._processes.pop(version, None)
        self._columns.pop(version, None)

    async def close(self) -> None:
        """Stop them all."""
        for version in [*self._tasks, *self._columns]:
            await self.stop(version)

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return the scores of many rows at once. Raises Unreachable when the version's model does not run."""
        return self.answers(version, rows).scores

    def answers(self, version: str, rows: list[list[Cell]]) -> Answers:
        """As `ask`, with the decisions that the model makes itself."""
        if version in self._columns:
            return Answers(scores=[*scores_of(self._elsewhere[version], self._columns[version], rows)])
        process = self._processes.get(version)
        if process is None or not process.alive():
            raise Unreachable(f"the model of version {version} is not running", "models", "see its log")
        return score_rows(process.port, rows)

    def pids(self) -> dict[str, int]:
        """Return the process id of each version's model."""
        return {version: process.pid for version, process in self._processes.items() if process.alive()}

    def told(self) -> dict[str, dict[str, object]]:
        """Return by version the `kind` of upstream, `where` it is, and whether the gate saw what it runs: `gated`."""
        told: dict[str, dict[str, object]] = {
            version: {"kind": "own", "where": f"http://{process.host}:{process.port}", "gated": True}
            for version, process in self._processes.items()
        }
        for version in self._columns:
            one = self._elsewhere[version]
            told[version] = {"kind": one.kind, "where": one.where, "gated": False}
        return told

    async def _reach(self, one: Loaded, elsewhere: Elsewhere) -> None:
        """Wait until a server elsewhere is healthy; from then on it is asked."""
        loop = asyncio.get_running_loop()
        columns = one.release.columns
        pool = pool_of(elsewhere, columns, one.release.idempotent)
        until = loop.time() + self._within_s
        while not await pool.healthy(min(until, loop.time() + 1.0)):
            if loop.time() + _CHECK_EVERY_S >= until:
                pool.close()
                raise Unreachable(f"the upstream of version {one.version} is not healthy", elsewhere.where, "start it")
            await asyncio.sleep(_CHECK_EVERY_S)
        self._columns[one.version] = columns
        self.upstreams[one.version] = pool
