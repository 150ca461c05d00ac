"""A drill passes by what it exercised, never by emptiness; only its own orders end without people."""

from __future__ import annotations

import math
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import (
    DRILL_TENANT,
    DRILLER,
    FAILED,
    PASSED,
    Drill,
    Entry,
    Held,
    Named,
    ReplicaTime,
    RuntimeState,
    Scope,
    drill_scope,
    hold,
    of_drill,
)
from shipworthy.ledger.fold import step
from shipworthy.respond import drills
from shipworthy.respond.drills import DrillBook, Started, Trip, judged, percentile
from shipworthy.respond.moments import told
from shipworthy.respond.postures import end_drill, overdue_drills
from tests.respond.made import at, held, placed, when

STARTED = Started(
    id="DRL-2026-0001", kind="kill", model="claims", version="2.0", by="olu", at=at(0), until=at(1), target_ms=100.0
)
GOOD = Trip(
    scope=drill_scope("claims"),
    replicas=(ReplicaTime(name="worker-0", took_ms=3.0), ReplicaTime(name="worker-1", took_ms=9.0)),
    before=8,
    after=8,
    last_ms=4.0,
)


def changed(**more: object) -> Trip:
    fields = {name: getattr(GOOD, name) for name in GOOD.__dataclass_fields__}
    return Trip(**{**fields, **more})


def verdict(*trips: Trip, kind: str = "kill", arm: str = "candidate", trouble: str = "") -> Drill:
    return judged(msgspec.structs.replace(STARTED, kind=kind), trips, arm, at(10), trouble)


def test_what_is_recorded_of_a_drill_that_passed() -> None:
    found = verdict(GOOD, changed(last_ms=6.0))
    assert (found.verdict, found.trips, found.errors, found.expires) == (PASSED, 2, 0, at(10))
    assert (found.p50_ms, found.p99_ms, found.max_ms, found.last_candidate_ms) == (3.0, 9.0, 9.0, 6.0)
    assert found.answers == (16, 16)
    assert [(one.name, one.took_ms) for one in found.replicas] == [("worker-0", 3.0), ("worker-1", 9.0)]


@pytest.mark.parametrize(
    ("trips", "because"),
    [
        ((), "nothing was exercised"),
        ((changed(before=0),), "stopped nothing"),
        ((changed(after=0),), "no safe answer"),
        ((changed(replicas=()),), "no replica is known"),
        ((changed(replicas=(ReplicaTime(name="worker-7", took_ms=None),)),), "silent: worker-7"),
        ((changed(errors=("500: no",)),), "first: 500: no"),
        ((changed(last_ms=100.1),), "was not safe left 100 ms"),
        ((changed(last_ms=math.nan),), "was not safe"),
        ((changed(last_ms=-1.0),), "was not safe"),
        ((changed(replicas=(ReplicaTime(name="a", took_ms=101.0),)),), "p99 101 ms is over"),
        ((changed(replicas=(ReplicaTime(name="a", took_ms=-1.0),)),), "over the target"),
        ((changed(scope=Scope(model="claims", tenant="acme")),), "reached acme"),
        ((changed(scope=Scope(model="claims")),), "no tenant of drills"),
        ((GOOD, changed(after=0)), "trip 2"),
    ],
)
def test_each_thing_that_is_missing_fails_it(trips: tuple[Trip, ...], because: str) -> None:
    found = verdict(*trips)
    assert found.verdict == FAILED
    assert because in found.because


def test_a_rollback_needs_a_candidate_and_trouble_is_a_failure() -> None:
    assert verdict(GOOD, kind="rollback").verdict == PASSED
    assert verdict(GOOD, kind="rollback", arm="baseline").verdict == FAILED
    assert "the disk is full" in verdict(GOOD, trouble="the disk is full").because
    assert verdict(GOOD, trouble="the disk is full").verdict == FAILED


def test_the_target_itself_is_still_within_it() -> None:
    assert verdict(changed(last_ms=100.0, replicas=(ReplicaTime(name="a", took_ms=100.0),))).verdict == PASSED


