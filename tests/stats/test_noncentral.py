"""The law of hits by arm: against scipy, and however many tables are asked at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nchypergeom_fisher

from shipworthy.stats.noncentral import log_likelihoods, log_sum

LOG_ODDS = np.array([-2.5, -0.3, 0.0, 0.4, 2.7])
arms = st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@settings(max_examples=60)
@given(arms, arms)
def test_it_is_the_law_of_scipy(one: tuple[int, int], other: tuple[int, int]) -> None:
    (n1, x1), (n0, x0) = one, other
    ours = log_likelihoods(n1, x1, n0, x0, LOG_ODDS)
    law = [nchypergeom_fisher.logpmf(x1, n1 + n0, n1, x1 + x0, math.exp(at)) for at in LOG_ODDS]
    assert ours == pytest.approx(np.array(law) - law[2], abs=1e-8)
    assert ours[2] == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=40)
@given(st.lists(st.tuples(arms, arms), min_size=1, max_size=12))
def test_many_tables_at_once_are_the_tables_one_by_one(tables: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    columns = np.array([[n1, x1, n0, x0] for (n1, x1), (n0, x0) in tables]).T
    together = log_likelihoods(columns[0], columns[1], columns[2], columns[3], LOG_ODDS)
    alone = [log_likelihoods(n1, x1, n0, x0, LOG_ODDS) for (n1, x1), (n0, x0) in tables]
    assert together == pytest.approx(np.array(alone), abs=1e-9)


def test_tables_too_many_or_too_large_for_one_go_are_cut_without_a_difference() -> None:
    many = log_likelihoods(np.full(200_000, 9), np.arange(200_000) % 10, 50, 5, LOG_ODDS)
    assert many[:10] == pytest.approx(many[-10:])
    assert many[3] == pytest.approx(log_likelihoods(9, 3, 50, 5, LOG_ODDS))
    fine = np.linspace(-2.0, 2.0, 60)
    large = log_likelihoods(100_000, 40_100, 100_000, 40_000, fine)
    assert large[[0, 31]] == pytest.approx(log_likelihoods(100_000, 40_100, 100_000, 40_000, fine[[0, 31]]))
    assert abs(fine[large.argmax()]) < 0.05


@pytest.mark.parametrize("table", [(0, 0, 9, 4), (9, 4, 0, 0), (9, 0, 5, 0), (9, 9, 5, 5), (0, 0, 0, 0)])
def test_a_table_that_compares_nothing_says_nothing(table: tuple[int, int, int, int]) -> None:
    assert log_likelihoods(*table, log_odds=LOG_ODDS) == pytest.approx(np.zeros(5))


@pytest.mark.parametrize(
    "table", [(1, 2, 3, 0), (3, -1, 3, 0), (-1, 0, 3, 0), (3, 1, 3, 4), (3, 1.0, 3, 0), (3, math.nan, 3, 0)]
)
def test_counts_that_cannot_be_are_refused(table: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="needed"):
        log_likelihoods(*table, log_odds=LOG_ODDS)


def test_a_sum_of_logs_of_nothing_is_nothing() -> None:
    assert log_sum(np.array([[-math.inf, -math.inf], [0.0, 0.0]])).tolist() == [-math.inf, math.log(2.0)]
