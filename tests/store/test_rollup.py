"""Rolling up: exact whenever it runs, wherever it is cut off, on every store; nothing crosses a cut."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import HEARTBEAT, LabelCells, LabelSummary, WindowSummary, canonical, heartbeat
from shipworthy.facts.adding import added, label_key, same_shard, window_key
from shipworthy.store.protocol import Store
from shipworthy.store.schema import STEPS, migrate
from shipworthy.store.sqlite import SqliteStore
from shipworthy.store.tiers import DAY, GRACE, KEPT, RECEIPTS_FOR, bucket
from shipworthy.testing.failpoints import VARIABLE
from shipworthy.testing.memory import MemoryStore
from tests.store.child import child_environ
from tests.store.rows import labels, window

T0 = 29_000_040  # the first minute of an hour
LATE = T0 + 2 * DAY


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = SqliteStore(tmp_path / "store.db") if request.param == "sqlite" else MemoryStore()
    yield made
    made.close()


def read(store: Store) -> list[WindowSummary]:
    return store.windows("1.1", 0, LATE, segment=None)


def summed(windows: Sequence[WindowSummary], cuts: Sequence[int], span: int = 60) -> list[WindowSummary]:
    """The oracle: every window, each time from the start."""
    sums: dict[object, WindowSummary] = {}
    for one in windows:
        moved = msgspec.structs.replace(one, minute=bucket(one.minute, span, cuts))
        key = window_key(moved)
        sums[key] = same_shard(sums[key], moved) if key in sums else moved
    return [sums[key] for key in sorted(sums)]  # type: ignore[type-var]


SENT = st.lists(
    st.builds(window, minute=st.integers(T0, T0 + 140), n=st.integers(0, 9), segment=st.sampled_from(["*", "sex=F"])),
    max_size=12,
)
CUTS = st.lists(st.integers(T0, T0 + 140), max_size=3, unique=True).map(sorted)
WHEN = st.one_of(st.none(), st.integers(T0, T0 + 2 * DAY))


def test_minutes_become_five_after_two_hours_and_hours_after_a_day(store: Store) -> None:
    for n in range(20):
        store.add_windows([window(T0 + n, n=1)], "s", n)
    store.roll_up(T0 + 120)
    assert [one.n for one in read(store)] == [1] * 20
    store.roll_up(T0 + 120 + 20)
    assert [(one.minute - T0, one.n) for one in read(store)] == [(0, 5), (5, 5), (10, 5), (15, 5)]
    store.roll_up(T0 + DAY + 11)
    assert [(one.minute - T0, one.n) for one in read(store)] == [(0, 15), (15, 5)]
    store.roll_up(T0 + 2 * DAY)
    assert [(one.minute - T0, one.n) for one in read(store)] == [(0, 20)]


def test_no_sum_reaches_across_a_cut(store: Store) -> None:
    store.add_windows([window(T0 + n, n=1) for n in range(20)], "s", 0)
    store.roll_up(T0 + DAY, [T0 + 7])
    store.roll_up(T0 + 3 * DAY, [T0 + 7])
    assert [(one.minute - T0, one.n) for one in read(store)] == [(0, 7), (7, 13)]


def test_counts_that_come_late_are_seen_at_once_and_added_to_the_sum(store: Store) -> None:
    store.add_windows([window(T0 + 3, n=4)], "s", 0)
    store.roll_up(T0 + 2 * DAY)
    store.add_windows([window(T0 + 3, n=2)], "s", 1)
    store.add_windows([window(T0, n=1)], "other", 0)
    assert sum(one.n for one in read(store)) == 7
    assert len({window_key(one) for one in read(store)}) == len(read(store))
    assert store.sums("1.1", T0, T0 + 60, ["n"]) == {"*": {"n": 7}}
    store.roll_up(T0 + 2 * DAY)
    assert [(one.minute, one.n) for one in read(store)] == [(T0, 7)]


def test_heartbeats_stay_by_the_minute_and_tell_shards_apart(store: Store) -> None:
    for shard in ("a", "b"):
        store.add_windows([heartbeat(T0 + n, 2) for n in range(3)], shard, 0)
    store.roll_up(T0 + 20 * DAY)
    found = store.windows("*", T0, T0 + 60)
    assert [(one.minute, one.shards_seen, one.shards_expected) for one in found] == [(T0 + n, 2, 2) for n in range(3)]
    assert {one.arm for one in found} == {HEARTBEAT}
    assert store.last_heartbeat("a") == T0 + 2
    assert store.last_heartbeat("c") is None
    store.add_windows([heartbeat(T0 + 9, 0, 0)], "c", 0)
    assert store.last_heartbeat("c") is None


def test_a_heartbeat_that_counts_something_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="counts nothing"):
        store.add_windows([msgspec.structs.replace(heartbeat(T0, 1), n=1)], "s", 0)


def test_what_is_past_keeping_goes_and_what_is_not_stays(store: Store) -> None:
    for day in (0, 1, 2):
        store.add_windows([window(T0 + day * DAY), heartbeat(T0 + day * DAY, 1)], "s", day)
        store.add_label(f"r{day}", labels(T0 + day * DAY), cells=[cells(T0 + day * DAY)])
    now = T0 + DAY + KEPT + GRACE
    store.roll_up(now)
    assert [one.minute for one in store.windows("1.1", 0, now)] == [T0 + DAY, T0 + 2 * DAY]
    assert [one.minute for one in store.windows("*", 0, now)] == [T0 + DAY, T0 + 2 * DAY]
    assert [one.minute for one in store.labels("1.1", 0, now)] == [T0 + DAY, T0 + 2 * DAY]
    assert [one.minute for one in store.label_cells("1.1", 0, now)] == [T0 + DAY, T0 + 2 * DAY]
    store.roll_up(now + DAY, kept=KEPT + DAY)
    assert len(store.windows("1.1", 0, now)) == 2


def cells(minute: int) -> LabelCells:
    return LabelCells(version="1.1", bucket="*", minute=minute)


def test_a_batch_older_than_what_is_kept_is_refused_not_counted_twice(store: Store) -> None:
    old, kept = [window(T0)], [window(T0 + DAY)]
    store.add_windows(old, "s", 0)
    store.add_windows(kept, "s", 1)
    store.roll_up(T0 + DAY + KEPT + GRACE)
    for shard, seq in (("s", 0), ("t", 0)):
        with pytest.raises(CannotDecide, match="before what is kept"):
            store.add_windows(old, shard, seq)
    assert not store.add_windows(kept, "s", 1)
    assert [one.n for one in store.windows("1.1", 0, 1 << 40)] == [3]
    store.roll_up(T0)  # a clock that went back brings nothing back
    with pytest.raises(CannotDecide):
        store.add_windows(old, "s", 0)


def test_a_used_receipt_stays_used_as_long_as_it_would_be_taken(store: Store) -> None:
    store.add_label("r", labels(T0))
    store.roll_up(T0 + RECEIPTS_FOR + GRACE)
    assert not store.add_label("r", labels(T0))
    store.roll_up(T0 + RECEIPTS_FOR + GRACE + 1)
    assert store.add_label("r", labels(T0))


def test_labels_become_hours_after_a_day_and_late_ones_are_added(store: Store) -> None:
    for n in range(3):
        store.add_label(f"r{n}", labels(T0 + n, machine=n))
    store.roll_up(T0 + DAY)
    assert len(store.labels("1.1", 0, LATE)) == 3
    store.roll_up(T0 + 2 * DAY)
    store.add_label("late", labels(T0 + 2, machine=10))
    store.add_label("first", labels(T0, machine=100))
    assert sum(one.machine for one in store.labels("1.1", 0, LATE)) == 113
    store.roll_up(T0 + 2 * DAY)
    assert [(one.minute, one.machine) for one in store.labels("1.1", 0, LATE)] == [(T0, 113)]


@settings(max_examples=40, deadline=None)
@given(st.data(), st.lists(st.builds(labels, st.integers(T0, T0 + 140), st.integers(0, 9)), max_size=8), CUTS)
def test_labels_in_any_order_and_schedule_give_the_same_bytes(
    data: st.DataObject, told: list[LabelSummary], cuts: list[int]
) -> None:
    store = MemoryStore()
    for n, one in data.draw(st.permutations(list(enumerate(told)))):
        store.add_label(f"r{n}", one)
        now = data.draw(WHEN)
        if now is not None:
            store.roll_up(now, cuts)
    store.roll_up(LATE, cuts)
    sums: dict[object, LabelSummary] = {}
    for one in told:
        moved = msgspec.structs.replace(one, minute=bucket(one.minute, 60, cuts))
        key = label_key(moved)
        sums[key] = added(sums[key], moved) if key in sums else moved
    oracle = [sums[key] for key in sorted(sums)]  # type: ignore[type-var]
    assert canonical(store.labels("1.1", 0, LATE)) == canonical(oracle)


def test_sums_are_of_single_numbers_of_one_tenant_and_arm(store: Store) -> None:
    store.add_windows([window(T0, 3), window(T0 + 1, 4, "sex=F"), window(T0, 5, arm="b")], "s", 0)
    assert store.sums("1.1", T0, T0 + 2, ["n"]) == {"*": {"n": 8}, "sex=F": {"n": 4}}
    assert store.sums("1.1", T0, T0 + 1, ["n", "n_ood"], arm="a") == {"*": {"n": 3, "n_ood": 0}}
    assert store.sums("1.1", T0, T0 + 2, ["n"], tenant="acme") == {}
    for name in ("scores", "minute", "nothing"):
        with pytest.raises(UsageError, match="no single number"):
            store.sums("1.1", T0, T0 + 2, [name])


def test_cutting_at_a_coarser_span_is_cutting_twice() -> None:
    cuts = [T0 + 7, T0 + 61, T0 + 120]
    for minute in range(T0, T0 + 130):
        assert bucket(bucket(minute, 5, cuts), 60, cuts) == bucket(minute, 60, cuts)


ROLLER = """
import os, sys
from pathlib import Path
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.failpoints import failpoint_from
from tests.store.test_rollup import LATE
store = SqliteStore(Path(sys.argv[1]), failpoint=failpoint_from(os.environ))
store.roll_up(LATE)
print("rolled", flush=True)
"""


@pytest.mark.parametrize(
    "place",
    ["rollup.before:1", "rollup.after:1", "rollup.after:4", "commit.before:1", "commit.after:1", "commit.before:2"],
)
def test_rolling_up_cut_off_anywhere_loses_and_doubles_nothing(tmp_path: Path, place: str) -> None:
    path = tmp_path / "store.db"
    store = SqliteStore(path)
    sent = [window(T0 + n, n=n + 1) for n in range(8)]
    for n, one in enumerate(sent):
        store.add_windows([one], f"shard-{n % 2}", n)
        store.add_label(f"r{n}", labels(T0 + n))
    store.close()
    command = [sys.executable, "-c", ROLLER, str(path)]
    died = subprocess.run(command, env=child_environ(**{VARIABLE: place}), capture_output=True, text=True, check=False)
    assert "rolled" not in died.stdout
    store = SqliteStore(path)
    assert sum(one.n for one in read(store)) == 36
    assert sum(one.machine for one in store.labels("1.1", 0, LATE)) == 8
    assert not store.add_windows([sent[0]], "shard-0", 0)
    store.roll_up(LATE)
    assert canonical(read(store)) == canonical(summed(sent, []))
    assert [one.machine for one in store.labels("1.1", 0, LATE)] == [8]
    store.close()


def test_a_store_of_before_is_brought_along_with_all_it_counted(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch(0o600)
    old = apsw.Connection(str(path))
    migrate(old, "here", STEPS[:2])

    def body(one: object) -> bytes:
        return zlib.compress(msgspec.json.Encoder(order="deterministic").encode(one), 1)

    for one in (window(T0, n=4), heartbeat(T0, 1)):
        key = (one.version, one.tenant, one.segment, one.minute, one.arm, one.reference, "s")
        old.execute("INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*key, body(one)))
    told = labels(T0, machine=3)
    key5 = (told.version, told.tenant, told.segment, told.minute, told.arm)
    old.execute("INSERT INTO labels VALUES (?, ?, ?, ?, ?, ?)", (*key5, body(told)))
    old.execute("INSERT INTO label_receipts VALUES ('r')")
    old.execute("INSERT INTO window_batches VALUES ('s', 0, 'sha256:old')")
    old.close()
    store = SqliteStore(path)
    assert [one.n for one in read(store)] == [4]
    assert store.windows("*", T0, T0 + 1) == [heartbeat(T0, 1)]
    assert [one.machine for one in store.labels("1.1", 0, LATE)] == [3]
    assert not store.add_label("r", labels(T0))
    with pytest.raises(CannotDecide, match="came twice"):
        store.add_windows([window(T0, n=4)], "s", 0)
    store.roll_up(LATE)
    assert [(one.minute, one.n) for one in read(store)] == [(T0, 4)]
    store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), SENT, CUTS)
def test_any_schedule_order_split_and_repetition_gives_the_same_bytes(
    data: st.DataObject, sent: list[WindowSummary], cuts: list[int]
) -> None:
    batches = [([one], f"shard-{n % 2}", n) for n, one in enumerate(sent)]
    told = data.draw(st.permutations(batches + data.draw(st.lists(st.sampled_from(batches or [([], "s", 0)])))))
    made: list[Store] = [MemoryStore()]
    for store in made:
        for windows, shard, seq in told:
            store.add_windows(windows, shard, seq)
            now = data.draw(WHEN)
            if now is not None:
                store.roll_up(now, cuts)
        store.roll_up(LATE, cuts)
        assert canonical(read(store)) == canonical(summed(sent, cuts))
        assert store.roll_up(LATE, cuts) == 0


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), SENT, CUTS)
def test_both_stores_say_the_same_at_every_moment(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, sent: list[WindowSummary], cuts: list[int]
) -> None:
    durable, memory = SqliteStore(tmp_path_factory.mktemp("rolled") / "store.db"), MemoryStore()
    for n, one in enumerate(sent):
        now = data.draw(WHEN)
        for store in (durable, memory):
            store.add_windows([one], f"shard-{n % 2}", n)
            if now is not None:
                store.roll_up(now, cuts)
        assert canonical(read(durable)) == canonical(read(memory))
        counts = ("n", "n_ood")
        assert durable.sums("1.1", T0, T0 + 90, counts) == memory.sums("1.1", T0, T0 + 90, counts)
    durable.close()
