"""Keep a model process running: start it, watch it, start it again after a growing pause.

In: a `ModelProcess` and what to call when it comes up (with its port) and when it is down. Out: an asyncio task's
body. A process that stays up for a while has earned its first, short pause again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from shipworthy.errors import Unreachable


class Startable(Protocol):
    """What is kept running; `ModelProcess` is one."""

    @property
    def port(self) -> int: ...
    def start(self) -> None: ...
    def alive(self) -> bool: ...
    def stop(self) -> None: ...


def pause_s(failures: int, first_s: float = 0.1, longest_s: float = 10.0) -> float:
    """Return the pause before start number `failures` + 1: doubling from `first_s`, never over `longest_s`.

    >>> [pause_s(n) for n in (0, 1, 2, 3, 20)]
    [0.0, 0.1, 0.2, 0.4, 10.0]
    """
    return 0.0 if failures == 0 else min(longest_s, first_s * 2.0 ** min(failures - 1, 30))


async def supervise(
    process: Startable,
    on_up: Callable[[int], None],
    on_down: Callable[[str], None],
    *,
    first_s: float = 0.1,
    longest_s: float = 10.0,
    settled_s: float = 5.0,
    poll_s: float = 0.05,
) -> None:
    """Run until cancelled; the process is stopped then. `on_down` gets the reason, each time."""
    loop = asyncio.get_running_loop()
    failures = 0
    starting: asyncio.Future[None] | None = None
    try:
        while True:
            await asyncio.sleep(pause_s(failures, first_s, longest_s))
            try:
                starting = asyncio.ensure_future(asyncio.to_thread(process.start))
                await asyncio.shield(starting)
            except Unreachable as error:
                failures += 1
                on_down(str(error))
                continue
            on_up(process.port)
            since = loop.time()
            while process.alive():
                await asyncio.sleep(poll_s)
            failures = 1 if loop.time() - since >= settled_s else failures + 1
            on_down("the model process ended")
    finally:
        while starting is not None and not starting.done():  # what is just starting would outlive us
            await asyncio.shield(asyncio.to_thread(process.stop))
            await asyncio.wait({starting}, timeout=0.2)
        if starting is not None:
            starting.exception()
        await asyncio.shield(asyncio.to_thread(process.stop))
