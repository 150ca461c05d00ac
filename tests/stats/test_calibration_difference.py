"""Two models' calibration on the same rows: the false-alarm rate, the power and the bounds, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shipworthy.stats.calibration import bins_of, ece_raw, null_excess
from shipworthy.stats.calibration_difference import ece_difference

Columns = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]


def _rows(n: int, shift_a: float, shift_b: float, seed: int) -> Columns:
    """Rows with true log-odds t; a and b see it through different coarse grids, then shifted."""
    rng = np.random.default_rng((seed, n))
    t = rng.normal(-1, 1, n)
    a, b = (np.round(t * k) / k + shift for k, shift in ((6.0, shift_a), (7.0, shift_b)))
    return 1 / (1 + np.exp(-a)), 1 / (1 + np.exp(-b)), rng.random(n) < 1 / (1 + np.exp(-t))


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_of_two_equals_one_is_called_worse_in_at_most_five_percent(shift: float) -> None:
    p_values = [ece_difference(*_rows(1000, shift, shift, s), seed=s, draws=100)[3] for s in range(100)]
    assert np.mean(np.array(p_values) < 0.05) <= 0.09


def test_a_worse_candidate_is_found_and_its_true_difference_lies_within_the_bounds() -> None:
    a, b, y = _rows(500_000, 0.4, 0.0, 1)
    true = ece_raw(bins_of(a, y)) - ece_raw(bins_of(b, y))
    found = np.array([ece_difference(*_rows(1000, 0.4, 0.0, s), seed=s, draws=100) for s in range(80)])
    assert np.mean(found[:, 3] < 0.05) > 0.6
    assert np.mean(found[:, 1] <= true) > 0.93
    assert np.mean(found[:, 2] >= true) > 0.93
    better = np.array([ece_difference(*_rows(1000, 0.0, 0.4, s), seed=s, draws=100) for s in range(40)])
    assert (better[:, 3] > 0.05).all()


def test_the_difference_is_that_of_the_corrected_errors_and_the_same_for_the_same_seed() -> None:
    a, b, y = _rows(400, 0.4, 0.0, 3)
    delta, low, high, p_worse = ece_difference(a, b, y, seed=5)
    assert delta == pytest.approx(null_excess(bins_of(a, y)) - null_excess(bins_of(b, y)))
    assert low <= delta <= high
    assert (delta, low, high, p_worse) == ece_difference(a, b, y, seed=5)


def test_a_model_is_not_worse_than_itself() -> None:
    a, _, y = _rows(400, 0.4, 0.0, 3)
    assert ece_difference(a, a, y)[::3] == (0.0, 1.0)


def test_rows_that_come_twice_prove_no_more_than_once() -> None:
    a, b, y = _rows(600, 0.3, 0.0, 4)
    twice = [np.concatenate([column, column]) for column in (a, b, y)]
    cluster = np.tile(np.arange(600), 2)
    once, doubled = ece_difference(a, b, y), ece_difference(twice[0], twice[1], twice[2], clusters=cluster)
    assert doubled[2] - doubled[1] == pytest.approx(once[2] - once[1], rel=0.1)


def test_no_rows_prove_nothing_and_clusters_must_fit() -> None:
    assert ece_difference([], [], []) == (0.0, -1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="cluster"):
        ece_difference([0.1, 0.2], [0.1, 0.2], [0, 1], clusters=[1])
    with pytest.raises(ValueError, match="label"):
        ece_difference([0.1, 0.2], [0.1], [0, 1])
    with pytest.raises(ValueError, match="draws"):
        ece_difference([0.1], [0.1], [0], draws=1)
