"""Serve by several processes.

In: a workspace, a port and how many workers. Out: runs until SIGINT or SIGTERM.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from shipworthy.runtime.tree.supervisor import CHILD, Supervisor, leaving, listen
from shipworthy.runtime.workspace import Workspace

HOST = "127.0.0.1"


def serve_by(
    workspace: Workspace,
    port: int,
    workers: int,
    observe_only: bool,
    say: Callable[[str], None],
    otlp: str = "",
    command: Sequence[str] = CHILD,
) -> None:
    """Serve with `workers` workers. Raises Unreachable when the port is taken or a process cannot start."""
    with listen(HOST, port) as listening:
        address = f"http://{HOST}:{listening.getsockname()[1]}"
        root, home = workspace.root.absolute(), workspace.home.absolute()
        site = Supervisor(root, home, workers, command, observe_only=observe_only, otlp=otlp)

        async def run() -> None:
            await site.run(listening, lambda: say(f"serving with {workers} workers on {address}"), leaving())

        asyncio.run(run())
