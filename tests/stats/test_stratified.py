from __future__ import annotations

import math

import numpy as np
import pytest

from shipworthy.stats.stratified import stratified_difference


def test_one_stratum_is_the_plain_difference() -> None:
    value, lo, hi = stratified_difference([30], [100], [20], [100])
    assert value == pytest.approx(0.1)
    spread = 1.6448536 * math.sqrt(0.3 * 0.7 / 100 + 0.2 * 0.8 / 100)
    assert (hi - lo) / 2 == pytest.approx(spread, rel=0.05)


def test_strata_undo_what_only_the_mix_makes() -> None:
    """Simpson: the first group lies where hits are common; inside every stratum both fare alike."""
    value, lo, hi = stratified_difference([72, 2], [90, 10], [8, 18], [10, 90])
    assert value == pytest.approx(0.0)
    assert lo < 0.0 < hi


@pytest.mark.parametrize(("n", "m", "base", "delta"), [(20, 20, 0.1, 0.1), (5, 50, 0.3, 0.0), (100, 400, 0.2, 0.05)])
def test_the_bounds_hold_as_often_as_they_say(n: int, m: int, base: float, delta: float) -> None:
    """1,500 samples of ten strata: .95 less three standard errors is .933; .92 is asked where cells are small."""
    rng, rates = np.random.default_rng(5), np.linspace(base, base + 0.2, 10)
    found = [
        stratified_difference(rng.binomial(n, rates + delta), [n] * 10, rng.binomial(m, rates), [m] * 10)
        for _ in range(1500)
    ]
    assert np.mean([one[1] <= delta for one in found]) >= 0.92
    assert np.mean([one[2] >= delta for one in found]) >= 0.92
    assert np.mean([one[1] <= delta <= one[2] for one in found]) <= 0.95


def test_strata_of_one_group_say_nothing() -> None:
    alone = stratified_difference([30, 9], [100, 10], [20, 0], [100, 0])
    assert alone == stratified_difference([30], [100], [20], [100])
    value, lo, hi = stratified_difference([1], [2], [0], [0])
    assert math.isnan(value)
    assert (lo, hi) == (-1.0, 1.0)


def test_without_a_hit_nothing_is_certain() -> None:
    for hits in (0, 100):
        value, lo, hi = stratified_difference([hits], [100], [hits], [100])
        assert value == 0.0
        assert lo < -0.01
        assert hi > 0.01


def test_clusters_widen_the_bounds() -> None:
    once = stratified_difference([30, 20], [100, 90], [20, 30], [100, 110])
    twice = stratified_difference([30, 20], [100, 90], [20, 30], [100, 110], design_effect=4.0)
    assert twice[2] - twice[0] == pytest.approx(2.0 * (once[2] - once[0]))


def test_impossible_counts_are_errors() -> None:
    with pytest.raises(ValueError, match="0 <= hits <= rows"):
        stratified_difference([3], [2], [0], [2])
    with pytest.raises(ValueError, match="deff >= 1"):
        stratified_difference([1], [2], [0], [2], design_effect=0.5)
