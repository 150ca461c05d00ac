"""Bounds of rates at every look: the closed form without a hit, and the coverage by simulation with a stated error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln
from scipy.stats import binom

from shipworthy.stats.rate_sequence import rate_intervals, rate_lower, rise_upper

COUNTS = st.integers(0, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
FINE = 2.0**-29
ALPHA = st.sampled_from([0.3, 0.05, 0.001])


@given(COUNTS, ALPHA)
def test_the_ends_are_where_the_evidence_of_the_mixture_is_one_in_alpha(counts: tuple[int, int], alpha: float) -> None:
    (h, n), proof = counts, math.log(1.0 / alpha)
    low, high = (float(one[0]) for one in rate_intervals([h], n, alpha))
    assert 0.0 <= low <= (h / n if n else 0.5) <= high <= 1.0

    def evidence(rate: float) -> float:
        return float(betaln(h + 0.5, n - h + 0.5) - betaln(0.5, 0.5) - h * math.log(rate) - (n - h) * math.log1p(-rate))

    for end, inward, inside in ((low, FINE, low > 0.0), (high, -FINE, high < 1.0)):
        if inside:
            assert evidence(end) >= proof - 1e-9, "an end lies outward of where the evidence is one in alpha"
            assert evidence(end + inward) <= proof + 1e-9, "and no further than 30 halvings leave"
        elif n == 0:
            assert (low, high) == (0.0, 1.0)


@given(COUNTS, COUNTS)
def test_a_rise_is_bounded_by_both_arms_at_half_the_error_each(ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    upper = float(rise_upper([ours[0]], ours[1], [theirs[0]], theirs[1], 0.05)[0])
    high, low = rate_intervals([ours[0]], ours[1], 0.025)[1][0], rate_intervals([theirs[0]], theirs[1], 0.025)[0][0]
    assert upper == pytest.approx(high - low)
    if ours[1] and theirs[1]:
        assert upper >= ours[0] / ours[1] - theirs[0] / theirs[1]
    elif not ours[1]:
        assert upper >= 1.0 - (theirs[0] / theirs[1] if theirs[1] else 0.0)
    assert rate_lower(ours[0], ours[1], 0.05) == pytest.approx(float(rate_intervals([ours[0]], ours[1], 0.05)[0][0]))


@pytest.mark.parametrize("rate", [0.002, 0.05, 0.5])
def test_at_most_one_stream_in_twenty_ever_leaves_its_interval(rate: float) -> None:
    """400 streams of 2,000 requests, looked at after each ten: misses at the level would be above this 1 in 1,000."""
    runs = 400
    drawn = np.random.default_rng(7).binomial(10, rate, (runs, 200)).cumsum(axis=1)
    missed = np.zeros(runs, dtype=bool)
    for at in range(200):
        low, high = rate_intervals(drawn[:, at], 10 * (at + 1), 0.05)
        missed |= (rate < low) | (rate > high)
    assert missed.sum() <= binom.ppf(0.999, runs, 0.05)


def test_many_rates_of_one_sum_are_what_each_is_alone() -> None:
    together = rate_intervals([0, 3, 40], 40, 0.05)
    for at, hits in enumerate((0, 3, 40)):
        alone = rate_intervals([hits], 40, 0.05)
        assert (together[0][at], together[1][at]) == (alone[0][0], alone[1][0])


BAD = [([-1], 5, 0.1), ([6], 5, 0.1), ([0.5], 5, 0.1), ([1], 5, 0), ([1], 5, 1)]


@pytest.mark.parametrize(("hits", "n", "alpha"), BAD)
def test_what_are_no_counts_is_refused(hits: list[float], n: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="0 <= hits <= n"):
        rate_intervals(hits, n, alpha)
