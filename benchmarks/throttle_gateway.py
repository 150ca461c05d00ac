"""A gateway process with a throttle per tenant, over a model that answers at once.

`python -m benchmarks.throttle_gateway` prints its port and ends when its standard input does. `RATE_PER_S` and `BURST`
are every tenant's limit.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import uvloop

from shipworthy.contract.manifest import Decisions, Throttle
from shipworthy.deploy.http.client import Pool
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.places import Keys
from shipworthy.deploy.http.wiring import ForReview, Wiring
from shipworthy.deploy.neverevents import compile_never
from shipworthy.deploy.release import Release
from shipworthy.deploy.routing import Routes
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import NORMAL, LiveThresholds
from shipworthy.runtime.listening import Server, config
from shipworthy.store.review import Admission

RATE_PER_S, BURST = 200.0, 20
LIMIT = Throttle(rate_per_s=RATE_PER_S, burst=BURST)
CUT = LiveThresholds(version="1", bucket="*", deny=0.3, approve=0.7, at="", n=0)


class _Ood(NamedTuple):
    p: float = 0.5
    view: str = "marginal"
    feature: str | None = None
    flag: bool = False
    unseen: tuple[str, ...] = ()


class _Scorer:
    def score(self, row: Mapping[str, Any], /) -> _Ood:
        return _Ood()

    def bucket(self, row: Mapping[str, Any], /) -> tuple[str, ...]:
        return ()


async def _queue(asked: ForReview) -> Admission:
    return Admission.QUEUED


def wiring(port: int) -> Wiring:
    """Return a gateway's wiring over the model on this port."""
    release = Release(
        version="1", words=Decisions(), columns=(("amount", "float"),), scorer=_Scorer(), never=compile_never([])
    )
    return Wiring(
        model="claims",
        mac_key=bytes(32),
        routes=lambda: Routes(baseline="1"),
        releases={"1": release},
        upstreams={"1": Pool("127.0.0.1", port)},
        posture=lambda version, tenant, keys: NORMAL,
        closed=lambda version: False,
        epoch=lambda: 1,
        thresholds=lambda version, bucket: CUT,
        sink=lambda event, row, peer: None,
        enqueue=_queue,
        keys=Keys(tenant="tenant"),
        throttles=Throttles(LIMIT),
    )


async def _serve(model_port: int) -> None:
    server = Server(config(Gateway(wiring(model_port)), port=0), lambda url: print(url.rpartition(":")[2], flush=True))
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)
    ended.add_done_callback(lambda _: server.leave())
    await server.serve()


def main() -> None:
    """Start the model, then serve."""
    command = [sys.executable, "-m", "benchmarks.loopback"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as model,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        assert model.stdin is not None
        assert model.stdout is not None
        runner.run(_serve(int(model.stdout.readline())))
        model.stdin.close()


if __name__ == "__main__":
    main()
