"""A model process that answers at once: whatever comes as one request gets the same score (its
argument, 0.5 by default).

Started by `upstream.py` as a process of its own, so that it shares no interpreter with what is measured. It prints its
port and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

SCORE = sys.argv[1] if len(sys.argv) > 1 else "0.5"
BODY = b'{"scores":[%b],"decisions":null}' % SCORE.encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(BODY), BODY)
_LENGTH = b"content-length:"


class Model(asyncio.Protocol):
    """Answers every complete request; no parsing beyond where it ends."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport, self._waiting = transport, b""

    def data_received(self, received: bytes) -> None:
        """Answer what is complete."""
        self._waiting += received
        while (end := _end_of(self._waiting)) is not None:
            self._waiting = self._waiting[end:]
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


def _end_of(waiting: bytes) -> int | None:
    head = waiting.find(b"\r\n\r\n")
    if head < 0:
        return None
    lines = waiting[:head].lower().split(b"\r\n")
    length = next((int(line.removeprefix(_LENGTH)) for line in lines if line.startswith(_LENGTH)), 0)
    end = head + 4 + length
    return end if len(waiting) >= end else None


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Model, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
