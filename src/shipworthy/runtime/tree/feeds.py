"""The feeds of all workers, at the control process.

In: frames on a unix socket, and the slots that workers write before an answer leaves. Out: decisions to whoever counts
them, the minute up to which every worker has told, and the minutes of which something is lost: a worker that died with
decisions untold, or is silent for too long, leaves a gap, and a gap is no data.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from shipworthy.errors import CannotDecide
from shipworthy.runtime.tree.feed import MOST_FRAME, NAME, Frame, read_frame
from shipworthy.runtime.tree.slots import Slots
from shipworthy.runtime.tree.streams import Streams

_log = logging.getLogger("shipworthy.feed")
SILENT_S = 5.0


class Counting(Protocol):
    """Who counts. `take` raises nothing; `lost` names minutes whose counts are not complete."""

    def take(self, frame: Frame) -> None: ...
    def lost(self, minutes: Sequence[int]) -> None: ...


class _Worker:
    """What one connected worker has told."""

    def __init__(self, number: int, pid: int, heard_s: float) -> None:
        self.number, self.pid = number, pid
        self.minute = -1
        self.told = 0
        self.heard_s = heard_s
        self.gone = False
        self.marked = -1


class Feeds:
    """Takes frames. One event loop. `minute()`: the minute of the clock now."""

    def __init__(self, counting: Counting, slots: Slots, minute: Callable[[], int]) -> None:
        self._counting = counting
        self._slots = slots
        self._minute = minute
        self._workers: dict[int, _Worker] = {}
        self._streams = Streams(self._serve, MOST_FRAME)

    async def open(self, run: Path) -> None:
        """Take frames from now on."""
        await self._streams.open(run / NAME)

    async def close(self) -> None:
        """Take no more."""
        await self._streams.close()

    def until(self) -> int:
        """Return the minute before which everything has been told; a worker that is silent is waited for no more."""
        now = asyncio.get_running_loop().time()
        for worker in list(self._workers.values()):
            if now - worker.heard_s > SILENT_S and not worker.gone:
                worker.gone = True
                _log.error("worker %d has not been heard of for %d s", worker.number, SILENT_S)
            if worker.gone and worker.marked < self._minute():  # each minute of its silence is a gap
                self._counting.lost([one for one in self._since(worker) if one > worker.marked])
                worker.marked = self._minute()
        waited = [worker.minute for worker in self._workers.values() if not worker.gone]
        return min([self._minute(), *waited])

    def connected(self) -> int:
        """Return how many workers are heard."""
        return sum(not worker.gone for worker in self._workers.values())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        worker: _Worker | None = None
        bye = False
        try:
            while (frame := await read_frame(reader)) is not None:
                worker = self._known(frame)
                self._take(worker, frame)
                bye = frame.bye
        except CannotDecide as problem:
            _log.error("a worker told what is no frame: %s", problem)
        finally:
            if worker is not None:
                self._left(worker, bye)

    def _known(self, frame: Frame) -> _Worker:
        known = self._workers.get(frame.pid)
        if known is None:
            known = self._workers[frame.pid] = _Worker(frame.worker, frame.pid, asyncio.get_running_loop().time())
        return known

    def _take(self, worker: _Worker, frame: Frame) -> None:
        back = worker.gone
        worker.heard_s, worker.gone, worker.marked = asyncio.get_running_loop().time(), False, -1
        if frame.events or frame.shadows or frame.refused or frame.placed or frame.drilled:
            self._counting.take(frame)
        else:
            worker.minute = max(worker.minute, frame.minute)  # a sign of life ends the minutes before it
        worker.told = frame.told
        if frame.lost or back:
            self._counting.lost([*frame.lost, *(self._since(worker) if back else ())])

    def _left(self, worker: _Worker, bye: bool) -> None:
        """A worker has gone. What its slot counts beyond what it told is lost."""
        self._workers.pop(worker.pid, None)
        slot = self._slots.read(worker.number)
        if not bye and (slot.pid != worker.pid or slot.counted > worker.told):
            _log.error("worker %d ended with decisions untold", worker.number)
            self._counting.lost(self._since(worker))

    def _since(self, worker: _Worker) -> list[int]:
        """The minutes it has not told to the end."""
        now = self._minute()
        first = worker.minute if worker.minute >= 0 else now
        return list(range(min(first, now), now + 1))
