"""Triggers from outside only tighten, only inside their bounds, once an alert, and not again after people spoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import (
    Acknowledged,
    Held,
    Named,
    RuntimeState,
    Scope,
    Severity,
    canonical_segment,
    contains,
    parse_segment,
)
from shipworthy.respond.moments import told
from shipworthy.respond.pages.owed import asked_by
from shipworthy.respond.postures import order, restore
from shipworthy.respond.severity import confirm_by
from shipworthy.respond.triggers import (
    MOST_HELD,
    SKEW_S,
    STALE_S,
    Known,
    Refused,
    Trigger,
    beyond,
    order_of,
    placed,
    read_trigger,
)
from tests.respond.made import OPERATOR, REVIEWER, START, held, when

KNOWN = Known("claims", ("1.0", "2.0"), {"supplier", "age", "tenant"})
STARTED = told(START)


def labels(**given_: str) -> dict[str, str]:
    told_of = {"alertname": "Drift", "model": "claims", "shipworthy_action": "degrade", "segment": "supplier=S2"}
    return {**told_of, **given_}


def trigger(started: str = STARTED, fingerprint: str = "1a30ba71cca2921f", **given_: str) -> Trigger:
    return read_trigger(labels(**given_), fingerprint, started, KNOWN)


def ordered(one: Trigger, state: RuntimeState = RuntimeState(), minutes: float = 1) -> Held | None:  # noqa: B008
    return order_of(one, "0123456789ab", state, when(minutes))


@pytest.mark.parametrize(
    ("action", "posture"),
    [("review", Named.HUMAN_REVIEW), ("degrade", Named.SAFE_MODE), ("kill", Named.KILLED)],
)
def test_an_action_is_a_posture_that_the_alert_causes(action: str, posture: Named) -> None:
    one = trigger(shipworthy_action=action)
    found = ordered(one)
    assert found is not None
    assert found.order.posture is posture
    assert found.order.scope == Scope(model="claims", segment="supplier=S2")
    assert (found.order.cause, found.order.by) == (one.cause, "machine")
    assert found.order.confirm_by == confirm_by(
        {"review": Severity.SEV3, "degrade": Severity.SEV2, "kill": Severity.SEV1}[action], when(1)
    )
    assert asked_by(found) == "alert:Drift"
    assert "1a30ba71cca2921f" in found.because
    assert "0123456789ab" in found.because


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"shipworthy_action": "restore"}, "one of"),
        ({"shipworthy_action": "normal"}, "one of"),
        ({"shipworthy_action": ""}, "one of"),
        ({"shipworthy_action": "Kill"}, "one of"),
        ({"model": "other"}, "this is the model claims"),
        ({"model": "*"}, "this is the model claims"),
        ({"model": ""}, "this is the model claims"),
        ({"version": "3.0"}, "no such version"),
        ({"segment": "supplier"}, "not a segment"),
        ({"segment": "supplier=S2,S1"}, "canonical"),
        ({"segment": "a=1;b=2;c=3"}, "cannot be read"),
        ({"segment": "region=north"}, "no segment has the key 'region'"),
        ({"segment": "supplier=" + "x" * 400}, "too long"),
        ({"tenant": "a\nb"}, "does not print"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(change: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        trigger(**change)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("started", ["", "yesterday", "2026-03-02T09:00:00", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_cannot_be_read_is_refused(started: str) -> None:
    with pytest.raises(Refused):
        trigger(started)


def test_an_alert_without_a_fingerprint_is_refused() -> None:
    with pytest.raises(Refused, match="fingerprint"):
        trigger(fingerprint="")


@pytest.mark.parametrize(
    ("given_", "limit", "inside"),
    [
        ({}, "*", True),
        ({}, "supplier=S2", True),
        ({}, "supplier=S1,S2", True),
        ({}, "supplier=S1", False),
        ({}, "supplier=S2;tenant=acme", False),
        ({"tenant": "acme"}, "supplier=S2;tenant=acme", True),
        ({"tenant": "acme"}, "tenant=acme,birch", True),
        ({"tenant": "birch"}, "tenant=acme", False),
        ({"segment": "*"}, "supplier=S2", False),
        ({"segment": "*"}, "*", True),
        ({"segment": "age=1;supplier=S2"}, "supplier=S2", True),
        ({"segment": "supplier=S2;tenant=acme"}, "tenant=acme", True),
        ({"segment": "supplier=S2;tenant=acme", "tenant": "birch"}, "*", False),
    ],
)
def test_a_trigger_stays_inside_the_segment_and_the_tenant_of_its_token(
    given_: dict[str, str], limit: str, inside: bool
) -> None:
    assert (beyond(trigger(**given_), limit, ("degrade",)) == "") is inside


def test_a_trigger_asks_for_no_more_than_its_token_may() -> None:
    assert "may not ask for kill" in beyond(trigger(shipworthy_action="kill"), "*", ("degrade", "review"))
    assert beyond(trigger(shipworthy_action="kill"), "*", ("kill",)) == ""


def test_the_same_alert_again_orders_nothing_and_its_order_is_found() -> None:
    one = trigger()
    first = ordered(one)
    assert first is not None
    state = order(RuntimeState(), first)
    assert ordered(one, state, 5) is None
    assert placed(state, one) == first
    assert placed(state, trigger("2026-03-02T09:00:01Z")) is None


@pytest.mark.parametrize("action", ["review", "degrade", "kill"])
def test_after_people_released_its_order_the_alert_of_before_orders_nothing_and_a_new_one_does(action: str) -> None:
    one = trigger(shipworthy_action=action)
    first = ordered(one)
    assert first is not None
    state = order(RuntimeState(), first)
    people = [OPERATOR, REVIEWER]
    after = restore(state, [first.order.id], first.order.scope, told(when(10)), people, when(10))
    assert after.orders == ()
    assert ordered(one, after, 11) is None
    again = ordered(trigger(told(when(12)), shipworthy_action=action), after, 13)
    assert again is not None
    assert again.order.id != first.order.id


def test_what_is_ordered_already_is_not_ordered_again() -> None:
    state = order(RuntimeState(), held("ORD-1", Named.SAFE_MODE, version="*"))
    assert ordered(trigger(), state) is None
    assert ordered(trigger(shipworthy_action="kill"), state) is not None


@pytest.mark.parametrize(
    ("age_s", "refused"), [(STALE_S, False), (STALE_S + 1, True), (-SKEW_S, False), (-SKEW_S - 1, True)]
)
def test_an_alert_that_is_too_old_or_of_the_future_is_refused(age_s: float, refused: bool) -> None:
    one = trigger(told(START - timedelta(seconds=age_s)))
    if not refused:
        assert ordered(one, minutes=0) is not None
        return
    with pytest.raises(Refused, match="it fires since"):
        ordered(one, minutes=0)


def test_orders_of_alerts_are_bounded() -> None:
    state = RuntimeState()
    for number in range(MOST_HELD):
        one = ordered(trigger(segment=f"supplier=S{number}"), state)
        assert one is not None
        state = order(state, one)
    with pytest.raises(Refused, match="hold"):
        ordered(trigger(segment="supplier=one-more"), state)


def test_values_that_are_not_public_are_matched_as_the_gateway_hides_them() -> None:
    hiding = Known("claims", (), {"supplier", "tenant"}, lambda key, value: f"#{key}-{value}")
    one = read_trigger(labels(tenant="acme", segment="supplier=S2,__unseen__"), "f", STARTED, hiding)
    assert one.scope.segment == "supplier=#supplier-S2,__unseen__"
    assert one.scope.tenant == "acme"
    assert hiding.hidden("supplier=#ab12") == "supplier=#ab12"
    assert beyond(one, hiding.hidden("supplier=S1,S2,__unseen__"), ("degrade",)) == ""


SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from(["1.0", "2.0", "*"]),
        "tenant": st.sampled_from(["acme", "birch", "*"]),
        "segment": st.sampled_from(["*", "supplier=S1", "supplier=S2", "age=1;supplier=S1"]),
        "shipworthy_action": st.sampled_from(["review", "degrade", "kill"]),
    },
)


@given(st.lists(SCOPES, max_size=8), st.lists(st.integers(0, 7), max_size=20))
def test_replays_and_reorderings_of_alerts_hold_what_each_of_them_held_once(
    several: list[dict[str, str]], again: list[int]
) -> None:
    def after(asked: list[dict[str, str]]) -> RuntimeState:
        state = RuntimeState()
        for given_ in asked:
            found = ordered(trigger(**given_), state)
            state = state if found is None else order(state, found)
        return state

    once = after(several)
    replayed = after([*several, *(several[at] for at in again if at < len(several))])
    assert replayed == once


@given(SCOPES, st.sampled_from(["*", "supplier=S1", "tenant=acme", "supplier=S1;tenant=acme"]))
def test_whatever_a_token_lets_through_lies_inside_its_limit(given_: dict[str, str], limit: str) -> None:
    one = trigger(**given_)
    if beyond(one, limit, ("review", "degrade", "kill")):
        return
    terms: dict[str, Any] = dict(parse_segment(one.scope.segment))
    if one.scope.tenant != "*":
        terms["tenant"] = (one.scope.tenant,)
    assert contains(limit, canonical_segment(terms))


def test_an_acknowledgement_of_another_place_excuses_nothing() -> None:
    elsewhere = Acknowledged(scope=Scope(model="claims", segment="supplier=S1"), up_to=told(when(10)))
    assert ordered(trigger(), RuntimeState(acknowledged=(elsewhere,)), 11) is not None
