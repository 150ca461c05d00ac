"""The same facts propose the same order, and only bad news proposes any."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.facts import (
    Action,
    Clause,
    Judgement,
    Named,
    NeverEvent,
    OnNoData,
    Outcome,
    RuntimeState,
    Scope,
    Severity,
    Slo,
    Target,
)
from shipworthy.respond.playbook import by_person, on_alarm, on_judgement, on_never
from shipworthy.respond.postures import order, restore
from shipworthy.respond.severity import confirm_by, severity_of, worst
from tests.respond.made import OPERATOR, at, when

SCOPE = Scope(model="claims", version="2.0")
SLO = Slo(
    name="ood_rate_24h",
    indicator="ood_rate",
    objective="o",
    target=Target(op="<=", value=0.05),
    window="24h",
    action_on_breach=Action.DEGRADE_TO_SAFE_MODE,
    clause=Clause.MONITORING,
    min_samples=100,
    severity=Severity.SEV2,
)
NEVER = NeverEvent(name="no_uncertain_denial", never="decision == 'deny' and uncertainty > 0.3")


@dataclass(frozen=True)
class Alarm:
    version: str = "2.0"
    tenant: str = "*"
    segment: str = "supplier=__unseen__"
    hits: int = 5
    n: int = 5
    log_e: float = 17.0
    at: str = at(0)


@dataclass(frozen=True)
class Attempt:
    request: str = "r1"
    version: str = "2.0"
    tenant: str = "acme"
    leaked: bool = False
    at: str = at(0)


def judged(outcome: Outcome, segment: str = "*", **more: bool) -> Judgement:
    return Judgement(slo=SLO.name, segment=segment, outcome=outcome, because="0.2, target <= 0.05", **more)


@given(
    st.sampled_from(Outcome),
    st.sampled_from(Action),
    st.sampled_from(OnNoData),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_only_a_breach_or_asked_for_no_data_orders_anything(
    outcome: Outcome, action: Action, on_no_data: OnNoData, slo_trial: bool, trial: bool, here: bool
) -> None:
    slo = replace(SLO, action_on_breach=action, on_no_data=on_no_data, trial=slo_trial)
    judgement = replace(judged(outcome), trial=trial, here=here)
    proposal = on_judgement(judgement, slo, SCOPE, RuntimeState(), "ORD-1", when(0))
    asked = outcome is Outcome.BREACHED or (outcome is Outcome.NO_DATA and on_no_data is not OnNoData.HOLD_AND_PAGE)
    assert (proposal is not None) == (asked and here and not trial and not slo_trial)
    assert proposal == on_judgement(judgement, slo, SCOPE, RuntimeState(), "ORD-1", when(0))
    if proposal:
        assert proposal.held.order.posture is not Named.NORMAL
        assert proposal.held.order.by == "machine"
        assert not proposal.held.confirmed_by


@pytest.mark.parametrize(
    ("action", "posture"),
    [
        (Action.ROUTE_TO_HUMAN_REVIEW, Named.HUMAN_REVIEW),
        (Action.DEGRADE_TO_SAFE_MODE, Named.SAFE_MODE),
        (Action.KILL_SWITCH, Named.KILLED),
    ],
)
def test_each_action_has_its_posture(action: Action, posture: Named) -> None:
    slo = replace(SLO, action_on_breach=action)
    proposal = on_judgement(judged(Outcome.BREACHED), slo, SCOPE, RuntimeState(), "ORD-1", when(0))
    assert proposal is not None
    assert proposal.held.order.posture is posture


@pytest.mark.parametrize(
    ("on_no_data", "posture"), [(OnNoData.HUMAN_REVIEW, Named.HUMAN_REVIEW), (OnNoData.SAFE_MODE, Named.SAFE_MODE)]
)
def test_missing_evidence_gets_what_the_contract_asks_for_it(on_no_data: OnNoData, posture: Named) -> None:
    slo = replace(SLO, on_no_data=on_no_data, action_on_breach=Action.KILL_SWITCH)
    proposal = on_judgement(judged(Outcome.NO_DATA), slo, SCOPE, RuntimeState(), "ORD-1", when(0))
    assert proposal is not None
    assert (proposal.held.order.posture, proposal.severity) == (posture, severity_of(posture))


def test_the_judged_segment_narrows_the_order() -> None:
    proposal = on_judgement(judged(Outcome.BREACHED, "supplier=P42"), SLO, SCOPE, RuntimeState(), "ORD-1", when(0))
    assert proposal is not None
    assert proposal.held.order.scope == replace(SCOPE, segment="supplier=P42")
    assert proposal.held.order.confirm_by == at(15)


def test_a_breach_that_goes_on_is_ordered_once() -> None:
    first = on_judgement(judged(Outcome.BREACHED), SLO, SCOPE, RuntimeState(), "ORD-1", when(0))
    assert first is not None
    state = order(RuntimeState(), first.held)
    assert on_judgement(judged(Outcome.BREACHED), SLO, SCOPE, state, "ORD-2", when(1)) is None
    assert on_judgement(judged(Outcome.BREACHED, "supplier=P42"), SLO, SCOPE, state, "ORD-2", when(1)) is None
    assert on_judgement(judged(Outcome.BREACHED), SLO, replace(SCOPE, version="3"), state, "ORD-2", when(1)) is not None


def test_an_acknowledged_breach_asks_for_nothing_and_a_later_one_does() -> None:
    first = on_judgement(judged(Outcome.BREACHED), SLO, SCOPE, RuntimeState(), "ORD-1", when(0))
    assert first is not None
    state = restore(order(RuntimeState(), first.held), ["ORD-1"], SCOPE, at(5), (OPERATOR,), when(5))
    assert on_judgement(judged(Outcome.BREACHED), SLO, SCOPE, state, "ORD-2", when(6), ended=at(4)) is None
    for ended in (at(6), "", "unreadable"):
        assert on_judgement(judged(Outcome.BREACHED), SLO, SCOPE, state, "ORD-2", when(6), ended=ended) is not None


def test_a_judgement_of_another_slo_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of"):
        on_judgement(judged(Outcome.BREACHED), replace(SLO, name="x"), SCOPE, RuntimeState(), "ORD-1", when(0))


def test_repeated_ood_sends_its_segment_to_people_without_any_slo() -> None:
    proposal = on_alarm(Alarm(), None, "claims", RuntimeState(), "ORD-1", when(0))
    assert proposal is not None
    assert proposal.held.order.posture is Named.HUMAN_REVIEW
    assert proposal.held.order.scope == replace(SCOPE, segment="supplier=__unseen__")
    state = order(RuntimeState(), proposal.held)
    assert on_alarm(Alarm(hits=6), None, "claims", state, "ORD-2", when(1)) is None


def test_repeated_ood_follows_the_policy_when_it_has_the_slo() -> None:
    slo = replace(SLO, name="ood_repeats", indicator="ood_repeats")
    proposal = on_alarm(Alarm(), slo, "claims", RuntimeState(), "ORD-1", when(0))
    assert proposal is not None
    assert (proposal.held.order.posture, proposal.severity) == (Named.SAFE_MODE, Severity.SEV2)
    assert on_alarm(Alarm(), replace(slo, trial=True), "claims", RuntimeState(), "ORD-1", when(0)) is None


def test_any_never_event_kills_the_version() -> None:
    proposal = on_never(NEVER, Attempt(), "claims", RuntimeState(), "ORD-1", when(0))
    assert proposal is not None
    assert proposal.held.order.posture is Named.KILLED
    assert proposal.held.order.scope == SCOPE
    assert proposal.severity is Severity.SEV1
    assert on_never(NEVER, Attempt("r2"), "claims", order(RuntimeState(), proposal.held), "ORD-2", when(0)) is None


def test_a_tenants_never_event_reaches_the_version_at_two_tenants_or_one_leak() -> None:
    never = replace(NEVER, scope="tenant")
    first = on_never(never, Attempt(), "claims", RuntimeState(), "ORD-1", when(0))
    assert first is not None
    assert first.held.order.scope == replace(SCOPE, tenant="acme")
    state = order(RuntimeState(), first.held)
    assert on_never(never, Attempt("r2"), "claims", state, "ORD-2", when(1)) is None
    second = on_never(never, Attempt("r3", tenant="bolt"), "claims", state, "ORD-2", when(1))
    assert second is not None
    assert second.held.order.scope == SCOPE
    leak = on_never(never, Attempt(leaked=True), "claims", state, "ORD-2", when(1))
    assert leak is not None
    assert leak.held.order.scope == SCOPE
    other = on_never(never, Attempt("r4", "3.0", "bolt"), "claims", state, "ORD-2", when(1))
    assert other is not None
    assert other.held.order.scope == Scope(model="claims", version="3.0", tenant="bolt"), "another version is another"


def test_a_persons_order_is_confirmed_by_that_person() -> None:
    given_order = by_person("olu", SCOPE, Named.KILLED, "smoke", "ORD-1", when(0))
    assert (given_order.confirmed_by, given_order.order.by) == ("olu", "olu")
    with pytest.raises(ValueError, match="person"):
        by_person("machine", SCOPE, Named.KILLED, "smoke", "ORD-1", when(0))


def test_worse_is_confirmed_sooner() -> None:
    deadlines = [confirm_by(severity, when(0)) for severity in Severity]
    assert deadlines == sorted(deadlines)
    assert worst([Severity.SEV3, Severity.SEV1]) is Severity.SEV1
    assert worst([]) is Severity.SEV4


@pytest.mark.parametrize("action", list(Action))
def test_an_estimate_routes_to_people_and_never_kills_or_degrades(action: Action) -> None:
    slo = replace(SLO, name="e", indicator="estimated_error_rate", action_on_breach=action, severity=Severity.SEV1)
    bad = Judgement(slo="e", segment="*", outcome=Outcome.BREACHED, because="too many")
    proposal = on_judgement(bad, slo, SCOPE, RuntimeState(), "ORD-1", when(0))
    assert proposal is not None
    assert proposal.held.order.posture is Named.HUMAN_REVIEW
