"""The uncertainty table: equal mass, rising, covering, and never certain about the unknown."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.bounds import rate_upper
from shipworthy.stats.uncertainty import UncertaintyTable, fit, look_up

ROWS = st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 1)), max_size=120)


@given(ROWS, st.integers(1, 25), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_table_never_falls_and_never_leaves_zero_to_one(
    rows: list[tuple[float, int]], bins: int, p: float, q: float
) -> None:
    table = fit([p for p, _ in rows], [y for _, y in rows], bins)
    assert len(table.values) <= bins
    low, high = sorted((p, q))
    assert 0.0 <= look_up(table, low) <= look_up(table, high) <= 1.0


@given(ROWS, st.integers(1, 10))
def test_every_value_is_at_least_the_exact_bound_of_its_own_bin(rows: list[tuple[float, int]], bins: int) -> None:
    table = fit([p for p, _ in rows], [y for _, y in rows], bins)
    edges = (-math.inf, *table.edges, math.inf)
    for low, high, value in zip(edges, edges[1:], table.values, strict=False):
        kept = [y for p, y in rows if low < p <= high]
        assert value >= rate_upper(sum(kept), len(kept)) - 1e-12


def test_twenty_bins_hold_equal_numbers_of_rows() -> None:
    scores = np.random.default_rng(0).beta(2, 5, 3520)
    table = fit(scores.tolist(), [0] * 3520)
    counts = np.histogram(scores, [-1.0, *np.nextafter(table.edges, 1), 2.0])[0]
    assert counts.tolist() == [176] * 20
    assert set(table.values) == {rate_upper(0, 176)}


def test_the_true_rate_lies_below_u_in_nearly_every_bin() -> None:
    rng, below = np.random.default_rng(7), []
    for _ in range(60):
        p = rng.beta(2, 5, 2000)
        table = fit(p.tolist(), (rng.random(2000) < p).astype(int).tolist())
        edges = np.array([0.0, *table.edges, 1.0])
        bins = np.clip(np.searchsorted(edges, p, "left") - 1, 0, 19)
        true = np.bincount(bins, weights=p, minlength=20) / np.bincount(bins, minlength=20)
        below.append(np.mean(true <= np.array(table.values)))
    assert np.mean(below) >= 0.95


def test_equal_scores_share_a_bin() -> None:
    table = fit([0.2] * 90 + [0.8] * 10, [0] * 100, bins=20)
    assert table.edges[0] == 0.2
    assert look_up(table, 0.2) == rate_upper(0, 90)
    assert look_up(fit([0.5] * 50, [0] * 50), 0.5) == rate_upper(0, 50)


def test_the_unknown_is_fully_uncertain() -> None:
    table = fit([0.1] * 100, [0] * 100)
    for p in (math.nan, -0.1, 1.1, math.inf):
        assert look_up(table, p) == 1.0
    assert look_up(fit([], []), 0.3) == 1.0


@pytest.mark.parametrize(("scores", "labels"), [([math.nan], [0]), ([0.1], [2]), ([0.1], []), ([2.0], [0])])
def test_rows_that_are_no_rows_are_refused(scores: list[float], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="label"):
        fit(scores, labels)


@pytest.mark.parametrize(
    ("edges", "values"),
    [((0.5,), (0.1,)), ((), (1.1,)), ((), (math.nan,)), ((0.5,), (0.4, 0.1)), ((0.5, 0.5), (0.1, 0.2, 0.3))],
)
def test_a_table_that_could_mislead_is_refused(edges: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="uncertainty"):
        UncertaintyTable(edges, values)
