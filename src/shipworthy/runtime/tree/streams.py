"""A unix socket that children of the supervisor talk on.

In: a path, and what serves one connection. Out: an open socket; closing it ends the connections and waits until what
served them has finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Streams:
    """Connections to one path. One event loop."""

    def __init__(self, serve: Serve, limit: int = 1 << 20) -> None:
        self._serve = serve
        self._limit = limit
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def open(self, path: Path) -> None:
        """Take connections from now on. What stands at the path, of a process that died, is replaced."""
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._connected, path, limit=self._limit)

    async def close(self) -> None:
        """Take no more, and wait until all that came is served."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.close()
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    def tell(self, line: bytes) -> None:
        """Write to everybody who is connected."""
        for writer in self._open:
            writer.write(line)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            await self._serve(reader, writer)
        finally:
            self._open.pop(writer, None)
            writer.close()
