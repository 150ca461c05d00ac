"""What a shadow score says about what left: decision or score differs, and what cannot be told is no agreement."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.http.shadow import TOLERANCE, disagrees
from shipworthy.deploy.routing import Routes
from shipworthy.facts import Event
from tests.deploy.kit import State, eventually, release, running, score_of_amount, upside_down

SCORE = st.floats(0.0, 1.0)


def event(score: float | None, decision: str = "approve", degraded: bool = False, failed: bool = False) -> Event:
    return Event(
        request="r", at="", minute=0, version="1", arm="baseline", tenant="acme", segments=(), score=score,
        decision=decision, route="machine", ood_p=0.5, ood_view="marginal", ood_flag=False, degraded=degraded,
        failed=failed,
    )  # fmt: skip


@given(SCORE, SCORE, st.sampled_from(["approve", "deny"]), st.sampled_from(["approve", "deny"]), st.booleans())
def test_the_same_decision_within_the_tolerance_is_agreement(
    left: float, would: float, a: str, b: str, kept: bool
) -> None:
    found = disagrees(event(left, a, degraded=kept), event(would, b))
    assert found == (abs(left - would) > TOLERANCE or (a != b and not kept))


@pytest.mark.parametrize(("left", "would"), [(None, 0.5), (0.5, None), (None, None), (float("nan"), 0.5)])
def test_what_cannot_be_compared_is_no_agreement(left: float | None, would: float | None) -> None:
    assert disagrees(event(left), event(would))


def test_a_failed_answer_is_compared_by_its_score_alone() -> None:
    assert not disagrees(event(0.5, "", failed=True), event(0.55))


@pytest.mark.parametrize(("candidate", "expected"), [(score_of_amount, False), (upside_down, True)])
def test_the_gateway_tells_it_with_the_shadow_score_and_no_time(candidate: object, expected: bool) -> None:
    routes = Routes(baseline="1", candidate="2", share_bp=0, tenants=("acme",), salt="s")
    state = State(routes=routes, shadow=("*",))
    models = {"1": score_of_amount, "2": candidate}
    with running(state, models, {v: release(v) for v in "12"}) as site:  # type: ignore[arg-type]
        site.decide(amount=100, supplier="P01")
        assert eventually(lambda: len(state.told.shadows) == 1)
    [shadow] = state.told.shadows
    assert shadow.disagrees is expected
    assert shadow.took_ms is None
    [answered] = state.told.events
    assert not answered.disagrees
    assert msgspec.structs.replace(answered, disagrees=False) == answered
