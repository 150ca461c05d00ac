"""Our gateway as a process of its own over two upstreams, half the units each: `PORT PORT`, baseline and candidate.

Started by `lossless.py`. It prints its port, answers until its standard input ends, then prints what it did: replays,
failed attempts, openings of the circuit. What it is given is as small as a wiring may be; the path of a request, the
client, the circuits and the replay are those that are shipped.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import Counter

import uvicorn
import uvloop

from benchmarks.minimal import SUPPLIERS, release
from shipworthy.deploy.http.client import Pool
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.places import Keys, Row
from shipworthy.deploy.http.wiring import ForReview, Wiring
from shipworthy.deploy.routing import Routes
from shipworthy.facts import NORMAL, Event, LiveThresholds
from shipworthy.store.review import Admission


def wiring(ports: tuple[int, int], seen: Counter[str]) -> Wiring:
    """Return the wiring; `seen` counts."""
    routes = Routes(baseline="1", candidate="2", share_bp=5_000, tenants=("*",), salt="lossless")
    cuts = {one: LiveThresholds(version=one, bucket="*", deny=0.3, approve=0.45, at="", n=0) for one in "12"}

    def sink(event: Event, row: Row, peer: str) -> None:
        seen[event.arm] += 1
        seen["replayed"] += event.replayed

    async def nobody(review: ForReview) -> Admission:
        raise OSError("nobody is here")

    def failed(version: str, reason: str) -> None:
        seen[f"failed {version}"] += 1

    return Wiring(
        model="lossless",
        mac_key=bytes(32),
        routes=lambda: routes,
        releases={one: release(one) for one in "12"},
        upstreams={"1": Pool("127.0.0.1", ports[0]), "2": Pool("127.0.0.1", ports[1])},
        posture=lambda version, tenant, keys: NORMAL,
        closed=lambda version: False,
        epoch=lambda: 1,
        thresholds=lambda version, bucket: cuts[version],
        sink=sink,
        enqueue=nobody,
        keys=Keys(unit="unit", segments=(SUPPLIERS,)),
        on_failure=failed,
    )


async def _serve(ports: tuple[int, int]) -> None:
    seen: Counter[str] = Counter()
    gateway = Gateway(wiring(ports, seen))
    bound = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(gateway, log_level="error", access_log=False, lifespan="off", timeout_keep_alive=120)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    print(bound.getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.should_exit = True
    await serving
    await gateway.stop()
    print(json.dumps({**seen, "openings": gateway.decider.circuits.openings.get("2", 0)}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve((int(sys.argv[1]), int(sys.argv[2]))))
