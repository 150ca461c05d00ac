"""Thresholds move inside the signed bounds, and only with a proof."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.contract.manifest import Review
from shipworthy.facts import LiveThresholds
from shipworthy.observe.labels import label_cells
from shipworthy.observe.recalibrate import CellCounts, counted, price, proven, recalibrate, summed
from shipworthy.stats.bounds import rate_upper
from tests.observe.made import T0, receipt

REVIEW = Review(denied=0.15, approved=0.25)
NOTHING = CellCounts()
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), max_size=400)


def drawn(n: int, seed: int) -> list[tuple[float, int]]:
    rng = np.random.default_rng(seed)
    scores = rng.beta(0.6, 1.0, n)
    return [(float(p), int(rng.random() < p)) for p in scores]


def answered(pairs: list[tuple[float, int]], deny: float | None, approve: float | None) -> tuple[list[int], list[int]]:
    denied = [label for score, label in pairs if deny is not None and score <= deny]
    approved = [label for score, label in pairs if approve is not None and score >= approve]
    return denied, approved


@given(PAIRS, st.integers(1, 100))
def test_what_is_answered_automatically_is_proven_on_the_counts(pairs: list[tuple[float, int]], start_n: int) -> None:
    review = Review(denied=0.15, approved=0.25, start_n=start_n)
    deny, approve = proven(counted(pairs), review)
    denied, approved = answered(pairs, deny, approve)
    if deny is not None:
        assert len(denied) >= start_n
        assert rate_upper(sum(denied), len(denied), 0.95) <= 0.15
    if approve is not None:
        assert len(approved) >= start_n
        assert rate_upper(len(approved) - sum(approved), len(approved), 0.95) <= 0.25
    assert len(denied) + len(approved) <= len(pairs)
    assert deny is None or approve is None or deny < approve


def test_the_signed_bound_is_broken_in_no_more_than_delta_of_all_fits() -> None:
    """True labels are known by construction (rate = score), so the realised rate is exact: mean score of the denied."""
    broken = 0
    fits = 200
    rng = np.random.default_rng(1)
    truth = rng.beta(0.6, 1.0, 200_000)
    for seed in range(fits):
        deny, _ = proven(counted(drawn(1200, seed)), REVIEW)
        broken += deny is not None and float(truth[truth <= deny].mean()) > 0.15
    assert broken <= 0.05 * fits + 6, "two standard deviations of chance"


def test_more_labels_deny_more() -> None:
    little, much = drawn(1200, 5), drawn(6000, 6)
    first, _ = proven(counted(little), REVIEW)
    then, _ = proven(counted(little) + counted(much), REVIEW)
    assert first is not None
    assert then is not None
    assert then > first


def test_nothing_proven_means_a_person_decides_everything() -> None:
    got = recalibrate("2.0", "*", counted([(0.5, k % 2) for k in range(1000)]), NOTHING, REVIEW, "t")
    assert got is not None
    assert (got.deny, got.approve, got.n) == (None, None, 1000)
    none_at_all = recalibrate("2.0", "*", NOTHING, NOTHING, REVIEW, "t")
    assert none_at_all is not None
    assert (none_at_all.deny, none_at_all.approve) == (None, None)


def test_no_move_is_no_entry() -> None:
    calibration = counted(drawn(3000, 7))
    first = recalibrate("2.0", "*", calibration, NOTHING, REVIEW, "monday")
    assert first is not None
    assert recalibrate("2.0", "*", calibration, NOTHING, REVIEW, "tuesday", current=first) is None
    worse = counted([(0.001, 1)] * 300)
    moved = recalibrate("2.0", "*", calibration, worse, REVIEW, "wednesday", current=first)
    assert moved is not None
    assert moved.deny is None
    assert moved.approve == first.approve


def test_answers_that_overlap_are_parted() -> None:
    pairs = [(0.3, 0)] * 500 + [(0.7, 1)] * 500
    deny, approve = proven(counted(pairs), REVIEW)
    assert deny is not None
    assert approve is not None
    assert 0.3 <= deny < approve <= 0.7
    same = [(0.5, 0)] * 90 + [(0.5, 1)] * 10
    loose = Review(denied=0.9, approved=0.99, start_n=60)
    assert proven(counted(same), loose) == (None, None), "one score cannot be both"


def test_labels_with_a_score_fall_into_the_cell_of_it() -> None:
    told = [(receipt(0.255), 1), (receipt(0.29), 0), (receipt(None), 0), (receipt(1.0), 0)]
    got = summed(one for each, label in told for one in label_cells(each, label, "*"))
    assert (got.n[25], got.positives[25], got.n[29], got.n[99], sum(got.n)) == (1, 1, 1, 1, 3)
    (hour,) = {one.minute for each, label in told for one in label_cells(each, label, "*")}
    assert hour == T0 - T0 % 60


@given(PAIRS, PAIRS)
def test_counts_add_up(one: list[tuple[float, int]], other: list[tuple[float, int]]) -> None:
    assert counted([*one, *other]) == counted(one) + counted(other) == counted(other) + counted(one)


@pytest.mark.parametrize("pair", [(1.5, 0), (-0.1, 0), (float("nan"), 0), (0.5, 2)])
def test_a_broken_pair_is_refused(pair: tuple[float, int]) -> None:
    with pytest.raises(ValueError, match=r"score|label"):
        counted([pair])


def test_the_guarantee_and_its_price_go_with_the_thresholds() -> None:
    counts = counted(drawn(6000, 5))
    moved = recalibrate("2", "*", counts, NOTHING, REVIEW, "t")
    assert moved is not None
    assert (moved.denied, moved.approved, moved.delta, moved.n) == (REVIEW.denied, REVIEW.approved, REVIEW.delta, 6000)
    decided = [p for p, _ in drawn(6000, 5) if p <= (moved.deny or -1.0) or p >= (moved.approve or 2.0)]
    assert moved.auto == pytest.approx(len(decided) / 6000)
    told = price(moved, replace(moved, auto=0.5))
    assert f"the machine decides {100 * (moved.auto or 0):.3g} %, before 50 %" in told
    assert "95 % sure, n=6000" in told


def test_nothing_proven_is_told_as_such() -> None:
    moved = recalibrate("2", "*", counted(drawn(150, 5)), NOTHING, REVIEW, "t", current=THRESHOLDS)
    assert moved is not None
    assert (moved.deny, moved.approve, moved.auto) == (None, None, 0.0)
    assert "a person decides everything; the machine decides 0 %" in price(moved)


THRESHOLDS = LiveThresholds(version="2", bucket="*", deny=0.1, approve=0.9, at="", n=10)
