from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from shipworthy.profile.centres import LEAST_ROWS, RIDGE, how_many, means, nearest, settle, whitening
from shipworthy.profile.dependence import covariance_reference
from shipworthy.profile.views import Distance

Floats = NDArray[np.float64]


def clouds(seed: int, n: int = 900, apart: float = 9.0) -> Floats:
    """Three long clouds of one shape, standardised together."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3)) @ np.array([[1.0, 0.9, 0.0], [0.0, 0.3, 0.0], [0.0, 0.0, 1.0]])
    rows[: n // 3] += [apart, 0.0, 0.0]
    rows[n // 3 : 2 * n // 3] += [0.0, apart, 0.0]
    return np.asarray((rows - rows.mean(axis=0)) / rows.std(axis=0), dtype=np.float64)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(25, 400))
def test_every_cell_holds_ten_rows_and_is_numbered_without_a_gap(seed: int, cells: int, n: int) -> None:
    at = settle(np.random.default_rng(seed).standard_t(2, size=(n, 2)), cells, seed)
    held = np.bincount(at)
    assert len(held) <= cells
    assert held.min() >= LEAST_ROWS


def test_no_centre_is_a_training_row() -> None:
    rows = clouds(1)
    centres = means(rows, settle(rows, 32, 0))
    assert cdist(centres, rows).min() > 1e-6


def test_rows_of_one_value_are_one_cell() -> None:
    assert set(settle(np.ones((80, 2)), 8, 0)) == {0}


def test_one_cloud_is_one_cell_and_three_are_several() -> None:
    one = np.random.default_rng(2).normal(size=(900, 4))
    assert how_many(one, 0) == 1
    assert how_many(clouds(2), 0) == 8
    assert how_many(clouds(2)[::9], 0) == 1


def test_rows_between_the_clouds_are_far_from_every_centre_and_near_the_common_mean() -> None:
    rows = clouds(3)
    columns = {name: rows[:, at].tolist() for at, name in enumerate("xyz")}
    one, several = (Distance(covariance_reference(columns, cells)) for cells in (1, 8))
    between = rows.mean(axis=0).tolist()
    ordinary = [several(row) for row in rows[::7].tolist()]
    assert one(between) < 1e-9
    assert several(between) > np.quantile(ordinary, 0.99)


@pytest.mark.parametrize("cells", [1, 8])
def test_the_distance_is_mahalanobis_from_the_nearest_centre(cells: int) -> None:
    rows = clouds(4)
    reference = covariance_reference({name: rows[:, at].tolist() for at, name in enumerate("xyz")}, cells)
    at = settle(rows, cells, 0)
    within = rows - means(rows, at)[at]
    precision = np.linalg.inv(within.T @ within / len(rows) + RIDGE * np.eye(3))
    asked = np.random.default_rng(0).normal(size=(50, 3)) * 3
    wanted = (cdist(asked, means(rows, at), "mahalanobis", VI=precision) ** 2).min(axis=1)
    found = [Distance(reference)(row) for row in asked.tolist()]
    assert np.allclose(found, wanted, rtol=1e-7)
    assert np.allclose(np.linalg.inv(whitening(rows, at).T @ whitening(rows, at)), np.linalg.inv(precision))


def test_the_nearest_centre_is_the_first_of_several() -> None:
    centres = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    assert nearest(np.array([[0.9, 0.1], [-3.0, 0.0], [0.0, 5.0]]), centres).tolist() == [0, 1, 0]


def test_the_feature_to_blame_is_the_one_that_was_moved() -> None:
    rows = clouds(5)
    distance = Distance(covariance_reference({name: rows[:, at].tolist() for at, name in enumerate("xyz")}, 8))
    for row in rows[::50].tolist():
        assert distance.blame([row[0], row[1], row[2] + 30.0]) == "z"


def test_the_same_rows_settle_in_the_same_cells() -> None:
    assert settle(clouds(6), 32, 1).tolist() == settle(clouds(6), 32, 1).tolist()
