"""Distances of samples: against scipy, against known populations, and by simulation with stated error rates."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shipworthy.stats.drift import MEAN_BRIDGE, MOST_VALUES, categories_apart, ks_error, numbers_apart

SHIFTED = 2.0 * float(stats.norm.cdf(0.25)) - 1.0  # KS of N(0, 1) and N(.5, 1)
columns = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(columns, columns)
def test_the_distance_is_that_of_scipy(a: list[float], b: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's p-value of very small samples, which is not asked
        theirs = stats.ks_2samp(a, b).statistic
    assert numbers_apart(a, b).seen == pytest.approx(theirs, abs=1e-12)


@given(columns, columns)
def test_the_bounds_enclose_what_is_seen_and_the_excess(a: list[float], b: list[float]) -> None:
    found = numbers_apart(a, b)
    assert 0.0 <= found.lower <= found.seen <= found.upper <= 1.0
    assert found.lower <= found.excess <= found.upper


def test_the_mean_by_sampling_is_that_of_the_distribution_of_kolmogorov() -> None:
    assert pytest.approx(stats.kstwobign.mean(), abs=1e-9) == MEAN_BRIDGE


@pytest.mark.parametrize("values", [2, 5, 60, 0])
def test_without_drift_the_excess_before_its_floor_is_zero_on_average(values: int) -> None:
    rng, seen = np.random.default_rng(values), []
    for _ in range(300):
        a, b = (rng.integers(0, values, n) if values else rng.normal(size=n) for n in (400, 300))
        found = numbers_apart(a.tolist(), b.tolist())
        seen.append(found.seen - found.null)
    assert abs(np.mean(seen)) < 4 * np.std(seen) / math.sqrt(300) + 0.002


def test_without_drift_few_values_would_be_corrected_too_much_by_the_continuous_mean() -> None:
    found = numbers_apart([0.0, 1.0] * 200, [0.0, 1.0] * 200)
    assert found.null < 0.6 * MEAN_BRIDGE * math.sqrt(2 / 400)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_bounds_of_a_known_distance_hold_at_their_level(level: float) -> None:
    rng, low, high = np.random.default_rng(4), 0, 0
    for _ in range(300):
        found = numbers_apart(rng.normal(size=250).tolist(), rng.normal(0.5, 1.0, 400).tolist(), level)
        low, high = low + (found.lower > SHIFTED), high + (found.upper < SHIFTED)
    assert max(low, high) <= 300 * (1.0 - level)


def test_the_error_is_larger_than_any_seen_and_smaller_than_the_plain_union_bound() -> None:
    rng = np.random.default_rng(6)
    seen = sorted(stats.ks_2samp(rng.random(500), rng.random(300), method="asymp").statistic for _ in range(300))
    union = math.sqrt(math.log(4 / 0.05) / 2) * (1 / math.sqrt(500) + 1 / math.sqrt(300))
    assert seen[int(0.95 * 300)] < ks_error(500, 300, 0.95) < union
    assert ks_error(500, 300, 0.95) < ks_error(500, 300, 0.99) < ks_error(250, 150, 0.99)


def test_an_empty_cell_is_a_value_of_its_own() -> None:
    full = [float(at) for at in range(100)]
    emptied = [None if at < 30 else float(at) for at in range(100)]
    assert numbers_apart(full, emptied).seen == pytest.approx(0.3)
    assert categories_apart(["a"] * 10, ["a"] * 7 + [None] * 3).seen == pytest.approx(0.3)


def test_categories_are_as_far_apart_as_their_shares() -> None:
    a, b = ["x"] * 60 + ["y"] * 30 + ["z"] * 10, ["x"] * 30 + ["y"] * 30 + ["w"] * 40
    assert categories_apart(a, b).seen == pytest.approx(0.4)
    assert categories_apart(b, a).seen == pytest.approx(0.4)
    assert categories_apart(a, a).seen == 0.0


def test_rare_values_are_one_cell_together() -> None:
    a = [f"c{at}" for at in range(MOST_VALUES)] * 5 + [f"d{at}" for at in range(50)]
    b = [f"c{at}" for at in range(MOST_VALUES)] * 5 + [f"e{at}" for at in range(50)]
    assert categories_apart(a, b).seen == pytest.approx(0.0)


@pytest.mark.parametrize("many", [2, 10, 200])
def test_categories_without_drift_have_no_excess_on_average_and_no_lower_bound(many: int) -> None:
    rng, seen, low = np.random.default_rng(many), [], 0
    p = 1.0 / np.arange(1, many + 1)
    for _ in range(200):
        a, b = ([f"c{code}" for code in rng.choice(many, n, p=p / p.sum())] for n in (400, 300))
        found = categories_apart(a, b)
        seen.append(found.seen - found.null)
        low += found.lower > 0.0
    assert abs(np.mean(seen)) < 4 * np.std(seen) / math.sqrt(200) + 0.002
    assert low <= 10


def test_the_upper_bound_of_a_known_total_variation_holds() -> None:
    rng, low, high = np.random.default_rng(8), 0, 0
    for _ in range(200):
        a, b = rng.choice(4, 300, p=[0.4, 0.3, 0.2, 0.1]), rng.choice(4, 300, p=[0.2, 0.3, 0.2, 0.3])
        found = categories_apart([str(code) for code in a], [str(code) for code in b])
        low, high = low + (found.lower > 0.2), high + (found.upper < 0.2)
    assert max(low, high) <= 10


def test_clustered_rows_prove_less() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.normal(size=400).tolist(), rng.normal(1.0, 1.0, 400).tolist()
    alone, pairs = numbers_apart(a, b), numbers_apart(a, b, design_effects=(2.0, 2.0))
    assert pairs.lower < alone.lower
    assert pairs.upper > alone.upper
    assert pairs.null == pytest.approx(alone.null * math.sqrt(2.0))
    assert alone.excess == pytest.approx(alone.seen - alone.null)
    assert numbers_apart(a, a).excess == 0.0


@pytest.mark.parametrize(
    ("a", "b", "level", "effects"),
    [
        ([], [1.0], 0.95, (1.0, 1.0)),
        ([1.0], [], 0.95, (1.0, 1.0)),
        ([math.nan], [1.0], 0.95, (1.0, 1.0)),
        ([1.0], [1.0], 1.0, (1.0, 1.0)),
        ([1.0], [1.0], 0.95, (0.5, 1.0)),
    ],
)
def test_what_has_no_distance_is_an_error(
    a: list[float | None], b: list[float | None], level: float, effects: tuple[float, float]
) -> None:
    with pytest.raises(ValueError, match=r"needed|empty"):
        numbers_apart(a, b, level, effects)
