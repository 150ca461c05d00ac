"""A gateway process to measure: `python -m benchmarks.gateway_process ROLE MODEL_PORT FOLDER`.

`bare`: our server, our client and the choice of the arm; bodies pass as they are. `full`: a site of a real release with
a rollout on half of the units, and everything a decision passes but the out-of-distribution score. `ood`: with it. All
have the same server, the same upstream client and the same model process. It prints its port and ends when its standard
input does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from shipworthy.deploy.http.client import Pool, Upstream, UpstreamFailed
from shipworthy.deploy.http.wire import Receive, Response, Scope, Send, error, read_body, respond
from shipworthy.deploy.routing import Routes, arm
from shipworthy.models.spec import Cell
from shipworthy.runtime.listening import Server, config
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.serve import TICK_S, app_of
from shipworthy.runtime.site import Site
from shipworthy.runtime.workspace import Workspace
from shipworthy.testing.clock import SharedClock

SCORE = 0.99  # of the model process: what it says is approved by a machine
_HEAD = b"POST /score HTTP/1.1\r\nhost: model\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_UNIT = 32  # bytes
HALF = Routes(baseline="1", candidate="2", share_bp=5_000, tenants=("*",), salt="s")


class Loopback:
    """Every version is computed by the same model process."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.upstreams: dict[str, Upstream] = {}

    async def start(self, one: Loaded) -> None:
        """Take a version up."""
        self.upstreams[one.version] = Pool("127.0.0.1", self._port)

    async def stop(self, version: str) -> None:
        """Let a version go."""
        self.upstreams.pop(version, None)

    async def close(self) -> None:
        """Let go of all."""
        self.upstreams.clear()

    def ask(self, version: str, rows: list[list[Cell]]) -> Sequence[float | None]:
        """Return its only score."""
        return [SCORE] * len(rows)

    def pids(self) -> dict[str, int]:
        """There are none of ours."""
        return {}

    def told(self) -> dict[str, dict[str, object]]:
        """Nothing is told of it."""
        return {}


class _Familiar:
    """Nothing is out of distribution."""

    p, view, feature, flag, unseen = 0.5, "marginal", "", False, ()

    def score(self, row: object) -> _Familiar:
        return self

    def bucket(self, row: object) -> tuple[str, ...]:
        return ()


class NoOod(Site):
    """A site that looks at no row."""

    async def _come(self, one: Loaded) -> None:
        plain = msgspec.structs.replace(one, release=dataclasses.replace(one.release, scorer=_Familiar()))
        await super()._come(plain)
        self._plain = plain.release

    async def start(self) -> None:
        """Start, and forget how to look."""
        await super().start()
        for version, release in self.served.items():
            self.served[version] = dataclasses.replace(release, scorer=_Familiar())


class Bare:
    """The reverse proxy in it: read, choose the arm by the first bytes of the body, pass on, pass back."""

    def __init__(self, port: int) -> None:
        self._arms = {name: Pool("127.0.0.1", port) for name in ("candidate", "baseline")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request by ASGI."""
        await respond(send, await self.quick(scope, await read_body(scope, receive)))

    async def quick(self, scope: Scope, body: bytes) -> Response:
        """Answer one request."""
        chosen = arm(HALF, "acme", body[:_UNIT].decode())
        deadline = asyncio.get_running_loop().time() + 2.0
        try:
            status, answer = await self._arms[chosen].exchange(_HEAD % (len(body), body), deadline)
        except UpstreamFailed as problem:
            return error(502, str(problem))
        return Response(status, answer, [(b"x-arm", chosen.encode())])


async def _run(role: str, port: int, folder: Path) -> None:
    site: Site | None = None
    app: Any = Bare(port)
    if role != "bare":
        clock = SharedClock(folder / "clock")
        workspace = Workspace(root=folder / "repo", home=folder / "home", clock=clock)
        site = (Site if role == "ood" else NoOod)(workspace, models=Loopback(port))
        await site.start()
        app = app_of(site)
    quick = {"/decide": app.quick} if site is None else site.gateway.quick_paths()
    listening = config(app, port=0, quick=quick)
    server = Server(listening, lambda url: print(url.rpartition(":")[2], flush=True))
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(site.watch(TICK_S))] if site is not None else []
    loop.run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: server.leave())
    try:
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if site is not None:
            await site.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
