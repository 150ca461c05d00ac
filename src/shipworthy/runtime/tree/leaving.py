"""When a child of the supervisor leaves: its standard input has ended.

In: how to leave, once there is something to leave in good order. Out: that is called at the end of standard input, at
once when it has come before. Signals that a terminal sends to the whole group are the supervisor's business: children
start in sessions of their own.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable


class Leaving:
    """Hears the end. One event loop."""

    def __init__(self) -> None:
        self._left = False
        self._how: Callable[[], object] | None = None

    def by(self, how: Callable[[], object]) -> None:
        """Leave by this from now on."""
        self._how = how
        if self._left:
            how()

    async def hear(self, otherwise: Callable[[], object]) -> None:
        """Wait for the end of standard input, then leave; by `otherwise` while nothing is served yet."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        descriptor = sys.stdin.fileno()

        def look() -> None:
            if not os.read(descriptor, 4096):
                loop.remove_reader(descriptor)
                ended.set()

        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, look)
        await ended.wait()
        self._left = True
        (self._how or otherwise)()
