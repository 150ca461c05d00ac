"""Laws of what leaves: nothing loosens, and a never event never leaves."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.deploy.answer import MACHINE, PERSON, REFUSED, Answer, answer
from shipworthy.deploy.limits import Limited
from shipworthy.facts import NORMAL, Decider, Posture, Source, join
from tests.deploy.kit import Seen, cut, never, release

POSTURE = st.builds(Posture, source=st.sampled_from(list(Source)), decider=st.sampled_from(list(Decider)))
LIMITED = st.builds(Limited, posture=POSTURE, names=st.just(("limit",)))
EDGE = st.none() | st.floats(0, 1) | st.just(math.nan)
CUT = st.none() | st.builds(lambda deny, approve: cut(deny=deny, approve=approve), EDGE, EDGE)
SCORE = st.none() | st.floats(0, 1) | st.sampled_from([math.nan, -0.1, 1.1, math.inf])
OWN = st.none() | st.sampled_from(["deny", "approve", "review", "", "sure"])
OOD = st.builds(
    Seen, view=st.sampled_from(["marginal", "covariance", "not_finite", "out_of_range"]), flag=st.booleans()
)
RELEASE = st.builds(
    lambda fallback, kill, limit: release(fallback=fallback, kill_fallback=kill, max_uncertainty=limit),
    st.sampled_from(["baseline", "human_review", "refuse"]),
    st.sampled_from(["human_review", "nobody"]),
    st.none() | st.floats(0, 1),
)
NEVER = st.sampled_from(
    [
        never(),
        never(no_denial="decision == 'deny'"),
        never(big="decision == 'approve' and amount > 100"),
        never(all="score >= 0"),
        never(reviews="decision == 'review'", deny="decision == 'deny'"),
        never(unknown="absent > 1"),
        never(machine="route == 'machine'"),
    ]
)
CASE = st.fixed_dictionaries(
    {
        "score": SCORE,
        "own": OWN,
        "ood": OOD,
        "cut": CUT,
        "uncertainty": st.none() | st.floats(0, 1) | st.just(math.nan),
        "posture": POSTURE,
        "limited": LIMITED,
        "fields": st.just({"amount": 500.0}) | st.just({"amount": None}),
    }
)
SHAPES = {MACHINE: ("deny", "approve"), PERSON: ("review",), REFUSED: ("",)}


def given_(case: dict[str, Any], events: Any, base: Any) -> Answer:
    from dataclasses import replace

    return answer(replace(base, never=events), **case)


@settings(max_examples=400)
@given(case=CASE, events=NEVER, base=RELEASE)
def test_a_machine_answers_only_where_every_posture_lets_it(case: dict[str, Any], events: Any, base: Any) -> None:
    got = given_(case, events, base)
    bound = join((case["posture"], case["limited"].posture))
    assert got.decision in SHAPES[got.route]
    if bound.decider is not Decider.MACHINE or bound.source is Source.NONE:
        assert got.route != MACHINE
    if bound.decider is Decider.NOBODY:
        assert got.route == REFUSED
        assert got.suggestion is None


@settings(max_examples=400)
@given(case=CASE, events=NEVER, base=RELEASE, tighter=POSTURE)
def test_a_tighter_posture_never_loosens_an_answer(
    case: dict[str, Any], events: Any, base: Any, tighter: Posture
) -> None:
    loose = given_(case, events, base)
    tight = given_(case | {"posture": join((case["posture"], tighter))}, events, base)
    if tight.route == MACHINE:
        assert loose.route == MACHINE
        assert tight.decision == loose.decision


@settings(max_examples=400)
@given(case=CASE, events=NEVER, base=RELEASE)
def test_what_is_a_never_event_or_cannot_be_told_never_leaves_by_machine(
    case: dict[str, Any], events: Any, base: Any
) -> None:
    got = given_(case, events, base)
    told = {**case["fields"], "score": got.score, "uncertainty": got.uncertainty}
    if got.route != REFUSED:
        violated, unknown = events.check({**told, "decision": got.decision, "route": got.route})
        assert not violated
        assert got.route != MACHINE or not unknown
    if got.suggestion is not None:
        assert events.check({**told, "decision": got.suggestion, "route": MACHINE}) == ((), ())
    assert not got.leaked
    if got.violated:
        assert got.route != MACHINE
        assert got.suggestion is None


@settings(max_examples=300)
@given(case=CASE, events=NEVER, base=RELEASE)
def test_without_a_usable_score_no_machine_answers(case: dict[str, Any], events: Any, base: Any) -> None:
    score = case["score"]
    got = given_(case, events, base)
    if score is None or not 0 <= score <= 1:
        assert got.route != MACHINE
        assert got.score is None
        assert got.suggestion is None


@given(case=CASE, base=RELEASE)
def test_a_machine_decision_is_the_models_or_the_thresholds(case: dict[str, Any], base: Any) -> None:
    got = given_(case, never(), base)
    if got.route == MACHINE and case["own"] is not None:
        assert got.decision == case["own"]
    elif got.route == MACHINE:
        edges = case["cut"]
        assert got.score is not None
        assert got.score <= edges.deny if got.decision == "deny" else got.score >= edges.approve


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.0, ("deny", MACHINE)), (0.3, ("deny", MACHINE)), (0.301, ("review", PERSON)), (0.69, ("review", PERSON)),
     (0.7, ("approve", MACHINE)), (1.0, ("approve", MACHINE))],
)  # fmt: skip
def test_thresholds_decide_at_their_edges(score: float, expected: tuple[str, str]) -> None:
    got = answer(release(), score=score, ood=Seen(), cut=cut(), fields={})
    assert (got.decision, got.route) == expected


@pytest.mark.parametrize(
    ("changes", "given_uncertainty", "expected"),
    [
        ({"max_uncertainty": 0.2}, 0.2, "deny"),
        ({"max_uncertainty": 0.2}, 0.21, "review"),
        ({"max_uncertainty": 0.2}, None, "review"),
        ({"max_uncertainty": 0.2}, math.nan, "review"),
        ({}, None, "deny"),
    ],
)
def test_a_denial_needs_to_be_certain_enough(
    changes: dict[str, Any], given_uncertainty: float | None, expected: str
) -> None:
    got = answer(release(**changes), score=0.1, ood=Seen(), cut=cut(), uncertainty=given_uncertainty, fields={})
    assert got.decision == expected


def test_thresholds_that_contradict_each_other_decide_nothing() -> None:
    got = answer(release(), score=0.5, ood=Seen(), cut=cut(deny=0.8, approve=0.2), fields={})
    assert (got.route, got.why) == (PERSON, ("thresholds_cross",))


def test_under_review_the_machines_word_is_only_a_suggestion() -> None:
    posture = Posture(decider=Decider.PERSON)
    got = answer(release(), score=0.9, ood=Seen(), cut=cut(), posture=posture, fields={})
    assert (got.decision, got.route, got.suggestion) == ("review", PERSON, "approve")


def test_a_killed_scope_computes_nothing_and_keeps_no_suggestion() -> None:
    posture = Posture(source=Source.NONE, decider=Decider.PERSON)
    got = answer(release(), score=0.9, own="approve", ood=Seen(), cut=cut(), posture=posture, fields={})
    assert (got.decision, got.route, got.score, got.suggestion) == ("review", PERSON, None, None)


@pytest.mark.parametrize(
    ("kill_fallback", "expected"), [("human_review", ("review", PERSON)), ("nobody", ("", REFUSED))]
)
def test_a_never_event_is_withheld_and_counted_even_if_a_person_would_decide(
    kill_fallback: str, expected: tuple[str, str]
) -> None:
    base = release(never=never(no_denial="decision == 'deny'"), kill_fallback=kill_fallback)
    alone = answer(base, score=0.5, own="deny", ood=Seen(), fields={})
    assert (alone.decision, alone.route) == expected
    assert alone.violated == ("no_denial",)
    watched = answer(base, score=0.5, own="deny", ood=Seen(), posture=Posture(decider=Decider.PERSON), fields={})
    assert (watched.decision, watched.route, watched.suggestion) == ("review", PERSON, None)
    assert watched.violated == ("no_denial",)


def test_a_never_event_about_reviews_refuses_rather_than_reviews() -> None:
    base = release(never=never(stuck="decision == 'review'"), fallback="human_review")
    got = answer(base, score=0.5, ood=Seen(), cut=cut(), posture=NORMAL, fields={})
    assert (got.decision, got.route, got.violated) == ("", REFUSED, ("stuck",))


def test_an_unknown_never_event_goes_to_a_person_and_is_counted() -> None:
    base = release(never=never(odd="absent > 1"))
    got = answer(base, score=0.9, ood=Seen(), cut=cut(), fields={})
    assert (got.route, got.unknown, got.suggestion) == (PERSON, ("odd",), None)


@pytest.mark.parametrize(("fallback", "route"), [("human_review", PERSON), ("refuse", REFUSED), ("baseline", REFUSED)])
def test_a_failed_model_is_answered_by_the_fallback(fallback: str, route: str) -> None:
    got = answer(release(fallback=fallback), score=None, ood=Seen(), cut=cut(), fields={})
    assert (got.route, got.failed) == (route, True)


def test_a_models_own_never_event_is_counted_even_where_nobody_decides() -> None:
    base = release(never=never(no_denial="decision == 'deny'"))
    closed = Posture(decider=Decider.NOBODY)
    got = answer(base, score=0.5, own="deny", ood=Seen(), posture=closed, fields={})
    assert (got.route, got.violated) == (REFUSED, ("no_denial",))


def test_a_suggestion_that_could_never_leave_is_dropped_and_is_no_attempt() -> None:
    """The platform held it back itself: counting it would kill a model for the platform's own caution."""
    base = release(never=never(no_denial="decision == 'deny'"))
    watched = Posture(decider=Decider.PERSON)
    got = answer(base, score=0.1, ood=Seen(), cut=cut(), posture=watched, fields={})
    assert (got.route, got.suggestion, got.violated) == (PERSON, None, ())


@pytest.mark.parametrize(
    ("view", "flag", "route"),
    [
        ("not_finite", True, PERSON),
        ("out_of_range", True, PERSON),
        ("marginal", True, MACHINE),
        ("out_of_range", False, MACHINE),
    ],
)
def test_no_machine_answers_on_what_is_no_number_or_out_of_its_range(view: str, flag: bool, route: str) -> None:
    got = answer(release(), score=0.1, own="deny", ood=Seen(view=view, flag=flag), fields={})
    assert got.route == route
