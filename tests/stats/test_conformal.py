"""Conformal p-values: their promise by simulation, ties, and inputs that must never pass as ordinary."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.conformal import (
    calibration_sample,
    flagged_at_most,
    joint_p_values,
    p_value,
    smallest_p,
)

SCORES = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=50)


@given(SCORES, st.floats(-5, 25))
def test_the_p_value_is_the_count_it_claims_to_be(scores: list[float], score: float) -> None:
    expected = (1 + sum(kept >= score for kept in scores)) / (len(scores) + 1)
    assert p_value(calibration_sample(scores), score) == expected


@given(SCORES, st.floats(-5, 25), st.floats(0, 5))
def test_a_stranger_score_never_has_a_larger_p(scores: list[float], score: float, more: float) -> None:
    sample = calibration_sample(scores)
    assert p_value(sample, score + more) <= p_value(sample, score)


@given(SCORES)
def test_over_all_rows_of_one_sample_at_most_a_share_a_has_p_below_a(scores: list[float]) -> None:
    """Exactly the guarantee: each row in turn against the others, ties and all."""
    others = [calibration_sample(scores[:i] + scores[i + 1 :]) for i in range(len(scores))] if len(scores) > 1 else []
    p_values = [p_value(sample, score) for sample, score in zip(others, scores, strict=False)]
    for level in (0.05, 0.1, 0.5):
        assert sum(p <= level for p in p_values) <= level * len(scores) + 1e-9


def test_the_false_alarm_rate_over_several_views_stays_below_the_level() -> None:
    rng = np.random.default_rng(0)
    flagged = []
    for _ in range(300):
        samples = [calibration_sample(column) for column in rng.normal(size=(3, 400)).tolist()]
        rows = rng.normal(size=(20, 3)).tolist()
        flagged += [smallest_p([p_value(s, x) for s, x in zip(samples, row, strict=True)], 3) <= 0.05 for row in rows]
    assert np.mean(flagged) < 0.055


def test_what_is_not_a_number_is_as_strange_as_can_be() -> None:
    sample = calibration_sample([1.0, 2.0])
    assert p_value(sample, math.nan) == 0.0
    assert p_value(sample, math.inf) == pytest.approx(1 / 3)
    assert smallest_p([0.9, math.nan], 2) == 0.0


def test_nothing_to_compare_with_is_an_error_and_not_a_pass() -> None:
    with pytest.raises(ValueError, match="nothing could ever be flagged"):
        p_value((), 1.0)
    for scores in ([], [1.0, math.nan]):
        with pytest.raises(ValueError, match="calibration sample"):
            calibration_sample(scores)
    for p_values, views in (([], 1), ([0.1, 0.2], 1)):
        with pytest.raises(ValueError, match="p-values are needed"):
            smallest_p(p_values, views)


@pytest.mark.parametrize(("n", "level"), [(65, 0.05), (200, 0.01), (1000, 0.01), (10_000, 0.01)])
@pytest.mark.parametrize("related", [0.0, 0.9])
def test_the_share_flagged_given_one_sample_is_below_its_bound(n: int, level: float, related: float) -> None:
    """Normal scores in two views, apart or nearly the same, judged by their better rank."""
    rng = np.random.default_rng(n)
    most = flagged_at_most(n, level)
    fresh = np.abs(_two_views(rng, 10_000, related))
    shares = []
    for _ in range(150 if n < 10_000 else 40):
        sample = np.abs(_two_views(rng, n, related))
        ranks = n - np.argsort(np.argsort(sample, axis=0), axis=0)
        tables = np.array(joint_p_values(ranks.T.tolist()))
        ordered = np.sort(sample, axis=0)
        rank = np.stack([n + 1 - np.searchsorted(ordered[:, view], fresh[:, view]) for view in (0, 1)], axis=1)
        best = rank.argmin(axis=1)
        shares.append(float((tables[best, rank.min(axis=1)] <= level).mean()))
    noise = 3.0 * math.hypot(float(np.std(shares)) / math.sqrt(len(shares)), math.sqrt(level / len(fresh)))
    assert abs(np.mean(shares) - level) <= noise + 1 / (n + 1)  # neither more than promised nor much less
    outside = 0.05 + 3.0 * math.sqrt(0.05 / len(shares))
    blur = 1.5 * math.sqrt(level / len(fresh))
    assert np.mean(np.array(shares) > most + blur) <= outside


def _two_views(rng: np.random.Generator, n: int, related: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    rows = rng.normal(size=(n, 2))
    rows[:, 1] = related * rows[:, 0] + math.sqrt(1.0 - related**2) * rows[:, 1]
    return rows


VIEWS = st.integers(1, 3).flatmap(
    lambda views: st.lists(st.tuples(*[st.integers(0, 6)] * views), min_size=2, max_size=25)
)


@given(VIEWS)
def test_over_all_rows_of_one_sample_at_most_a_share_a_has_a_joint_p_below_a(rows: list[tuple[int, ...]]) -> None:
    """Exactly the guarantee: each row in turn against the others, ties and all."""
    found = []
    for at, row in enumerate(rows):
        others = rows[:at] + rows[at + 1 :]
        ranks = [[sum(one[v] >= mine[v] for one in others) for mine in others] for v in range(len(row))]
        own = [1 + sum(one[v] >= row[v] for one in others) for v in range(len(row))]
        best = own.index(min(own))
        p = joint_p_values(ranks)[best][min(own)]
        assert p <= len(row) * min(own) / len(rows) + 1e-12  # never more than Bonferroni's
        found.append(p)
    for level in (0.05, 0.1, 0.2, 0.5, 0.9):
        assert sum(p <= level for p in found) <= level * len(rows) + 1e-9


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.integers(0, 20))
def test_one_view_alone_has_the_plain_p_value(scores: list[int], score: int) -> None:
    ranks = [sum(one >= mine for one in scores) for mine in scores]
    own = 1 + sum(one >= score for one in scores)
    assert joint_p_values([ranks])[0][own] == p_value(calibration_sample(map(float, scores)), score)


def test_views_without_rows_or_of_several_lengths_are_an_error() -> None:
    wrong: list[list[list[int]]] = [[], [[]], [[1, 2], [1]]]
    for ranks in wrong:
        with pytest.raises(ValueError, match="calibration rows"):
            joint_p_values(ranks)


def test_the_bound_is_that_of_an_order_statistic() -> None:
    assert flagged_at_most(999, 0.05) == pytest.approx(scipy.stats.beta.ppf(0.95, 50, 950), rel=1e-9)
    assert flagged_at_most(99, 0.01) > 0.01  # one row is as odd as that: not none for rounding


@pytest.mark.parametrize("wrong", [(0, 0.1, 0.9), (5, 0.0, 0.9), (5, 1.0, 0.9), (5, 0.1, 0.0), (5, 0.1, 1.0)])
def test_a_bound_of_nothing_is_an_error(wrong: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="not a calibration"):
        flagged_at_most(*wrong)
