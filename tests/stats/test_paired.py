"""Paired comparisons: exact p-values against scipy, Tango's interval against its closed form and its own promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm

from shipworthy.stats.paired import holm, mcnemar_exact, n_to_show_non_inferior, paired_difference

COUNTS = st.integers(0, 60)


@given(COUNTS, COUNTS)
def test_mcnemar_is_the_exact_sign_test_of_another_library(b: int, c: int) -> None:
    expected = binomtest(b, b + c, 0.5, alternative="greater").pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("b", "c"), [(-1, 0), (0, -2), (1.5, 0)])
def test_mcnemar_refuses_what_is_not_a_count(b: int, c: int) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        mcnemar_exact(b, c)


def _tango_closed_form(b: int, c: int, n: int, level: float) -> tuple[float, float]:
    """Smallest and largest root of the quartic of Yang, Sun & Hardin, Stat. Med. 32 (2013) 1336-1342."""
    g, d, s = norm.ppf(level) ** 2, b - c, b + c
    quartic = [
        n**2 * (n / g + 1) ** 2,
        -n * d * (n / g + 1) * (4 * n / g + 1),
        2 * n * d**2 * (3 * n / g + 2) / g - n**2 * (s / g + 1),
        n * d * (2 * s / g + 1) - d**3 * (4 * n / g + 1) / g,
        d**2 * (d**2 / g - s) / g,
    ]
    roots = np.roots(quartic)
    real = roots[np.abs(roots.imag) < 1e-6].real
    return float(real.min()), float(real.max())


@pytest.mark.parametrize(
    ("b", "c", "n"), [(1, 7, 21), (12, 2, 50), (0, 1, 44), (8, 8, 200), (20, 35, 500), (3, 0, 90), (0, 0, 50)]
)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.975])
def test_the_interval_equals_the_closed_form_of_tango(b: int, c: int, n: int, level: float) -> None:
    delta, low, high = paired_difference(b, c, n, level)
    assert delta == pytest.approx((b - c) / n)
    assert (low, high) == pytest.approx(_tango_closed_form(b, c, n, level), abs=1e-6)


def test_the_interval_of_the_airway_example_is_the_published_one() -> None:
    """Fagerland, Lydersen & Laake, Stat. Med. 33 (2014) 2850-2875: 1, 1, 7, 12 gives -0.517 to -0.026 (Tango)."""
    assert paired_difference(1, 7, 21, level=0.975)[1:] == pytest.approx((-0.517, -0.026), abs=5e-4)


@given(COUNTS, COUNTS, st.integers(0, 500), st.sampled_from([0.9, 0.95, 0.99]), st.floats(1.0, 3.0))
def test_the_interval_encloses_the_difference_and_mirrors(b: int, c: int, rest: int, level: float, deff: float) -> None:
    n = b + c + rest
    delta, low, high = paired_difference(b, c, n, level, deff)
    assert -1.0 <= low <= delta <= high <= 1.0
    assert paired_difference(c, b, n, level, deff) == pytest.approx((-delta, -high, -low), abs=1e-9)
    assert paired_difference(b, c, n, level, deff + 0.5)[2] >= high - 1e-12


@pytest.mark.parametrize(
    ("n", "discordance", "difference", "at_most"),
    [
        (200, 0.06, 0.03, 0.05),
        (200, 0.1, 0.03, 0.055),
        (500, 0.06, 0.03, 0.05),
        (100, 0.06, 0.06, 0.06),
        (200, 0.06, 0.0, 0.055),
        (500, 0.02, 0.01, 0.05),
        (100, 0.06, -0.03, 0.085),
    ],
)
def test_the_upper_bound_misses_the_truth_no_more_often_than_stated(
    n: int, discordance: float, difference: float, at_most: float
) -> None:
    """Enumerated over every outcome at level .95, not sampled."""
    missed, seen = 0.0, 0.0
    for m in range(int(binom.ppf(1 - 1e-5, n, discordance)) + 1):
        chances = binom.pmf(m, n, discordance) * binom.pmf(range(m + 1), m, 0.5 * (1 + difference / discordance))
        for b, chance in enumerate(chances):
            if chance > 1e-6:
                seen += chance
                missed += chance * (paired_difference(b, m - b, n)[2] < difference)
    assert seen > 0.998
    assert missed <= at_most


def test_no_rows_prove_nothing_and_no_discordance_is_not_certainty() -> None:
    assert paired_difference(0, 0, 0) == (0.0, -1.0, 1.0)
    delta, low, high = paired_difference(0, 0, 300)
    assert delta == 0.0
    assert high == pytest.approx(-low)
    assert high == pytest.approx(1.645**2 / (300 + 1.645**2), rel=1e-3)


@pytest.mark.parametrize(("b", "c", "n"), [(5, 6, 10), (-1, 2, 10), (math.nan, 1, 10), (1, 1, math.inf)])
def test_impossible_pairs_are_refused(b: float, c: float, n: float) -> None:
    with pytest.raises(ValueError, match=r"needed|>= 0"):
        paired_difference(b, c, n)


@given(COUNTS, COUNTS, st.integers(1, 500), st.sampled_from([0.01, 0.02, 0.03, 0.1]))
def test_the_rows_needed_for_non_inferiority_are_the_fewest(b: int, c: int, rest: int, margin: float) -> None:
    n = b + c + rest
    needed = n_to_show_non_inferior(b, c, n, margin)
    if needed is None:
        assert (b - c) / n >= margin - 1e-4
        return
    assert paired_difference(b / n * needed, c / n * needed, needed)[2] < margin
    if needed > 1:
        assert paired_difference(b / n * (needed - 1), c / n * (needed - 1), needed - 1)[2] >= margin


def test_a_margin_that_is_no_margin_is_refused() -> None:
    for n, margin in ((0, 0.1), (10, 0.0), (10, math.nan)):
        with pytest.raises(ValueError, match="margin"):
            n_to_show_non_inferior(0, 0, n, margin)


def test_holm_gives_the_worked_example_and_keeps_the_order() -> None:
    """Statsmodels and R's p.adjust give the same for these four."""
    assert holm((0.01, 0.04, 0.03, 0.005)) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm(()) == ()


@given(st.lists(st.floats(0.0, 1.0), max_size=12))
def test_holm_never_lowers_a_p_value_and_lies_below_bonferroni(p_values: list[float]) -> None:
    for before, after in zip(p_values, holm(p_values), strict=True):
        assert before <= after <= min(1.0, len(p_values) * before) + 1e-15


def test_holm_keeps_the_family_error_and_refuses_nan() -> None:
    draws = np.random.default_rng(5).uniform(size=(2000, 6))
    assert np.mean([min(holm(tuple(row))) <= 0.05 for row in draws]) < 0.065
    with pytest.raises(ValueError, match="p-values"):
        holm((0.1, math.nan))
