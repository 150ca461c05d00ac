"""What the gateway's tests stand on: releases with a trivial scorer, real model servers and a real gateway on loopback.

Nothing here pretends to be HTTP: the upstreams are the model server's own connections, the gateway runs under uvicorn.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import uvicorn
import uvloop

from shipworthy.contract.manifest import Decisions
from shipworthy.deploy.http.client import Pool
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.places import Keys, Row
from shipworthy.deploy.http.wiring import ForReview, Wiring
from shipworthy.deploy.neverevents import NeverEvents, compile_never
from shipworthy.deploy.release import Release
from shipworthy.deploy.routing import Routes
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import NORMAL, Event, Fact, LiveThresholds, NeverEvent, Posture, Receipt
from shipworthy.models.server import Connection
from shipworthy.models.spec import Cell, ScoreBody
from shipworthy.runtime.listening import config as listening
from shipworthy.store.review import Admission

KEY = bytes(range(32))
WORDS = Decisions()
COLUMNS = (("amount", "float"), ("supplier", "category"))
KNOWN = ("P01", "P02")
NOW = 1_700_000_000.25
ALL = Routes(baseline="1", candidate="2", share_bp=10_000, tenants=("acme",), salt="s")


class Seen(Fact, frozen=True, kw_only=True):
    """An OOD score."""

    p: float = 0.5
    view: str = "marginal"
    feature: str = ""
    flag: bool = False
    unseen: tuple[str, ...] = ()


class KnowsSuppliers:
    """A scorer that knows suppliers P01 and P02, and that amounts are at most 1000."""

    def score(self, row: Mapping[str, Any], /) -> Seen:
        unseen = self.bucket(row)
        if unseen:
            return Seen(p=0.001, view="unseen_category", feature="supplier", flag=True, unseen=unseen)
        amount = row.get("amount")
        if isinstance(amount, int | float) and amount > 1000:
            return Seen(p=0.001, view="out_of_range", feature="amount", flag=True)
        return Seen()

    def bucket(self, row: Mapping[str, Any], /) -> tuple[str, ...]:
        return () if row.get("supplier") in (*KNOWN, None) else ("supplier",)


def cut(version: str = "1", deny: float | None = 0.3, approve: float | None = 0.7) -> LiveThresholds:
    return LiveThresholds(version=version, bucket="*", deny=deny, approve=approve, at="", n=0)


def never(**events: str) -> NeverEvents:
    return compile_never([NeverEvent(name=name, never=text) for name, text in events.items()])


def release(version: str = "1", **changes: Any) -> Release:
    told: dict[str, Any] = {"words": WORDS, "columns": COLUMNS, "scorer": KnowsSuppliers(), "never": never()}
    return Release(version=version, **(told | changes))


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait for what happens after an answer; long enough for a busy machine."""
    until = time.monotonic() + 30
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return condition()


def score_of_amount(rows: list[list[Cell]]) -> ScoreBody:
    """Score a row by its amount in thousandths."""
    return ScoreBody(scores=[None if row[0] is None else float(row[0]) / 1000 for row in rows])


def upside_down(rows: list[list[Cell]]) -> ScoreBody:
    """The candidate's opinion: the contrary of the baseline's."""
    return ScoreBody(scores=[1 - float(row[0] or 0) / 1000 for row in rows])


def broken(rows: list[list[Cell]]) -> ScoreBody:
    raise RuntimeError("this model is broken")


@dataclass
class Told:
    """What the gateway told the world."""

    events: list[Event] = field(default_factory=list)
    callers: list[tuple[Event, Row, str]] = field(default_factory=list)
    shadows: list[Event] = field(default_factory=list)
    reviews: list[ForReview] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    labels: list[tuple[Receipt, int]] = field(default_factory=list)


@dataclass
class State:
    """The state of the moment, turned by hand."""

    routes: Routes = field(default_factory=lambda: Routes(baseline="1"))
    postures: Callable[[str, str, Mapping[str, str]], Posture] = lambda version, tenant, keys: NORMAL
    closed: frozenset[str] = frozenset()
    shadow: tuple[str, ...] = ()
    queue_works: bool = True
    queue_holds: int = 1_000_000
    told: Told = field(default_factory=Told)


