"""Proven thresholds: the guarantee by simulation, the fixed sequence by hand, counts against scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.bounds import rate_upper
from shipworthy.stats.risk_control import (
    ProvenThreshold,
    approve_threshold,
    approve_threshold_from_counts,
    cell_of,
    deny_threshold,
    deny_threshold_from_counts,
)

ROWS = st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 1)), max_size=80)


def _counts(scores: list[float], labels: list[int]) -> tuple[list[int], list[int]]:
    n, sum_y = [0] * 100, [0] * 100
    for p, y in zip(scores, labels, strict=True):
        n[cell_of(p)] += 1
        sum_y[cell_of(p)] += y
    return n, sum_y


def test_the_true_error_breaks_the_bound_in_at_most_delta_of_the_fits() -> None:
    """Scores uniform and calibrated: wrong among {p <= lo} is truly lo / 2, so a fit is broken if lo > .30."""
    rng, broken, found = np.random.default_rng(1), [], 0
    centres = (np.arange(100) + 0.5) / 100
    for _ in range(500):
        n = rng.multinomial(2000, np.full(100, 0.01))
        proven = deny_threshold_from_counts(n.tolist(), rng.binomial(n, centres).tolist(), bound=0.15, delta=0.05)
        found += proven is not None
        broken.append(proven is not None and proven.threshold > 0.30)
    assert found > 450
    assert np.mean(broken) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


def test_a_risk_that_sits_on_the_bound_everywhere_is_passed_in_at_most_delta() -> None:
    """The hardest case: every threshold is exactly wrong enough to be forbidden."""
    rng, passed = np.random.default_rng(2), 0
    for _ in range(600):
        n = rng.multinomial(1500, np.full(100, 0.01))
        approve = approve_threshold_from_counts(n.tolist(), rng.binomial(n, 0.75).tolist(), bound=0.25, delta=0.05)
        passed += approve is not None
    assert passed / 600 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


@given(ROWS, st.integers(1, 20), st.sampled_from([0.2, 0.4, 0.7]))
def test_the_sequence_stops_at_its_first_failure(rows: list[tuple[float, int]], start_n: int, bound: float) -> None:
    expected = None
    for k in range(101):
        kept = [y for p, y in rows if p <= k / 100]
        if len(kept) < start_n:
            continue
        if rate_upper(sum(kept), len(kept), 0.9) > bound:
            break
        expected = (k / 100, len(kept), sum(kept))
    found = deny_threshold([p for p, _ in rows], [y for _, y in rows], bound, 0.1, start_n)
    assert (found and (found.threshold, found.n, found.wrong)) == expected
    if found:
        assert found.upper <= bound
        assert found.level == 0.9


@given(ROWS, st.integers(1, 20))
def test_approving_is_denying_seen_in_the_mirror(rows: list[tuple[float, int]], start_n: int) -> None:
    grid = [(round(p * 200) / 200, y) for p, y in rows]
    approve = approve_threshold([p for p, _ in grid], [y for _, y in grid], 0.4, 0.1, start_n)
    deny = deny_threshold([round(200 - p * 200) / 200 for p, _ in grid], [1 - y for _, y in grid], 0.4, 0.1, start_n)
    assert (approve is None) == (deny is None)
    if approve and deny:
        assert (approve.n, approve.wrong, approve.upper) == (deny.n, deny.wrong, deny.upper)
        assert approve.threshold == pytest.approx(1 - deny.threshold)


@given(ROWS, st.integers(1, 20), st.sampled_from([0.3, 0.5]))
def test_counts_prove_exactly_the_set_the_threshold_selects(
    rows: list[tuple[float, int]], start_n: int, bound: float
) -> None:
    scores, labels = [p for p, _ in rows], [y for _, y in rows]
    deny = deny_threshold_from_counts(*_counts(scores, labels), bound, 0.1, start_n)
    approve = approve_threshold_from_counts(*_counts(scores, labels), bound, 0.1, start_n)
    if deny:
        picked = [y for p, y in rows if p <= deny.threshold]
        assert (deny.n, deny.wrong) == (len(picked), sum(picked))
    if approve:
        picked = [y for p, y in rows if p >= approve.threshold]
        assert (approve.n, approve.wrong) == (len(picked), len(picked) - sum(picked))
        assert approve == approve_threshold(scores, labels, bound, 0.1, start_n)


@given(st.floats(0.0, 1.0))
def test_a_cell_holds_its_lower_edge_and_not_its_upper(p: float) -> None:
    k = cell_of(p)
    assert k / 100 <= p
    assert p < (k + 1) / 100 or k == 99


def test_the_floats_around_an_edge_fall_on_their_own_sides() -> None:
    for k in range(1, 100):
        assert cell_of(k / 100) == k
        assert cell_of(math.nextafter(k / 100, 0)) == k - 1


def test_a_worked_example() -> None:
    scores, labels = [0.05] * 100 + [0.105] * 100 + [0.5] * 100, [0] * 100 + [0] * 90 + [1] * 10 + [1] * 100
    proven = deny_threshold(scores, labels, bound=0.15, delta=0.05, start_n=100)
    assert proven == ProvenThreshold(0.49, 200, 10, rate_upper(10, 200), 0.95)
    assert deny_threshold(scores, labels, 0.15, 0.05, start_n=400) is None
    assert deny_threshold(scores, labels, 0.02, 0.05, start_n=100) is None
    strict = deny_threshold(scores, labels, 0.085, 0.05, start_n=100, design_effect=1.2)
    assert strict is not None
    assert (strict.threshold, strict.n) == (0.1, 100)


def test_no_scores_give_no_threshold() -> None:
    assert deny_threshold([], [], 0.15, 0.05) is None
    assert approve_threshold([], [], 0.25, 0.05) is None
    assert deny_threshold_from_counts([0] * 100, [0] * 100, 0.15, 0.05) is None


@pytest.mark.parametrize(
    ("scores", "labels", "bound", "delta", "start_n", "step"),
    [
        ([math.nan], [0], 0.1, 0.1, 1, 0.01),
        ([0.1], [2], 0.1, 0.1, 1, 0.01),
        ([0.1], [], 0.1, 0.1, 1, 0.01),
        ([0.1], [0], 0.0, 0.1, 1, 0.01),
        ([0.1], [0], 0.1, 1.0, 1, 0.01),
        ([0.1], [0], 0.1, 0.1, 0, 0.01),
        ([0.1], [0], 0.1, 0.1, 1, 0.03),
        ([0.1], [0], 0.1, 0.1, 1, 0.0),
    ],
)
def test_impossible_requests_are_refused(
    scores: list[float], labels: list[int], bound: float, delta: float, start_n: int, step: float
) -> None:
    for search in (deny_threshold, approve_threshold):
        with pytest.raises(ValueError, match="need"):
            search(scores, labels, bound, delta, start_n, step)


def test_impossible_cells_are_refused() -> None:
    for n, sum_y in (([1] * 99, [0] * 99), ([0] * 100, [1] * 100)):
        with pytest.raises(ValueError, match="need"):
            approve_threshold_from_counts(n, sum_y, 0.1, 0.1)
    for p in (-0.1, math.nan):
        with pytest.raises(ValueError, match="needed"):
            cell_of(p)
