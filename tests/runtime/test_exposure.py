"""How long a fault acted and on how many is counted from windows, never typed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from shipworthy.facts import Entry, Incident, Scope, WindowSummary, digest
from shipworthy.facts.incident import Reopened
from shipworthy.respond.moments import told
from shipworthy.runtime.exposure import exposure
from shipworthy.testing.memory import MemoryStore

DAY = 1_790_000 * 16  # a minute


def at(minute: int, second: int = 0) -> str:
    return told(datetime.fromtimestamp(60 * (DAY + minute) + second, UTC))


def window(minute: int, n: int, arm: str = "candidate", tenant: str = "*", segment: str = "office=P1") -> WindowSummary:
    return WindowSummary(
        version="2", arm=arm, tenant=tenant, segment=segment, minute=DAY + minute, reference=digest(b""), n=n
    )


ONE = Incident(
    id="INC-1", title="t", severity="SEV2", owner="o", scope=Scope(model="m", version="2", segment="office=P1"),
    reported_at=at(60, 30), degraded_at=at(60, 20),
)  # fmt: skip


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    seen = [window(minute, 10) for minute in (5, 20, 59, 60, 61)]
    seen += [window(1, 7, "probe"), window(2, 7, "shadow"), window(60, 4, "baseline"), window(3, 0)]
    seen += [window(4, 9, tenant="acme"), window(4, 9, segment="office=P2")]
    made.add_windows(seen, "shard", 1)
    return made


def restored(at_: str, segment: str = "*", up_to: int = 30) -> Entry:
    scope = {"model": "m", "version": "*", "tenant": "*", "segment": segment}
    return Entry(
        seq=0, at=at_, actor="ana", kind="respond.restored", body={"scope": scope, "up_to": at(up_to)}, prev=digest(b"")
    )


def test_the_first_answered_decision_in_scope_and_all_up_to_the_minute_of_the_order(store: MemoryStore) -> None:
    assert exposure(store, (), ONE) == (at(5), 44)  # 5, 20, 59, and 60 of both arms; 61 is after the order


def test_what_people_acknowledged_before_does_not_count_and_other_scopes_and_later_restores_do_not_matter(
    store: MemoryStore,
) -> None:
    assert exposure(store, [restored(at(31))], ONE) == (at(59), 24)
    assert exposure(store, [restored(at(31), "office=P2")], ONE) == (at(5), 44)
    assert exposure(store, [restored(at(70))], ONE) == (at(5), 44)


def test_after_a_recurrence_it_counts_from_the_last_closing(store: MemoryStore) -> None:
    back = replace(ONE, reopened=(Reopened(at=at(58), order="ORD-2", closed_at=at(19), version="2"),))
    assert exposure(store, (), back) == (at(20), 34)


def test_without_a_version_or_a_window_nobody_can_tell(store: MemoryStore) -> None:
    assert exposure(store, (), replace(ONE, scope=Scope(model="m"))) is None
    assert exposure(store, (), replace(ONE, scope=Scope(model="m", version="9"))) is None
