"""Quantiles watched for ever: the evidence against quadrature and as an exact martingale, intervals by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, binom

from shipworthy.stats.quantile_change import PRIOR, log_e_below, quantile_change, quantile_interval

EDGES = tuple(float(edge) for edge in np.geomspace(10.0, 1000.0, 41))


@pytest.mark.parametrize(("hits", "n", "rate"), [(0, 0, 0.5), (3, 9, 0.5), (900, 1000, 0.95), (10, 12, 0.3)])
def test_the_evidence_is_the_mixture_by_quadrature(hits: int, n: int, rate: float) -> None:
    prior = beta(PRIOR * rate, PRIOR * (1.0 - rate))

    def won(theta: float) -> float:
        log_ratio = hits * math.log(theta / rate) + (n - hits) * math.log((1.0 - theta) / (1.0 - rate))
        return float(prior.pdf(theta)) * math.exp(log_ratio)

    mixed = quad(won, 0.0, rate, points=[0.5 * rate, 0.9 * rate])[0] / prior.cdf(rate)
    assert math.exp(log_e_below(hits, n, rate)) == pytest.approx(mixed, rel=1e-6)


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.02, 0.98))
def test_at_the_rate_itself_one_more_event_neither_adds_nor_takes_on_average(
    hits: int, misses: int, rate: float
) -> None:
    n, now = hits + misses, log_e_below(hits, hits + misses, rate)
    after = rate * math.exp(log_e_below(hits + 1, n + 1, rate) - now)
    after += (1.0 - rate) * math.exp(log_e_below(hits, n + 1, rate) - now)
    assert after == pytest.approx(1.0, rel=1e-6)


@given(st.integers(1, 60), st.floats(0.02, 0.98), st.floats(0.0, 1.0))
def test_above_the_rate_its_mean_is_at_most_one(n: int, rate: float, further: float) -> None:
    true = rate + further * (1.0 - rate)
    hits = np.arange(n + 1)
    won = np.exp([log_e_below(int(k), n, rate) for k in hits])
    assert float((binom.pmf(hits, n, true) * won).sum()) <= 1.0 + 1e-7


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.01, 0.99))
def test_one_hit_more_is_less_evidence_that_hits_are_rare(hits: int, misses: int, rate: float) -> None:
    n = hits + misses + 1
    assert log_e_below(hits + 1, n, rate) <= log_e_below(hits, n, rate) + 1e-9


def test_rates_far_away_and_counts_of_a_month_are_no_trouble() -> None:
    assert -math.inf < log_e_below(10**6, 10**6, 0.01) < -5.0
    assert log_e_below(0, 10**6, 0.99) > 1000.0
    assert abs(log_e_below(950_000, 10**6, 0.95)) < 10.0


def test_the_interval_holds_the_quantile_at_all_looks_together_and_closes_in() -> None:
    rng, true, missed, widths = np.random.default_rng(1), 100.0 * math.exp(0.5 * 1.6448536), 0, []
    for _ in range(60):
        taken = np.searchsorted(EDGES, 100.0 * np.exp(0.5 * rng.standard_normal((40, 250))))
        counts, outside = np.zeros(len(EDGES) + 1, dtype=np.int64), False
        for look in taken:
            counts += np.bincount(look, minlength=counts.size)
            low, high = quantile_interval(counts, EDGES, 0.95, 0.2)
            outside |= not low <= true <= high
        missed += outside
        widths.append(high / low)
    assert missed <= 12
    assert np.median(widths) < (EDGES[1] / EDGES[0]) ** 2.5


def test_a_slower_candidate_is_proven_and_by_how_much_and_an_equal_one_is_not() -> None:
    rng = np.random.default_rng(2)
    base, same = (np.bincount(np.searchsorted(EDGES, 100.0 * np.exp(0.5 * rng.standard_normal(20_000))),
                              minlength=len(EDGES) + 1) for _ in range(2))  # fmt: skip
    slow = np.concatenate([[0] * 6, base[:-6]])  # six cells of 12.2 % each: almost twice
    change = quantile_change(slow, base, EDGES, 0.95, 0.05)
    assert 1.5 < change.ratio[0] <= 10 ** (2 / 40 * 6) <= change.ratio[1] < 2.7
    assert change.difference[0] == change.candidate[0] - change.baseline[1] > 0.0
    assert change.difference[1] == change.candidate[1] - change.baseline[0]
    equal = quantile_change(same, base, EDGES, 0.95, 0.05)
    assert equal.difference[0] <= 0.0 <= equal.difference[1]
    assert equal.ratio[0] <= 1.0 <= equal.ratio[1]


def test_the_chance_of_error_is_shared_by_the_arms() -> None:
    counts, edges = np.array([40, 30, 20, 10, 5, 5, 5, 5]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    change = quantile_change(counts, counts[::-1], edges, 0.5, 0.02)
    assert change.candidate == quantile_interval(counts, edges, 0.5, 0.01) != quantile_interval(counts, edges, 0.5, 0.5)
    assert change.baseline == quantile_interval(counts[::-1], edges, 0.5, 0.01)


def test_unknown_ends_are_open() -> None:
    assert quantile_interval([0, 0, 0], [1.0, 2.0], 0.5, 0.05) == (0.0, math.inf)
    nothing = quantile_change([0, 0, 0], [0, 0, 0], [1.0, 2.0], 0.5, 0.05)
    assert (nothing.difference, nothing.ratio) == ((-math.inf, math.inf), (0.0, math.inf))
    assert quantile_interval([0, 0, 900], [1.0, 2.0], 0.5, 0.05) == (2.0, math.inf)
    assert quantile_interval([900, 0, 0], [1.0, 2.0], 0.5, 0.05) == (0.0, 1.0)
    assert quantile_interval([0, 900, 0], [1.0, 2.0], 0.5, 0.05) == (1.0, 2.0)


def test_a_smaller_chance_of_error_and_fewer_events_widen() -> None:
    counts = np.array([100, 200, 400, 200, 100])
    edges = [1.0, 2.0, 3.0, 4.0]
    low, high = quantile_interval(counts, edges, 0.5, 0.05)
    for fewer, alpha in ((1, 1e-12), (100, 0.05)):
        wide_low, wide_high = quantile_interval(counts // fewer, edges, 0.5, alpha)
        assert wide_low <= low
        assert wide_high >= high
    assert (low, high) == (2.0, 3.0)


def test_what_cannot_be_is_refused() -> None:
    for edges in ([1.0], [2.0, 1.0], [0.0, 1.0], [1.0, math.inf], [1.0, math.nan]):
        with pytest.raises(ValueError, match="edges"):
            quantile_interval([1, 2, 3], edges, 0.5, 0.05)
    for q, alpha in ((0.0, 0.05), (1.0, 0.05), (0.5, 0.0), (0.5, 1.0), (math.nan, 0.05)):
        with pytest.raises(ValueError, match="needed"):
            quantile_interval([1, 2, 3], [1.0, 2.0], q, alpha)
    for hits, n, rate in ((2, 1, 0.5), (-1, 1, 0.5), (0, 1, 0.0), (0, 1, math.nan)):
        with pytest.raises(ValueError, match="needed"):
            log_e_below(hits, n, rate)
    with pytest.raises(ValueError, match="never negative"):
        quantile_change([1, -2, 3], [1, 2, 3], [1.0, 2.0], 0.5, 0.05)