def wiring_of(state: State, releases: dict[str, Release], upstreams: dict[str, Any], **changes: Any) -> Wiring:
    async def enqueue(review: ForReview) -> Admission:
        if not state.queue_works:
            raise OSError("disk full")
        if len(state.told.reviews) >= state.queue_holds:
            return Admission.OVERFLOW
        state.told.reviews.append(review)
        return Admission.QUEUED

    async def on_label(receipt: Receipt, label: int, source: str) -> str:
        state.told.labels.append((receipt, label))
        return "accepted"

    def sink(event: Event, row: Row, peer: str) -> None:
        state.told.events.append(event)
        state.told.callers.append((event, row, peer))

    told: dict[str, Any] = {
        "model": "claims",
        "mac_key": KEY,
        "routes": lambda: state.routes,
        "releases": releases,
        "upstreams": upstreams,
        "posture": lambda version, tenant, keys: state.postures(version, tenant, keys),
        "closed": lambda version: version in state.closed,
        "epoch": lambda: 7,
        "thresholds": lambda version, bucket: cut(version) if bucket == "*" else None,
        "sink": sink,
        "sink_shadow": lambda event, row: state.told.shadows.append(event),
        "shadow": lambda: state.shadow,
        "enqueue": enqueue,
        "on_label": on_label,
        "on_failure": lambda version, reason: state.told.failures.append((version, reason)),
        "keys": Keys(tenant="tenant", unit="claim", segments=("supplier",)),
        "throttles": Throttles(),
        "clock": lambda: NOW,
        "deadline_s": 5.0,  # of a request: only a test of what is late makes it short
    }
    return Wiring(**(told | changes))


class Site:
    """A running gateway and its upstreams."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.port = 0
        self.gateway: Gateway
        self.servers: dict[str, asyncio.Server] = {}
        self.pools: dict[str, Pool] = {}
        self.loop: asyncio.AbstractEventLoop

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, raw, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            read = response.read()
            return response.status, json.loads(read), {key.lower(): value for key, value in response.getheaders()}
        finally:
            connection.close()

    def decide(self, **row: Cell) -> tuple[int, Any, dict[str, str]]:
        return self.ask("POST", "/decide", {"row": {"tenant": "acme", "supplier": "P01", **row}})


@contextmanager
def running(
    state: State,
    models: Mapping[str, Callable[[list[list[Cell]]], Any]],
    releases: dict[str, Release] | None = None,
    ports: dict[str, int] | None = None,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    lane: bool = True,
    **changes: Any,
) -> Iterator[Site]:
    """Run a gateway over one real upstream server a version. `ports`: upstreams that run elsewhere; `lane`: with the
    fast lane, as it is served."""
    site = Site(state)
    ready, stop = threading.Event(), threading.Event()
    trouble: list[BaseException] = []

    async def main() -> None:
        site.loop = asyncio.get_running_loop()
        for version, port in (ports or {}).items():
            site.pools[version] = Pool("127.0.0.1", port)
        for version, score in models.items():
            server = await site.loop.create_server(partial(Connection, score), "127.0.0.1", 0)
            site.servers[version] = server
            site.pools[version] = Pool("127.0.0.1", server.sockets[0].getsockname()[1])
        held = releases or {version: release(version) for version in site.pools}
        site.gateway = Gateway(wiring_of(state, held, dict(site.pools), **changes))
        bound = socket.create_server(("127.0.0.1", 0))
        site.port = bound.getsockname()[1]
        config = listening(site.gateway, quick=site.gateway.quick_paths() if lane else {})
        config.lifespan, config.log_config = "on", None
        config.load()
        serving = uvicorn.Server(config)
        serving.lifespan = config.lifespan_class(config)
        await serving.startup(sockets=[bound])
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.005)
        await serving.shutdown(sockets=[bound])
        for pool in site.pools.values():
            pool.close()
        for server in site.servers.values():
            server.close()
        await asyncio.sleep(0)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(main())
        except BaseException as error:
            trouble.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        ready.wait(20)
        assert not trouble, trouble
        yield site
    finally:
        stop.set()
        thread.join(20)
    assert not trouble, trouble