@given(st.lists(st.none() | st.floats(0, 1000), max_size=8), st.integers(0, 3), st.integers(0, 3), st.floats(0, 200))
def test_taking_anything_away_never_helps(times: list[float | None], before: int, after: int, last: float) -> None:
    replicas = tuple(ReplicaTime(name=str(number), took_ms=time) for number, time in enumerate(times))
    found = verdict(changed(replicas=replicas, before=before, after=after, last_ms=last))
    good = bool(times) and all(time is not None and time <= 100.0 for time in times)
    assert (found.verdict == PASSED) is (good and before > 0 and after > 0 and last <= 100.0)
    assert (found.p99_ms is None) is (not times or None in times)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.sampled_from([0.5, 0.99, 1.0]))
def test_the_percentile_is_one_of_the_times_with_enough_at_or_below_it(times: list[float], share: float) -> None:
    found = percentile(times, share)
    assert found in times
    assert sum(time <= found for time in times) >= share * len(times) - 1e-9
    assert sum(time < found for time in times) < share * len(times)


def drill_held(order_id: str, *, minute: float = 0, by: str = DRILLER, **scope: str) -> Held:
    return held(order_id, Named.KILLED, minute=minute, by=by, **{"tenant": DRILL_TENANT, "version": "*", **scope})


def test_a_drill_order_reaches_the_synthetic_tenant_and_nobody_else() -> None:
    made = drills.drill_order("ORD-1", drill_scope("claims"), Named.KILLED, "DRL-1", when(0), 30)
    assert of_drill(made)
    assert (made.order.confirm_by, made.confirmed_by) == (told(when(0) + timedelta(seconds=30)), "")
    for scope in (Scope(model="claims"), Scope(model="claims", tenant="acme")):
        with pytest.raises(ValueError, match="reaches __drill__ only"):
            drills.drill_order("ORD-1", scope, Named.KILLED, "DRL-1", when(0), 30)


@pytest.mark.parametrize(
    "other",
    [
        drill_held("ORD-2", tenant="*"),
        drill_held("ORD-2", tenant="acme"),
        drill_held("ORD-2", by="olu"),
        drill_held("ORD-2", by="machine"),
        drill_held("ORD-2", by="drill"),
    ],
    ids=["everybody", "another tenant", "a person's", "the machine's", "a person called drill"],
)
def test_nothing_else_gets_through_the_door_of_a_drill(other: Held) -> None:
    state = placed(drill_held("ORD-1"), other)
    assert [one.order.id for one in end_drill(state, ["ORD-1"]).orders] == ["ORD-2"]
    for asked in (["ORD-2"], ["ORD-1", "ORD-2"]):
        with pytest.raises(PolicySaysNo, match="no order of a drill"):
            end_drill(state, asked)
        entry = Entry(seq=9, at=at(9), actor=DRILLER, kind=drills.RELEASED, body={"orders": asked}, prev="")
        assert other in step(state, entry).orders  # nor does it by an entry that somebody wrote
    assert overdue_drills(state, when(10_000)) == (state.orders[0],)


def test_ending_agrees_with_the_ledger_and_acknowledges_nothing() -> None:
    state = placed(drill_held("ORD-1"), held("ORD-2"))
    after = end_drill(state, ["ORD-1", "ORD-1"])
    entry = Entry(seq=9, at=at(9), actor=DRILLER, kind=drills.RELEASED, body={"orders": ["ORD-1"]}, prev="")
    assert step(state, entry) == after
    assert (after.acknowledged, after.epoch) == ((), state.epoch + 1)
    assert end_drill(state, []) is state
    with pytest.raises(UsageError, match="no order ORD-1"):
        end_drill(after, ["ORD-1"])


def test_an_id_that_a_drill_shares_with_an_order_of_people_is_theirs() -> None:
    state = placed(drill_held("ORD-1"))
    both = hold(state, held("ORD-1", by="olu"))
    with pytest.raises(PolicySaysNo):
        end_drill(both, ["ORD-1"])


def test_time_alone_makes_only_orders_of_drills_overdue() -> None:
    state: RuntimeState = placed(drill_held("ORD-1"), held("ORD-2", Named.KILLED), held("ORD-3", by="olu"))
    assert overdue_drills(state, when(15)) == ()
    assert [one.order.id for one in overdue_drills(state, when(15.1))] == ["ORD-1"]


def entry(seq: int, kind: str, minute: float, fact: object = None) -> Entry:
    body = {} if fact is None else {"drill": msgspec.to_builtins(fact)}
    return Entry(seq=seq, at=at(minute), actor="olu", kind=kind, body=body, prev="")


