from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Review
from shipworthy.errors import UsageError
from shipworthy.facts import canonical
from shipworthy.profile.thresholds import (
    PERSON,
    Bucket,
    Choice,
    Thresholds,
    Words,
    decide,
    fit_thresholds,
    moved,
    no_thresholds,
)
from shipworthy.stats.bounds import rate_upper
from shipworthy.stats.uncertainty import UncertaintyTable

WORDS = Words(deny="auto_deny", approve="auto_approve", review="review")
REVIEW = Review(denied=0.15, approved=0.25, delta=0.05, max_uncertainty=0.30)


def sample(n: int, seed: int) -> tuple[list[float], list[int]]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 1.8, n)
    return [float(v) for v in p], [int(v) for v in rng.random(n) < p]


FITTED = fit_thresholds(*sample(3000, 1), {"supplier": sample(3000, 2), "region": sample(150, 3)}, REVIEW, WORDS)
PLAIN = Thresholds(
    buckets=(Bucket(feature="*", n=0, deny=0.2, approve=0.6),),
    uncertainty=UncertaintyTable((0.1,), (0.1, 0.4)),
    max_uncertainty=0.3,
    words=WORDS,
)


@given(st.one_of(st.none(), st.floats()), st.sampled_from(["*", "supplier", "region", "", "other"]))
def test_a_machine_answers_only_what_is_proven(score: float | None, bucket: str) -> None:
    seen = decide(FITTED, score, bucket)
    if seen.route == "machine":
        at = next(one for one in FITTED.buckets if one.feature == bucket)
        assert score is not None
        upper = at.upper_deny if seen.decision == "auto_deny" else at.upper_approve
        limit = REVIEW.denied if seen.decision == "auto_deny" else REVIEW.approved
        assert upper is not None
        assert upper <= limit
    else:
        assert seen.decision == "review"


def test_the_proof_can_be_made_again_from_its_counts() -> None:
    at = FITTED.buckets[0]
    assert at.deny is not None
    assert at.approve is not None
    assert at.upper_deny == rate_upper(at.wrong_deny, at.n_deny, 0.95)
    assert at.upper_approve == rate_upper(at.wrong_approve, at.n_approve, 0.95)


def test_a_bucket_with_too_few_rows_proves_nothing_and_reviews_everything() -> None:
    assert [one.feature for one in FITTED.buckets] == ["*", "region", "supplier"]
    assert (FITTED.buckets[1].deny, FITTED.buckets[1].approve) == (None, None)
    assert {decide(FITTED, p / 100, "region").route for p in range(101)} == {"person"}


@pytest.mark.parametrize(
    ("score", "decision", "why"),
    [
        (0.05, "auto_deny", "at or below 0.2"),
        (0.2, "review", "uncertainty 0.400 above 0.3"),
        (0.4, "review", "between the thresholds"),
        (0.6, "auto_approve", "at or above 0.6"),
        (None, "review", "no score"),
        (float("nan"), "review", "no score"),
        (1.5, "review", "no score"),
    ],
)
def test_each_score_gets_its_answer_and_the_reason(score: float | None, decision: str, why: str) -> None:
    seen = decide(PLAIN, score)
    assert (seen.decision, seen.why) == (decision, why)


def test_without_bounds_nothing_is_answered_by_a_machine() -> None:
    none = no_thresholds(*sample(3000, 1), WORDS)
    assert (none.uncertainty, none.words) == (FITTED.uncertainty, WORDS)
    for score in (None, -1.0, 0.0, 0.001, 0.5, 0.999, 1.0):
        assert (decide(none, score).decision, decide(none, score).route) == ("review", PERSON)


def test_where_both_thresholds_hold_a_person_decides() -> None:
    assert decide(moved(PLAIN, "*", 0.7, 0.05), 0.06).decision == "review"


@pytest.mark.parametrize(
    ("unknown", "bucket"),
    [((), "*"), (("supplier",), "supplier"), (("supplier", "region"), ""), (("colour",), "*")],
)
def test_a_row_is_in_the_bucket_of_its_one_unknown_category(unknown: tuple[str, ...], bucket: str) -> None:
    assert FITTED.bucket_of(unknown) == bucket


def test_two_unknown_categories_go_to_a_person() -> None:
    assert decide(FITTED, 0.01, FITTED.bucket_of(("supplier", "region"))).route == "person"


def test_rows_without_score_or_label_prove_nothing() -> None:
    scores, labels = sample(3000, 1)
    holes: list[float | None] = [*scores, None, 0.01]
    again = fit_thresholds(holes, [*labels, 0, None], {}, REVIEW, WORDS)
    assert again.buckets[0] == FITTED.buckets[0]


def test_recalibration_moves_one_bucket_and_no_other() -> None:
    again = moved(FITTED, "supplier", None, None)
    assert again.buckets[0] == FITTED.buckets[0]
    assert decide(again, 0.01, "supplier").route == "person"
    with pytest.raises(UsageError):
        moved(FITTED, "colour", 0.1, 0.9)


def test_the_release_file_has_the_same_bytes_and_survives_a_round_trip() -> None:
    raw = canonical(FITTED)
    again = msgspec.json.decode(raw, type=Thresholds)
    assert canonical(again) == raw
    assert decide(again, 0.05) == decide(FITTED, 0.05)
    assert isinstance(decide(again, 0.05), Choice)
