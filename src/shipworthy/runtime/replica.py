"""This process among the replicas of its host: it follows the epoch whether or not anybody asks, and says so.

In: the state as the request path reads it, a name, the clock. Out: in the state directory, since when this process
answers by which epoch (`store.replicas`). An idle process looks at the epoch every few milliseconds, one read of 64
bytes (`store.epoch_map`), so that an order reaches it as soon as a busy one. What cannot be told is in the log, and
this process then shows as one that is behind: never as one that has acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.errors import ShipworthyError
from shipworthy.runtime.live import Live
from shipworthy.store.replicas import ReplicaSlot, acknowledged

LOOK_EVERY_S = 0.015  # by a timer of the loop alone: a task that sleeps costs three times as much
BROKEN_EVERY_S = 0.05  # of a state that stays unreadable: reading it whole costs more than its epoch
BETWEEN_TWO_STEPS = 20  # looks at an unreadable state before it counts as one that stays so
KEEP_EVERY_S = 1.0
_log = logging.getLogger("shipworthy.replica")


def replicas(home: Path, epoch: int) -> list[dict[str, Any]]:
    """Return what the status shows of every replica: by which epoch it answers, and since when."""
    found = msgspec.to_builtins(acknowledged(home, epoch, time.monotonic_ns()))
    return [{key: value for key, value in one.items() if key != "took_ms"} for one in found]


class Answering:
    """One process that answers. Single thread."""

    def __init__(self, home: Path, name: str, clock: Callable[[], datetime]) -> None:
        """Begin. Raises Unreachable when it cannot be told: a replica that nobody sees must not answer."""
        self._slot = ReplicaSlot(home, name)
        self._clock = clock
        self._kept_s = time.monotonic()
        self._next: asyncio.TimerHandle | None = None
        self._broken = 0
        self.trouble = ""

    def begin(self, live: Live) -> None:
        """Follow a state until closed."""
        self.took_up(live.state.epoch)
        self._look(live)

    def close(self) -> None:
        """End well: this process answers nobody any more."""
        if self._next is not None:
            self._next.cancel()
        self._slot.end()

    def took_up(self, epoch: int) -> None:
        """Note that every answer from now on is by this epoch or a newer one."""
        try:
            self._slot.saw(epoch, self._clock())
            self.trouble = ""
        except ShipworthyError as problem:
            self.trouble = str(problem)
            _log.exception("epoch %d holds here and cannot be told", epoch)

    def _look(self, live: Live) -> None:
        """Look at the epoch, and again after a while."""
        try:
            live.epoch()
            self._keep()
        except Exception:  # whatever it is, a replica that looks no more would answer by what held before
            _log.exception("a look at the epoch failed; the next one tries again")
        self._broken = self._broken + 1 if live.broken else 0
        wait_s = BROKEN_EVERY_S if self._broken > BETWEEN_TWO_STEPS else LOOK_EVERY_S
        self._next = asyncio.get_running_loop().call_later(wait_s, self._look, live)

    def _keep(self) -> None:
        now = time.monotonic()
        if now - self._kept_s < KEEP_EVERY_S:
            return
        self._kept_s = now
        try:
            self._slot.keep()
        except ShipworthyError as problem:
            self.trouble = str(problem)
            _log.exception("this process is not among the replicas that are seen")
