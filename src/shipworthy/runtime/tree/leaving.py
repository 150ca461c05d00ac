"""When a child of the supervisor leaves: its standard input has ended.

In: what to call then. Out: a task's body. Signals that a terminal sends to the whole group are the supervisor's
business: children start in sessions of their own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable


async def until_left(leave: Callable[[], None]) -> None:
    """Wait for the end of standard input, then call `leave`."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = sys.stdin.fileno()

    def hear() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            ended.set()

    os.set_blocking(descriptor, False)
    loop.add_reader(descriptor, hear)
    await ended.wait()
    leave()
