"""No input outlives its retention, no word is invented, and a hash chooses what is looked at twice."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Decisions
from shipworthy.contract.review_queue import SecondReview
from shipworthy.errors import UsageError
from shipworthy.respond.queue import changed, deadline, decision_word, expires, label_of, people_needed
from tests.respond.made import when

WORDS = Decisions(deny="auto_deny", approve="auto_approve", review="to_person")


@given(st.integers(1, 300), st.integers(1, 300))
def test_the_deadline_never_passes_the_end_of_the_input(within: int, retention: int) -> None:
    assert deadline(when(0), f"{within}m", f"{retention}m") <= expires(when(0), f"{retention}m")


@pytest.mark.parametrize("duration", ["rolling", "3", "", "-1h", "1w"])
def test_a_retention_without_an_end_is_refused(duration: str) -> None:
    with pytest.raises(UsageError):
        expires(when(0), duration)


@pytest.mark.parametrize(
    ("decision", "label", "overturned"), [("auto_deny", 0, False), ("auto_approve", 1, True), ("to_person", None, True)]
)
def test_the_answer_becomes_a_label(decision: str, label: int | None, overturned: bool) -> None:
    assert decision_word(decision, WORDS) == decision
    assert (label_of(decision, WORDS), changed(decision, "auto_deny", WORDS)) == (label, overturned)
    assert changed(decision, "", WORDS) is changed(decision, "to_person", WORDS) is None


def test_an_unknown_word_is_refused_and_gives_no_label() -> None:
    with pytest.raises(UsageError, match="not a decision"):
        decision_word("approve", WORDS)
    assert label_of("approve", WORDS) is None


def test_the_share_of_items_that_are_looked_at_twice_is_the_declared_one() -> None:
    n, share = 20_000, 0.05
    twice = sum(people_needed(SecondReview(share=share), f"request-{k}", "acme", ()) == 2 for k in range(n))
    assert abs(twice - n * share) < 4 * math.sqrt(n * share * (1 - share))


@given(st.text(max_size=20), st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_larger_share_looks_twice_at_everything_that_a_smaller_one_does(request: str, a: float, b: float) -> None:
    low, high = (people_needed(SecondReview(share=share), request, "acme", ()) for share in sorted((a, b)))
    assert low <= high


def test_only_items_of_the_named_segments_are_looked_at_twice() -> None:
    def people(*segments: str, of: tuple[str, ...] = ("supplier=S1",), tenant: str = "acme") -> int:
        return people_needed(SecondReview(share=1, segments=segments), "r", tenant, of)

    assert people("*") == people("supplier=S1") == people("supplier=S1,S2") == people("tenant=acme") == 2
    assert people("supplier=S2") == people("tenant=birch") == people("supplier=S1", of=()) == 1
    assert people("tenant=a%2Cb", tenant="a,b") == 2
    assert people_needed(None, "r", "acme", ()) == 1
