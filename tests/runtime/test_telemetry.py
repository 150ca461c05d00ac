"""What a gateway tells its store: again when it did not listen, and parted anew where people restored late."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from shipworthy.errors import Unreachable
from shipworthy.facts import LabelSummary
from shipworthy.observe.collector import Collector
from shipworthy.observe.windows import MOST_LIVE_KEYS, MOST_OF_TENANTS
from shipworthy.runtime import past
from shipworthy.runtime.remembered import Blurred
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store
from shipworthy.store.sqlite import SqliteStore
from shipworthy.store.tiers import DAY
from shipworthy.testing.memory import MemoryStore
from tests.observe.made import WORDS, event, receipt
from tests.runtime.served import wait_until

T0 = 29_000_040  # the first minute of an hour
ALL = ("2.0", "*", "*")


def telemetry(commits: GroupCommit, start: int = T0, name: str = "gateway-1-a") -> Telemetry:
    return Telemetry(start, WORDS, commits, lambda tenant, minute: lambda feature, value: 0, name)


def since(told: Telemetry, minute: int) -> int:
    return sum(one.n for one in told.kept.windows(ALL) if one.minute >= minute)


def test_counts_that_the_store_did_not_take_are_told_again(tmp_path: Path) -> None:
    down = [True]

    def failing(name: str) -> None:
        if name == "windows.before" and down[0]:
            raise Unreachable("no answer")

    store = SqliteStore(tmp_path / "store.db", failpoint=failing)
    commits = GroupCommit(store)
    told = telemetry(commits)
    for minute in range(3):
        told.add(event(T0 + minute, segments=()))
        written = told.roll(T0 + minute + 1)
        assert written is not None
        with pytest.raises(Unreachable):
            written.result(10)
        wait_until(lambda: len(told._unwritten) == told._batch)
    down[0] = False
    told.finish(T0 + 3)
    commits.close()
    assert [one.n for one in store.windows("2.0", T0, T0 + 9)] == [1, 1, 1]
    assert [one.minute for one in store.windows("*", T0, T0 + 9)] == [T0, T0 + 1, T0 + 2, T0 + 3]
    store.close()


def served(store: Store, minutes: int) -> tuple[Telemetry, GroupCommit]:
    commits = GroupCommit(store)
    told = telemetry(commits)
    for minute in range(minutes):
        told.add(event(T0 + minute, segments=()))
        told.roll(T0 + minute + 1)
    return told, commits


def test_a_restore_that_two_people_signed_over_time_forgets_and_hides_nothing() -> None:
    store = MemoryStore()
    told, commits = served(store, 30)
    told.kept.cut(T0 + 12)
    assert len(told.kept.silent(T0 + 12, T0 + 30)) == 18
    asyncio.run(told.mend(T0 + 30))
    assert told.kept.silent(T0 + 12, T0 + 30) == ()
    assert (since(told, T0 + 12), since(told, T0)) == (18, 30)
    commits.close()


@pytest.mark.parametrize(("cut", "age", "left"), [(12, 180, 3), (15, 180, 0), (12, DAY + 60, 18)])
def test_what_was_rolled_up_across_a_cut_stays_a_gap(cut: int, age: int, left: int) -> None:
    store = MemoryStore()
    told, commits = served(store, 30)
    commits.submit(lambda store: store.roll_up(T0 + age)).result(10)
    told.kept.cut(T0 + cut)
    asyncio.run(told.mend(T0 + age))
    assert len(told.kept.silent(T0 + cut, T0 + 30)) == left
    assert told.kept.blurred() is None
    commits.close()


@pytest.mark.parametrize(("cut", "age", "left"), [(12, 180, 3), (15, 180, 0), (12, DAY + 60, 18), (12, 60, 0)])
@pytest.mark.parametrize("known", [False, True])
def test_after_a_restart_sums_across_a_cut_are_a_gap_still(cut: int, age: int, left: int, known: bool) -> None:
    """The site was down when people restored; `known`: the store summed nothing before it knew the cut."""
    store = MemoryStore()
    told, commits = served(store, 30)
    commits.submit(lambda _: None).result(10)
    told.roll_up(store, T0 + age, [T0 + cut] if known else [], lambda seconds: False)
    for _ in range(2):  # one more sum, by a site that knows the cut, makes no difference
        again = telemetry(commits, T0 + age, "gateway-1-b")
        again.kept.take_windows(store.windows("*", T0, T0 + age))
        again.kept.cut(T0 + cut)
        asyncio.run(again.take_back("2.0", T0 + age, store))
        assert len(again.kept.silent(T0 + cut, T0 + 30)) == (0 if known else left)
        again.roll_up(store, T0 + age, again.kept.cuts(), lambda seconds: False)
    commits.close()


def test_a_gap_after_a_restart_ends_at_the_next_cut() -> None:
    store = MemoryStore()
    told, commits = served(store, 30)
    commits.submit(lambda _: None).result(10)
    told.roll_up(store, T0 + DAY + 60, [T0 + 20], lambda seconds: False)
    again = telemetry(commits, T0 + DAY + 60, "gateway-1-b")
    again.kept.take_windows(store.windows("*", T0, T0 + 60))
    again.kept.cut(T0 + 12)
    again.kept.cut(T0 + 20)
    asyncio.run(again.take_back("2.0", T0 + DAY + 60, store))
    assert again.kept.silent(T0, T0 + 30) == tuple(range(T0 + 12, T0 + 20))
    commits.close()


def test_a_cut_that_a_site_does_not_know_is_new_again() -> None:
    store = MemoryStore()
    for minute, cuts, unknown_until in ((100, [7], -1), (160, [7], -1), (220, [], 220), (280, [7], 220)):
        past.summing(store, minute, cuts)
        assert past.sums(store).unknown_until(7) == unknown_until
    assert past.sums(store).unknown_until(8) == 280


def test_a_cut_before_which_nothing_came_is_no_gap() -> None:
    store = MemoryStore()
    told, commits = served(store, 30)
    commits.submit(lambda _: None).result(10)
    told.roll_up(store, T0 + DAY + 60, [], lambda seconds: False)
    again = telemetry(commits, T0 + DAY + 60, "gateway-1-b")
    again.kept.take_windows(store.windows("*", T0, T0 + 60))
    again.kept.cut(T0)
    asyncio.run(again.take_back("2.0", T0 + DAY + 60, store))
    assert again.kept.silent(T0, T0 + 30) == ()
    commits.close()


def test_a_label_on_its_way_when_an_hour_is_parted_counts_once() -> None:
    store = MemoryStore()
    told, commits = served(store, 30)
    told.kept.cut(T0 + 12)

    async def both() -> None:
        held = threading.Event()
        commits.submit(lambda _: held.wait(10))
        label = asyncio.create_task(told.add_label(receipt(0.5, T0 + 20, segments=()), 1, lambda version, where: "*"))
        await asyncio.sleep(0.01)
        mended = asyncio.create_task(told.mend(T0 + 30))
        await asyncio.sleep(0.01)
        held.set()
        await asyncio.gather(label, mended)

    asyncio.run(both())
    assert sum(sum(one.n) for one in told.kept.labels(ALL)) == 1
    assert told.kept.blurred() is None
    commits.close()


def test_a_write_that_fails_while_an_hour_is_parted_leaves_its_gap(tmp_path: Path) -> None:
    down = [False]

    def failing(name: str) -> None:
        if name == "windows.before" and down[0]:
            raise Unreachable("no answer")

    store = SqliteStore(tmp_path / "store.db", failpoint=failing)
    told, commits = served(store, 30)
    commits.submit(lambda _: None).result(10)
    down[0] = True
    told.add(event(T0 + 30, segments=()))
    told.roll(T0 + 31)
    told.kept.cut(T0 + 12)
    asyncio.run(told.mend(T0 + 31))
    assert told.kept.silent(T0 + 12, T0 + 31), "what the store lacks is not taken for all"
    down[0] = False
    told.roll(T0 + 32)
    commits.submit(lambda _: None).result(10)
    asyncio.run(told.mend(T0 + 32))
    assert since(told, T0 + 12) == 19
    commits.close()
    store.close()


def test_while_a_batch_waits_for_the_store_nothing_is_mended() -> None:
    store = MemoryStore()
    told, commits = served(store, 5)
    told._unwritten[1] = []
    told.kept.cut(T0 + 2)
    asyncio.run(told.mend(T0 + 5))
    assert told.kept.blurred() == Blurred(T0 + 2, T0 + 5)
    commits.close()


def test_labels_are_taken_back_once_even_those_that_came_before_their_version() -> None:
    store = MemoryStore()
    commits = GroupCommit(store)
    told = telemetry(commits)

    async def play() -> None:
        for n in range(3):
            assert await told.add_label(replace(receipt(0.3), request=f"r{n}"), 1, lambda version, segments: "*")
        await told.take_back("2.0", T0 + 60, store)
        await told.take_back("2.0", T0 + 60, store)
        assert await told.add_label(replace(receipt(0.3), request="r9"), 1, lambda version, segments: "*")

    asyncio.run(play())
    counted: list[LabelSummary] = told.kept.labels(ALL)
    assert sum(sum(one.n) for one in counted) == 4
    assert told.kept.labelled() == 4
    commits.close()


def test_a_flood_of_tenants_leaves_room_for_the_segments_of_all() -> None:
    collector = Collector(T0)
    for k in range(MOST_LIVE_KEYS):
        collector.add(event(T0, tenant=f"t{k}", segments=()))
    for k in range(100):
        collector.add(event(T0, tenant="t0", segments=(f"supplier=P{k}",)))
    closed = [one for one in collector.roll(T0 + 1) if one.arm == "candidate"]
    assert sum(one.tenant == "*" for one in closed) == 101
    assert sum(one.tenant not in ("*", "__other__") for one in closed) == MOST_OF_TENANTS
    assert sum(one.n for one in closed if one.tenant != "*" and one.segment == "*") == MOST_LIVE_KEYS + 100
