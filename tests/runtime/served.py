"""A site served for real: gateway over HTTP on a free loopback port, model processes, and a clock turned by hand.

The server runs in a thread of this process, so that a test turns the clock and lets the controller keep up when it
wants to. `child.py` runs the same as a process of its own.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn

from shipworthy.runtime.app import App
from shipworthy.runtime.exports.prometheus import text_of
from shipworthy.runtime.models import ModelsLike
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.paging import Paging
from shipworthy.runtime.paging.receiver import Pace
from shipworthy.runtime.site import Site
from tests.flows.tiny import Tiny

Told = TypeVar("Told")
LIMIT_S = 30.0
QUICK = Pace(base_s=0.01, cap_s=0.05, most_s=0.2, again_s=0.2, within_s=0.3, tries=5)


class Served:
    """One running site. Use as a context manager."""

    def __init__(
        self,
        tiny: Tiny,
        observe_only: bool = False,
        body_within_s: float = 5.0,
        models: ModelsLike | None = None,
        pagers: Sequence[Pager] = (),
    ) -> None:
        self.tiny = tiny
        self._pagers = pagers
        self._models = models
        self._socket = socket.socket()  # held from the start: a port that was only looked up may be taken by then
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._observe_only = observe_only
        self._body_within_s = body_within_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.site, self._server, self._serving = self._run(self._open())
        except BaseException:
            self._end()
            raise
        wait_until(lambda: self._server.started)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._run(self._shut())
        self._end()

    def keep_up(self, minutes: float = 0) -> None:
        """Let minutes pass, then let the controller follow the state and judge."""
        self.tiny.clock.advance(60 * minutes)
        self._run(self.site.keep_up())

    def until_served(self, version: str) -> None:
        """Keep up until a version is loaded."""

        def loaded() -> bool:
            self.keep_up()
            return version in self.site.served

        wait_until(loaded)

    def decide(self, **row: Any) -> dict[str, Any]:
        """Ask for a decision that must come."""
        status, told = self.post("/decide", {"row": claim(**row)})
        assert status == 200, told
        return told

    def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        """Return status and body."""
        return ask(self.port, "POST", path, body)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return status and body."""
        return ask(self.port, "GET", path)

    def status(self) -> dict[str, Any]:
        """Return the status page."""
        return self.get("/status")[1]

    def orders(self) -> list[dict[str, Any]]:
        """Return the orders that hold, as the gateway tells them."""
        return [held["order"] for held in self.status()["state"]["orders"]]

    async def _open(self) -> tuple[Site, uvicorn.Server, asyncio.Task[None]]:
        site = Site(self.tiny.workspace, self._observe_only, self._models, self._pagers)
        await site.start()
        if self._pagers:  # at another pace than the product's, or no test would see a second word
            here = self.tiny.workspace
            site.paging = Paging(site, site.store, here.clock, here.host_key(), self._pagers, QUICK)
        self._paging = asyncio.create_task(site.paging.run(0.02))
        app = App(
            site.gateway,
            {"/status": lambda _: site.status(), "/checkpoint": site.checkpoint},
            site.api(self._body_within_s),
            lambda: text_of(site.metrics()),
            site.keys.caller,
            site.outside(),
        )
        config = uvicorn.Config(app, port=self.port, log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        return site, server, asyncio.create_task(server.serve(sockets=[self._socket]))

    async def _shut(self) -> None:
        await self._serving
        self._paging.cancel()
        await asyncio.gather(self._paging, return_exceptions=True)
        await self.site.close()

    def _run(self, work: Coroutine[Any, Any, Told]) -> Told:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()
        self._socket.close()


def claim(**given: Any) -> dict[str, Any]:
    """Return a row; by default one of acme that the machine approves."""
    return {"visit": "v-1", "tenant": "acme", "supplier": "S2", "speed": 18, "age": 50, **given}


def ask(port: int, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Send one JSON request; return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        raw = None if body is None else json.dumps(body).encode()
        connection.request(method, path, raw, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def free_port() -> int:
    """Return a port that is free on the loopback now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float = LIMIT_S) -> None:
    """Wait until it holds, in real time. Raises TimeoutError after so many seconds."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:g} s")
        time.sleep(0.01)


def served_by(told: Mapping[str, Any]) -> tuple[str, str]:
    """Return (version, route) of an answer."""
    return str(told["version"]), str(told["route"])
