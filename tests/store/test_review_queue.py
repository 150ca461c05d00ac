"""What the queue promises, on each store; no number of processes exceeds its capacity."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec
import pytest
from msgspec.structs import replace

from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Receipt, canonical
from shipworthy.store.protocol import Store
from shipworthy.store.queue import OTHER
from shipworthy.store.review import (
    Admission,
    Given,
    QueueItem,
    QueueStatus,
    Room,
    standing,
)
from shipworthy.store.schema import STEPS, migrate
from shipworthy.store.sqlite import SqliteStore
from shipworthy.store.suspect import BY_ANSWER, BY_LABEL, HELD, RELEASED, Suspect
from shipworthy.testing.memory import MemoryStore
from tests.store.child import child_environ
from tests.store.rows import NOON, ONE, THREE, TWO, item
from tests.store.test_contract import store

__all__ = ["store"]
LATER = "2027-01-05T12:00:00.000000Z"
MINUTE = int(datetime(2027, 1, 4, 12, tzinfo=UTC).timestamp() // 60)


def given_(person: str, decision: str, label: int | None = None) -> Given:
    return Given(person=person, decision=decision, at=NOON, label=label)


@pytest.mark.parametrize(
    ("said", "people", "stands"),
    [
        (["deny"], 1, ("deny", 0)),
        (["deny"], 2, None),
        (["deny", "deny"], 2, ("deny", 0)),
        (["deny", "approve"], 2, None),
        (["deny", "approve", "approve"], 2, ("approve", 1)),
        (["deny", "approve", "review"], 2, ("to_person", None)),
        (["review", "review"], 2, ("review", None)),
    ],
)
def test_an_answer_stands_when_two_people_agree(said: list[str], people: int, stands: tuple[str, int] | None) -> None:
    labels = {"deny": 0, "approve": 1}
    got = standing([given_(f"p{k}", word, labels.get(word)) for k, word in enumerate(said)], people, "to_person")
    assert (None if got is None else (got.decision, got.label)) == stands


def test_who_has_answered_never_gets_the_item_again(store: Store) -> None:
    store.enqueue(replace(item(), people=2))
    store.lease(None, "ann", ONE, NOON)
    first = store.answer(item().id, "ann", "deny", NOON, 0)
    assert (first.status, first.answer, first.label) == (QueueStatus.WAITING, "", None)
    assert store.answer(item().id, "ann", "deny", NOON, 0) == first  # twice is once
    assert store.lease(None, "ann", ONE, NOON) is None
    with pytest.raises(PolicySaysNo):
        store.lease(None, "ann", ONE, NOON, None, item().id)
    assert store.lease(None, "bob", ONE, NOON) is not None
    done = store.answer(item().id, "bob", "deny", NOON, 0)
    assert (done.status, done.answer, done.label, done.answered_by) == (QueueStatus.ANSWERED, "deny", 0, "ann,bob")


def test_a_person_holds_no_more_than_they_may_and_gets_more_by_giving_back(store: Store) -> None:
    for n in range(3):
        store.enqueue(item(f"R-{n}"))
    for _ in range(2):
        assert store.lease(None, "ann", ONE, NOON, 2) is not None
    with pytest.raises(PolicySaysNo, match="has 2 items"):
        store.lease(None, "ann", ONE, NOON, 2)
    again = store.lease(None, "ann", TWO, NOON, 2, "R-0")  # the one they have is theirs, for no longer
    assert again is not None
    assert again.lease_until == ONE
    with pytest.raises(PolicySaysNo):
        store.give_back("R-0", "bob", NOON)
    assert store.give_back("R-0", "ann", NOON).status is QueueStatus.WAITING
    assert store.lease(None, "ann", ONE, NOON, 2) is not None
    assert store.queue_depth(NOON).leases == {"ann": 2}
    assert store.queue_depth(ONE).leases == {}  # a lease that ran out binds nobody


def test_a_lease_never_outlives_its_item(store: Store) -> None:
    store.enqueue(item())
    taken = store.lease(None, "ann", LATER, NOON)
    assert taken is not None
    assert taken.lease_until == THREE


def test_a_tenant_fills_its_quota_and_no_more_of_the_queue(store: Store) -> None:
    told = [store.enqueue(item(f"A-{n}", tenant="acme"), Room(capacity=5, quota=3)) for n in range(6)]
    assert told == [Admission.QUEUED] * 3 + [Admission.OVERFLOW] * 3
    told = [store.enqueue(item(f"B-{n}", tenant="birch"), Room(capacity=5, quota=3)) for n in range(3)]
    assert told == [Admission.QUEUED] * 2 + [Admission.OVERFLOW]
    assert store.enqueue(item("A-0", tenant="acme"), Room(capacity=1, quota=1)) is Admission.QUEUED  # it is there
    depth = store.queue_depth(NOON)
    assert (depth.open, depth.overflow) == ({"acme": 3, "birch": 2}, {"acme": 3, "birch": 1})
    store.expire(THREE)
    assert store.queue_depth(THREE).open == {}
    assert {one.sealed for one in store.items(QueueStatus.EXPIRED)} == {b""}
    assert store.enqueue(item("A-9", LATER, "acme"), Room(capacity=1, quota=1)) is Admission.QUEUED


def test_the_input_of_what_is_done_with_goes_at_its_end(store: Store) -> None:
    store.enqueue(replace(item(), expires=THREE))
    store.lease(None, "ann", ONE, NOON)
    store.answer(item().id, "ann", "deny", NOON, 0)
    assert store.expire(TWO) == ()
    kept = store.item(item().id)
    assert kept is not None
    assert kept.sealed
    store.expire(THREE)
    kept = store.item(item().id)
    assert kept is not None
    assert (kept.sealed, kept.answer) == (b"", "deny")


def test_tenants_beyond_those_that_are_told_apart_are_counted_together(tmp_path: Path) -> None:
    disk = SqliteStore(tmp_path / "store.db")
    disk.add_overflow({f"t{n:05d}": 1 for n in range(2000)})
    disk.add_overflow({"late": 2, "t00001": 5})
    found = disk.queue_depth(NOON).overflow
    assert (found["t00001"], found[OTHER], "late" in found) == (6, 2, False)
    disk.close()


def test_a_queue_of_before_there_were_counts_is_counted_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    old = apsw.Connection(str(path))
    migrate(old, "here", STEPS[:4])
    for name, status, who in (("R-1", "waiting", ""), ("R-2", "leased", "ann"), ("R-3", "expired", "")):
        one = replace(item(name), status=QueueStatus(status), leased_by=who, lease_until=ONE if who else "")
        row = (one.id, one.tenant, status, one.deadline, one.lease_until, _old(one))
        old.execute("INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?)", row)
    old.close()
    opened = SqliteStore(path)
    depth = opened.queue_depth(NOON)
    assert (depth.open, depth.leases) == ({"acme": 2}, {"ann": 1})
    assert opened.answer("R-2", "ann", "deny", NOON, 0).label == 0
    assert opened.queue_depth(NOON).open == {"acme": 1}
    opened.close()


def test_the_input_of_an_item_of_before_there_were_ends_goes_as_long_after_it_came(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    old = apsw.Connection(str(path))
    migrate(old, "here", STEPS[:4])
    for name in ("R-1", "R-2"):
        one = replace(item(name), minute=MINUTE)
        old.execute(
            "INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?)", (name, "acme", "waiting", one.deadline, "", _old(one))
        )
    old.close()
    migrate(again := apsw.Connection(str(path)), "here", STEPS[:6])
    again.close()
    opened = SqliteStore(path)
    twin = MemoryStore()
    for name in ("R-1", "R-2"):
        twin.enqueue(replace(item(name), minute=MINUTE))
    for kept in (opened, twin):
        kept.lease(None, "ann", ONE, NOON, None, "R-1")
        kept.answer("R-1", "ann", "deny", NOON, 0)
        assert [one.id for one in kept.expire(THREE)] == ["R-2"]
        assert [bool(one.sealed) for one in kept.items()] == [True, False]
        kept.expire("2027-02-03T11:59:00.000000Z")
        assert [bool(one.sealed) for one in kept.items()] == [True, False]
        kept.expire("2027-01-11T12:00:00.000000Z", 7 * 86_400)  # a contract that keeps inputs for a week
        assert [bool(one.sealed) for one in kept.items()] == [False, False]
    opened.close()


def _old(one: QueueItem) -> bytes:
    """An item as it was written before items had an end and several people."""
    new = ("expires", "people", "answers")
    return msgspec.json.encode({key: value for key, value in msgspec.to_builtins(one).items() if key not in new})


def test_labels_that_were_apart_by_their_request_are_so_by_their_sender(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    old = apsw.Connection(str(path))
    migrate(old, "here", STEPS[:6])
    found = Receipt(
        request="d-1", version="1", tenant="acme", segments=(), minute=0, score_bin=9, score_q=1, arm="baseline",
        route="machine", decision="deny",
    )  # fmt: skip
    one = Suspect(receipt=found, label=1, kind=BY_LABEL, source="bad", reason="r", at="t")
    old.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?)", ("d-1", "1", "bad", HELD, canonical(one)))
    old.close()
    opened = SqliteStore(path)
    assert opened.quarantined(HELD, "1", "bad") == (one,)
    assert not opened.quarantine(one)
    assert opened.quarantine(replace(one, kind=BY_ANSWER, source="ben"))
    assert opened.settle("1", "bad", RELEASED) == 1
    opened.let_go(one)
    assert opened.quarantine_counts() == {("1", "ben", HELD): 1}
    opened.close()


FLOOD = """
import sys
from pathlib import Path
from shipworthy.store.group import GroupCommit
from shipworthy.store.review import Admission, Room
from shipworthy.store.sqlite import SqliteStore
from tests.store.rows import item
store = SqliteStore(Path(sys.argv[1]) / "store.db")
commits = GroupCommit(store)
sys.stdin.readline()
room, tenants = Room(capacity=100, quota=40), ("acme", "birch", "cedar", "dogwood")
asked = [item(f"{sys.argv[2]}-{n}", tenant=tenants[n % 4]) for n in range(120)]
told = [commits.submit(lambda store, one=one: store.enqueue(one, room)) for one in asked]
print(sum(one.result() is Admission.QUEUED for one in told), flush=True)
commits.close()
"""


def test_four_processes_together_never_exceed_the_capacity(tmp_path: Path) -> None:
    disk = SqliteStore(tmp_path / "store.db")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", FLOOD, str(tmp_path), str(n)],
            env=child_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [int(child.communicate(timeout=60)[0]) for child in children]
    depth = disk.queue_depth(NOON)
    assert sum(told) == sum(depth.open.values()) == len(disk.items()) == 100
    assert max(depth.open.values()) <= 40
    assert sum(depth.overflow.values()) == 4 * 120 - 100
    disk.close()
