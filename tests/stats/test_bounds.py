"""Exact bounds: against scipy's beta quantiles, published values, and their own promise by enumeration."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betainc
from scipy.stats import beta, binom, norm

from shipworthy.stats import normal
from shipworthy.stats.beta import beta_quantile, incomplete_beta, log_incomplete_beta
from shipworthy.stats.bounds import (
    n_to_meet,
    newcombe_difference,
    rate_bounds,
    rate_lower,
    rate_upper,
    zero_event_bound,
)

LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.975, 0.99, 0.999])


@given(st.floats(0.01, 1e6), st.floats(0.0, 1.0), LEVELS)
def test_bounds_equal_the_beta_quantiles_of_another_library(n: float, share: float, level: float) -> None:
    k = share * n
    low, high = rate_bounds(k, n, level)
    if 0.01 < k < n - 0.01:
        assert low == pytest.approx(beta.ppf(1 - level, k, n - k + 1), rel=1e-8, abs=1e-12)
        assert high == pytest.approx(beta.ppf(level, k + 1, n - k), rel=1e-8)
    assert 0.0 <= low <= high <= 1.0
    assert low <= share + 1e-12 or k < 1
    assert high >= share - 1e-12 or n - k < 1


@given(st.floats(0.05, 1e5), st.floats(0.05, 1e5), st.floats(1e-6, 1 - 1e-6))
def test_the_incomplete_beta_function_equals_that_of_another_library(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(float(betainc(a, b, x)), rel=1e-8, abs=1e-14)


@given(st.floats(0.05, 1e4), st.floats(0.05, 1e4), st.floats(1e-4, 1 - 1e-4))
def test_the_logarithm_of_the_incomplete_beta_function_is_its_logarithm_and_goes_on(
    a: float, b: float, x: float
) -> None:
    value, log_value = float(betainc(a, b, x)), log_incomplete_beta(a, b, x)
    assert log_value <= 1e-9
    if value > 1e-290:
        assert log_value == pytest.approx(math.log(value), rel=1e-8, abs=1e-8)
    assert log_incomplete_beta(a + 1.0, b, x) <= log_value + 1e-9


@given(st.floats(0.5, 1e6), st.floats(0.5, 1e6), st.floats(1e-6, 1 - 1e-6))
def test_the_beta_quantile_undoes_the_distribution_function(a: float, b: float, p: float) -> None:
    x = beta_quantile(a, b, p)
    below, above = math.nextafter(x, 0.0), math.nextafter(x, 1.0)  # near 1 one step of a double can hold many p
    assert incomplete_beta(a, b, below) * (1 - 1e-6) <= p <= incomplete_beta(a, b, above) * (1 + 1e-6)


@given(st.floats(1e-12, 1 - 1e-12))
def test_the_normal_quantile_equals_that_of_another_library(p: float) -> None:
    assert normal.quantile(p) == pytest.approx(float(norm.ppf(p)), rel=1e-9, abs=1e-9)
    assert normal.cdf(normal.quantile(p)) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    ("hits", "n", "published"),
    [(0, 300, 0.0099), (0, 59, 0.0495), (0, 19, 0.146), (0, 30, 0.095), (0, 100, 0.030), (0, 1000, 0.0030)],
)
def test_no_event_in_n_bounds_the_rate_as_published(hits: int, n: int, published: float) -> None:
    assert rate_upper(hits, n) == pytest.approx(published, rel=0.017)
    assert zero_event_bound(n) == rate_upper(hits, n)
    assert rate_lower(n, n) == pytest.approx(1 - published, rel=1e-3)


@pytest.mark.parametrize("n", [1, 7, 40, 300])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_each_bound_holds_with_its_level_at_every_true_rate(n: int, level: float) -> None:
    lows, highs = np.array([rate_bounds(k, n, level) for k in range(n + 1)]).T
    for rate in np.linspace(0.0, 1.0, 101):
        chance = binom.pmf(np.arange(n + 1), n, rate)
        assert chance[lows <= rate + 1e-12].sum() >= level - 1e-9
        assert chance[highs >= rate - 1e-12].sum() >= level - 1e-9


@given(st.integers(0, 400), st.integers(1, 400), LEVELS)
def test_more_hits_never_lower_a_bound_and_lower_mirrors_upper(hits: int, n: int, level: float) -> None:
    hits = min(hits, n)
    low, high = rate_bounds(hits, n, level)
    assert rate_lower(n - hits, n, level) == pytest.approx(1.0 - high, abs=1e-10)
    if hits < n:
        assert rate_bounds(hits + 1, n, level) > (low, high)


@given(st.integers(0, 200), st.integers(1, 200), st.floats(1.0, 5.0))
def test_clustering_only_widens(hits: int, n: int, deff: float) -> None:
    hits = min(hits, n)
    low, high = rate_bounds(hits, n)
    wide_low, wide_high = rate_bounds(hits, n, design_effect=deff)
    assert wide_low <= low + 1e-12
    assert wide_high >= high - 1e-12
    assert (wide_low, wide_high) == rate_bounds(hits / deff, n / deff)


def test_no_trials_prove_nothing() -> None:
    assert rate_bounds(0, 0) == (0.0, 1.0)
    assert zero_event_bound(0) == 1.0
    assert newcombe_difference(0, 0, 3, 10) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "n", "level", "deff"),
    [
        (2, 1, 0.95, 1),
        (-1, 5, 0.95, 1),
        (0, -1, 0.95, 1),
        (math.nan, 5, 0.95, 1),
        (1, math.nan, 0.95, 1),
        (1, math.inf, 0.95, 1),
        (1, 5, 1.0, 1),
        (1, 5, 0.0, 1),
        (1, 5, math.nan, 1),
        (1, 5, 0.95, 0.5),
        (1, 5, 0.95, math.nan),
    ],
)
def test_impossible_counts_are_refused(hits: float, n: float, level: float, deff: float) -> None:
    for bound in (rate_lower, rate_upper):
        with pytest.raises(ValueError, match=r"needed|at least 1"):
            bound(hits, n, level, deff)


def test_a_billion_trials_are_no_trouble() -> None:
    low, high = rate_bounds(5e8, 1e9)
    assert low == pytest.approx(0.5 - 1.645 * 0.5 / math.sqrt(1e9), abs=1e-8)
    assert high == pytest.approx(0.5 + 1.645 * 0.5 / math.sqrt(1e9), abs=1e-8)


@given(st.floats(0.01, 0.99), st.floats(0.0, 1.0), st.sampled_from([0.9, 0.95, 0.99]), st.sampled_from([1.0, 1.3]))
def test_the_number_needed_is_the_smallest_that_proves_it(
    target: float, rate: float, level: float, deff: float
) -> None:
    needed = n_to_meet("<=", target, rate, level, deff)
    mirrored = n_to_meet(">=", 1.0 - target, 1.0 - rate, level, deff)
    if needed is None:
        assert rate >= target or target - rate < 1e-3
        return
    assert rate_upper(rate * needed, needed, level, deff) <= target
    if needed > 1:
        assert rate_upper(rate * (needed - 1), needed - 1, level, deff) > target
    assert mirrored is not None
    assert abs(mirrored - needed) <= max(1, needed * 1e-5)


@pytest.mark.parametrize(
    ("op", "target", "rate", "needed"),
    [
        ("<=", 0.05, 0.0, 59),
        ("<=", 0.15, 0.0, 19),
        (">=", 0.95, 1.0, 59),
        ("<=", 0.05, 0.06, None),
        ("<=", 0.0, 0.0, None),
        (">=", 1.0, 1.0, None),
        ("<=", 1.0, 1.0, 1),
        (">=", 0.0, 0.0, 1),
        ("<=", 0.5, 0.5 - 1e-9, None),
    ],
)
def test_the_number_needed_at_the_edges(op: str, target: float, rate: float, needed: int | None) -> None:
    assert n_to_meet(op, target, rate) == needed  # type: ignore[arg-type]


def test_an_unknown_operator_or_a_rate_that_is_none_is_refused() -> None:
    for op, target, rate in (("==", 0.1, 0.0), ("<=", math.nan, 0.0), ("<=", 0.1, math.nan), ("<=", 0.1, 1.5)):
        with pytest.raises(ValueError, match="finite target"):
            n_to_meet(op, target, rate)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="level"):
        n_to_meet("<=", 0.1, 0.5, level=2.0)


@pytest.mark.parametrize(
    ("counts", "published"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_difference_gives_the_intervals_of_the_1998_paper(
    counts: tuple[int, int, int, int], published: tuple[float, float]
) -> None:
    assert newcombe_difference(*counts, level=0.975) == pytest.approx(published, abs=6e-5)


def test_newcombe_bounds_hold_within_a_point_and_a_half_of_their_level() -> None:
    n1, n2 = 60, 90
    bounds = np.array([[newcombe_difference(i, n1, j, n2) for j in range(n2 + 1)] for i in range(n1 + 1)])
    for p1, p2 in ((0.3, 0.3), (0.1, 0.2), (0.5, 0.35), (0.8, 0.75), (0.15, 0.05)):
        chance = np.outer(binom.pmf(np.arange(n1 + 1), n1, p1), binom.pmf(np.arange(n2 + 1), n2, p2))
        assert chance[bounds[:, :, 0] > p1 - p2].sum() < 0.065
        assert chance[bounds[:, :, 1] < p1 - p2].sum() < 0.065


@pytest.mark.parametrize(("a", "b", "x"), [(0, 1, 0.5), (1, -1, 0.5), (1, 1, 1.5), (math.nan, 1, 0.5)])
def test_the_beta_functions_refuse_what_they_are_not_defined_for(a: float, b: float, x: float) -> None:
    for function in (incomplete_beta, log_incomplete_beta, beta_quantile):
        with pytest.raises(ValueError, match="beta"):
            function(a, b, x)


def test_a_normal_quantile_needs_a_probability() -> None:
    for p in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="probability"):
            normal.quantile(p)


def test_importing_the_bounds_does_not_import_numpy() -> None:
    light = "bounds paired conformal risk_control uncertainty sequential quantiles"
    code = "import sys\n" + "".join(f"import shipworthy.stats.{name}\n" for name in light.split())
    code += "sys.exit(any(name.split('.')[0] in ('numpy', 'scipy', 'statistics') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
