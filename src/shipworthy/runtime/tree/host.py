"""Model processes belong to the supervisor, so that they outlive the control process: who asks for them, and where
they are.

In: on a unix socket in the run's private directory, a JSON line a message: the control process asks to start and to
stop versions. Out: to everybody connected, where each version is reached, at once and whenever that changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from shipworthy.models.child import ModelProcess
from shipworthy.models.spec import Columns, OpenSpec
from shipworthy.models.supervise import supervise
from shipworthy.runtime.tree.streams import Streams

_log = logging.getLogger("shipworthy.host")
NAME = "models.sock"


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """Start the model of a version, or take it up where it runs."""

    version: str
    folder: str
    open: OpenSpec
    columns: Columns
    log: str


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Stop the model of a version."""

    version: str


class Up(msgspec.Struct, frozen=True, kw_only=True, tag="up"):
    """A version is reached at this port of the loopback."""

    version: str
    port: int
    pid: int


class Down(msgspec.Struct, frozen=True, kw_only=True, tag="down"):
    """A version is reached nowhere for the moment; `gone`: nor will it be."""

    version: str
    why: str
    gone: bool = False


asked = msgspec.json.Decoder(Start | Stop)
heard = msgspec.json.Decoder(Up | Down)


class ModelHost:
    """The model processes of one site. Lives in the supervisor's event loop."""

    def __init__(self) -> None:
        self._up: dict[str, Up] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._streams = Streams(self._serve)

    async def open(self, run: Path) -> None:
        """Take messages from now on."""
        await self._streams.open(run / NAME)

    async def close(self) -> None:
        """Stop every model."""
        for version in list(self._tasks):
            await self._stop(version)
        await self._streams.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for up in self._up.values():
                writer.write(msgspec.json.encode(up) + b"\n")
            while line := await reader.readline():
                await self._take(asked.decode(line))
        except (ConnectionError, msgspec.MsgspecError, ValueError) as problem:
            _log.error("a message about models was not understood, or nobody was there to hear: %s", problem)

    async def _take(self, message: Start | Stop) -> None:
        if isinstance(message, Stop):
            await self._stop(message.version)
            return
        if message.version not in self._tasks:
            process = ModelProcess(Path(message.folder), message.open, message.columns, Path(message.log))
            up, down = self._upper(message.version, process), self._downer(message.version)
            self._tasks[message.version] = asyncio.create_task(supervise(process, up, down))

    async def _stop(self, version: str) -> None:
        task = self._tasks.pop(version, None)
        self._up.pop(version, None)
        self._tell(Down(version=version, why="it is no longer served", gone=True))
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _upper(self, version: str, process: ModelProcess) -> Callable[[int], None]:
        def up(port: int) -> None:
            self._up[version] = Up(version=version, port=port, pid=process.pid)
            self._tell(self._up[version])

        return up

    def _downer(self, version: str) -> Callable[[str], None]:
        def down(why: str) -> None:
            _log.warning("model %s: %s", version, why)
            self._up.pop(version, None)
            self._tell(Down(version=version, why=why))

        return down

    def _tell(self, message: Up | Down) -> None:
        self._streams.tell(msgspec.json.encode(message) + b"\n")
