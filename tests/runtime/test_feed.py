"""What workers tell the control process over real sockets: nothing twice, nothing silently lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide
from shipworthy.facts import AbuseKind, Event, Held, Named, Order, Scope, Severity
from shipworthy.runtime.tree import feed as feeding
from shipworthy.runtime.tree import feeds as hearing
from shipworthy.runtime.tree.feed import Feed, Frame, packed, read_frame
from shipworthy.runtime.tree.feeds import Feeds
from shipworthy.runtime.tree.slots import Slots

HELD = Held(
    order=Order(
        id="ORD-1",
        scope=Scope(model="m", version="2"),
        posture=Named.KILLED,
        cause="sha256:" + "0" * 64,
        confirm_by="2027-01-04T09:05:00.000000Z",
        by="machine",
    ),
    at="2027-01-04T09:00:00.000000Z",
    because="never event x",
)
MINUTE = 1_000


def event(minute: int = MINUTE, **changes: object) -> Event:
    told = {
        "request": "r", "at": "", "minute": minute, "version": "1", "arm": "baseline", "tenant": "acme",
        "segments": (), "score": 0.5, "decision": "approve", "route": "machine", "ood_p": 0.5, "ood_view": "",
        "ood_flag": False,
    }  # fmt: skip
    return Event(**(told | changes))  # type: ignore[arg-type]


class Counted:
    """Whoever counts."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.gaps: list[int] = []

    def take(self, frame: Frame) -> None:
        self.frames.append(frame)

    def lost(self, minutes: Sequence[int]) -> None:
        self.gaps += minutes

    @property
    def events(self) -> int:
        return sum(len(one.events) for one in self.frames)


