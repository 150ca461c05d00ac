"""The playbook as one table, and the same facts in any order: the same postures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.facts import Action, Named, NeverEvent, OnNoData, Outcome, Posture, RuntimeState, Slo, tightens
from shipworthy.respond.playbook import Proposal, on_alarm, on_judgement, on_never
from shipworthy.respond.postures import effective, order
from tests.respond.made import at, when
from tests.respond.test_playbook import NEVER, SCOPE, SLO, Alarm, Attempt, judged

BY_ACTION = {
    Action.ROUTE_TO_HUMAN_REVIEW: Named.HUMAN_REVIEW,
    Action.DEGRADE_TO_SAFE_MODE: Named.SAFE_MODE,
    Action.KILL_SWITCH: Named.KILLED,
}
BY_NO_DATA = {OnNoData.HUMAN_REVIEW: Named.HUMAN_REVIEW, OnNoData.SAFE_MODE: Named.SAFE_MODE}
ESTIMATE = replace(SLO, name=SLO.name, indicator="estimated_error_rate")


def expected(outcome: Outcome, action: Action, on_no_data: OnNoData, trial: bool, estimated: bool) -> Named | None:
    """DECISIONS §2 and §3, in words: a trial asks for nothing; met and undecided keep; an estimate never kills."""
    if trial or outcome in (Outcome.MET, Outcome.UNDECIDED):
        return None
    if outcome is Outcome.NO_DATA:
        return BY_NO_DATA.get(on_no_data)
    return Named.HUMAN_REVIEW if estimated else BY_ACTION[action]


TABLE = list(product(Outcome, Action, OnNoData, (False, True), (False, True)))


@pytest.mark.parametrize(("outcome", "action", "on_no_data", "trial", "estimated"), TABLE)
def test_every_cell_of_the_playbook(
    outcome: Outcome, action: Action, on_no_data: OnNoData, trial: bool, estimated: bool
) -> None:
    slo = replace(ESTIMATE if estimated else SLO, action_on_breach=action, on_no_data=on_no_data, trial=trial)
    proposal = on_judgement(judged(outcome), slo, SCOPE, RuntimeState(), "ORD-1", when(0))
    posture = proposal.held.order.posture if proposal else None
    assert posture == expected(outcome, action, on_no_data, trial, estimated)
    unseen = on_judgement(judged(outcome, here=False), slo, SCOPE, RuntimeState(), "ORD-1", when(0))
    assert unseen is None


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("trial", [False, True])
def test_repeated_ood_has_a_default_and_follows_the_contract(action: Action, trial: bool) -> None:
    assert _posture(on_alarm(Alarm(), None, "claims", RuntimeState(), "O", when(0))) is Named.HUMAN_REVIEW
    slo = replace(SLO, indicator="ood_repeats", action_on_breach=action, trial=trial)
    told = on_alarm(Alarm(), slo, "claims", RuntimeState(), "O", when(0))
    assert _posture(told) == (None if trial else BY_ACTION[action])


def _posture(proposal: Proposal | None) -> Named | None:
    return proposal.held.order.posture if proposal else None


SEGMENTS = ["*", "supplier=P42", "supplier=P02"]
REQUESTS = [
    (version, tenant, {"supplier": supplier})
    for version in ("1.0", "2.0")
    for tenant in ("acme", "bolt")
    for supplier in ("P02", "P42", "P77")
]
OF_TENANT = replace(NEVER, name="of_tenant", scope="tenant")
JUDGED = st.builds(
    lambda outcome, segment, action: ("judged", judged(outcome, segment), replace(SLO, action_on_breach=action)),
    st.sampled_from(Outcome),
    st.sampled_from(SEGMENTS),
    st.sampled_from(Action),
)
ALARMS = st.builds(
    lambda tenant, segment: ("alarm", Alarm(tenant=tenant, segment=segment), None),
    st.sampled_from(["*", "acme"]),
    st.sampled_from(SEGMENTS),
)
NEVERS = st.builds(
    lambda never, tenant, leaked: ("never", Attempt(tenant=tenant, leaked=leaked), never),
    st.sampled_from([NEVER, OF_TENANT]),
    st.sampled_from(["acme", "bolt"]),
    st.booleans(),
)
FACT = st.one_of(JUDGED, ALARMS, NEVERS)


def answered(facts: Sequence[tuple[str, object, object]]) -> RuntimeState:
    """Ask for each fact in turn, and let hold what it asks for."""
    state = RuntimeState()
    for number, (kind, fact, rule) in enumerate(facts):
        proposal = _proposed(kind, fact, rule, state, f"ORD-{number}")
        if proposal is not None:
            state = order(state, proposal.held)
    return state


def _proposed(kind: str, fact: object, rule: object, state: RuntimeState, name: str) -> Proposal | None:
    if kind == "judged":
        assert isinstance(rule, Slo)
        return on_judgement(fact, rule, SCOPE, state, name, when(0))  # type: ignore[arg-type]
    if kind == "alarm":
        return on_alarm(fact, None, "claims", state, name, when(0))  # type: ignore[arg-type]
    assert isinstance(rule, NeverEvent)
    return on_never(rule, fact, "claims", state, name, when(0))  # type: ignore[arg-type]


def postures(state: RuntimeState) -> list[Posture]:
    return [effective(state, "claims", *request, "baseline", "nobody") for request in REQUESTS]


@given(st.lists(FACT, max_size=7), st.randoms(use_true_random=False))
@settings(max_examples=150)
def test_the_same_facts_in_any_order_and_any_number_of_times_give_the_same_postures(facts, random) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    first = answered(facts)
    assert answered(facts) == first
    again = [*facts, *facts]
    random.shuffle(again)
    assert postures(answered(again)) == postures(first)


@given(st.lists(FACT, max_size=6), FACT)
def test_one_more_fact_only_tightens(facts, one) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    before, after = postures(answered(facts)), postures(answered([*facts, one]))
    assert all(tightens(a, b) for a, b in zip(before, after, strict=True))


def test_nothing_asks_again_for_what_holds() -> None:
    facts = [("alarm", Alarm(at=at(0)), None), ("never", Attempt(), NEVER)]
    state = answered(facts)
    assert answered([*facts, *facts]) == state
    assert [one.order.posture for one in state.orders] == [Named.HUMAN_REVIEW, Named.KILLED]
