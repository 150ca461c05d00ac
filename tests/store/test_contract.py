"""What every store promises, run on each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipworthy.errors import CannotDecide, PolicySaysNo, ShipworthyError, Unreachable, UsageError
from shipworthy.facts import WindowSummary, canonical, digest
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueStatus
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.memory import MemoryStore
from tests.store.rows import NOON, ONE, THREE, TWO, building, incident, item, labels, window


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = SqliteStore(tmp_path / "store.db") if request.param == "sqlite" else MemoryStore()
    yield made
    made.close()


def test_entries_chain_from_the_digest_of_nothing_and_keep_their_canonical_bytes(store: Store) -> None:
    first = store.append_entries(building({"n": 1}, {"n": 2}))
    second = store.append_entries(building({"n": 3}))
    assert [entry.seq for entry in (*first, *second)] == [0, 1, 2]
    assert first[0].prev == digest(b"")
    assert second[0].prev == digest(first[1])
    assert list(store.entries()) == [*first, *second]
    assert list(store.entry_bytes()) == [canonical(entry) for entry in (*first, *second)]


def test_entries_are_read_from_start_to_before_stop_across_pages(store: Store) -> None:
    store.append_entries(building(*({"n": n} for n in range(1100))))
    assert store.size() == 1100
    assert [entry.seq for entry in store.entries(510, 1030)] == list(range(510, 1030))
    assert [entry.body["n"] for entry in store.entries(1098)] == [1098, 1099]
    assert list(store.entries(5, 5)) == []
    assert len(list(store.entry_bytes(1, 3))) == 2


def test_an_entry_that_does_not_continue_the_chain_is_refused_and_nothing_is_kept(store: Store) -> None:
    store.append_entries(building({"n": 1}))
    with pytest.raises(ShipworthyError, match="does not follow"):
        store.append_entries(lambda seq, prev: building({"n": 2})(seq + 1, prev))
    with pytest.raises(ShipworthyError, match="does not follow"):
        store.append_entries(lambda seq, prev: building({"n": 2})(seq, digest(b"fork")))
    assert store.size() == 1


def test_ids_count_by_kind_and_year_and_never_repeat(store: Store) -> None:
    assert [store.next_id("ORD", 2027) for _ in range(2)] == ["ORD-2027-0001", "ORD-2027-0002"]
    assert store.next_id("INC", 2027) == "INC-2027-0001"
    assert store.next_id("ORD", 2028) == "ORD-2028-0001"
    with pytest.raises(UsageError):
        store.next_id("ord'--", 2027)


def test_keys_hold_bytes_and_are_listed_by_prefix(store: Store) -> None:
    assert store.get("a/1") is None
    store.put("a/1", b"\x00one")
    store.put("a/1", b"\x00two")
    store.put("a%", b"")
    store.put("b", b"x")
    assert store.get("a/1") == b"\x00two"
    assert store.keys("a") == ("a%", "a/1")
    assert store.keys("a/") == ("a/1",)
    assert store.keys() == ("a%", "a/1", "b")


def test_a_block_that_fails_leaves_no_trace_and_a_nested_one_undoes_only_itself(store: Store) -> None:
    def fail(key: str) -> None:
        with store.transaction():
            store.put(key, b"1")
            store.append_entries(building({"n": 1}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail("gone")
    with store.transaction():
        store.put("kept", b"1")
        with pytest.raises(ZeroDivisionError):
            fail("nested")
        assert store.get("kept") == b"1"
        store.put("after", b"1")
    assert store.keys() == ("after", "kept")
    assert store.size() == 0


def test_appends_from_many_threads_make_one_chain(store: Store) -> None:
    def work() -> None:
        for n in range(10):
            store.append_entries(building({"n": n}))
            store.next_id("ORD", 2027)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    prev = digest(b"")
    for seq, entry in enumerate(store.entries()):
        assert (entry.seq, entry.prev) == (seq, prev)
        prev = digest(entry)
    assert store.size() == 40
    assert store.next_id("ORD", 2027) == "ORD-2027-0041"


BATCHES = st.lists(
    st.builds(window, minute=st.integers(0, 2), n=st.integers(0, 9), segment=st.sampled_from(["*", "urgent=1"])),
    max_size=3,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.lists(BATCHES, min_size=1, max_size=5))
def test_batches_in_any_order_and_any_number_of_times_give_the_same_bytes(
    data: st.DataObject, batches: list[list[WindowSummary]]
) -> None:
    sent = [(batch, f"shard-{n % 2}", n // 2) for n, batch in enumerate(batches)]
    again = data.draw(st.permutations(sent + data.draw(st.lists(st.sampled_from(sent), max_size=4))))
    bodies = []
    for order in (sent, again):
        store = MemoryStore()
        for batch in order:
            store.add_windows(*batch)
        bodies.append(canonical(store.windows("1.1", 0, 9, segment=None)))
    assert bodies[0] == bodies[1]


def test_windows_in_any_order_and_doubled_give_the_same_bytes_in_every_store(store: Store) -> None:
    sent = [([window(n=n), window(6, n)], f"shard-{n % 2}", n) for n in range(6)]
    other = MemoryStore()
    assert all(store.add_windows(*batch) for batch in sent)
    for batch in [*reversed(sent), *sent]:
        other.add_windows(*batch)
    assert not store.add_windows(*sent[3])
    assert canonical(store.windows("1.1", 0, 9)) == canonical(other.windows("1.1", 0, 9))
    assert [found.n for found in store.windows("1.1", 0, 9)] == [15, 15]
    assert store.windows("1.1", 5, 6)[0].scores[0] == 15


def test_a_shard_that_reports_twice_does_not_stand_in_for_a_silent_one(store: Store) -> None:
    store.add_windows([window()], "shard-0", 0)
    store.add_windows([window()], "shard-0", 1)
    (found,) = store.windows("1.1", 5, 6)
    assert (found.n, found.shards_seen, found.shards_expected) == (6, 1, 2)
    store.add_windows([window()], "shard-1", 0)
    assert store.windows("1.1", 5, 6)[0].shards_seen == 2


def test_windows_of_two_reference_profiles_are_never_mixed(store: Store) -> None:
    store.add_windows([window(), window(reference=digest(b"other"))], "shard-0", 0)
    assert len(store.windows("1.1", 5, 6)) == 2


def test_windows_are_picked_by_version_minutes_arm_tenant_and_segment(store: Store) -> None:
    store.add_windows([window(4), window(5), window(6), window(5, segment="urgent=1"), window(5, arm="b")], "s", 0)
    assert [found.minute for found in store.windows("1.1", 4, 6, arm="a")] == [4, 5]
    assert len(store.windows("1.1", 5, 6)) == 2
    assert len(store.windows("1.1", 5, 6, segment=None, tenant=None)) == 3
    assert [found.segment for found in store.windows("1.1", 0, 9, segment="urgent=1")] == ["urgent=1"]
    assert store.windows("1.0", 0, 9) == []
    assert store.windows("1.1", 0, 9, tenant="acme") == []


def test_a_batch_number_used_twice_for_other_counts_is_not_lost_silently(store: Store) -> None:
    store.add_windows([window(n=1)], "shard-0", 0)
    with pytest.raises(CannotDecide, match="came twice"):
        store.add_windows([window(n=2)], "shard-0", 0)


@pytest.mark.parametrize("spoilt", [{"n": -1}, {"n": 1.0}, {"n": True}, {"scores": (1,)}, {"scores": (-1,) * 60}])
def test_a_window_that_is_not_made_of_counts_is_refused(store: Store, spoilt: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        store.add_windows([msgspec.structs.replace(window(), **spoilt)], "shard-0", 0)
    assert store.add_windows([window()], "shard-0", 0)


def test_the_label_of_one_receipt_counts_once_in_each_of_its_segments(store: Store) -> None:
    assert store.add_label("receipt-1", labels(), labels(segment="urgent=1"))
    assert not store.add_label("receipt-1", labels())
    assert store.add_label("receipt-2", labels(machine=2))
    assert [found.machine for found in store.labels("1.1", 5, 6)] == [3]
    assert [found.machine for found in store.labels("1.1", 5, 6, segment=None)] == [3, 1]
    assert store.labels("1.1", 6, 9) == []


def test_the_most_urgent_item_is_leased_first_and_to_one_person_only(store: Store) -> None:
    store.enqueue(item("REV-2027-0001", THREE))
    store.enqueue(item("REV-2027-0002", TWO))
    store.enqueue(item("REV-2027-0003", TWO, tenant="other"))
    assert store.lease("acme", "ann", ONE, NOON) is not None
    taken = [store.lease(None, who, ONE, NOON) for who in ("bob", "cai", "dee")]
    assert [one.id if one else None for one in taken] == ["REV-2027-0003", "REV-2027-0001", None]
    assert [one.id for one in store.items(QueueStatus.LEASED)] == ["REV-2027-0002", "REV-2027-0003", "REV-2027-0001"]
    assert [one.leased_by for one in store.items(tenant="acme")] == ["ann", "cai"]


def test_an_answer_is_kept_with_who_and_when(store: Store) -> None:
    store.enqueue(item())
    store.lease("acme", "ann", ONE, NOON)
    done = store.answer(item().id, "ann", "deny", "2027-01-04T12:30:00.000000Z", label=1)
    assert store.item(item().id) == done
    assert (done.status, done.answer, done.label, done.answered_by) == (QueueStatus.ANSWERED, "deny", 1, "ann")
    assert done.sealed == item().sealed
    with pytest.raises(PolicySaysNo):
        store.answer(item().id, "ann", "approve", "2027-01-04T12:31:00.000000Z")


def test_nobody_answers_for_another_or_after_the_lease(store: Store) -> None:
    store.enqueue(item())
    with pytest.raises(PolicySaysNo):
        store.answer(item().id, "ann", "deny", NOON)
    store.enqueue(item("REV-2027-0002", ONE))
    assert store.lease(None, "cai", THREE, NOON) == store.item("REV-2027-0002")
    with pytest.raises(PolicySaysNo):  # the fallback has answered at the deadline, whatever the lease says
        store.answer("REV-2027-0002", "cai", "deny", ONE)
    store.lease(None, "ann", ONE, NOON)
    with pytest.raises(PolicySaysNo):
        store.answer(item().id, "bob", "deny", NOON)
    with pytest.raises(PolicySaysNo):
        store.answer(item().id, "ann", "deny", ONE)
    again = store.lease(None, "bob", TWO, ONE)
    assert again is not None
    with pytest.raises(PolicySaysNo):
        store.answer(item().id, "ann", "deny", "2027-01-04T13:30:00.000000Z")
    assert store.answer(item().id, "bob", "deny", "2027-01-04T13:30:00.000000Z").answered_by == "bob"
    with pytest.raises(UsageError):
        store.answer("REV-2027-0099", "ann", "deny", NOON)


def test_what_nobody_answers_expires_once_and_cannot_be_leased(store: Store) -> None:
    store.enqueue(item("REV-2027-0001", ONE))
    store.enqueue(item("REV-2027-0002", THREE))
    store.lease(None, "ann", TWO, NOON)
    assert [one.id for one in store.expire(ONE)] == ["REV-2027-0001"]
    assert store.expire(ONE) == ()
    assert [one.id for one in store.items(QueueStatus.EXPIRED)] == ["REV-2027-0001"]
    assert store.lease(None, "bob", "2027-01-04T16:00:00.000000Z", THREE) is None


def test_the_same_item_twice_is_one_and_its_id_is_never_anothers(store: Store) -> None:
    store.enqueue(item())
    store.lease(None, "ann", ONE, NOON)
    store.enqueue(item())
    assert [one.leased_by for one in store.items()] == ["ann"]
    with pytest.raises(CannotDecide):
        store.enqueue(msgspec.structs.replace(item(), request="another"))
    with pytest.raises(PolicySaysNo):
        store.enqueue(msgspec.structs.replace(item("REV-2027-0002"), status=QueueStatus.ANSWERED))


@pytest.mark.parametrize("text", ["", "2027-01-04T12:00:00Z", "2027-13-04T12:00:00.000000Z", "tomorrow"])
def test_instants_that_would_not_compare_as_text_are_refused(store: Store, text: str) -> None:
    with pytest.raises(UsageError):
        store.enqueue(item(deadline=text))
    with pytest.raises(UsageError):
        store.lease(None, "ann", text, NOON)
    with pytest.raises(UsageError):
        store.expire(text)


def test_incidents_are_replaced_by_id(store: Store) -> None:
    store.put_incident(incident("INC-2027-0002"))
    store.put_incident(incident("INC-2027-0001"))
    store.put_incident(incident("INC-2027-0002", "closed"))
    assert [(one.id, one.status) for one in store.incidents()] == [
        ("INC-2027-0001", "active"),
        ("INC-2027-0002", "closed"),
    ]


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(Unreachable):
        store.put("a", b"b")
    with pytest.raises(Unreachable):
        store.size()
    store.close()


def test_an_answer_waits_until_it_is_counted_and_tells_whether_it_changed_anything(store: Store) -> None:
    store.enqueue(item())
    with pytest.raises(PolicySaysNo):
        store.counted(item().id)
    store.lease("acme", "ann", ONE, NOON)
    store.answer(item().id, "ann", "deny", NOON, label=0, changed=True)
    (waiting,) = store.items(QueueStatus.ANSWERED)
    assert waiting.changed is True
    store.counted(item().id)
    store.counted(item().id)
    assert store.items(QueueStatus.ANSWERED) == ()
    kept = store.item(item().id)
    assert kept is not None
    assert (kept.status, kept.answer, kept.label, kept.changed) == (QueueStatus.COUNTED, "deny", 0, True)
    assert store.expire("2028-01-01T00:00:00.000000Z") == ()
    with pytest.raises(UsageError):
        store.counted("REV-2027-0099")
