"""Counts of the abuse log in every store: the larger total holds, shards add up, and what has expired is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.errors import UsageError
from shipworthy.facts import AbuseCount, AbuseKind, canonical
from shipworthy.store import schema
from shipworthy.store.protocol import Store
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.memory import MemoryStore

FLOOD = AbuseCount(
    hour=500_000, tenant="acme", kind=AbuseKind.FLOOD, caller="p-1", segment="*", n=7, evidence="e-5"
)  # fmt: skip
COUNTS = st.builds(
    AbuseCount,
    hour=st.integers(10, 12),
    tenant=st.sampled_from(["acme", "birch"]),
    kind=st.sampled_from(AbuseKind),
    caller=st.sampled_from(["p-1", "p-2"]),
    segment=st.sampled_from(["*", "supplier=S1"]),
    n=st.integers(1, 9),
    evidence=st.sampled_from(["e-1", "e-2", "e-3"]),
)
SENT = st.lists(st.tuples(st.lists(COUNTS, max_size=4), st.sampled_from(["one", "two"])), max_size=5)


@pytest.fixture(params=["sqlite", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store = SqliteStore(tmp_path / "store.db") if request.param == "sqlite" else MemoryStore()
    yield made
    made.close()


@settings(max_examples=60, deadline=None)
@given(SENT, st.data())
def test_totals_in_any_order_and_any_number_of_times_give_the_same_bytes(
    sent: list[tuple[list[AbuseCount], str]], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(sent + (data.draw(st.lists(st.sampled_from(sent))) if sent else [])))
    bodies = []
    for order in (sent, again):
        store = MemoryStore()
        for batch in order:
            store.add_abuse(*batch)
        bodies.append(canonical(store.abuse(0, 99)))
    assert bodies[0] == bodies[1]


@settings(max_examples=15, deadline=None)
@given(SENT)
def test_both_stores_hold_the_same(sent: list[tuple[list[AbuseCount], str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        durable, memory = SqliteStore(Path(folder) / "store.db"), MemoryStore()
        for batch in sent:
            durable.add_abuse(*batch)
            memory.add_abuse(*batch)
        for asked in ((0, 99, None), (11, 12, None), (0, 99, "acme")):
            assert durable.abuse(*asked) == memory.abuse(*asked)
        assert durable.expire_abuse(11) == memory.expire_abuse(11)
        assert durable.abuse(0, 99) == memory.abuse(0, 99)
        durable.close()


def test_a_total_that_grew_replaces_the_smaller_one_and_an_old_one_changes_nothing(store: Store) -> None:
    store.add_abuse([FLOOD], "one")
    store.add_abuse([replace(FLOOD, n=9, evidence="e-7")], "one")
    store.add_abuse([replace(FLOOD, n=8)], "one")
    assert store.abuse(0, 600_000) == [replace(FLOOD, n=9, evidence="e-5")]


def test_shards_are_added_up(store: Store) -> None:
    store.add_abuse([FLOOD], "one")
    store.add_abuse([replace(FLOOD, n=2, evidence="e-1")], "two")
    store.add_abuse([replace(FLOOD, caller="p-2")], "two")
    assert [(one.caller, one.n, one.evidence) for one in store.abuse(0, 600_000)] == [
        ("p-1", 9, "e-1"),
        ("p-2", 7, "e-5"),
    ]


def test_a_range_holds_its_first_hour_and_not_its_last(store: Store) -> None:
    store.add_abuse([replace(FLOOD, hour=hour) for hour in (4, 5, 6)], "one")
    assert [one.hour for one in store.abuse(4, 6)] == [4, 5]
    assert store.abuse(4, 6, "birch") == []


def test_what_has_expired_is_gone_with_the_key_of_its_period(store: Store) -> None:
    store.add_abuse([replace(FLOOD, hour=719), replace(FLOOD, hour=720), replace(FLOOD, hour=721)], "one")
    for end in (720, 1440):
        store.abuse_key(end, b"sealed %d" % end)
    assert store.expire_abuse(719) == 0
    assert sorted(store.abuse_keys()) == [720, 1440]
    assert store.expire_abuse(721) == 2
    assert [one.hour for one in store.abuse(0, 9999)] == [721]
    assert store.abuse_keys() == {1440: b"sealed 1440"}


def test_a_key_lives_exactly_as_long_as_an_hour_of_its_period_may(store: Store) -> None:
    store.abuse_key(720, b"sealed")
    store.expire_abuse(719)
    assert store.abuse_keys() == {720: b"sealed"}
    store.expire_abuse(720)
    assert store.abuse_keys() == {}


def test_the_first_key_of_a_period_is_the_one(store: Store) -> None:
    assert store.abuse_key(720, b"first") == b"first"
    assert store.abuse_key(720, b"second") == b"first"
    assert store.abuse_keys() == {720: b"first"}


@pytest.mark.parametrize("spoilt", [{"n": 0}, {"n": -1}, {"n": 1.0}, {"n": True}, {"hour": -1}, {"hour": 1.5}])
def test_what_is_no_count_spoils_nothing(store: Store, spoilt: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        store.add_abuse([FLOOD, replace(FLOOD, **spoilt)], "one")
    assert store.abuse(0, 600_000) == []


def test_a_write_in_a_block_that_fails_leaves_no_trace(store: Store) -> None:
    store.add_abuse([FLOOD], "one")

    def fail() -> None:
        with store.transaction():
            store.add_abuse([replace(FLOOD, n=70)], "one")
            store.abuse_key(720, b"sealed")
            store.expire_abuse(10**6)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.abuse(0, 600_000) == [FLOOD]
    assert store.abuse_keys() == {}


def test_what_was_deleted_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SqliteStore(path)
    names = [f"p-{index:012x}" for index in range(400)]
    store.add_abuse([replace(FLOOD, caller=name) for name in names], "one")
    store.abuse_key(720, b"a key that must go")
    store.close()
    before = path.read_bytes()
    assert all(name.encode() in before for name in names)
    assert b"a key that must go" in before
    store = SqliteStore(path)
    store.expire_abuse(FLOOD.hour + 1)
    store.close()
    after = path.read_bytes()
    assert not any(name.encode() in after for name in names)
    assert b"a key that must go" not in after


def test_a_store_of_the_step_before_gets_the_tables_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch(mode=0o600)
    old = apsw.Connection(str(path))
    schema.migrate(old, "here", schema.STEPS[:1])
    old.execute("INSERT INTO kv VALUES ('key', x'01')")
    old.close()
    store = SqliteStore(path)
    store.add_abuse([FLOOD], "one")
    assert store.get("key") == b"\x01"
    assert store.abuse(0, 600_000) == [FLOOD]
    store.close()