def book_of(*entries: Entry) -> DrillBook:
    book = DrillBook()
    book.read(entries)
    return book


def test_the_book_knows_what_is_open_and_what_is_due() -> None:
    book = book_of(entry(0, "gate.shipped", 0), entry(1, drills.STARTED, 1, STARTED))
    assert book.overdue(when(1)) == ()
    assert book.overdue(when(1.1)) == (STARTED,)
    done = verdict(GOOD)
    book.read([entry(2, drills.DRILLED, 2, done)])
    assert (book.overdue(when(9)), book.seen, book.last("kill", "claims")) == ((), 3, done)
    day = 24 * 60
    assert not drills.due(book, "claims", 86_400.0, when(day))
    assert drills.due(book, "claims", 86_400.0, when(day + 1))
    assert drills.due(book, "another", 86_400.0, when(day + 1))
    assert drills.due(DrillBook(), "claims", 86_400.0, when(0))  # nobody knows since when


def test_a_failed_drill_neither_counts_nor_hides_the_one_before() -> None:
    failed = msgspec.structs.replace(verdict(), id="DRL-2026-0002", at=at(60))
    book = book_of(entry(0, drills.DRILLED, 2, verdict(GOOD)), entry(1, drills.DRILLED, 61, failed))
    (age,) = drills.measured(book, "drill_age_d", "claims", when(24 * 60))
    (time,) = drills.measured(book, "kill_time_ms", "claims", when(24 * 60), 0.99)
    assert (age.value, age.lo, age.hi, age.source, age.n, age.end) == (1.0, 1.0, 1.0, "online", 1, at(24 * 60))
    assert (time.value, time.lo, time.level, time.method) == (None, None, 0.99, "drill DRL-2026-0002")
    assert drills.measured(book, "drill_age_d", "another", when(0)) == ()
    (future,) = drills.measured(book, "drill_age_d", "claims", when(-1))
    assert future.value is None


@pytest.mark.parametrize(
    ("trips", "minute", "value"),
    [
        ((GOOD,), 10, 9.0),
        ((changed(last_ms=77.0),), 9, 77.0),  # the replicas had said yes, and something left after that
        ((changed(last_ms=500.0),), 9, 500.0),  # it failed, and its time says why
        ((changed(before=0),), 9, None),  # it stopped nothing
        ((changed(after=0),), 9, None),
        ((), 9, None),
        ((GOOD,), 11, None),  # it counts no longer
    ],
)
def test_the_time_of_a_kill_is_the_longest_that_anything_took(
    trips: tuple[Trip, ...], minute: float, value: float | None
) -> None:
    book = book_of(entry(0, drills.DRILLED, 2, verdict(*trips)))
    (time,) = drills.measured(book, "kill_time_ms", "claims", when(minute))
    assert time.value == value
    forever = msgspec.structs.replace(verdict(GOOD), expires="some day")
    (time,) = drills.measured(book_of(entry(0, drills.DRILLED, 2, forever)), "kill_time_ms", "claims", when(3))
    assert time.value is None


def test_only_the_entry_of_a_finished_drill_is_one() -> None:
    assert drills.drill_in(entry(0, drills.DRILLED, 0, verdict(GOOD))) == verdict(GOOD)
    assert drills.drill_in(entry(0, "govern.decided", 0, verdict(GOOD))) is None


def test_an_entry_ends_the_orders_that_it_names_and_no_other_drill() -> None:
    state = placed(drill_held("ORD-1"), drill_held("ORD-2"))
    ended = Entry(seq=9, at=at(9), actor=DRILLER, kind=drills.RELEASED, body={"orders": ["ORD-2"]}, prev="")
    assert step(state, ended).orders == end_drill(state, ["ORD-2"]).orders == (state.orders[0],)


def test_what_is_written_in_no_form_we_know_counts_for_nothing() -> None:
    book = book_of(
        entry(0, drills.DRILLED, 0, {"id": "DRL-1", "verdict": "passed"}),
        entry(1, drills.DRILLED, 0),
        entry(2, drills.STARTED, 0, msgspec.structs.replace(STARTED, until="soon")),
    )
    assert (book.done, book.open) == ([], {})
