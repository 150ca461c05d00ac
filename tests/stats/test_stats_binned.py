"""The distance of two samples known only by counts per cell: certified by the cells, checked on whole columns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.binned import js_bits, ordered_apart, psi, unordered_apart
from shipworthy.stats.drift import categories_apart, numbers_apart

VALUES = st.lists(st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 7.0]), min_size=1, max_size=60)
EDGES = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 0.75, 1.0, 2.0]), max_size=4, unique=True).map(sorted)


def in_cells(values: list[float], edges: list[float]) -> list[int]:
    counts: list[int] = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1).tolist()
    return counts


@given(VALUES, VALUES, EDGES)
def test_the_distance_of_the_samples_lies_in_the_stated_interval_always(
    live: list[float], reference: list[float], edges: list[float]
) -> None:
    true = numbers_apart(live, reference).seen
    found = ordered_apart(in_cells(live, edges), in_cells(reference, edges))
    assert found.apart.seen - 1e-12 <= true <= found.apart.seen + found.slack + 1e-12


@given(VALUES, VALUES)
def test_cells_of_single_values_hide_nothing(live: list[float], reference: list[float]) -> None:
    every = sorted({*live, *reference})
    one, other = ([column.count(value) for value in every] for column in (live, reference))
    found = ordered_apart(one, other, single=[True] * len(every))
    assert found.slack == 0.0
    assert found.apart.seen == pytest.approx(numbers_apart(live, reference).seen)


def test_a_cell_that_only_one_sample_is_in_hides_nothing() -> None:
    assert ordered_apart([0, 10], [10, 0]).slack == 0.0


def test_categories_are_told_as_from_whole_columns() -> None:
    live, reference = ["a"] * 30 + ["b"] * 10 + ["c"], ["a"] * 10 + ["b"] * 30 + ["d"]
    one, other = ([column.count(word) for word in "abcd"] for column in (live, reference))
    mine, whole = unordered_apart(one, other).apart, categories_apart(live, reference)
    assert [mine.seen, mine.null] == pytest.approx([whole.seen, whole.null])
    assert [mine.lower, mine.upper] == pytest.approx([whole.lower, whole.upper])


def test_bounds_of_the_populations_hold_at_their_level() -> None:
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet(np.ones(16)), rng.dirichlet(np.ones(16) * 4)
    truth = float(np.abs(np.cumsum(p - q)).max())
    outside = 0
    for _ in range(200):
        found = ordered_apart(rng.multinomial(300, p), rng.multinomial(2000, q), single=[True] * 16)
        outside += not found.apart.lower <= truth <= found.apart.upper
    assert outside <= 0.05 * 200


@pytest.mark.parametrize("n", [200, 5000])
def test_without_drift_psi_and_js_are_about_their_null(n: int) -> None:
    """observe.md: at 32 cells and n = 200 the mean PSI without drift is .176, over any fixed limit of .1."""
    rng = np.random.default_rng(4)
    draws = [
        (rng.multinomial(n, np.full(32, 1 / 32)), rng.multinomial(100_000, np.full(32, 1 / 32))) for _ in range(300)
    ]
    for told in (psi, js_bits):
        found = [told(*pair) for pair in draws]
        assert np.mean([one.seen for one in found]) == pytest.approx(found[0].null, rel=0.12)
    assert psi(*draws[0]).null == pytest.approx(31 * (1 / n + 1 / 100_000))


def test_psi_and_js_of_known_shares() -> None:
    live, reference = np.array([20_000_000, 80_000_000]), np.array([50_000_000, 50_000_000])
    assert psi(live, reference).seen == pytest.approx(
        (0.2 - 0.5) * math.log(0.4) + (0.8 - 0.5) * math.log(1.6), rel=1e-6
    )
    middle = [0.35, 0.65]
    bits = 0.5 * sum(
        p * math.log2(p / m) + q * math.log2(q / m) for p, q, m in zip([0.2, 0.8], [0.5, 0.5], middle, strict=True)
    )
    assert js_bits(live, reference).seen == pytest.approx(bits, rel=1e-6)
    assert js_bits([10**9, 0], [0, 10**9]).seen == pytest.approx(1.0, abs=1e-6), "in bits, at most one"
    assert psi(reference, reference).excess == 0.0


@pytest.mark.parametrize(
    ("live", "reference"),
    [([], []), ([1, 2], [1]), ([0, 0], [1, 1]), ([1, 1], [0, 0]), ([-1, 3], [1, 1]), ([math.nan, 1], [1, 1])],
)
def test_what_is_no_pair_of_samples_is_refused(live: list[float], reference: list[float]) -> None:
    for told in (ordered_apart, unordered_apart, psi, js_bits):
        with pytest.raises(ValueError, match=r"samples|counts"):
            told(live, reference)
