"""Orders follow a breach to the part that explains it; what is answered is left out; nothing that is bad stays free."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.contract.manifest import Feature, Label, Manifest, SegmentKey, Segments
from shipworthy.decide import Place, judge
from shipworthy.facts import (
    Acknowledged,
    Action,
    Clause,
    Held,
    Judgement,
    Named,
    Order,
    Outcome,
    RuntimeState,
    Scope,
    Slo,
    Target,
    digest,
)
from shipworthy.observe.measure import from_windows
from shipworthy.observe.minutes import minute_of
from shipworthy.respond.moments import moment, told
from shipworthy.respond.playbook import on_judgement
from shipworthy.respond.postures import order
from shipworthy.runtime.localised import Lies, Localiser, localises
from shipworthy.runtime.remembered import Remembered
from tests.observe.made import collector, event

KEYS = ("office", "region", "sex")
MANIFEST = Manifest(
    model="claims",
    stakes="standard",
    owner="o",
    features=(
        Feature(name="office", type="category"),
        Feature(name="region", type="category"),
        Feature(name="sex", type="category", protected=True),
    ),
    label=Label(column="label"),
    segments=Segments(keys=tuple(SegmentKey(key=key, public=True) for key in KEYS), pairs=(("office", "region"),)),
    fallback="human_review",
)
SLO = Slo(
    name="ood_rate",
    indicator="ood_rate",
    objective="o",
    target=Target(op="<=", value=0.1),
    window="rolling",
    action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
    clause=Clause.MONITORING,
    min_samples=100,
)
NOW = moment("2026-03-02T09:00:00.000000Z")
MINUTE = minute_of(NOW)


def traffic(*some: tuple[int, int, dict[str, str]], tenant: str = "acme", before: int = 10) -> Remembered:
    """Remember requests: (hits, n, values of the keys)."""
    return remembered((hits, n, {"tenant": tenant, "before": str(before), **values}) for hits, n, values in some)


def remembered(some: Iterable[tuple[int, int, dict[str, str]]], pairs: bool = True) -> Remembered:
    kept = Remembered(MINUTE - 60)
    one = collector(MINUTE - 60)
    for hits, n, values in some:
        given = {"office": "P0", "region": "R0", "sex": "f", **values}
        segments = tuple(f"{key}={given[key]}" for key in KEYS)
        both = (f"office={given['office']};region={given['region']}",) if pairs else ()
        for number in range(n):
            minute = MINUTE - int(given.get("before", "10"))
            flag = number < hits
            tenant = given.get("tenant", "acme")
            one.add(event(minute, segments=(*segments, *both), tenant=tenant, ood_flag=flag))
    kept.take_windows(one.roll(MINUTE))
    return kept


def judged(kept: Remembered, slo: Slo = SLO) -> Judgement:
    scope = Scope(model="claims", version="2.0", segment=slo.segments[0])
    place = (scope.version, "*", scope.segment)
    made = from_windows(kept.windows(place), scope, MINUTE - 60, MINUTE, slo.level, ())
    return judge(slo, scope.segment, made, NOW, Place.RUNTIME)


def look(kept: Remembered, state: RuntimeState | None = None, slo: Slo = SLO, manifest: Manifest = MANIFEST) -> Lies:
    localiser = Localiser(slo, "2.0", manifest, kept, (MINUTE - 60, MINUTE), NOW)
    return localiser.lies(judged(kept, slo), state or RuntimeState())


def held(segment: str, tenant: str = "*", posture: Named = Named.HUMAN_REVIEW, **more: Any) -> RuntimeState:
    scope = Scope(model="claims", version="2.0", tenant=tenant, segment=segment)
    given = Order(id="ORD-1", scope=scope, posture=posture, cause=digest(b""), confirm_by=told(NOW), by="machine")
    return order(RuntimeState(), Held(order=given, at=told(NOW), because="b"))


def acted(kept: Remembered, state: RuntimeState, number: int, slo: Slo = SLO) -> RuntimeState:
    """Do what the controller does at one look."""
    found = look(kept, state, slo)
    if found.asks is None:
        return state
    scope = Scope(model="claims", version="2.0", tenant=found.tenant)
    proposal = on_judgement(found.asks, slo, scope, state, f"ORD-{number}", NOW, told(NOW))
    return state if proposal is None else order(state, proposal.held)


rows = st.lists(
    st.tuples(
        st.integers(0, 150),
        st.integers(0, 150),
        st.fixed_dictionaries(
            {
                "office": st.sampled_from(("P0", "P1", "__unseen__")),
                "region": st.sampled_from(("R0", "R1")),
                "tenant": st.sampled_from(("acme", "birch")),
            }
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(rows, st.booleans())
def test_a_breach_is_never_lost(given_: list[tuple[int, int, dict[str, str]]], pairs: bool) -> None:
    """Orders follow until what lies outside them is not breached; each narrows or widens, and they come to an end."""
    kept = remembered([(min(two[0], two[1]), two[1], two[2]) for two in given_], pairs)
    state = RuntimeState()
    for number in range(8):
        after = acted(kept, state, number)
        if after is state:
            break
        state = after
    found = look(kept, state)
    everywhere = any(one.order.scope.segment == "*" and one.order.scope.tenant == "*" for one in state.orders)
    assert everywhere or found.rest.outcome is not Outcome.BREACHED
    assert (found.outcome is Outcome.BREACHED) <= bool(state.orders)


def test_one_bad_segment_is_ordered_alone_and_once() -> None:
    kept = traffic((90, 100, {"office": "P7"}), (5, 300, {}))
    found = look(kept)
    assert found.asks is not None
    assert found.asks.segment == "office=P7"
    assert "90 of 100" in found.asks.because
    assert "the rest is shown healthy: 5 of 300" in found.asks.because
    state = acted(kept, RuntimeState(), 1)
    (one,) = state.orders
    assert (one.order.scope.segment, one.order.scope.tenant) == ("office=P7", "*")
    after = look(kept, state)
    assert after.outcome is Outcome.BREACHED  # the whole is still what it is, and is shown so
    assert (after.rest.outcome, after.left_out, after.asks) == (Outcome.MET, ("office=P7",), None)
    assert acted(kept, state, 2) is state


def test_a_rest_that_turns_bad_is_ordered_as_well() -> None:
    kept = traffic((90, 100, {"office": "P7"}), (60, 100, {"office": "P8"}), (5, 400, {}))
    found = look(kept, held("office=P7"))
    assert found.asks is not None
    assert found.asks.segment == "office=P8"
    assert "without office=P7" in found.asks.because
    everywhere = traffic((90, 100, {"office": "P7"}), (80, 300, {"office": "P8"}), (75, 300, {}))
    found = look(everywhere, held("office=P7"))
    assert found.asks is not None
    assert found.asks.segment == "*"


def test_a_held_segment_does_not_dilute_a_bad_rest() -> None:
    """All together look well; without the refused half they do not."""
    kept = traffic((0, 500, {"office": "P7"}), (80, 500, {}))
    assert judged(kept).outcome is not Outcome.BREACHED
    found = look(kept, held("office=P7", posture=Named.KILLED))
    assert found.breached
    assert found.asks is not None


def test_a_milder_order_answers_nothing() -> None:
    kept = traffic((90, 100, {"office": "P7"}), (5, 300, {}))
    asks = replace(SLO, action_on_breach=Action.DEGRADE_TO_SAFE_MODE)
    found = look(kept, held("office=P7"), asks)  # people decide on the candidate's suggestion: safe mode asks for more
    assert found.left_out == ()
    assert found.asks is not None
    assert found.asks.segment == "office=P7"
    assert look(kept, held("office=P7", posture=Named.SAFE_MODE), asks).asks is None
    assert look(kept, held("office=P7", posture=Named.SAFE_MODE)).asks is None  # tighter than asked, in this manifest


def test_an_order_over_everything_is_not_left_out_of_everything() -> None:
    kept = traffic((90, 100, {"office": "P7"}), (5, 300, {}))
    found = look(kept, held("*"))
    assert (found.left_out, found.rest.outcome) == ((), Outcome.BREACHED)


def test_where_an_order_holds_in_all_of_it_nothing_smaller_is_looked_for() -> None:
    kept = traffic((90, 100, {"office": "P7"}), (5, 300, {}))
    found = look(kept, held("*"))
    assert (found.located, found.breached) == (None, True)
    assert acted(kept, held("*"), 1) == held("*")
    milder = replace(SLO, action_on_breach=Action.DEGRADE_TO_SAFE_MODE)
    assert look(kept, held("*"), milder).located, "an order that is too mild answers nothing"


def test_orders_of_other_versions_and_models_answer_nothing() -> None:
    kept = traffic((90, 100, {"office": "P7"}), (5, 300, {}))
    state = held("office=P7")
    (one,) = state.orders
    for scope in (replace(one.order.scope, version="1.0"), replace(one.order.scope, model="other")):
        other = replace(state, orders=(replace(one, order=replace(one.order, scope=scope)),))
        assert look(kept, other).asks is not None
    wide = replace(one.order.scope, version="*", model="*")
    assert look(kept, replace(state, orders=(replace(one, order=replace(one.order, scope=wide)),))).asks is None


def test_what_people_have_acknowledged_in_a_segment_does_not_trip_the_whole_again() -> None:
    known = MINUTE - 20
    old = [(90, 100, {"office": "P7", "before": "30"}), (5, 300, {"before": "30"})]
    scope = Scope(model="claims", version="2.0", segment="office=P7")
    up_to = told(NOW - timedelta(minutes=20, seconds=30))
    state = RuntimeState(acknowledged=(Acknowledged(scope=scope, up_to=up_to),))

    def since(*more: tuple[int, int, dict[str, str]]) -> Lies:
        one = Remembered(MINUTE - 60)
        one.cut(known)
        made = collector(MINUTE - 60)
        for hits, n, values in (*old, *more):
            for number in range(n):
                minute = MINUTE - int(values.get("before", "10"))
                segments = (f"office={values.get('office', 'P0')}",)
                made.add(event(minute, segments=segments, ood_flag=number < hits))
        one.take_windows(made.roll(MINUTE))
        return look(one, state)

    assert since().asks is None
    assert since((1, 50, {"office": "P7"})).asks is None
    again = since((90, 100, {"office": "P7"}))
    assert again.asks is not None
    assert again.asks.segment == "office=P7"


def test_keys_whose_pair_is_not_declared_widen_and_never_hide() -> None:
    """P7 is held. R1 turns bad, and how much of it lies in P7 nobody counted: all is ordered, not nothing."""
    some = [(90, 100, {"office": "P7"}), (150, 200, {"region": "R1"}), (150, 200, {"region": "R1", "office": "P1"})]
    rest = [(5, 300, {}), (5, 300, {"office": "P1"})]
    found = look(remembered([*some, *rest], pairs=False), held("office=P7"), manifest=unpaired())
    assert found.asks is not None
    assert found.asks.segment == "*"
    found = look(remembered([*some, *rest]), held("office=P7"))
    assert found.asks is not None
    assert found.asks.segment == "region=R1"


def unpaired() -> Manifest:
    return replace(MANIFEST, segments=replace(MANIFEST.segments, pairs=()))


def test_nobody_is_degraded_for_belonging_to_a_protected_group() -> None:
    kept = traffic((90, 100, {"sex": "m"}), (5, 300, {}))
    found = look(kept)
    assert found.asks is not None
    assert (found.asks.segment, found.located) == ("*", None)
    open_ = replace(MANIFEST, features=tuple(replace(one, protected=False) for one in MANIFEST.features))
    assert look(kept, manifest=open_).located is not None


def test_the_overflow_is_never_ordered() -> None:
    kept = traffic((90, 100, {"office": "__other__"}), (5, 300, {}))
    found = look(kept)
    assert found.asks is not None
    assert found.asks.segment == "*"


def test_one_tenant_that_explains_the_hits_is_the_scope() -> None:
    kept = remembered([(90, 120, {"tenant": "acme"}), (2, 300, {"tenant": "birch"})])
    found = look(kept)
    assert (found.tenant, found.asks and found.asks.segment) == ("acme", "*")
    assert found.located is not None
    state = acted(kept, RuntimeState(), 1)
    assert state.orders[0].order.scope.tenant == "acme"
    assert look(kept, state).asks is None
    assert look(kept, state).left_out == ("* of tenant acme",)


def test_an_slo_on_a_segment_is_located_inside_it() -> None:
    slo = replace(SLO, segments=("office=P7",))
    kept = traffic((90, 100, {"office": "P7", "region": "R1"}), (4, 200, {"office": "P7"}), (300, 300, {}))
    found = look(kept, slo=slo)
    assert found.asks is not None
    assert found.asks.segment == "office=P7;region=R1"


@pytest.mark.parametrize(
    "slo",
    [
        replace(SLO, action_on_breach=Action.KILL_SWITCH),
        replace(SLO, target=Target(op="==", value=0.0)),
        replace(SLO, indicator="drift_excess"),
        replace(SLO, indicator="decision_ece"),
        replace(SLO, indicator="never_event_violations"),
    ],
    ids=("kill", "exact", "drift", "calibration", "count"),
)
def test_kills_and_what_is_no_rate_stay_where_the_slo_says(slo: Slo) -> None:
    assert not localises(slo)
    assert localises(SLO)
