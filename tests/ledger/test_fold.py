"""Laws of the fold, then each kind of entry."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import CannotDecide
from shipworthy.facts import (
    Acknowledged,
    Entry,
    Held,
    LiveThresholds,
    Named,
    RolloutState,
    RuntimeState,
    Scope,
    canonical,
    digest,
    hold,
)
from shipworthy.ledger.fold import CHANGES, fold
from tests.store.rows import NOON, ONE, TWO, held

SCOPE = Scope(model="claims")
ROLLOUT = RolloutState(
    id="RO-1", version="1.1", baseline="1.0", stage=1, status="running", share_bp=500, tenants=("acme",), salt="s"
)
THRESHOLDS = LiveThresholds(version="1.1", bucket="*", deny=0.8, approve=0.2, at=NOON, n=300)


def entry(kind: str, body: dict[str, Any] | None = None, seq: int = 0) -> Entry:
    plain = msgspec.json.decode(canonical(body or {}))
    return Entry(seq=seq, at=NOON, actor="machine", kind=kind, body=plain, prev=digest(b""))


def ordered(name: str, posture: Named = Named.KILLED) -> Entry:
    return entry("respond.ordered", {"held": held(name, posture)})


def restored(*names: str, up_to: str = ONE, scope: Scope = SCOPE) -> Entry:
    return entry("respond.restored", {"orders": names, "scope": scope, "up_to": up_to, "approvals": []})


ENTRIES = st.lists(
    st.one_of(
        st.builds(ordered, st.sampled_from(["ORD-1", "ORD-2", "ORD-3"]), st.sampled_from(list(Named))),
        st.sampled_from(["ORD-1", "ORD-2"]).map(lambda name: entry("respond.confirmed", {"order": name, "by": "ann"})),
        st.builds(restored, st.sampled_from(["ORD-1", "ORD-2"]), up_to=st.sampled_from([NOON, ONE, TWO])),
        st.sampled_from(["gate.decided", "govern.signed", "respond.reviewed"]).map(entry),
        st.just(entry("deploy.advanced", {"rollout": ROLLOUT})),
        st.just(entry("observe.recalibrated", {"thresholds": THRESHOLDS})),
        st.sampled_from(["1.0", "1.1"]).map(lambda version: entry("deploy.baselined", {"version": version})),
    ),
    max_size=20,
)


@settings(max_examples=100)
@given(ENTRIES, st.integers(0, 20))
def test_folding_in_two_parts_is_folding_at_once(entries: list[Entry], at: int) -> None:
    assert fold(entries[at:], fold(entries[:at])) == fold(entries)
    assert canonical(fold(entries)) == canonical(fold(entries))


@settings(max_examples=100)
@given(ENTRIES)
def test_the_epoch_counts_the_entries_that_change_the_state(entries: list[Entry]) -> None:
    assert fold(entries).epoch == sum(1 for one in entries if one.kind in CHANGES)


@settings(max_examples=100)
@given(ENTRIES)
def test_an_order_goes_by_a_restore_only(entries: list[Entry]) -> None:
    without = [one for one in entries if one.kind != "respond.restored"]
    told = [one.read(Held, "held").order for one in without if one.kind == "respond.ordered"]
    held_orders = [one.order for one in fold(without).orders]
    assert all(order in held_orders for order in told)
    assert len(held_orders) == len({canonical(order) for order in told})


@settings(max_examples=100)
@given(st.permutations(["ORD-1", "ORD-2", "ORD-3", "ORD-1"]))
def test_orders_in_any_sequence_and_a_local_kill_give_the_same_state(names: list[str]) -> None:
    state = fold(ordered(name) for name in names)
    assert [one.order.id for one in state.orders] == ["ORD-1", "ORD-2", "ORD-3"]
    local = RuntimeState()
    for name in names:
        local = hold(local, held(name))
    assert local.orders == state.orders


@settings(max_examples=60)
@given(ENTRIES, st.permutations([NOON, ONE, TWO]))
def test_what_is_acknowledged_never_goes_back(entries: list[Entry], instants: list[str]) -> None:
    state = fold([restored("ORD-9", up_to=up_to) for up_to in instants], fold(entries))
    assert [known.up_to for known in state.acknowledged if known.scope == SCOPE] == [TWO]


def test_an_order_with_the_id_of_another_does_not_loosen_it() -> None:
    state = fold([ordered("ORD-1", Named.KILLED), ordered("ORD-1", Named.HUMAN_REVIEW)])
    assert {one.order.posture for one in state.orders} == {Named.KILLED, Named.HUMAN_REVIEW}


def test_a_confirmation_of_one_order_leaves_the_others_as_they_are() -> None:
    both = fold([ordered("ORD-1"), ordered("ORD-2"), entry("respond.confirmed", {"order": "ORD-2", "by": "ann"})])
    assert {one.order.id: one.confirmed_by for one in both.orders} == {
        "ORD-1": held("ORD-1").confirmed_by,
        "ORD-2": "ann",
    }


def test_a_confirmation_names_the_person_and_changes_no_posture() -> None:
    state = fold([ordered("ORD-1"), entry("respond.confirmed", {"order": "ORD-1", "by": "ann"})])
    assert state.orders == (msgspec.structs.replace(held("ORD-1"), confirmed_by="ann"),)
    late = fold([restored("ORD-1"), entry("respond.confirmed", {"order": "ORD-1", "by": "ann"})], state)
    assert late.orders == ()


def test_a_restore_takes_back_exactly_the_named_orders() -> None:
    tenant = Scope(model="claims", tenant="acme")
    state = fold([ordered("ORD-1"), ordered("ORD-2"), restored("ORD-1", scope=tenant), restored(scope=SCOPE)])
    assert [one.order.id for one in state.orders] == ["ORD-2"]
    assert state.acknowledged == (Acknowledged(scope=SCOPE, up_to=ONE), Acknowledged(scope=tenant, up_to=ONE))


@pytest.mark.parametrize("kind", ["started", "advanced", "held", "aborted", "completed"])
def test_every_move_of_a_rollout_replaces_it_whole(kind: str) -> None:
    later = msgspec.structs.replace(ROLLOUT, stage=2, status=kind)
    state = fold([entry("deploy.started", {"rollout": ROLLOUT}), entry(f"deploy.{kind}", {"rollout": later})])
    assert state == RuntimeState(epoch=2, rollout=later)


def test_thresholds_are_kept_by_version_and_bucket() -> None:
    moved = msgspec.structs.replace(THRESHOLDS, deny=None, n=5)
    other = msgspec.structs.replace(THRESHOLDS, bucket="supplier")
    state = fold(entry("observe.recalibrated", {"thresholds": one}) for one in (other, THRESHOLDS, moved))
    assert state == RuntimeState(epoch=3, thresholds=(moved, other))


def test_the_warm_baseline_is_the_last_named() -> None:
    state = fold(entry("deploy.baselined", {"version": version}) for version in ("1.0", "1.1"))
    assert state == RuntimeState(epoch=2, baseline="1.1")


@pytest.mark.parametrize("kind", ["gate.decided", "govern.signed", "respond.reviewed", "academy.issued"])
def test_other_kinds_of_known_rooms_change_nothing(kind: str) -> None:
    assert fold([entry(kind, {"whatever": 1})]) == RuntimeState()


@pytest.mark.parametrize("kind", ["", "ordered", "attic.ordered", "respond.", "Respond.ordered", "respond.ordered.x"])
def test_a_kind_of_no_room_cannot_be_folded(kind: str) -> None:
    with pytest.raises(CannotDecide, match="entry 3"):
        fold([entry(kind, seq=3)])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("respond.ordered", {}),
        ("respond.ordered", {"held": {"order": {}}}),
        ("respond.confirmed", {"order": "ORD-1"}),
        ("respond.restored", {"orders": "ORD-1", "scope": SCOPE, "up_to": ONE, "approvals": []}),
        ("respond.restored", {"orders": ["ORD-1"], "scope": SCOPE, "up_to": ONE}),
        ("respond.restored", {"orders": ["ORD-1"], "scope": SCOPE, "up_to": 3, "approvals": []}),
        ("deploy.started", {"rollout": None}),
        ("deploy.baselined", {"version": 1}),
        ("observe.recalibrated", {"thresholds": {"version": "1.1"}}),
    ],
)
def test_an_entry_that_does_not_fit_its_kind_is_never_passed_over(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(CannotDecide, match=kind):
        fold([entry(kind, body)])
