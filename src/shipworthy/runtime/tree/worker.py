"""One worker: answers requests on the socket that all workers share.

In: a `ChildSpec` and a clock. Out: runs until its standard input ends, then finishes what is under way, tells the rest
and leaves. What it needs of the control process for a decision is nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

from shipworthy.deploy.throttle import Part
from shipworthy.observe.minutes import minute_of
from shipworthy.runtime.app import CONTROL, Divided
from shipworthy.runtime.certificates import Tls
from shipworthy.runtime.listening import Server, config
from shipworthy.runtime.serve import grpc_at
from shipworthy.runtime.tree.child import ChildSpec
from shipworthy.runtime.tree.feed import Feed
from shipworthy.runtime.tree.forward import Forward
from shipworthy.runtime.tree.front import Front
from shipworthy.runtime.tree.hosted import HostedModels
from shipworthy.runtime.tree.leaving import Leaving
from shipworthy.runtime.tree.slots import Slots
from shipworthy.runtime.upstreams import read_upstreams
from shipworthy.runtime.workspace import Clock, Workspace

FIRST_SIGN_S = 2.0
_log = logging.getLogger("shipworthy.worker")


async def work(spec: ChildSpec, clock: Clock, ready: int, leaving: Leaving) -> None:
    """Serve until told to leave. `ready`: a descriptor that gets a line once requests are taken."""
    run = Path(spec.run)
    workspace = Workspace(root=Path(spec.root), home=Path(spec.home), clock=clock)
    slots = Slots(run / "slots", spec.workers)
    feed = Feed(run, spec.number, os.getpid(), slots)
    models = HostedModels(run, workspace.home / "logs", False, read_upstreams(spec.upstreams))
    await models.open()
    front = Front(workspace, models, feed, spec.observe_only, Part(spec.number, spec.workers))
    keeping = asyncio.create_task(feed.keep())
    watching = asyncio.create_task(_watch(front, feed, slots, spec.number))
    try:
        await front.start()
        await _first_sign(feed)
        await _serve(front, run, spec, ready, leaving)
        feed.send(_minute(front), bye=True)
        await feed.drain()
    finally:
        for task in (keeping, watching):
            task.cancel()
        await asyncio.gather(keeping, watching, return_exceptions=True)
        await front.close()
        await models.close()


async def _serve(front: Front, run: Path, spec: ChildSpec, ready: int, leaving: Leaving) -> None:
    tls = Tls(Path(spec.tls_cert), Path(spec.tls_key)) if spec.tls_cert else None
    listening = config(Divided(front.gateway, Forward(run)), tls=tls, quick=front.gateway.quick_paths(without=CONTROL))
    server = Server(listening, lambda _: _tell(ready))
    leaving.by(server.leave)
    async with grpc_at(front.gateway, spec.host, spec.grpc_port, tls, shared=True):
        await server.serve(sockets=[socket.socket(fileno=spec.listen)])


async def _watch(front: Front, feed: Feed, slots: Slots, number: int) -> None:
    """Tell the control process what was seen, follow the state, and write which epoch this worker answers by."""
    epoch = -1
    while True:
        try:
            await front.keep_up()
            if front.live.state.epoch != epoch:
                epoch = front.live.state.epoch
                slots.saw(number, epoch, int(front.workspace.clock().timestamp() * 1_000_000))
            feed.send(_minute(front))
        except Exception:  # whatever it is, a worker that tells nothing any more would look quiet
            _log.exception("a round of this worker failed; the next one tries again")
        await feed.due()


async def _first_sign(feed: Feed) -> None:
    """Wait until the control process hears this worker, for a while: without it decisions are made all the same."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_SIGN_S):
            await feed.connected.wait()


def _minute(front: Front) -> int:
    return minute_of(front.workspace.clock())


def _tell(ready: int) -> None:
    os.write(ready, b"ready\n")
