"""Serve: gateway, controller and model processes of one site in one process tree, on 127.0.0.1.

In: a workspace. Out: runs until told to stop. The warm baseline and a running candidate are loaded from the releases
that the gate passed; what is not admitted is not served. The controller ticks when the clock's minute moves.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from shipworthy.runtime.app import App
from shipworthy.runtime.exports.prometheus import text_of
from shipworthy.runtime.exports.push import Push
from shipworthy.runtime.site import Site
from shipworthy.runtime.workspace import Workspace

TICK_S = 0.1
DRAIN_S = 5
KEEP_ALIVE_S = 120  # callers keep pools; a connection closed under a request is a lost request
_log = logging.getLogger("shipworthy.serve")


def serve(
    workspace: Workspace,
    port: int,
    observe_only: bool = False,
    say: Callable[[str], None] = lambda text: None,
    otlp: str = "",
) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotDecide when there is no admitted baseline to serve.

    `say` hears one line once requests are taken: which version, and at which address. `otlp`: where metrics are pushed.
    """
    push = Push(otlp) if otlp else None
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(workspace, port, observe_only, say, push))


async def _serve(
    workspace: Workspace, port: int, observe_only: bool, say: Callable[[str], None], push: Push | None
) -> None:
    site = Site(workspace, observe_only)
    try:
        await site.start()
        await _run(site, port, say, push)
    finally:
        await site.close()


async def _run(site: Site, port: int, say: Callable[[str], None], push: Push | None) -> None:
    app = App(
        site.gateway,
        {"/status": lambda _: site.status(), "/quality": site.quality, "/checkpoint": site.checkpoint},
        site.api(),
        lambda: text_of(site.metrics()),
        site.outside(),
    )
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = _Server(config, lambda url: say(f"serving version {site.live.state.baseline} on {url}"))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.leave)
    tasks = [asyncio.create_task(site.watch(TICK_S))]
    if push is not None:
        tasks.append(asyncio.create_task(push.every(site.metrics, site.resource())))
    try:
        await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Server(uvicorn.Server):
    """Leaves by its own door: a signal drains it and returns, so that what is in memory is written at the end."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell where: a port that the system chose is known only now."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._ready(f"http://{host}:{port}")

    def leave(self) -> None:
        """Stop taking requests, finish those under way."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The loop has the handlers."""
        yield
