"""Nobody answers in a person's place, and no input outlives its retention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Decisions
from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import NORMAL, Decider, Named, Posture, Source, resolve, tightens
from shipworthy.respond.queue import (
    Admission,
    Item,
    admit,
    answer,
    deadline,
    expires,
    label_of,
    late,
    may_take,
    overflow,
    take,
)
from tests.respond.made import at, when

WORDS = Decisions(deny="auto_deny", approve="auto_approve", review="to_person")
ITEM = Item(id="REV-1", tenant="acme", suggestion="auto_deny", at=at(0), deadline=at(60), expires=at(120))
POSTURES = st.builds(Posture, source=st.sampled_from(Source), decider=st.sampled_from(Decider))


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


@given(st.integers(1, 300), st.integers(1, 300))
def test_the_deadline_never_passes_the_end_of_the_input(within: int, retention: int) -> None:
    assert deadline(when(0), f"{within}m", f"{retention}m") <= expires(when(0), f"{retention}m")


@pytest.mark.parametrize("duration", ["rolling", "3", "", "-1h", "1w"])
def test_a_retention_without_an_end_is_refused(duration: str) -> None:
    with pytest.raises(UsageError):
        expires(when(0), duration)


@pytest.mark.parametrize(
    ("waiting", "fits"),
    [({}, True), ({"acme": 1}, True), ({"acme": 2}, False), ({"bolt": 9}, True), ({"bolt": 10}, False)],
)
def test_one_tenant_cannot_fill_the_queue_and_the_queue_has_an_end(waiting: dict[str, int], fits: bool) -> None:
    assert (admit(waiting, "acme", capacity=10, quota=2) is Admission.QUEUED) == fits


def test_a_lease_binds_others_until_it_runs_out() -> None:
    leased = take(ITEM, "rae", when(0), lease_s=600)
    assert may_take(leased, "bo", when(5))
    assert may_take(leased, "rae", when(5)) == ()
    assert may_take(leased, "bo", when(10)) == ()
    with pytest.raises(PolicySaysNo, match="rae has it"):
        take(leased, "bo", when(9), 600)
    assert take(leased, "bo", when(10), 600).holder == "bo"


def test_a_lease_never_outlives_the_input_and_an_expired_item_is_nobodys() -> None:
    assert take(ITEM, "rae", when(119), lease_s=600).held_until == ITEM.expires
    assert may_take(ITEM, "rae", when(120))
    assert may_take(ITEM, "", when(0))


def test_only_the_holder_answers() -> None:
    leased = take(ITEM, "rae", when(0), lease_s=600)
    for item, person, minute in ((ITEM, "rae", 1), (leased, "bo", 1), (leased, "rae", 10), (leased, "rae", 200)):
        with pytest.raises(PolicySaysNo):
            answer(item, person, "auto_deny", WORDS, when(minute))


@pytest.mark.parametrize(
    ("decision", "label", "overturned"), [("auto_deny", 0, False), ("auto_approve", 1, True), ("to_person", None, True)]
)
def test_the_answer_becomes_a_label(decision: str, label: int | None, overturned: bool) -> None:
    done = answer(take(ITEM, "rae", when(0), 600), "rae", decision, WORDS, when(1))
    assert (done.label, done.changed) == (label, overturned)
    assert answer(done.item, "rae", decision, WORDS, when(2)).label == label, "saying it twice is saying it once"
    with pytest.raises(PolicySaysNo):
        take(done.item, "bo", when(2), 600)
    with pytest.raises(PolicySaysNo):
        answer(done.item, "bo", decision, WORDS, when(2))


def test_an_unknown_word_is_refused_and_gives_no_label() -> None:
    with pytest.raises(UsageError, match="not a decision"):
        answer(take(ITEM, "rae", when(0), 600), "rae", "approve", WORDS, when(1))
    assert label_of("approve", WORDS) is None


def test_late_is_past_the_deadline_and_unanswered() -> None:
    assert not late(ITEM, when(59))
    assert late(ITEM, when(60))
    assert not late(answer(take(ITEM, "rae", when(0), 600), "rae", "auto_deny", WORDS, when(1)).item, when(60))
