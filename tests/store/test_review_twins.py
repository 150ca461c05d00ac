"""Both stores move the queue alike, whatever is asked of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from shipworthy.errors import ShipworthyError
from shipworthy.store.instants import rfc3339
from shipworthy.store.protocol import Store
from shipworthy.store.review import (
    Admission,
    QueueItem,
    QueueStatus,
    Room,
    is_open,
)
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.clock import HandClock
from shipworthy.testing.memory import MemoryStore
from tests.store.rows import item


class Twins(RuleBasedStateMachine):
    """One store on disk and one in memory are asked the same; each answer, and all that is kept, is the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.clock = HandClock()
        disk: Store = SqliteStore(Path(self.folder.name) / "store.db")
        self.stores: tuple[Store, Store] = disk, MemoryStore()
        self.made = 0

    def both(self, verb: str, *args: Any) -> Any:
        told = []
        for one in self.stores:
            try:
                told.append(getattr(one, verb)(*args))
            except ShipworthyError as problem:
                told.append(type(problem))
        assert told[0] == told[1], (verb, args, told)
        return told[0]

    def now(self) -> str:
        return rfc3339(self.clock())

    def then(self, seconds: int) -> str:
        return rfc3339(self.clock() + timedelta(seconds=seconds))

    @rule(tenant=st.sampled_from("abc"), people=st.integers(1, 2), wait=st.sampled_from([60, 600, 3600]))
    def enqueue(self, tenant: str, people: int, wait: int) -> None:
        self.made += 1
        deadline, end = self.then(wait), self.then(2 * wait)
        one = replace(item(f"R-{self.made}", deadline, tenant), people=people, expires=end)
        before = [kept for kept in self.stores[1].items() if is_open(kept)]
        mine = [kept for kept in before if kept.tenant == tenant]
        told = self.both("enqueue", one, Room(capacity=5, quota=2))
        assert (told is Admission.QUEUED) == (len(before) < 5 and len(mine) < 2)

    @rule(who=st.sampled_from(["ana", "ben", 'c"d']), tenant=st.sampled_from(["a", None]), lease=st.integers(30, 900))
    def lease(self, who: str, tenant: str | None, lease: int) -> None:
        until = self.then(lease)
        taken = self.both("lease", tenant, who, until, self.now(), 2, None)
        if isinstance(taken, QueueItem):
            assert all(one.person != who for one in taken.answers)

    @rule(n=st.integers(1, 8), who=st.sampled_from(["ana", "ben", "cai"]))
    def lease_by_name(self, n: int, who: str) -> None:
        until = self.then(300)
        self.both("lease", None, who, until, self.now(), 2, f"R-{n}")

    @rule(n=st.integers(1, 8), who=st.sampled_from(["ana", "ben", 'c"d']), said=st.sampled_from(["deny", "approve"]))
    def answer(self, n: int, who: str, said: str) -> None:
        self.both("answer", f"R-{n}", who, said, self.now(), int(said == "approve"), None, "", "review")

    @rule(n=st.integers(1, 8), who=st.sampled_from(["ana", "ben"]))
    def give_back(self, n: int, who: str) -> None:
        self.both("give_back", f"R-{n}", who, self.now())

    @rule(n=st.integers(1, 8))
    def withdraw(self, n: int) -> None:
        self.both("withdraw", f"R-{n}")

    @rule(n=st.integers(1, 8))
    def counted(self, n: int) -> None:
        self.both("counted", f"R-{n}")

    @rule(seconds=st.sampled_from([20, 100, 2000]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        gone = self.both("expire", self.now())
        assert all(one.status is QueueStatus.EXPIRED and not one.sealed for one in gone)

    @invariant()
    def they_are_the_same(self) -> None:
        items = self.both("items")
        depth = self.both("queue_depth", self.now())
        assert sum(depth.open.values()) == sum(is_open(one) for one in items) <= 5
        assert max(depth.open.values(), default=0) <= 2
        for one in items:
            people = [given.person for given in one.answers]
            assert len(people) == len(set(people))
            if one.people == 2 and one.label is not None:
                assert sum(given.label == one.label for given in one.answers) >= 2

    def teardown(self) -> None:
        for one in self.stores:
            one.close()
        self.folder.cleanup()


TestTwins = Twins.TestCase
TestTwins.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