class Control:
    """A control process's ear, with a clock turned by hand."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.slots = Slots(run / "slots", 2)
        self.counted = Counted()
        self.minute = MINUTE
        self.feeds = Feeds(self.counted, self.slots, lambda: self.minute)


@asynccontextmanager
async def hearing_at(run: Path) -> AsyncIterator[Control]:
    control = Control(run)
    await control.feeds.open(run)
    try:
        yield control
    finally:
        await control.feeds.close()


@asynccontextmanager
async def telling(run: Path, number: int = 0, pid: int = 100) -> AsyncIterator[Feed]:
    one = Feed(run, number, pid, Slots(run / "slots", 2))
    keeping = asyncio.create_task(one.keep())
    try:
        yield one
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def until(true: object) -> None:
    assert callable(true)
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.005)


def test_every_decision_is_told_once_in_order_with_its_caller(tmp_path: Path) -> None:
    async def main() -> None:
        async with hearing_at(tmp_path) as control, telling(tmp_path) as feed:
            await feed.connected.wait()
            for number in range(feeding.AT_ONCE * 2 + 3):
                feed.seen(event(request=f"r{number}"), {"n": number}, f"peer{number}")
            feed.refused(AbuseKind.MALFORMED, "acme", "p", MINUTE, b"{", 2)
            feed.shadowed(event(), True, {"n": -1})
            feed.send(MINUTE)
            await until(lambda: control.counted.events == feeding.AT_ONCE * 2 + 3 and len(control.counted.frames) == 3)
            feed.send(MINUTE + 1)
            await until(lambda: control.feeds._workers[100].minute == MINUTE + 1)
            assert len(control.counted.frames) == 3
            heard = [
                (told.request, row["n"], peer)
                for frame in control.counted.frames
                for told, row, peer in zip(frame.events, frame.rows, frame.peers, strict=True)
            ]
            assert heard == [(f"r{n}", n, f"peer{n}") for n in range(len(heard))]
            assert control.counted.frames[-1].refused[0].n == 2
            assert control.counted.frames[-1].shadows[0][1:] == (True, {"n": -1})
            assert control.slots.read(0).counted == len(heard)

    asyncio.run(main())


def test_a_minute_is_over_when_every_worker_has_told_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with hearing_at(tmp_path) as control, telling(tmp_path) as one, telling(tmp_path, 1, 101) as other:
            assert control.feeds.until() == MINUTE  # nobody is there to wait for
            await one.connected.wait()
            await other.connected.wait()
            one.send(MINUTE)
            other.send(MINUTE - 1)
            await until(lambda: control.feeds.connected() == 2)
            await until(lambda: control.feeds.until() == MINUTE - 1)
            control.minute = MINUTE + 1
            one.send(MINUTE + 1)
            other.seen(event(), {}, "")
            other.send(MINUTE + 1)
            await until(lambda: control.feeds.until() == MINUTE + 1)
            assert control.counted.events == 1
            assert control.counted.gaps == []

    asyncio.run(main())


def test_a_worker_that_leaves_well_leaves_no_gap_and_one_that_dies_with_decisions_does(tmp_path: Path) -> None:
    async def main() -> None:
        async with hearing_at(tmp_path) as control:
            async with telling(tmp_path) as feed:
                await feed.connected.wait()
                feed.seen(event(), {}, "")
                feed.send(MINUTE, bye=True)
                await until(lambda: control.counted.events == 1)
            await until(lambda: control.feeds.connected() == 0)
            assert control.counted.gaps == []
            async with telling(tmp_path, 0, 200) as feed:
                await feed.connected.wait()
                feed.send(MINUTE)
                await until(lambda: control.feeds.connected() == 1)
                control.minute = MINUTE + 1
                feed.seen(event(), {}, "")  # its slot says so, and it is never told
            await until(lambda: bool(control.counted.gaps))
            assert control.counted.gaps == [MINUTE, MINUTE + 1]

    asyncio.run(main())


def test_a_worker_that_dies_idle_has_lost_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with hearing_at(tmp_path) as control:
            async with telling(tmp_path) as feed:
                await feed.connected.wait()
                feed.seen(event(), {}, "")
                feed.send(MINUTE)
                await until(lambda: control.counted.events == 1)
            await until(lambda: control.feeds.connected() == 0)
            assert control.counted.gaps == []

    asyncio.run(main())


def test_a_worker_whose_place_is_taken_by_another_is_not_believed_complete(tmp_path: Path) -> None:
    async def main() -> None:
        async with hearing_at(tmp_path) as control:
            async with telling(tmp_path) as feed:
                await feed.connected.wait()
                feed.send(MINUTE)
                await until(lambda: control.feeds.connected() == 1)
                control.slots.begin(0, 999)
            await until(lambda: control.counted.gaps == [MINUTE])

    asyncio.run(main())


def test_a_silent_worker_is_waited_for_no_more_and_its_minutes_are_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "SILENT_S", 0.2)

    async def main() -> None:
        async with hearing_at(tmp_path) as control, telling(tmp_path) as feed:
            await feed.connected.wait()
            feed.send(MINUTE)
            await until(lambda: control.feeds.connected() == 1)
            control.minute = MINUTE + 2
            assert control.feeds.until() == MINUTE
            await until(lambda: control.feeds.until() == MINUTE + 2)
            assert control.counted.gaps == [MINUTE, MINUTE + 1, MINUTE + 2]
            control.minute = MINUTE + 4
            assert control.feeds.until() == MINUTE + 4
            assert control.counted.gaps[3:] == [MINUTE + 3, MINUTE + 4]  # each minute of its silence
            feed.send(MINUTE + 4)  # it comes back: what lies between is not complete either
            await until(lambda: control.feeds.connected() == 1)
            await until(lambda: len(control.counted.gaps) > 5)

    asyncio.run(main())


def test_what_waits_for_a_dead_control_process_is_told_later_and_what_goes_over_the_bound_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "MOST_KEPT", feeding.AT_ONCE * 2)

    async def main() -> None:
        async with telling(tmp_path) as feed:
            for number in range(feeding.AT_ONCE * 3):
                feed.seen(event(MINUTE + number // feeding.AT_ONCE), {"n": number}, "")
            feed.send(MINUTE + 3)
            async with hearing_at(tmp_path) as control:
                control.minute = MINUTE + 3
                await feed.connected.wait()
                feed.send(MINUTE + 3)
                await until(lambda: control.counted.events == feeding.AT_ONCE * 2)
                await until(lambda: control.counted.gaps == [MINUTE])
                assert control.counted.frames[0].events[0].minute == MINUTE + 1

    asyncio.run(main())


def test_refusals_and_shadows_have_the_same_bound_and_orders_none(tmp_path: Path) -> None:
    """Whoever sends malformed bodies needs no key: what waits of them must not grow without end."""

    async def main() -> None:
        async with telling(tmp_path) as feed:
            feed.placed(HELD, "never_x", Severity.SEV1)
            feed.send(MINUTE)
            for number in range(3_000):
                feed.refused(AbuseKind.BAD_TOKEN, "acme", "192.0.2.7", MINUTE, b"x" * 50_000)
                feed.shadowed(event(MINUTE + 1), False, {"n": number})
            feed.send(MINUTE + 2)
            kept = sum(len(one.raw) for frame in feed._waiting for one in frame.refused)
            assert kept <= feeding.MOST_KEPT * 1024
            assert len(feed._waiting) == len(feed._weights)
            async with hearing_at(tmp_path) as control:
                control.minute = MINUTE + 2
                await feed.connected.wait()
                feed.send(MINUTE + 2)
                await until(lambda: control.counted.gaps == [MINUTE + 1])
                assert [one.held for frame in control.counted.frames for one in frame.placed] == [HELD]
            assert (feed._waiting, feed._weights, feed._kept) == ([], [], 0)

    asyncio.run(main())


def test_what_is_no_frame_is_refused() -> None:
    async def read(raw: bytes) -> Frame | None:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        return await read_frame(reader)

    whole = packed(Frame(worker=0, pid=1, minute=2))
    assert asyncio.run(read(whole)) == Frame(worker=0, pid=1, minute=2)
    assert asyncio.run(read(whole[:-1])) is None
    for raw in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1"):
        with pytest.raises(CannotDecide):
            asyncio.run(read(raw))


def test_what_cannot_be_told_is_a_gap_and_everything_after_it_is_told_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with hearing_at(tmp_path) as control, telling(tmp_path) as feed:
            await feed.connected.wait()
            feed.seen(event(MINUTE - 1), {"n": 10**30}, "")
            feed.send(MINUTE)
            feed.seen(event(), {"n": 1}, "")
            feed.send(MINUTE)
            await until(lambda: control.counted.events == 1 and control.counted.gaps == [MINUTE - 1])

    asyncio.run(main())


def test_nothing_is_sent_to_who_does_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "MOST_BUFFERED", -1)

    async def main() -> None:
        async with hearing_at(tmp_path) as control, telling(tmp_path) as feed:
            await feed.connected.wait()
            feed.seen(event(), {"n": 1}, "")
            feed.send(MINUTE)
            await asyncio.sleep(0.05)
            assert control.counted.events == 0
            monkeypatch.setattr(feeding, "MOST_BUFFERED", 1 << 20)
            feed.send(MINUTE)
            await until(lambda: control.counted.events == 1)

    asyncio.run(main())
