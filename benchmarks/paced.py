"""A caller that sends at a fixed rate, whatever comes back: `python -m benchmarks.paced HOST PORT BODY RATE SECONDS`.

It prints one JSON object: how many were answered with which status, and the times to answer in seconds, each counted
from the moment the request was due, so that waiting to be sent is part of it (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
from collections import Counter
from typing import NamedTuple

CONNECTIONS = 16


class _Due(NamedTuple):
    at: float


class Caller:
    """Sends `rate` requests a second over a few connections."""

    def __init__(self, host: str, port: int, body: bytes) -> None:
        head = b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._address = host, port
        self._request = head % len(body) + body
        self._due: asyncio.Queue[_Due | None] = asyncio.Queue()
        self.statuses: Counter[str] = Counter()
        self.took_s: list[float] = []

    async def run(self, rate: float, seconds: float) -> None:
        """Send for so long; wait for the last answers."""
        loop = asyncio.get_running_loop()
        workers = [asyncio.create_task(self._worker()) for _ in range(CONNECTIONS)]
        start = loop.time() + 0.05
        for i in range(int(rate * seconds)):
            due = start + i / rate
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            self._due.put_nowait(_Due(due))
        for _ in workers:
            self._due.put_nowait(None)
        await asyncio.gather(*workers)

    async def _worker(self) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        loop = asyncio.get_running_loop()
        while (due := await self._due.get()) is not None:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            line = next(one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:"))
            await reader.readexactly(int(line.split(b":")[1]))
            self.took_s.append(loop.time() - due.at)
            self.statuses[head[9:12].decode()] += 1
        writer.close()


def _fine_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that wakes within microseconds: epoll and uvloop round a wait, and uvloop its clock, to 1 ms."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def main(args: list[str]) -> None:
    """Run one caller and print what it saw."""
    host, port, body, rate, seconds = args
    caller = Caller(host, int(port), body.encode())
    with asyncio.Runner(loop_factory=_fine_loop) as runner:
        runner.run(caller.run(float(rate), float(seconds)))
    print(json.dumps({"statuses": caller.statuses, "took_s": caller.took_s}))


if __name__ == "__main__":
    main(sys.argv[1:])
