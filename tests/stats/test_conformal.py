"""Conformal p-values: their promise by simulation, ties, and inputs that must never pass as ordinary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.conformal import calibration_sample, p_value, smallest_attainable, smallest_p

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


def test_the_smallest_attainable_value_is_attained() -> None:
    sample = calibration_sample(range(199))
    assert smallest_p([p_value(sample, 1e9), 1.0], 2) == smallest_attainable(199, 2) == 0.01
    with pytest.raises(ValueError, match="needed"):
        smallest_attainable(0, 1)
