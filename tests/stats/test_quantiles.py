"""Order-statistic bounds: against the binomial, and the smallest samples that can bound a quantile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from shipworthy.stats.quantiles import nearest_rank, quantile_ranks


@given(st.integers(1, 3000), st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99]), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_ranks_are_the_tightest_that_hold(n: int, q: float, level: float) -> None:
    low, high = quantile_ranks(n, q, level)
    if low is not None:
        assert binom.sf(low - 1, n, q) >= level - 1e-9
    assert binom.sf((low or 0), n, q) < level + 1e-9
    if high is not None:
        assert binom.cdf(high - 1, n, q) >= level - 1e-9
    assert binom.cdf((high or n + 1) - 2, n, q) < level + 1e-9
    if low is not None and high is not None:
        assert low <= high


@pytest.mark.parametrize(("q", "fewest"), [(0.95, 59), (0.99, 299), (0.5, 5)])
def test_a_quantile_has_no_upper_bound_before_the_known_sample_size(q: float, fewest: int) -> None:
    """Wilks: the smallest n with 1 - q**n >= .95."""
    assert quantile_ranks(fewest, q)[1] == fewest
    assert quantile_ranks(fewest - 1, q)[1] is None
    assert quantile_ranks(fewest - 1, 1 - q)[0] is None


@given(st.integers(1, 5000), st.integers(1, 99))
def test_nearest_rank_is_exact_in_whole_percents(n: int, percent: int) -> None:
    assert nearest_rank(n, percent / 100) == max(1, -(-percent * n // 100))


@pytest.mark.parametrize(("n", "q", "level"), [(0, 0.5, 0.9), (5, 0.0, 0.9), (5, 1.5, 0.9), (5, 1.0, 0.9), (5, 0.5, 1)])
def test_impossible_quantiles_are_refused(n: int, q: float, level: float) -> None:
    with pytest.raises(ValueError, match="needed"):
        quantile_ranks(n, q, level)
