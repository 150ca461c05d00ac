"""Area under the curve: against pair counting, another library, a published example and simulated coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, norm

from shipworthy.stats.auc import (
    auroc,
    auroc_bounds,
    auroc_from_bins,
    delong,
    delong_difference,
    tied_share,
)

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 1)), min_size=4, max_size=40)


def _kernel(scores: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    gaps = scores[y == 1][:, None] - scores[y == 0][None, :]
    return np.asarray((gaps > 0) + 0.5 * (gaps == 0), dtype=np.float64)


@given(ROWS)
def test_the_area_and_its_variance_equal_those_of_counting_every_pair(rows: list[tuple[int, int, int]]) -> None:
    a, b, y = (np.array(column) for column in zip(*rows, strict=True))
    if not 2 <= y.sum() <= len(y) - 2:
        return
    of_a, of_b = _kernel(a, y), _kernel(b, y)
    rows_cov = np.cov(np.stack([of_a.mean(axis=1), of_b.mean(axis=1)]))
    columns_cov = np.cov(np.stack([of_a.mean(axis=0), of_b.mean(axis=0)]))
    cov = rows_cov / of_a.shape[0] + columns_cov / of_a.shape[1]
    area_a, area_b, se = delong(a, b, y)
    assert (area_a, area_b) == pytest.approx((of_a.mean(), of_b.mean()))
    assert se**2 == pytest.approx(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1], abs=1e-12)
    assert auroc(a, y) == pytest.approx(mannwhitneyu(a[y == 1], a[y == 0]).statistic / of_a.size)


@given(ROWS)
def test_counts_per_bin_say_the_same_as_the_scores_in_them(rows: list[tuple[int, int, int]]) -> None:
    score, _, y = (np.array(column) for column in zip(*rows, strict=True))
    pos, neg = (np.bincount(score[y == label], minlength=7) for label in (1, 0))
    np.testing.assert_allclose(auroc_from_bins(pos, neg), auroc_bounds(score, y), equal_nan=True)
    area, low, high = auroc_bounds(score, y)
    assert 0.0 <= low <= high <= 1.0
    assert math.isnan(area) or low <= area <= high


def test_the_area_is_blind_to_any_rising_change_of_scale() -> None:
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=200), rng.integers(0, 2, 200)
    assert auroc_bounds(scores, y) == auroc_bounds(np.exp(scores), y)
    assert auroc(-scores, y) == pytest.approx(1 - auroc(scores, y))


def test_the_standard_error_agrees_with_a_bootstrap() -> None:
    rng = np.random.default_rng(3)
    y = (rng.random(600) < 0.4).astype(int)
    a, b = y + rng.normal(scale=1.2, size=600), y + rng.normal(scale=1.5, size=600)
    draws = rng.integers(0, 600, (800, 600))
    differences = [auroc(a[i], y[i]) - auroc(b[i], y[i]) for i in draws]
    assert delong(a, b, y)[2] == pytest.approx(np.std(differences), rel=0.08)


def test_the_example_of_hanley_and_mcneil_gives_their_area() -> None:
    """Hanley & McNeil, Radiology 143 (1982) 29-36: 58 normal, 51 abnormal CT images on five grades, area 0.893."""
    area, low, high = auroc_from_bins([3, 2, 2, 11, 33], [33, 6, 6, 11, 2], level=0.975)
    assert area == pytest.approx(0.893, abs=5e-4)
    assert (high - low) / (2 * 1.96) == pytest.approx(0.032, abs=0.003)


@pytest.mark.parametrize(("positives", "negatives", "area"), [(40, 60, 0.75), (20, 300, 0.95), (300, 500, 0.8)])
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_the_bounds_of_one_area_hold_near_their_level(
    positives: int, negatives: int, area: float, spread: float
) -> None:
    rng = np.random.default_rng(positives)
    y = np.repeat([1, 0], [positives, negatives])
    shift, scale = math.sqrt(1 + spread**2) * norm.ppf(area), np.where(y == 1, spread, 1.0)
    found = np.array([auroc_bounds(rng.normal(size=y.size) * scale + shift * y, y) for _ in range(250)])
    assert np.mean(found[:, 1] <= area) > 0.9
    assert np.mean(found[:, 2] >= area) > 0.9


def test_a_comparison_of_equals_calls_one_worse_no_more_often_than_stated() -> None:
    rng = np.random.default_rng(11)
    y = np.repeat([1, 0], [120, 200])
    shared = rng.normal(size=(600, 320)) + y
    pairs = [(s + rng.normal(size=320), s + rng.normal(size=320)) for s in shared]
    found = np.array([delong_difference(a, b, y) for a, b in pairs])
    assert np.mean(found[:, 3] < 0.05) < 0.075
    assert np.mean(found[:, 2] < 0) == pytest.approx(np.mean(found[:, 3] < 0.05), abs=1e-9)
    assert np.mean(found[:, 1] > 0) < 0.075


def test_a_worse_candidate_is_found_and_a_better_one_is_not() -> None:
    rng = np.random.default_rng(2)
    y = np.repeat([1, 0], [400, 600])
    good, bad = y + rng.normal(size=1000), 0.3 * y + rng.normal(size=1000)
    delta, low, high, p_worse = delong_difference(bad, good, y)
    assert low < delta < high < 0
    assert p_worse < 1e-6
    assert delong_difference(good, bad, y)[3] > 1 - 1e-6


def test_perfect_separation_is_not_certainty() -> None:
    y = np.repeat([1, 0], [20, 50])
    area, low, high = auroc_bounds(y * 1.0, y)
    assert (area, high) == (1.0, 1.0)
    assert low == pytest.approx(0.05 ** (1 / 20))
    assert auroc_bounds(1.0 - y, y) == pytest.approx((0.0, 0.0, 1 - 0.05 ** (1 / 20)))
    assert delong_difference(y, y, y) == pytest.approx((0.0, 0.05 ** (1 / 20) - 1, 1 - 0.05 ** (1 / 20), 1.0))
    delta, low, high, p_worse = delong_difference(-y, y, y)
    assert delta == low == -1.0
    assert high == pytest.approx(-1 + 2 * (1 - 0.05 ** (1 / 20)))
    assert p_worse < 0.001


def test_one_class_or_one_row_of_a_class_proves_nothing() -> None:
    assert math.isnan(auroc([0.1, 0.2], [1, 1]))
    assert auroc_bounds([0.1, 0.2], [1, 1])[1:] == (0.0, 1.0)
    assert auroc_bounds([0.1, 0.2, 0.3], [0, 0, 1]) == (1.0, 0.0, 1.0)
    assert delong_difference([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0, 0, 1])[1:] == (-1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="two rows of each class"):
        delong([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0, 0, 1])


@pytest.mark.parametrize(
    ("scores", "labels"), [([0.1, math.nan], [0, 1]), ([0.1, 0.2], [0, 2]), ([0.1], [0, 1]), ([[0.1]], [[1]])]
)
def test_scores_or_labels_that_are_none_are_refused(scores: list[float], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="label"):
        auroc(scores, labels)


def test_bin_counts_are_checked_and_ties_are_told() -> None:
    with pytest.raises(ValueError, match="as many bins"):
        auroc_from_bins([1, 2], [1])
    with pytest.raises(ValueError, match="finite"):
        auroc_from_bins([1, -2], [1, 1])
    assert tied_share([1, 1], [1, 1]) == 0.5
    assert math.isnan(tied_share([0, 0], [1, 1]))
