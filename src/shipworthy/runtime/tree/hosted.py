"""The models of the supervisor, as the control process and the workers see them.

In: the socket of the model host. Out: upstreams by version, each a pool to where the model is reached now. A version
that is down keeps its pool: what asks it hears that nothing is there, and is replayed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from shipworthy.deploy.http.client import Pool, Upstream
from shipworthy.errors import Unreachable
from shipworthy.models.client import Answers, score_rows
from shipworthy.models.spec import Cell, columns_of, open_spec
from shipworthy.runtime.models import Models
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.tree.host import NAME, Down, Start, Stop, Up, heard
from shipworthy.runtime.upstreams import Elsewhere

_log = logging.getLogger("shipworthy.models")
LOOPBACK = "127.0.0.1"


class HostedModels:
    """Where the versions of a site are computed. `asks` False: only listens, as a worker does."""

    def __init__(self, run: Path, logs: Path, asks: bool, elsewhere: Mapping[str, Elsewhere] | None = None) -> None:
        self._path = run / NAME
        self._logs = logs
        self._asks = asks
        self._elsewhere = dict(elsewhere or {})
        self._foreign = Models(logs, self._elsewhere)
        self._upstreams: dict[str, Upstream] = {}
        self._pools: dict[str, Pool] = {}
        self._up: dict[str, Up] = {}
        self._again: dict[str, bool] = {}
        self._came = asyncio.Condition()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def upstreams(self) -> dict[str, Upstream]:
        """Where each version's scores come from."""
        return self._upstreams

    async def open(self) -> None:
        """Listen from now on. Raises Unreachable when nobody is there."""
        try:
            reader, self._writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise Unreachable(f"the supervisor does not answer: {error.strerror}", str(self._path)) from error
        self._reading = asyncio.create_task(self._read(reader))

    async def start(self, one: Loaded) -> None:
        """Ask for the model of a version, and wait until it is up. Another server is reached from here."""
        if one.version in self._elsewhere:
            await self._foreign.start(one)
            self._upstreams[one.version] = self._foreign.upstreams[one.version]
            return
        self._again[one.version] = one.release.idempotent
        if self._asks:
            manifest = one.contract.manifest
            folder = str((one.folder / manifest.artefacts).absolute())
            columns, log = columns_of(manifest.features), str(self._logs / f"model-{one.version}.log")
            spec = open_spec(manifest.adapter)
            self._say(Start(version=one.version, folder=folder, open=spec, columns=columns, log=log))
        async with self._came:
            await self._came.wait_for(lambda: one.version in self._up)
            self._reach(self._up[one.version])

    async def stop(self, version: str) -> None:
        """Let a version go."""
        if version in self._elsewhere:
            self._upstreams.pop(version, None)
            await self._foreign.stop(version)
        elif self._asks:
            self._say(Stop(version=version))
        else:
            self._forget(version)

    async def close(self) -> None:
        """Listen no more. The models stay with the supervisor."""
        await self._foreign.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return the scores of many rows at once. Raises Unreachable when the version's model does not run."""
        return self.answers(version, rows).scores

    def answers(self, version: str, rows: list[list[Cell]]) -> Answers:
        """As `ask`, with the decisions that the model makes itself."""
        if version in self._elsewhere:
            return self._foreign.answers(version, rows)
        up = self._up.get(version)
        if up is None:
            raise Unreachable(f"the model of version {version} is not running", "models", "see its log")
        return score_rows(up.port, rows)

    def pids(self) -> dict[str, int]:
        """Return the process id of each version's model."""
        return {version: up.pid for version, up in self._up.items()}

    def told(self) -> dict[str, dict[str, object]]:
        """Return by version the `kind` of upstream, `where` it is, and whether the gate saw what it runs."""
        own: dict[str, dict[str, object]] = {
            version: {"kind": "own", "where": f"http://{LOOPBACK}:{up.port}", "gated": True}
            for version, up in self._up.items()
        }
        return own | self._foreign.told()

    def _say(self, message: Start | Stop) -> None:
        if self._writer is None or self._writer.is_closing():
            raise Unreachable("the supervisor does not answer", str(self._path))
        self._writer.write(msgspec.json.encode(message) + b"\n")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = heard.decode(line)
            async with self._came:
                self._take(message)
                self._came.notify_all()

    def _take(self, message: Up | Down) -> None:
        version = message.version
        if isinstance(message, Down):
            self._up.pop(version, None)
            if message.gone:
                self._forget(version)
            else:
                _log.warning("model %s: %s", version, message.why)
            return
        self._up[version] = message
        if version in self._again:
            self._reach(message)

    def _reach(self, up: Up) -> None:
        pool = self._pools.get(up.version)
        if pool is None:
            again = self._again[up.version]
            self._pools[up.version] = self._upstreams[up.version] = Pool(LOOPBACK, up.port, again=again)
        else:
            pool.move(up.port)

    def _forget(self, version: str) -> None:
        self._again.pop(version, None)
        self._upstreams.pop(version, None)
        pool = self._pools.pop(version, None)
        if pool is not None:
            pool.close()
