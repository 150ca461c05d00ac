"""The design effect: against the textbook cases and the coverage it is there to repair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.bounds import rate_upper
from shipworthy.stats.design_effect import design_effect


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=1, max_size=60))
def test_it_is_at_least_one_and_blind_to_names_and_order(rows: list[tuple[int, int]]) -> None:
    errors, clusters = zip(*rows, strict=True)
    found = design_effect(errors, clusters)
    assert found >= 1.0
    assert design_effect(errors[::-1], [f"crash {c}" for c in clusters[::-1]]) == pytest.approx(found)


def test_rows_that_always_agree_within_their_cluster_count_once() -> None:
    errors = (np.random.default_rng(0).random(5000) < 0.2).astype(int)
    assert design_effect(np.repeat(errors, 3), np.repeat(np.arange(5000), 3)) == pytest.approx(3.0, rel=0.002)


def test_independent_rows_have_none() -> None:
    rng = np.random.default_rng(1)
    assert design_effect(rng.integers(0, 2, 4000), np.arange(4000)) == pytest.approx(1.0, abs=1e-3)
    assert design_effect(rng.integers(0, 2, 4000), rng.integers(0, 2000, 4000)) < 1.1


def test_the_bound_of_clustered_rows_holds_only_with_it() -> None:
    rng, plain, repaired = np.random.default_rng(2), [], []
    clusters = np.repeat(np.arange(150), 4)
    for _ in range(400):
        rates = rng.beta(0.6, 2.4, 150)
        errors = rng.random(600) < np.repeat(rates, 4)
        hits = int(errors.sum())
        plain.append(rate_upper(hits, 600) >= 0.2)
        repaired.append(rate_upper(hits, 600, design_effect=design_effect(errors, clusters)) >= 0.2)
    assert np.mean(plain) < 0.92
    assert np.mean(repaired) > 0.92


def test_without_a_rate_to_compare_a_cluster_counts_as_one_row() -> None:
    assert design_effect([0, 0, 0, 0, 0, 0], [1, 1, 1, 2, 2, 2]) == 3.0
    assert design_effect([1, 1], ["a", "b"]) == 1.0
    assert design_effect([0, 1, 1], ["a", "a", "a"]) == 3.0


@pytest.mark.parametrize(("errors", "clusters"), [([], []), ([0, 1], [1]), ([0.5], [1]), ([float("nan")], [1])])
def test_rows_that_are_no_rows_are_refused(errors: list[float], clusters: list[int]) -> None:
    with pytest.raises(ValueError, match=r"needed|errors are"):
        design_effect(errors, clusters)
