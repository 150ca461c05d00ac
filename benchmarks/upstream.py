"""Claim: the gateway's own client asks its model process in a fraction of what the standard library's clients take.

Everything is asked from one running event loop, as a gateway must: ours directly, the peers in threads. http.client
keeps one connection a thread, as ours keeps its pool; urllib.request opens a new one each time, as it always does. The
model process is the same for all and answers at once, so what remains is the cost of asking: writing the row as JSON,
the exchange, reading the score.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import uvloop

from benchmarks.harness import Result, compare
from shipworthy.deploy.http.client import Pool
from shipworthy.models.spec import Cell

ROW: list[Cell] = [0.5, 3, "P02", None, *[float(i) for i in range(26)]]
REQUESTS, AT_ONCE, DEADLINE_S = 160, 16, 10.0
Ask = Callable[[], Awaitable[object]]


def run() -> list[Result]:
    """Return the time of one request, one after the other and 16 at once."""
    command = [sys.executable, "-m", "benchmarks.loopback"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as model,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        assert model.stdout is not None
        assert model.stdin is not None
        port = int(model.stdout.readline())
        clients = Clients(port, threads)
        try:
            return [
                _measure(runner, f"request, {many} at once", peer, clients.ours, ask, many)
                for many in (1, AT_ONCE)
                for peer, ask in (("http.client in threads", clients.kept), ("urllib in threads", clients.fresh))
            ]
        finally:
            runner.run(clients.close())
            model.stdin.close()


class Clients:
    """The three ways to ask; each returns the score."""

    def __init__(self, port: int, threads: ThreadPoolExecutor) -> None:
        self.port = port
        self.threads = threads
        self.pool: Pool | None = None
        self.local = threading.local()
        self.open: list[http.client.HTTPConnection] = []

    async def ours(self) -> float:
        """Ask with the gateway's pool."""
        if self.pool is None:
            self.pool = Pool("127.0.0.1", self.port)
        scored = await self.pool.score(ROW, asyncio.get_running_loop().time() + DEADLINE_S)
        return scored.score

    async def kept(self) -> float:
        """Ask with http.client, one kept connection a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._kept)

    async def fresh(self) -> float:
        """Ask with urllib, a new connection each time."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._fresh)

    async def close(self) -> None:
        """Close every connection."""
        if self.pool is not None:
            self.pool.close()
        for connection in self.open:
            connection.close()

    def _kept(self) -> float:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
            self.open.append(connection)
        connection.request("POST", "/score", json.dumps({"rows": [ROW]}), {"content-type": "application/json"})
        return float(json.loads(connection.getresponse().read())["scores"][0])

    def _fresh(self) -> float:
        body = json.dumps({"rows": [ROW]}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/score", body, headers)
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return float(json.loads(answer.read())["scores"][0])


def _measure(runner: asyncio.Runner, what: str, peer: str, ours: Ask, theirs: Ask, many: int) -> Result:
    def job(ask: Ask) -> Callable[[], None]:
        return lambda: runner.run(_all(ask, many))

    return compare(what, peer, job(ours), job(theirs), rounds=7, jobs=REQUESTS)


async def _all(ask: Ask, many: int) -> None:
    """Ask REQUESTS times, `many` at once."""

    async def caller() -> None:
        for _ in range(REQUESTS // many):
            await ask()

    await asyncio.gather(*(caller() for _ in range(many)))
