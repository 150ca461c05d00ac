"""Serve by several processes.

In: a workspace, how many workers and where to listen. Out: runs until SIGINT or SIGTERM.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from shipworthy.runtime.address import announce, announced
from shipworthy.runtime.api_keys import Keyring
from shipworthy.runtime.certificates import Certificates, Tls
from shipworthy.runtime.listening import bind, check_address, url_of
from shipworthy.runtime.paging.listed import read_pagers
from shipworthy.runtime.tree.supervisor import CHILD, Supervisor, leaving
from shipworthy.runtime.upstreams import read_upstreams
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.api_keys import KeyFile


def serve_by(
    workspace: Workspace,
    workers: int,
    port: int,
    observe_only: bool,
    say: Callable[[str], None],
    otlp: str = "",
    host: str = "127.0.0.1",
    tls: Tls | None = None,
    upstreams: Sequence[str] = (),
    grpc_port: int | None = None,
    command: Sequence[str] = CHILD,
    pagers: Path | None = None,
) -> None:
    """Serve with `workers` workers. Raises UsageError for an address that is taken, or that others reach without TLS
    and keys; Unreachable when a process cannot start."""
    keys = Keyring(KeyFile(workspace.home, workspace.host_key()), workspace.now)
    check_address(host, tls, keys.needed)
    if tls is not None:
        Certificates(tls)  # what is wrong with them is said before anything is started
    read_upstreams(upstreams)
    if pagers is not None:
        read_pagers(pagers)  # what is wrong with them is said here too
    told: dict[str, object] = {"upstreams": tuple(upstreams), "host": host, "grpc_port": grpc_port}
    told |= {"pagers": str(pagers.absolute())} if pagers is not None else {}
    told |= {"tls_cert": str(tls.cert.absolute()), "tls_key": str(tls.key.absolute())} if tls is not None else {}
    with bind(host, port) as listening:
        listening.set_inheritable(True)
        address = url_of(listening, tls is not None)
        root, home = workspace.root.absolute(), workspace.home.absolute()
        site = Supervisor(root, home, workers, command, observe_only=observe_only, otlp=otlp, **told)

        def ready(here: Path) -> None:
            announce(here, address, tls.cert if tls is not None else None)
            say(f"serving with {workers} workers on {address}")

        async def run() -> None:
            with announced(home) as here:
                await site.run(listening, lambda: ready(here), leaving())

        asyncio.run(run())
