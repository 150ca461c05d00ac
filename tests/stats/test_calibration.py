"""Calibration error: against counting by hand, the measured null of the literature study, and simulated promises."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shipworthy.stats.calibration import (
    CalibrationBins,
    bin_of,
    bins_of,
    ece_bounds,
    ece_corrected,
    ece_raw,
    merge_to,
    merge_to_15,
    null_excess,
    percentile_bounds,
    percentile_or_pooled,
    percentile_over_blocks,
    pooled,
)

Floats = NDArray[np.float64]
ROWS = st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 1)), min_size=1, max_size=60)


def _bins(rows: list[tuple[float, int]]) -> CalibrationBins:
    return bins_of([p for p, _ in rows], [y for _, y in rows])


@given(ROWS)
def test_the_raw_error_equals_counting_by_hand(rows: list[tuple[float, int]]) -> None:
    total = 0.0
    for k in range(15):
        kept = [(p, y) for p, y in rows if min(int(p * 60) // 4, 14) == k]
        total += abs(sum(p for p, _ in kept) - sum(y for _, y in kept)) / len(rows)
    assert ece_raw(_bins(rows)) == pytest.approx(total, abs=1e-12)


@given(ROWS)
def test_sixty_window_bins_merge_into_exactly_the_fifteen(rows: list[tuple[float, int]]) -> None:
    scores, labels = zip(*rows, strict=True)
    fine, coarse = merge_to_15(bins_of(scores, labels, bins=60)), bins_of(scores, labels)
    for column in ("n", "sum_p", "sum_y", "sum_pq"):
        np.testing.assert_allclose(getattr(fine, column), getattr(coarse, column), atol=1e-12)


@given(ROWS, ROWS)
def test_pooling_is_the_same_as_binning_all_rows(
    first: list[tuple[float, int]], second: list[tuple[float, int]]
) -> None:
    whole = _bins(first + second)
    parts = pooled([_bins(first), _bins(second)])
    assert ece_raw(parts) == pytest.approx(ece_raw(whole), abs=1e-12)
    assert parts.rows == whole.rows == len(first) + len(second)


def test_a_hundred_bins_cannot_become_fifteen() -> None:
    with pytest.raises(ValueError, match="keep 60"):
        merge_to(bins_of([0.5], [1], bins=100))
    with pytest.raises(ValueError, match="no calibration bins"):
        pooled([])


def test_edges_belong_to_the_upper_bin_and_one_to_the_last() -> None:
    assert bin_of([0.0, 0.2, 1 / 15 - 1e-9, 0.6, 1.0]).tolist() == [0, 3, 0, 9, 14]
    assert bin_of([0.07, 0.5, 1.0], bins=7).tolist() == [0, 3, 6]


def test_the_correction_is_what_the_formula_says() -> None:
    b = bins_of([0.11] * 50 + [0.91] * 50, [0] * 40 + [1] * 10 + [1] * 50)
    by_hand = math.sqrt(2 / math.pi) * (math.sqrt(50 * 0.11 * 0.89) + math.sqrt(50 * 0.91 * 0.09)) / 100
    assert null_excess(b) == pytest.approx(ece_raw(b) - by_hand)
    assert ece_corrected(b) == pytest.approx(ece_raw(b) - by_hand)
    assert ece_corrected(b, design_effect=4) == pytest.approx(max(0, ece_raw(b) - 2 * by_hand))


@pytest.mark.parametrize(("n", "raw", "breaches"), [(100, 0.104, 0.033), (500, 0.049, 0.0), (1000, 0.034, 0.0)])
def test_a_calibrated_model_shows_the_raw_error_measured_elsewhere_and_none_corrected(
    n: int, raw: float, breaches: float
) -> None:
    """Means and breach rates of an independent study: p ~ Beta(2, 5), 15 bins, target .05."""
    found = [_sample(n, lambda p: p, seed) for seed in range(300)]
    assert np.mean([ece_raw(b) for b in found]) == pytest.approx(raw, rel=0.04)
    assert np.mean([ece_corrected(b) > 0.05 for b in found]) == pytest.approx(breaches, abs=0.025)


def _sample(n: int, truth: Callable[[Floats], Floats], seed: int) -> CalibrationBins:
    rng = np.random.default_rng((seed, n))
    p = rng.beta(2, 5, n)
    return bins_of(p, rng.random(n) < np.clip(truth(p), 0, 1))


def _true_error(truth: Callable[[Floats], Floats]) -> float:
    p = np.random.default_rng(0).beta(2, 5, 1_000_000)
    gaps = np.bincount(bin_of(p), weights=p - np.clip(truth(p), 0, 1), minlength=15)
    return float(np.abs(gaps).sum() / p.size)


@pytest.mark.parametrize("n", [300, 1000, 5000])
def test_a_calibrated_model_is_called_breached_no_more_often_than_stated(n: int) -> None:
    """The promise is <= .05; what is seen is none at a target of .05, and <= .05 at a target of 0."""
    lows = np.array([ece_bounds(_sample(n, lambda p: p, s), seed=s, draws=400)[0] for s in range(200)])
    assert np.mean(lows > 0.05) <= 0.005
    assert np.mean(lows > 0.0) <= 0.085


@pytest.mark.parametrize("n", [300, 2000])
@pytest.mark.parametrize(
    "truth",
    [
        lambda p: p + 0.15,
        lambda p: p + 0.03,
        lambda p: 0.3 + 0.5 * (p - 0.3),
        lambda p: np.where((p > 0.2) & (p < 4 / 15), p + 0.4, p),
        lambda p: p + 0.1 * np.where(bin_of(p) % 2, 1, -1) * np.minimum(1, p / 0.1),
    ],
    ids=["too low", "a little too low", "overconfident", "one bin", "zigzag"],
)
def test_both_bounds_hold_for_a_miscalibrated_model_of_any_shape(n: int, truth: Callable[[Floats], Floats]) -> None:
    """Each within sampling error (2.5 standard errors of 100 runs) of its one-sided .95."""
    true = _true_error(truth)
    bounds = np.array([ece_bounds(_sample(n, truth, seed), seed=seed, draws=400) for seed in range(100)])
    assert np.mean(bounds[:, 0] <= true) >= 0.89
    assert np.mean(bounds[:, 1] >= true) >= 0.89


def test_three_hundred_labels_are_enough_to_see_an_error_of_fifteen_points() -> None:
    lows = [ece_bounds(_sample(300, lambda p: p + 0.15, seed), seed=seed, draws=400)[0] for seed in range(200)]
    assert np.mean(np.array(lows) > 0.05) > 0.82


def test_a_thousand_labels_prove_most_calibrated_models_to_be_within_five_points() -> None:
    highs = [ece_bounds(_sample(1000, lambda p: p, seed), seed=seed, draws=400)[1] for seed in range(100)]
    assert np.mean(np.array(highs) <= 0.05) > 0.55


@given(ROWS, st.integers(0, 5), st.sampled_from([0.9, 0.95, 0.99]), st.floats(1.0, 3.0))
def test_the_bounds_enclose_the_point_and_depend_on_the_seed_alone(
    rows: list[tuple[float, int]], seed: int, level: float, deff: float
) -> None:
    b = _bins(rows)
    low, high = ece_bounds(b, level, seed, draws=100, design_effect=deff)
    assert 0.0 <= low <= ece_corrected(b, deff) <= high <= 1.0
    assert (low, high) == ece_bounds(b, level, seed, draws=100, design_effect=deff)


def test_a_confidently_silent_model_is_not_proven_calibrated_beyond_what_no_event_proves() -> None:
    assert ece_bounds(bins_of(np.full(300, 1e-6), np.zeros(300)))[1] >= 0.0099


def test_no_rows_prove_nothing() -> None:
    empty = bins_of([], [])
    assert math.isnan(ece_raw(empty))
    assert math.isnan(ece_corrected(empty))
    assert math.isnan(null_excess(empty))
    assert ece_bounds(empty) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "labels"), [([math.nan], [0]), ([1.2], [0]), ([0.5], [2]), ([0.5, 0.6], [1]), ([0.5], [math.nan])]
)
def test_rows_that_are_no_rows_are_refused(scores: list[float], labels: list[float]) -> None:
    with pytest.raises(ValueError, match="label"):
        bins_of(scores, labels)


def test_impossible_sums_and_levels_are_refused() -> None:
    one, two = np.ones(15), np.full(15, 2.0)
    for columns in (
        (one, one, two, one),
        (one, one, one, -one),
        (one, one, one, one * math.nan),
        (one, one, one, one[:3]),
    ):
        with pytest.raises(ValueError, match=r"calibration|positives"):
            CalibrationBins(*columns)
    b = CalibrationBins(two, one, one, one)
    for level, deff in ((0.4, 1.0), (1.0, 1.0), (math.nan, 1.0), (0.95, 0.9)):
        with pytest.raises(ValueError, match="level"):
            ece_bounds(b, level, design_effect=deff)


def test_the_percentile_over_blocks_is_the_nearest_rank() -> None:
    values = np.arange(1.0, 25.0)[::-1]
    assert percentile_over_blocks(values, 0.95) == 23.0
    assert percentile_over_blocks(values, 1.0) == 24.0
    assert percentile_over_blocks([3.0], 0.05) == 3.0
    assert percentile_over_blocks(np.arange(1, 101), 0.07) == 7.0
    for bad in ([], [1.0, math.nan]):
        with pytest.raises(ValueError, match="block"):
            percentile_over_blocks(bad, 0.95)


def test_block_bounds_hold_as_often_as_their_level_says_whatever_the_law() -> None:
    """500 simulations at level .95: fewer than 461 would have a chance of 1 in 1,000 if the bounds held."""
    rng = np.random.default_rng(4)
    for draw, truth in ((rng.standard_normal, 1.6449), (rng.standard_exponential, 2.9957)):
        for blocks in (59, 168):
            pairs = [percentile_bounds(draw(blocks), 0.95) for _ in range(500)]
            assert sum(high is not None and high >= truth for _, high in pairs) >= 461
            assert sum(low is not None and low <= truth for low, _ in pairs) >= 461


def test_too_few_blocks_have_no_upper_bound() -> None:
    values = np.arange(58.0)
    assert percentile_bounds(values, 0.95) == (51.0, None)
    assert percentile_bounds([0.1], 0.5) == (None, None)
    assert percentile_bounds(range(1, 60), 0.95)[1] == 59.0


def test_without_an_upper_bound_the_pooled_one_stands_in_and_never_hides_what_the_blocks_show() -> None:
    values = [0.01] * 18 + [0.2, 0.3]
    assert percentile_or_pooled(values, 0.95, 0.95, 0.02) == (0.2, 0.01, 0.2, False)
    assert percentile_or_pooled(values, 0.95, 0.95, 0.25) == (0.2, 0.01, 0.25, False)
    assert percentile_or_pooled(range(1, 60), 0.95, 0.95, 99.0) == (57.0, 53.0, 59.0, True)
    assert percentile_or_pooled([0.3], 0.99, 0.995, 0.1) == (0.3, 0.0, 0.3, False)


def test_at_the_level_of_an_alarm_budget_the_lower_bound_holds_and_still_finds() -> None:
    """1 - 3e-6 is beyond any bootstrap: no draw may pass the truth in 2,000 samples, and a gap of .075 is found."""
    rng = np.random.default_rng(8)
    level, p = 1.0 - 3e-6, np.linspace(0.05, 0.95, 15)
    for n, shift in ((60, 0.0), (60, 0.04)):
        truth = shift
        for _ in range(1000):
            y = rng.binomial(n, np.clip(p - shift, 0.0, 1.0)).astype(float)
            sums = CalibrationBins(np.full(15, float(n)), n * p, y, n * p * (1 - p))
            assert ece_bounds(sums, level)[0] <= truth
    found = CalibrationBins(np.full(15, 400.0), 400 * p, 400 * np.clip(p - 0.075, 0, 1), 400 * p * (1 - p))
    assert 0.02 < ece_bounds(found, level)[0] < 0.075
    assert ece_bounds(found, level)[1] == 1.0
    assert ece_bounds(found, level)[0] < ece_bounds(found, 0.99)[0]
