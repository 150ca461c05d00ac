"""The short cut through the cells of a number says what a careful look at them says."""

from __future__ import annotations

import math
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest import Feature
from shipworthy.profile.cells import CLOSER, FAR, NumberCells, calm_level
from shipworthy.profile.marginals import number_reference
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row, as_category
from shipworthy.profile.shapes import Profile
from shipworthy.profile.views import Cells
from tests.profile.tables import FEATURES, rows

RNG = np.random.default_rng(3)
COLUMNS: dict[str, list[float | None]] = {
    "normal": [float(value) for value in RNG.normal(size=900)],
    "skewed": [float(value) for value in RNG.lognormal(0.0, 2.0, 900)],
    "codes": [float(value) for value in RNG.integers(0, 9, 900)],
    "gaps": [float(value) for value in RNG.choice([1.0, 2.0, 7.0], 900)],
    "one": [3.0] * 50,
    "empty": [None] * 50,
}
RANGES = [(None, None), (0.0, None), (None, 2.0), (-0.5, 1.5), (1.0, 1.0), (100.0, 200.0)]
CALM = calm_level(10)


def cells_of(column: str, low: float | None, high: float | None) -> NumberCells:
    feature = Feature(name="x", type="float", min=low, max=high)
    return NumberCells(number_reference(feature, COLUMNS[column]), 0.25, 0.5)


number = st.one_of(
    st.floats(), st.integers(-12, 220), st.sampled_from([10**400, 2.0**70, -0.0, 1.5, math.nextafter(1.5, 9)])
)


@given(st.sampled_from(sorted(COLUMNS)), st.sampled_from(RANGES), number)
def test_the_short_cut_agrees_with_a_careful_look(
    column: str, limits: tuple[float | None, float | None], value: float | int
) -> None:
    cells = cells_of(column, *limits)
    cut = cells.short_cut(CALM)
    surprise, _, override = cells.look(value)
    quick = cut.surprise[bisect_right(cut.edges, value)]
    if quick < CLOSER:
        assert (quick, override) == (surprise, "")
    if cut.least <= value < cut.most:
        assert quick <= CALM


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_a_closer_look_is_due_only_beyond_what_was_seen(column: str) -> None:
    cut = cells_of(column, None, None).short_cut(CALM)
    assert {at for at, found in enumerate(cut.surprise) if found == CLOSER} == {0, len(cut.edges)}
    assert column == "empty" or cut.least < cut.most


def test_an_interval_that_is_never_calm_is_empty() -> None:
    cut = cells_of("normal", None, None).short_cut(-1.0)
    assert not cut.least < cut.most


def test_further_beyond_what_was_seen_is_odder() -> None:
    cells = cells_of("normal", None, None)
    assert cells.look(5.0)[0] < cells.look(9.0)[0] < cells.look(90.0)[0]
    assert cells.look(-5.0)[0] < cells.look(-9.0)[0]


def test_a_look_standardises_and_never_further_than_can_be_squared() -> None:
    cells = cells_of("normal", None, None)
    assert cells.look(0.5)[1] == (0.5 - 0.25) * 0.5
    assert (cells.look(1e200)[1], cells.look(-1e200)[1]) == (FAR, -FAR)
    assert cells.look(None)[1] == 0.0


@pytest.mark.parametrize("features", [1, 5, 30, 300])
def test_one_row_of_a_hundred_is_calm_in_every_cell(features: int) -> None:
    drawn = np.random.default_rng(1).exponential(size=(20_000, features)).max(axis=1)
    assert abs((drawn <= calm_level(features)).mean() - 0.01) < 0.003


def careful(profile: Profile, row: Row) -> tuple[float, str]:
    """The worst cell by a look at every one, without any short cut."""
    at = dict(zip(profile.covariance.names, profile.covariance.mean, strict=True))
    found = {one.name: NumberCells(one, at.get(one.name, 0.0), 1.0).look(row[one.name])[0] for one in profile.numbers}
    for one in profile.categories:
        text = as_category(row[one.name])
        found[one.name] = (one.missing or 0.0) if text is None else one.surprise[one.values.index(text)]
    worst = max(found.values())
    return worst, next(name for name in found if found[name] == worst) if worst > 0.0 else ""


def test_the_worst_cell_of_every_row_is_the_one_a_careful_look_finds() -> None:
    for features in (FEATURES, FEATURES[:1], FEATURES[3:4], FEATURES[4:6]):
        profile = fit_profile(features, rows(1500, 1), rows(300, 2))
        cells = Cells(profile.numbers, profile.categories, profile.covariance)
        asked = [row for row in rows(1500, 1) if set(cells(row)[5]) == set()]
        assert [cells(row)[:2] for row in asked] == [careful(profile, row) for row in asked]
