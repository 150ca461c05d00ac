"""The control process: judges, acts, remembers and answers pages; it decides no request.

In: a `ChildSpec` and a clock. Out: runs until its standard input ends. It listens on sockets in the run's private
directory only; workers bring it what callers ask of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from shipworthy.errors import ShipworthyError
from shipworthy.observe.minutes import minute_of
from shipworthy.runtime.exports.push import Push
from shipworthy.runtime.listening import BOUNDS, Server, config
from shipworthy.runtime.paging.listed import read_pagers
from shipworthy.runtime.serve import TICK_S, app_of
from shipworthy.runtime.site import Site
from shipworthy.runtime.tree import forward
from shipworthy.runtime.tree.child import ChildSpec
from shipworthy.runtime.tree.feed import Frame
from shipworthy.runtime.tree.feeds import Feeds
from shipworthy.runtime.tree.hosted import HostedModels
from shipworthy.runtime.tree.leaving import Leaving
from shipworthy.runtime.tree.slots import Slots
from shipworthy.runtime.upstreams import read_upstreams
from shipworthy.runtime.wired import throttle_table
from shipworthy.runtime.workspace import Clock, Workspace
from shipworthy.store.bucket_map import BucketMap

MEND_EVERY_S = 1.0
_log = logging.getLogger("shipworthy.control")
NOBODY = "?"  # what a caller on a unix socket is called


async def control(spec: ChildSpec, clock: Clock, ready: int, leaving: Leaving) -> None:
    """Run until told to leave. `ready`: a descriptor that gets a line once it takes frames and requests."""
    run = Path(spec.run)
    workspace = Workspace(root=Path(spec.root), home=Path(spec.home), clock=clock)
    slots = Slots(run / "slots", spec.workers)
    models = HostedModels(run, workspace.home / "logs", True, read_upstreams(spec.upstreams))
    await models.open()
    pagers = read_pagers(Path(spec.pagers)) if spec.pagers else ()
    site = Site(workspace, spec.observe_only, models, pagers)
    if site.paging.warning:
        _log.error("%s", site.paging.warning)
    feeds = Feeds(_Counting(site), slots, lambda: minute_of(clock()))
    site.follow(feeds.until, lambda: _told(feeds, slots))
    table = throttle_table(site.manifest, workspace.home, workspace.host_key())
    try:
        await site.start()
        if table is not None:
            await asyncio.to_thread(table.make)
        await feeds.open(run)
        await _serve(site, run, ready, spec, table, leaving)
    finally:
        await feeds.close()
        await site.close()


class _Counting:
    """What workers tell goes to the site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def take(self, frame: Frame) -> None:
        """Take one frame in, part by part: what cannot be is told in the status, and costs no other part."""
        site, counting = self._site, self._site.counting
        for placed in frame.placed:
            counting.quietly(0, partial(site.controller.orders.placed, placed.held, placed.slo, placed.severity))
        counting.take(frame.events, frame.rows, frame.peers)
        for event, held, row in frame.shadows:
            counting.shadow(event, held, row)
        for event, row, peer in frame.drilled:
            counting.quietly(0, partial(site.drills.seen, event, row, peer))
        for one in frame.refused:
            counting.quietly(0, partial(site.abuse.refused, one.kind, one.tenant, one.peer, one.minute, one.raw, one.n))

    def lost(self, minutes: Sequence[int]) -> None:
        """Mark minutes as gaps."""
        self._site.telemetry.lost(minutes)


def _told(feeds: Feeds, slots: Slots) -> dict[str, object]:
    """Return what the status shows of the workers."""
    return {
        "heard": feeds.connected(),
        "epochs": {str(number): slots.read(number).epoch for number in range(slots.n)},
    }


async def _serve(site: Site, run: Path, ready: int, spec: ChildSpec, table: BucketMap | None, leaving: Leaving) -> None:
    path = run / forward.NAME
    path.unlink(missing_ok=True)
    listening = config(app_of(site), bounds=BOUNDS._replace(trusted=BOUNDS.trusted | {NOBODY}))
    listening.forwarded_allow_ips = "*"  # whoever reaches this socket is one of our workers
    server = Server(listening, lambda _: _tell(ready))
    leaving.by(server.leave)
    tasks = [asyncio.create_task(site.watch(TICK_S)), asyncio.create_task(site.paging.run())]
    if table is not None:
        tasks.append(asyncio.create_task(_mend(table, site)))
    if spec.otlp:
        tasks.append(asyncio.create_task(Push(spec.otlp).every(site.metrics, site.resource())))
    try:
        with socket.socket(socket.AF_UNIX) as listened:
            listened.bind(str(path))
            await server.serve(sockets=[listened])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _mend(table: BucketMap, site: Site) -> None:
    """Make the throttles' table anew when it is lost."""
    while True:
        await asyncio.sleep(MEND_EVERY_S)
        try:
            await asyncio.to_thread(table.mend, site.workspace.clock().timestamp())
        except ShipworthyError:
            _log.exception("the table of the throttles is lost and cannot be made anew; limits hold in parts")


def _tell(ready: int) -> None:
    os.write(ready, b"ready\n")
