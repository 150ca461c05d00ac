from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats.group_rates import RATES, difference, group_counts, hits_and_chances, ratio, ratio_bounds

SELECTED = [1, 1, 0, 0, 1, 0, 1, 0]
LABELS = [1, 0, 1, 0, 1, 1, 1, 0]
GROUPS = ["a", "a", "a", "a", "b", "b", "b", "b"]


@pytest.mark.parametrize(
    ("rate", "counts", "gap", "quotient"),
    [
        ("selection_rate", {"a": (2, 4), "b": (2, 4)}, 0.0, 1.0),
        ("true_positive_rate", {"a": (1, 2), "b": (2, 3)}, 1 / 6, 3 / 4),
        ("false_positive_rate", {"a": (1, 2), "b": (0, 1)}, 0.5, 0.0),
        ("false_negative_rate", {"a": (1, 2), "b": (1, 3)}, 1 / 6, 2 / 3),
        ("accuracy", {"a": (2, 4), "b": (3, 4)}, 0.25, 2 / 3),
    ],
)
def test_each_rate_counts_what_its_name_says(
    rate: str, counts: dict[str, tuple[int, int]], gap: float, quotient: float
) -> None:
    found = group_counts(rate, SELECTED, LABELS, GROUPS)
    assert found == counts
    assert difference(found) == pytest.approx(gap)
    assert ratio(found) == pytest.approx(quotient)


def test_a_row_without_a_label_is_a_chance_of_selection_only() -> None:
    for rate in RATES:
        _, chance = hits_and_chances(rate, np.array([True]), np.array([math.nan]))
        assert chance.tolist() == [rate == "selection_rate"]


def test_a_group_without_a_chance_has_no_rate() -> None:
    assert group_counts("true_positive_rate", [1, 1], [1, 0], ["a", "b"]) == {"a": (1, 1)}
    assert math.isnan(difference({}))
    assert math.isnan(ratio({"a": (0, 5), "b": (0, 9)}))


def test_an_unknown_rate_and_unequal_columns_are_errors() -> None:
    with pytest.raises(ValueError, match="no rate 'vibes'"):
        group_counts("vibes", SELECTED, LABELS, GROUPS)
    with pytest.raises(ValueError, match="one label and one group"):
        group_counts("accuracy", SELECTED, LABELS, GROUPS[1:])


@pytest.mark.parametrize(("low", "high", "n", "m"), [(0.1, 0.2, 100, 300), (0.3, 0.3, 100, 100), (0.5, 0.9, 100, 1000)])
def test_bounds_of_a_ratio_hold_as_often_as_they_say(low: float, high: float, n: int, m: int) -> None:
    """2,000 samples: .95 less three standard errors is .935; MOVER-R is not exact, so .93 is asked."""
    rng = np.random.default_rng(3)
    a, b = rng.binomial(n, low, 2000), rng.binomial(m, high, 2000)
    found = [ratio_bounds((float(i), n), (float(j), m)) for i, j in zip(a, b, strict=True)]
    assert np.mean([one[0] <= low / high for one in found]) >= 0.93
    assert np.mean([one[1] >= low / high for one in found]) >= 0.93
    assert np.mean([one[0] <= low / high <= one[1] for one in found]) <= 0.97


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60), st.floats(1.0, 4.0))
def test_a_ratio_lies_between_its_bounds_and_clusters_widen_them(i: int, n: int, j: int, m: int, deff: float) -> None:
    low, high = (min(i, n), n), (min(j, m), m)
    lower, upper = ratio_bounds(low, high)
    wider = ratio_bounds(low, high, design_effect=deff)
    assert 0.0 <= wider[0] <= lower + 1e-12
    assert upper <= wider[1] + 1e-9
    if high[0]:
        assert lower - 1e-12 <= (low[0] / n) / (high[0] / m) <= upper + 1e-12
    else:
        assert upper == math.inf


def test_either_side_of_a_ratio_is_widened_by_clusters() -> None:
    """Four rows a cluster: about twice as wide as without, whichever of the two the spread comes from."""
    for low, high in (((10.0, 40.0), (400.0, 1000.0)), ((250.0, 1000.0), (16.0, 40.0))):
        once, wider = ratio_bounds(low, high), ratio_bounds(low, high, design_effect=4.0)
        assert 1.7 < (wider[1] - wider[0]) / (once[1] - once[0]) < 4.0
