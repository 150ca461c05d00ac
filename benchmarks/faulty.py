"""A model server that breaks on demand: answers at once until a line on its standard input says how to break.

Started by `lossless.py` as a process of its own. It prints its port; a line `500`, `truncated` or `reset` changes what
it answers from then on; it ends when its standard input does. Killed and stopped it is by signal.
"""

from __future__ import annotations

import asyncio
import sys
import threading

import uvloop

from benchmarks.loopback import ANSWER, BODY, _end_of

_HEAD = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_ERROR = b'{"error":"broken"}'
ANSWERS = {
    "": ANSWER,
    "500": _HEAD % (b"500 Internal Server Error", len(_ERROR), _ERROR),
    "truncated": _HEAD % (b"200 OK", len(BODY) - 4, BODY[:-4]),
    "reset": _HEAD % (b"200 OK", len(BODY) + 100, BODY),
}
way = ""


class Model(asyncio.Protocol):
    """Answers every complete request in the way of the moment."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport, self._waiting = transport, b""

    def data_received(self, received: bytes) -> None:
        """Answer what is complete."""
        self._waiting += received
        while (end := _end_of(self._waiting)) is not None:
            self._waiting = self._waiting[end:]
            self._transport.write(ANSWERS[way])  # type: ignore[attr-defined]
            if way == "reset":  # once part of the body is on its way
                asyncio.get_running_loop().call_later(0.001, self._transport.abort)  # type: ignore[attr-defined]


def _hear(end: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    global way
    for line in sys.stdin:
        way = line.strip()
        print("ok", flush=True)
    loop.call_soon_threadsafe(end.set)


async def _serve() -> None:
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(Model, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=_hear, args=(end, loop), daemon=True).start()
    await end.wait()
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
