"""Where no person can be asked nothing gets looser, and nobody's guess becomes a decision."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.answer import MACHINE, PERSON, REFUSED, Answer
from shipworthy.deploy.overflow import FULL, fallen_back, may_fall_back, overflow, refused
from shipworthy.deploy.release import Release
from shipworthy.deploy.routing import BASELINE, CANDIDATE, Routes
from shipworthy.facts import NORMAL, Decider, Named, Posture, Source, resolve, tightens
from shipworthy.models.spec import Cell
from tests.deploy.kit import ALL, State, broken, never, release, running, score_of_amount, upside_down

POSTURES = st.builds(Posture, source=st.sampled_from(Source), decider=st.sampled_from(Decider))
FALLS = {"fallback": "baseline", "overflow": "fallback"}
DOUBT = Answer(decision="review", route=PERSON, score=0.5, why=("between_thresholds",), suggestion="deny")


@given(POSTURES, st.sampled_from(["baseline", "human_review", "refuse"]))
def test_overflow_never_loosens_and_never_waits_for_a_person(ordered: Posture, fallback: str) -> None:
    got = overflow(ordered, fallback)
    assert tightens(ordered, got)
    assert got.decider is not Decider.PERSON
    assert got.source is not Source.CANDIDATE


def test_overflow_answers_by_the_baseline_only_where_nobody_ordered_a_person() -> None:
    assert overflow(NORMAL, "baseline") == Posture(source=Source.BASELINE)
    ordered = resolve(Named.HUMAN_REVIEW, "baseline", None)
    assert overflow(ordered, "baseline") == Posture(source=Source.NONE, decider=Decider.NOBODY)


@pytest.mark.parametrize(
    ("changes", "arm", "given", "ordered", "may"),
    [
        (FALLS, CANDIDATE, {}, NORMAL, True),
        ({"fallback": "baseline"}, CANDIDATE, {}, NORMAL, False),
        ({"fallback": "human_review", "overflow": "fallback"}, CANDIDATE, {}, NORMAL, False),
        ({"fallback": "refuse", "overflow": "fallback"}, CANDIDATE, {}, NORMAL, False),
        (FALLS, BASELINE, {}, NORMAL, False),
        (FALLS, CANDIDATE, {"violated": ("n",)}, NORMAL, False),
        (FALLS, CANDIDATE, {"unknown": ("n",)}, NORMAL, False),
        (FALLS, CANDIDATE, {"failed": True}, NORMAL, False),
        (FALLS, CANDIDATE, {}, Posture(decider=Decider.PERSON), False),
        (FALLS, CANDIDATE, {}, Posture(source=Source.BASELINE), True),
    ],
)
def test_only_the_candidates_own_doubt_may_fall_back(
    changes: dict[str, str], arm: str, given: dict[str, Any], ordered: Posture, may: bool
) -> None:
    doubt = Answer(**{"decision": "review", "route": PERSON, **given})
    assert may_fall_back(release(**changes), arm, doubt, ordered) is may


def test_what_nobody_answers_keeps_what_never_events_said_and_loses_the_suggestion() -> None:
    left = refused(Answer(decision="review", route=PERSON, suggestion="deny", violated=("n",), unknown=("u",)), FULL)
    assert (left.decision, left.route, left.suggestion, left.failed) == ("", REFUSED, None, True)
    assert (left.violated, left.unknown, left.why) == (("n",), ("u",), (FULL,))
    assert fallen_back(DOUBT).route == REFUSED
    told = fallen_back(Answer(decision="deny", route=MACHINE))
    assert (told.decision, told.route, told.why) == ("deny", MACHINE, (FULL,))


def doubts(rows: list[list[Cell]]) -> Any:
    """Score between the thresholds, whatever the row."""
    return score_of_amount([[500] for _ in rows])


def full(**changes: Any) -> State:
    return State(routes=ALL, queue_holds=0, **changes)


def falling(**changes: Any) -> dict[str, Release]:
    return {"1": release("1"), "2": release("2", **{**FALLS, **changes})}


def test_a_full_queue_refuses_where_the_contract_says_so() -> None:
    state = full()
    with running(state, {"1": score_of_amount, "2": upside_down}) as site:
        status, body, headers = site.decide(amount=500)
        assert (status, body["error"]) == (503, "the review queue is full: no person can decide")
        assert body["why"][-1] == FULL
        assert headers["x-shipworthy-arm"] == "candidate"
        (event,) = state.told.events
        assert (event.route, event.decision, event.failed, event.replayed) == (REFUSED, "", True, False)


def test_a_full_queue_falls_back_to_the_baselines_own_answer() -> None:
    """The candidate doubts between its thresholds; the baseline's score is its own, and so is its decision."""
    state = full()

    with running(state, {"1": score_of_amount, "2": doubts}, falling()) as site:
        status, body, _ = site.decide(amount=100)
        assert (status, body["decision"], body["route"], body["arm"]) == (200, "deny", MACHINE, "baseline")
        assert body["why"][-1] == FULL
        (event,) = state.told.events
        assert (event.version, event.arm, event.replayed) == ("1", "baseline", True)  # it counts as a rescue
        status, body, _ = site.decide(amount=500)  # the baseline doubts too
        assert (status, body["why"][-1]) == (503, FULL)
        assert state.told.events[-1].route == REFUSED
        assert state.told.reviews == []


def test_the_fallback_passes_the_same_never_events_and_postures() -> None:
    held = {"1": release("1", never=never(no_deny="decision == 'deny'")), "2": release("2", **FALLS)}
    state = full()
    with running(state, {"1": score_of_amount, "2": doubts}, held) as site:
        assert site.decide(amount=100)[0] == 503
        assert state.told.events[-1].never == ("no_deny",)
    state = full(postures=lambda version, tenant, keys: Posture(decider=Decider.PERSON))
    with running(state, {"1": score_of_amount, "2": doubts}, falling()) as site:
        assert site.decide(amount=100)[0] == 503
    state = full()
    with running(state, {"1": broken, "2": doubts}, falling()) as site:
        assert site.decide(amount=100)[0] == 503


def test_an_order_that_comes_while_the_fallback_is_asked_lets_nothing_leave() -> None:
    epochs = iter([7, 7, *[8] * 50])

    models = {"1": score_of_amount, "2": doubts}
    with running(full(), models, falling(), epoch=lambda: next(epochs)) as site:
        assert site.decide(amount=100)[0] == 503


def test_a_dead_queue_is_as_full_as_a_queue_can_be() -> None:
    state = State(routes=Routes(baseline="1"), queue_works=False)
    with running(state, {"1": score_of_amount}) as site:
        status, body, _ = site.decide(amount=500)
        assert (status, body["why"][-1]) == (503, "queue_failed")
        assert state.told.events[-1].failed
