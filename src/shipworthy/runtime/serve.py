"""Serve: gateway, controller and model processes of one site in one process tree.

In: a workspace and where to listen. Out: runs until told to stop. The warm baseline and a running candidate are loaded
from the releases that the gate passed; what is not admitted is not served. The controller ticks when the clock's minute
moves.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from shipworthy.deploy.http.gateway import Gateway
from shipworthy.runtime.address import FILE, announce, announced
from shipworthy.runtime.app import App
from shipworthy.runtime.certificates import Tls
from shipworthy.runtime.exports.prometheus import text_of
from shipworthy.runtime.exports.push import Push
from shipworthy.runtime.listening import Server, check_address, config
from shipworthy.runtime.models import Models
from shipworthy.runtime.paging.listed import Pager, read_pagers
from shipworthy.runtime.site import Site
from shipworthy.runtime.upstreams import Elsewhere, read_upstreams
from shipworthy.runtime.workspace import Workspace

TICK_S = 0.1


def serve(
    workspace: Workspace,
    port: int,
    observe_only: bool = False,
    say: Callable[[str], None] = lambda text: None,
    otlp: str = "",
    host: str = "127.0.0.1",
    tls: Tls | None = None,
    workers: int = 1,
    upstreams: Sequence[str] = (),
    grpc_port: int | None = None,
    pagers: Path | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotDecide when there is no admitted baseline to serve.

    Raises UsageError for an address that others reach without TLS and keys of its callers.

    `say` hears one line once requests are taken: which version, and at which address. `otlp`: where metrics are pushed.
    `upstreams`: versions that other servers compute, as `runtime.upstreams` reads them. `grpc_port`: of gRPC.
    `pagers`: the file that says who is paged, as `runtime.paging.listed` reads it.
    """
    if workers > 1:
        from shipworthy.runtime.tree.serve import serve_by

        serve_by(workspace, workers, port, observe_only, say, otlp, host, tls, upstreams, grpc_port, pagers=pagers)
        return
    push, paged = Push(otlp) if otlp else None, read_pagers(pagers) if pagers is not None else ()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        upstream = read_upstreams(upstreams)
        runner.run(_serve(workspace, port, observe_only, say, push, host, tls, upstream, grpc_port, paged))


@asynccontextmanager
async def grpc_at(
    gateway: Gateway, host: str, port: int | None, tls: Tls | None, shared: bool = False
) -> AsyncIterator[None]:
    """Serve gRPC too, where a port is given. `shared`: other worker processes listen there as well."""
    if port is None:
        yield
        return
    from shipworthy.runtime.grpc_door import open_door

    door = await open_door(gateway, host, port, tls, shared)
    try:
        yield
    finally:
        await door.close()


def app_of(site: Site) -> App:
    """Return the ASGI application of a site."""
    return App(
        site.gateway,
        {"/status": lambda _: site.status(), "/quality": site.quality, "/checkpoint": site.checkpoint},
        site.api(),
        lambda: text_of(site.metrics()),
        site.keys.caller,
        site.outside(),
    )


async def _serve(
    workspace: Workspace,
    port: int,
    observe_only: bool,
    say: Callable[[str], None],
    push: Push | None,
    host: str,
    tls: Tls | None,
    elsewhere: Mapping[str, Elsewhere],
    grpc_port: int | None,
    pagers: Sequence[Pager],
) -> None:
    site = Site(workspace, observe_only, Models(workspace.home / "logs", elsewhere), pagers)
    try:
        if site.paging.warning:
            say(f"WARNING: {site.paging.warning}")
        check_address(host, tls, site.keys.needed)
        await site.start()
        async with grpc_at(site.gateway, host, grpc_port, tls):
            await _run(site, port, say, push, host, tls)
    finally:
        await site.close()


async def _run(
    site: Site, port: int, say: Callable[[str], None], push: Push | None, host: str, tls: Tls | None
) -> None:
    listening = config(app_of(site), host, port, tls, quick=site.gateway.quick_paths())
    site.doors = listening.doors

    def ready(url: str) -> None:
        announce(site.workspace.home / FILE, url, tls.cert if tls is not None else None)
        say(f"serving version {site.live.state.baseline} on {url}")

    server = Server(listening, ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.leave)
    tasks = [asyncio.create_task(site.watch(TICK_S)), asyncio.create_task(site.paging.run())]
    if push is not None:
        tasks.append(asyncio.create_task(push.every(site.metrics, site.resource())))
    try:
        with announced(site.workspace.home):
            await server.serve()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
