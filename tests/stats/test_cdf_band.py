"""Bands for all times: against the theorem, values of the authors' library, and simulation with a stated error rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shipworthy.stats.cdf_band import TIGHTEST, cdf_band, histogram, ks_lower, normal_mixture, sampling_band

alphas = st.floats(1e-9, 0.5)


def crossing_chance(factor: float, added: float) -> float:
    """Howard & Ramdas (2022), theorem 2: the chance that factor * sqrt((log log(e n) + added) / n) is ever crossed."""
    eta = np.linspace(1.0 + 1e-6, 2.0 * factor * factor - 1e-9, 50_000)
    gamma = np.sqrt(2.0 / eta) * (factor - np.sqrt(2.0 * (eta - 1.0) / added))
    eta, gamma = eta[gamma > 1.0], gamma[gamma > 1.0]
    return float((4.0 * np.exp(-gamma * gamma * added) * (1.0 + 1.0 / ((gamma * gamma - 1.0) * np.log(eta)))).min())


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-3, 1e-6, 1e-9])
def test_the_constants_of_the_band_keep_the_chance_that_the_theorem_gives(alpha: float) -> None:
    assert crossing_chance(0.85, 0.8 * math.log(1612.0 / alpha)) <= alpha * 1.01
    added = (cdf_band(10**6, alpha) / 0.85) ** 2 * 10**6 - math.log(math.log(math.e * 10**6))
    assert added == pytest.approx(0.8 * math.log(1612.0 / alpha))


def test_the_theorem_as_written_here_gives_the_value_of_the_authors_library() -> None:
    """confseq: empirical_process_lil_bound(t=1000, alpha=.05, t_min=100, A=.85) = 0.08204769."""
    low, high = 1.0, 30.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if crossing_chance(0.85, middle) > 0.05 else (low, middle)
    assert 0.85 * math.sqrt((math.log(math.log(math.e * 10)) + high) / 1000) == pytest.approx(0.08204769, abs=1e-6)
    assert cdf_band(1000, 0.05) > 0.08204769  # ours begins at the first event, not at the hundredth


def test_the_normal_mixture_gives_the_values_of_the_authors_library() -> None:
    """confseq: TwoSidedNormalMixture(100, .05).bound(100, log(1 / .05)) = 30.35209, its rho 12.60056."""
    assert normal_mixture(100.0, 100.0, 0.05) == pytest.approx(30.35209, abs=1e-5)
    rho = 12.60056
    for v in (3.0, 40.0, 5000.0):
        written = math.sqrt((v + rho) * math.log((v + rho) / (rho * 0.05**2)))
        assert normal_mixture(v, 100.0, 0.05) == pytest.approx(written, rel=1e-6)


def largest_errors(seed: int, runs: int, cells: int, each: int, looks: int) -> tuple[NDArray[np.float64], list[int]]:
    """|F_n - F| over the inner edges, runs x looks, for equally likely cells; and n at each look."""
    counts = np.random.default_rng(seed).multinomial(each, np.full(cells, 1.0 / cells), (runs, looks)).cumsum(axis=1)
    sizes = each * np.arange(1, looks + 1)
    shares = counts.cumsum(axis=2)[:, :, :-1] / sizes[None, :, None]
    return np.abs(shares - np.arange(1, cells) / cells).max(axis=2), sizes.tolist()


def test_the_bands_hold_at_all_looks_together_and_that_of_one_look_does_not() -> None:
    errors, sizes = largest_errors(1, runs=400, cells=16, each=20, looks=600)
    for cells in (None, 16):
        ever = (errors > np.array([cdf_band(n, 0.2, cells) for n in sizes])).any(axis=1)
        assert ever.mean() <= 0.2
    peeked = (errors > np.array([sampling_band(n, 0.2) for n in sizes])).any(axis=1)
    assert peeked.mean() > 0.3
    assert (errors[:, 9] > sampling_band(sizes[9], 0.2)).mean() <= 0.2


@given(st.integers(1, 10**7), alphas, st.integers(2, 400))
def test_a_smaller_chance_and_more_cells_widen_and_the_grid_is_cheaper_than_the_line(
    n: int, alpha: float, cells: int
) -> None:
    for kind in (None, cells):
        assert 0.0 < cdf_band(n, alpha, kind) <= cdf_band(n, 0.5 * alpha, kind) <= 1.0
        assert sampling_band(n, alpha) <= cdf_band(n, alpha, kind)
    assert cdf_band(n, alpha, cells) <= cdf_band(n, alpha, cells + 1)
    if cells <= 64 and 500 <= n <= 10**6:
        assert cdf_band(n, alpha, cells) <= cdf_band(n, alpha)


def test_the_grid_band_is_narrowest_for_its_size_where_it_says() -> None:
    def beside(n: float) -> float:
        return cdf_band(n, 1e-3, 64) / sampling_band(n, 1e-3)

    assert beside(TIGHTEST) < beside(TIGHTEST / 50)
    assert beside(TIGHTEST) < beside(TIGHTEST * 200)


def test_nothing_seen_is_nothing_known() -> None:
    assert cdf_band(0, 0.05) == cdf_band(0, 0.05, 9) == sampling_band(0, 0.05) == cdf_band(3, 0.05) == 1.0
    assert ks_lower([0, 0], [50, 50], 0.05) == ks_lower([50, 50], [0, 0], 0.05) == 0.0


def test_the_proven_distance_stays_below_the_truth_at_all_looks_and_comes_near_it() -> None:
    """True KS .1; live rows come 500 at a look, for ever; the reference is one sample of 20,000."""
    rng, cells, above, last = np.random.default_rng(3), 20, 0, []
    moved = np.repeat([0.8, 1.2], cells // 2) / cells
    for _ in range(60):
        reference = rng.multinomial(20_000, np.full(cells, 1.0 / cells))
        live = rng.multinomial(500, moved, 60).cumsum(axis=0)
        proven = [ks_lower(counts, reference, 0.1) for counts in live]
        above += max(proven) > 0.1
        last.append(proven[-1])
    assert above <= 6
    assert 0.06 < np.median(last) < 0.1


def test_without_drift_nothing_is_proven_however_long_one_looks() -> None:
    rng, found = np.random.default_rng(4), 0
    for _ in range(100):
        reference = rng.multinomial(5000, np.full(32, 1.0 / 32))
        live = rng.multinomial(200, np.full(32, 1.0 / 32), 100).cumsum(axis=0)
        found += any(ks_lower(counts, reference, 0.1) > 0.0 for counts in live)
    assert found <= 10


def test_a_thin_reference_proves_less_than_a_large_one() -> None:
    live = [4000, 3000, 2000, 1000]
    assert ks_lower(live, [25, 25, 25, 25], 0.05) < ks_lower(live, [2500, 2500, 2500, 2500], 0.05)
    assert ks_lower(live, [2500, 2500, 2500, 2500], 1e-6) < ks_lower(live, [2500, 2500, 2500, 2500], 0.05)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=2, max_size=20))
def test_the_order_in_which_cells_are_read_backwards_does_not_matter(cells: list[tuple[int, int]]) -> None:
    live, reference = [one for one, _ in cells], [other for _, other in cells]
    proven = ks_lower(live, reference, 0.05)
    assert proven == pytest.approx(ks_lower(live[::-1], reference[::-1], 0.05), abs=1e-12)
    if sum(live) and sum(reference):
        seen = np.abs(np.cumsum(live) / sum(live) - np.cumsum(reference) / sum(reference)).max()
        assert 0.0 <= proven <= seen


def test_what_is_no_histogram_or_no_chance_is_refused() -> None:
    for counts in ([1], [1.0, 2.0], [math.nan, 1.0], [-1, 2], [[1, 2], [3, 4]]):
        with pytest.raises(ValueError, match="count"):
            histogram(counts)
    with pytest.raises(ValueError, match="one grid"):
        ks_lower([1, 2], [1, 2, 3], 0.05)
    with pytest.raises(ValueError, match="two cells"):
        cdf_band(5, 0.05, 1)
    for n, alpha in ((-1, 0.05), (math.nan, 0.05), (math.inf, 0.05), (5, 0.0), (5, 1.0), (5, math.nan)):
        for band in (cdf_band, sampling_band):
            with pytest.raises(ValueError, match="needed"):
                band(n, alpha)
    for alpha in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="needed"):
            ks_lower([1, 2], [1, 2], alpha)
