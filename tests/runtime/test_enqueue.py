"""A store that does not answer in time has taken nothing, and what it missed costs nothing for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest

from shipworthy.deploy.http.wiring import ForReview
from shipworthy.errors import Unreachable
from shipworthy.runtime.enqueue import Enqueue
from shipworthy.store.group import GroupCommit
from shipworthy.store.queue import MOST_TENANTS, OTHER
from shipworthy.store.review import Admission, QueueStatus, Room
from shipworthy.store.sqlite import SqliteStore
from tests.store.rows import NOON, ONE, THREE, item


class Asking:
    """An `Enqueue` over a store on disk, whose commits stand still while `stopped` is set."""

    def __init__(self, folder: Path, capacity: int = 9) -> None:
        self.goes = threading.Event()
        self.goes.set()
        self.reached = threading.Event()
        self.store = SqliteStore(folder / "store.db", failpoint=self._at)
        self.commits = GroupCommit(self.store)
        self.enqueue = _Items(self.commits, Room(capacity=capacity, quota=capacity))

    def _at(self, place: str) -> None:
        if place == "commit.before" and not self.goes.is_set():
            self.reached.set()
            self.goes.wait(30)

    async def ask(self, name: str, tenant: str = "acme") -> Admission:
        return await self.enqueue(cast(ForReview, _Asked(name, tenant)))

    async def given_up(self, meanwhile: Callable[[], object]) -> None:
        """Ask, stop waiting while the commit stands still, do something, and let the commit go on."""
        self.reached.clear()
        self.goes.clear()
        task = asyncio.create_task(self.ask("R-1"))
        await asyncio.to_thread(self.reached.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        meanwhile()
        self.goes.set()
        self.settle()

    def settle(self) -> None:
        """Wait until all that was handed in is done, and what that has handed in."""
        for _ in range(2):
            self.commits.submit(lambda store: None).result(30)

    def open(self) -> dict[str, int]:
        return self.store.queue_depth(NOON).open

    def overflow(self) -> dict[str, int]:
        return self.store.queue_depth(NOON).overflow


class _Asked:
    def __init__(self, request: str, tenant: str) -> None:
        self.request, self.tenant = request, tenant


class _Items(Enqueue):
    def __init__(self, commits: GroupCommit, room: Room) -> None:
        super().__init__(commits, bytes(32), {})
        self._room = room

    def _item(self, asked: ForReview):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return item(asked.request, tenant=asked.tenant), self._room


class _Dead:
    def submit(self, write: object) -> object:
        raise Unreachable("the store did not answer", "store")


def test_what_one_outage_missed_is_counted_once_and_forgotten(tmp_path: Path) -> None:
    asking = Asking(tmp_path)
    asking.enqueue._commits = _Dead()  # type: ignore[assignment]

    async def run() -> None:
        for k in range(MOST_TENANTS + 300):
            with suppress(Unreachable):
                await asking.ask(f"x-{k}", f"t-{k}")
        assert len(asking.enqueue.uncounted) == MOST_TENANTS + 1
        assert asking.enqueue.uncounted[OTHER] == 300
        asking.enqueue._commits = asking.commits
        assert await asking.ask("R-1") is Admission.QUEUED
        assert len(asking.enqueue.uncounted) == 0
        assert await asking.ask("R-2") is Admission.QUEUED

    asyncio.run(run())
    assert sum(asking.overflow().values()) == MOST_TENANTS + 300
    asking.commits.close()


def test_a_write_that_begins_after_its_caller_gave_up_queues_nothing(tmp_path: Path) -> None:
    asking = Asking(tmp_path)
    other = SqliteStore(tmp_path / "store.db")

    async def run() -> None:
        with other.transaction():
            other.put("x", b"1")  # holds the lock that our write waits for
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asking.ask("R-1"), 0.3)
        await asyncio.to_thread(asking.settle)
        assert (asking.open(), asking.overflow(), asking.enqueue.uncounted) == ({}, {}, {"acme": 1})
        assert await asking.ask("R-2") is Admission.QUEUED

    asyncio.run(run())
    assert (asking.open(), asking.overflow(), len(asking.enqueue.uncounted)) == ({"acme": 1}, {"acme": 1}, 0)
    asking.commits.close()
    other.close()


def test_what_was_queued_when_its_caller_gave_up_is_taken_back_and_counted_once(tmp_path: Path) -> None:
    asking = Asking(tmp_path, capacity=1)
    asyncio.run(asking.given_up(lambda: None))
    assert asking.store.items() == ()
    assert (asking.open(), asking.overflow(), len(asking.enqueue.uncounted)) == ({}, {"acme": 1}, 0)
    assert asyncio.run(asking.ask("R-2")) is Admission.QUEUED, "there is room again"
    asyncio.run(asking.given_up(lambda: None))  # this one found no room: counted once as well
    assert (asking.open(), asking.overflow(), len(asking.enqueue.uncounted)) == ({"acme": 1}, {"acme": 2}, 0)
    asking.commits.close()


def test_a_store_that_closes_meanwhile_leaves_the_review_to_a_person(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asking = Asking(tmp_path)

    async def run() -> None:
        with suppress(Unreachable):  # from the last settling
            closing = threading.Thread(target=asking.commits.close)

            def close() -> None:
                closing.start()
                closing.join(0.2)

            await asking.given_up(close)

    asyncio.run(run())
    asking.commits.close()
    assert "could not be taken back" in caplog.text
    assert asking.open() == {"acme": 1}


def test_only_what_nobody_has_in_hand_is_taken_back(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    for name in ("R-1", "R-2"):
        store.enqueue(item(name))
    assert store.lease(None, "ann", ONE, NOON, None, "R-1") is not None
    assert [store.withdraw(name) for name in ("R-1", "R-2", "R-3")] == [False, True, False]
    assert [(one.id, one.status) for one in store.items()] == [("R-1", QueueStatus.LEASED)]
    assert store.queue_depth(NOON).open == {"acme": 1}
    store.expire(THREE)
    assert not store.withdraw("R-1")
    store.close()
