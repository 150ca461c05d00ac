"""What a worker tells the control process: decisions by the batch, refusals, and orders it placed itself.

In: events one by one. Out: frames on a unix socket, at least every 50 ms while there is something to tell, and a sign
of life each time. What the control process does not take is kept, up to a bound; what goes over it is counted as lost,
and the minutes it was lost in are told, so that they become a gap and never look quiet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from shipworthy.deploy.body import Cell
from shipworthy.errors import CannotDecide
from shipworthy.facts import AbuseKind, Event, Held, Severity
from shipworthy.runtime.tree.slots import Slots

_log = logging.getLogger("shipworthy.feed")
NAME = "feed.sock"
MOST_FRAME = 64 << 20
MOST_KEPT = 50_000  # things that wait for the control process; a KiB of their text is one more
AT_ONCE = 512  # decisions of one frame
MOST_BUFFERED = 16 << 20  # bytes that the control process has not read
ROW_BYTES = 8 << 20  # of texts in one frame, roughly
EVERY_S = 0.05
AGAIN_S = 0.1
_LENGTH = 4


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """Requests or labels that were refused."""

    kind: AbuseKind
    tenant: str
    peer: str
    minute: int
    raw: bytes
    n: int


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """An order that a worker placed at once, and which rule asked for it."""

    held: Held
    slo: str
    severity: Severity


class Frame(msgspec.Struct, kw_only=True):
    """One message. `told`: decisions of this worker since it began, those of this frame included; `minute`: nothing of
    an earlier one will come any more; `lost`: minutes whose counts are not complete; `bye`: it leaves in good order."""

    worker: int
    pid: int
    minute: int
    told: int = 0
    events: list[Event] = []
    rows: list[dict[str, Cell]] = []
    peers: list[str] = []
    shadows: list[tuple[Event, bool, dict[str, Cell]]] = []
    refused: list[Refusal] = []
    placed: list[Placed] = []
    drilled: list[tuple[Event, dict[str, Cell], str]] = []
    lost: list[int] = []
    bye: bool = False


_encode = msgspec.msgpack.Encoder().encode
_frames = msgspec.msgpack.Decoder(Frame)


def packed(frame: Frame) -> bytes:
    """Return the bytes of a frame: four of length, big-endian, then MessagePack."""
    body = _encode(frame)
    return len(body).to_bytes(_LENGTH, "big") + body


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Return the next frame; None at the end. Raises CannotDecide for what is none."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        if length > MOST_FRAME:
            raise CannotDecide(f"a frame of {length} bytes", "feed")
        return _frames.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except msgspec.MsgspecError as error:
        raise CannotDecide(f"not a frame: {error}", "feed") from error


class Feed:
    """Gathers and sends. One event loop. `minute()`: the minute of the clock now."""

    def __init__(self, run: Path, number: int, pid: int, slots: Slots) -> None:
        self._path = run / NAME
        self._number, self._pid = number, pid
        self._slots = slots
        self._counted = self._sent = 0
        self._texts = 0
        self._next = self._empty(0)
        self._waiting: list[Frame] = []
        self._weights: list[int] = []
        self._kept = 0
        self._lost: set[int] = set()
        self._writer: asyncio.StreamWriter | None = None
        self.connected = asyncio.Event()
        self.urgent = asyncio.Event()
        slots.begin(number, pid)

    def seen(self, event: Event, row: Mapping[str, Cell], peer: str) -> None:
        """Take one decision in, before its answer leaves."""
        self._counted += 1
        self._slots.count(self._number, self._counted)
        frame = self._next
        frame.events.append(event)
        frame.rows.append(dict(row))
        frame.peers.append(peer)
        self._texts += sum(len(cell) for cell in row.values() if isinstance(cell, str))
        if len(frame.events) >= AT_ONCE or self._texts >= ROW_BYTES:
            self._cut()
        if event.ood_flag:
            self.urgent.set()  # an alarm must not wait

    def shadowed(self, event: Event, held: bool, row: Mapping[str, Cell]) -> None:
        """Take one shadow score in."""
        self._next.shadows.append((event, held, dict(row)))
        self._texts += sum(len(cell) for cell in row.values() if isinstance(cell, str))

    def refused(self, kind: AbuseKind, tenant: str, peer: str, minute: int, raw: bytes, n: int = 1) -> None:
        """Take in what was refused."""
        self._next.refused.append(Refusal(kind, tenant, peer, minute, raw, n))
        self._texts += len(raw)
        if self._texts >= ROW_BYTES:
            self._cut()

    def placed(self, held: Held, slo: str, severity: Severity) -> None:
        """Tell of an order that holds already."""
        self._next.placed.append(Placed(held, slo, severity))

    def drilled(self, event: Event, row: Mapping[str, Cell], peer: str) -> None:
        """Take one decision of the synthetic tenant in: it is told and counted nowhere."""
        self._next.drilled.append((event, dict(row), peer))
        self.urgent.set()

    def send(self, minute: int, bye: bool = False) -> None:
        """Send what there is, and that nothing before `minute` will come."""
        self._cut()
        writer = self._writer
        if writer is None or writer.is_closing() or writer.transport.get_write_buffer_size() > MOST_BUFFERED:
            return  # it is kept, up to the bound, until somebody listens
        for frame in self._waiting:
            writer.write(self._packed(frame))
        self._waiting, self._weights, self._kept = [], [], 0
        lost, self._lost = sorted(self._lost), set()
        sign = Frame(worker=self._number, pid=self._pid, minute=minute, told=self._counted, lost=lost, bye=bye)
        writer.write(packed(sign))

    async def keep(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                await asyncio.sleep(AGAIN_S)
                continue
            self._writer = writer
            self.connected.set()
            try:
                with suppress(ConnectionError):  # it has gone, which is what we wait for
                    await reader.read()
            finally:
                self._writer = None
                self.connected.clear()
                writer.close()

    async def due(self) -> None:
        """Wait until it is time to send."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_S):
                await self.urgent.wait()
        self.urgent.clear()

    async def drain(self) -> None:
        """Wait until what was sent has left this process."""
        if self._writer is not None:
            await self._writer.drain()

    def _packed(self, frame: Frame) -> bytes:
        """Return the bytes of a frame; decisions that cannot be told are lost, and their minutes say so."""
        try:
            return packed(frame)
        except (OverflowError, TypeError, ValueError):
            _log.exception("%d decisions cannot be told", len(frame.events))
            self._lost |= {event.minute for event in frame.events}
            return packed(Frame(worker=frame.worker, pid=frame.pid, minute=frame.minute, placed=frame.placed))

    def _cut(self) -> None:
        """End the present frame; drop the oldest when too much waits."""
        frame = self._next
        things = len(frame.events) + len(frame.shadows) + len(frame.refused) + len(frame.drilled)
        if not (things or frame.placed):
            return
        frame.told = self._counted
        self._waiting.append(frame)
        self._weights.append(things + self._texts // 1024)
        self._texts = 0
        self._next = self._empty(frame.minute)
        self._kept += self._weights[-1]
        while self._kept > MOST_KEPT:
            self._drop()

    def _drop(self) -> None:
        """Forget what the oldest frame that weighs anything tells; orders are never forgotten."""
        at = next(at for at, weight in enumerate(self._weights) if weight)
        oldest = self._waiting[at]
        self._lost |= {event.minute for event in oldest.events} | {event.minute for event, _, _ in oldest.shadows}
        _log.error("%d decisions are lost to the windows: the control process does not answer", len(oldest.events))
        oldest.events, oldest.rows, oldest.peers, oldest.shadows, oldest.refused = [], [], [], [], []
        oldest.drilled = []
        self._kept -= self._weights[at]
        self._weights[at] = 0
        if not oldest.placed:
            del self._waiting[at], self._weights[at]

    def _empty(self, minute: int) -> Frame:
        return Frame(worker=self._number, pid=self._pid, minute=minute, told=self._counted, events=[])
