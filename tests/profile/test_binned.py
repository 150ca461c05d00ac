"""Cells of the reference: the same value falls into the same cell alone or in a crowd, and the cells are fair."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shipworthy.facts import canonical
from shipworthy.profile.binned import CategoryCells, JointCells, NumberCells, atoms_of, lower_edges, weighted
from shipworthy.profile.bins import MOST_BINS, InputBins
from shipworthy.profile.fit_bins import fit_bins, fit_category, fit_number, whitened
from shipworthy.profile.placing import PIECE, WordPlaces
from shipworthy.profile.shapes import CovarianceReference
from shipworthy.stats.binned import ordered_apart
from shipworthy.stats.drift import numbers_apart

Floats = NDArray[np.float64]
RNG = np.random.default_rng(11)
COLUMNS: dict[str, Floats] = {
    "normal": RNG.normal(size=5000),
    "long tail": np.exp(2 * RNG.normal(size=20_000)),
    "age": RNG.integers(16, 97, 5000).astype(float),
    "flag": (RNG.random(5000) < 0.001).astype(float),
    "half zero": np.where(RNG.random(5000) < 0.5, 0.0, np.exp(RNG.normal(size=5000))),
    "constant": np.full(100, 3.0),
    "huge": RNG.normal(size=3000) * 1e290,
    "tiny": RNG.integers(0, 5, 50).astype(np.float64) * 1e-9,
    "with holes": np.where(RNG.random(5000) < 0.2, np.nan, RNG.normal(size=5000)),
    "never filled": np.full(20, np.nan),
}
LIVE = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 100).map(float), st.floats(-3, 3), st.just(3.0)
    ),
    max_size=40,
)


@pytest.mark.parametrize("name", sorted(COLUMNS))
@given(live=LIVE)
def test_a_value_falls_into_one_cell_however_it_comes(name: str, live: list[float]) -> None:
    cells = NumberCells(fit_number(name, COLUMNS[name]))
    column = np.array(live, dtype=np.float64)
    places = cells.places(column)
    assert np.bincount(places, minlength=cells.width).tolist() == cells.count(column).tolist()
    one_by_one = [int(cells.places(column[at : at + 1])[0]) for at in range(column.size)]
    assert places.tolist() == one_by_one
    assert int(cells.count(column).sum()) == column.size, "nothing is lost"


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_cells_are_fair_and_bounded(name: str) -> None:
    column = COLUMNS[name]
    bins = fit_number(name, column)
    inner, alone = np.array(bins.counts[:-3]), atoms_of(bins)[:-3]
    assert len(inner) <= MOST_BINS
    assert sum(bins.counts) == column.size
    assert bins.counts[-3:-1] == (0, 0), "no row of the reference lies beyond it"
    assert bins.counts[-1] == np.isnan(column).sum()
    assert inner[~alone].max(initial=0) <= 0.04 * column.size
    edges = lower_edges(bins)
    assert list(edges) == sorted(edges)


def test_order_is_kept_by_the_cells() -> None:
    for name, column in COLUMNS.items():
        cells = NumberCells(fit_number(name, column))
        known = np.sort(column[np.isfinite(column)])
        assert (np.diff(cells.places(known)) >= 0).all(), name


def test_what_lies_beyond_the_reference_is_told_apart() -> None:
    cells = NumberCells(fit_number("x", COLUMNS["normal"]))
    least, most = cells.bins.least, cells.bins.most
    beyond = np.array(
        [np.nextafter(least, -np.inf), np.nextafter(most, np.inf), -math.inf, math.inf, math.nan, least, most]
    )
    assert cells.count(beyond)[-3:].tolist() == [2, 2, 1]


def test_a_column_of_few_values_has_a_cell_for_each() -> None:
    bins = fit_number("flag", COLUMNS["flag"])
    cells = NumberCells(bins)
    assert bins.atoms == (0.0, 1.0)
    between = cells.places(np.array([0.0, 0.5, 1.0]))
    assert len(set(between.tolist())) == 3
    assert atoms_of(bins)[between].tolist() == [True, False, True]


@pytest.mark.parametrize("name", ["normal", "long tail", "age", "flag", "half zero"])
def test_the_true_distance_lies_in_the_interval_that_the_cells_certify(name: str) -> None:
    rng = np.random.default_rng(5)
    bins = fit_number(name, COLUMNS[name])
    cells = NumberCells(bins)
    for shift in (0.0, 0.3, 2.0):
        live = rng.choice(COLUMNS[name], 700) + shift
        found = ordered_apart(cells.count(live), np.array(bins.counts), single=None)
        ordered = _ordered(cells.count(live)), _ordered(np.array(bins.counts))
        found = ordered_apart(*ordered, single=_ordered(atoms_of(bins)))
        true = numbers_apart(live.tolist(), COLUMNS[name].tolist()).seen
        assert found.apart.seen - 1e-12 <= true <= found.apart.seen + found.slack + 1e-12
        assert found.slack <= 0.04


def _ordered(counts: NDArray[Any]) -> NDArray[Any]:
    """Empty cells first, then below, the bins, above."""
    return np.concatenate([counts[-1:], counts[-3:-2], counts[:-3], counts[-2:-1]])


def test_categories_commonest_first_then_other_unseen_and_empty() -> None:
    column = ["a"] * 3 + ["b"] * 5 + [None] * 2 + [f"rare{i:04d}" for i in range(300)]
    bins = fit_category("c", column)
    assert bins.values[:2] == ("b", "a")
    assert len(bins.values) == 254
    assert len(bins.known) == 300 - 252
    assert bins.counts[-3:] == (48, 0, 2)
    cells = CategoryCells(bins)
    assert cells.count(["b", "new", None, bins.known[0]])[-3:].tolist() == [1, 1, 1]
    assert cells.count_codes(["b", "new", None], np.array([4, 2, 1])).sum() == 7
    assert cells.place("new") == cells.unseen


def test_words_are_placed_by_code_as_they_are_alone() -> None:
    column = ["a"] * 3 + [None] * 2 + [f"rare{i:04d}" for i in range(300)]
    bins = fit_category("c", column)
    alone, placed = CategoryCells(bins), WordPlaces(bins, {"a": 2.0, "elsewhere": 3.0})
    words = ["a", None, "new", "elsewhere", bins.values[-1], *bins.known]
    codes = placed.codes(words, len(words))
    assert placed.places[codes].tolist() == [alone.place(word) for word in words]
    numbers = dict(zip(words, placed.numbers[codes].tolist(), strict=True))
    assert (numbers["a"], numbers["elsewhere"]) == (2.0, 3.0)
    assert all(math.isnan(numbers[word]) for word in (None, "new", bins.known[0]))
    assert placed.codes(["new"], 1).tolist() == placed.codes(["newer"], 1).tolist()


def test_a_long_column_is_placed_as_a_short_one() -> None:
    column = np.random.default_rng(3).choice(COLUMNS["long tail"], 3 * PIECE + 5)
    cells = NumberCells(fit_number("x", COLUMNS["long tail"]))
    assert np.bincount(cells.places(column), minlength=cells.width).tolist() == cells.count(column).tolist()
    weights = [[1.0, 0.5], [0.0, 2.0]]
    summed = weighted([column, column[::-1]], weights)
    assert summed.tolist() == [(column + 0.5 * column[::-1]).tolist(), (2.0 * column[::-1]).tolist()]


def test_the_joint_cells_see_dependence_that_no_column_shows() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=4000)
    columns = {"x": x, "y": 0.95 * x + 0.3 * rng.normal(size=4000)}
    covariance = _covariance(columns)
    bins = fit_bins({name: list(column) for name, column in columns.items()}, {}, covariance)
    assert bins.joint is not None
    assert sum(bins.joint.counts) == 9 * 4000
    shuffled = {"x": columns["x"], "y": rng.permutation(columns["y"])}
    live = JointCells(bins.joint).count(whitened(shuffled, covariance))
    same = JointCells(bins.joint).count(whitened(columns, covariance))
    assert same.tolist() == list(bins.joint.counts)
    apart = ordered_apart(live[:32], np.array(bins.joint.counts[:32])).apart
    assert apart.lower > 0.3
    for one in bins.numbers:
        column = NumberCells(one).count(np.array(shuffled[one.name]))
        assert ordered_apart(column, np.array(one.counts)).apart.seen < 1e-12


def test_the_same_rows_give_the_same_bytes_and_they_are_read_back() -> None:
    numbers = {name: [None if math.isnan(v) else float(v) for v in column[:20]] for name, column in COLUMNS.items()}
    words = {"word": ["a", "b", None, "a"] * 5}
    one, two = fit_bins(numbers, words), fit_bins(numbers, words)
    assert canonical(one) == canonical(two)
    assert msgspec.json.decode(canonical(one), type=InputBins) == one
    assert one.fingerprint() != fit_bins(numbers, {"word": ["a"] * 20}).fingerprint()
    assert one.width == sum(len(each.counts) for each in one.features)
    with pytest.raises(ValueError, match="one length"):
        fit_bins({"x": [1.0]}, {"word": ["a", "b"]})
    with pytest.raises(ValueError, match="one length"):
        fit_bins({"x": []}, {})


def _covariance(columns: dict[str, Floats]) -> CovarianceReference:
    table = np.stack(list(columns.values()), axis=1)
    mean, scale = table.mean(axis=0), table.std(axis=0)
    standard = (table - mean) / scale
    white = np.linalg.inv(np.linalg.cholesky(standard.T @ standard / len(table) + 0.01 * np.eye(table.shape[1])))
    return CovarianceReference(
        names=tuple(columns),
        mean=tuple(mean),
        scale=tuple(scale),
        whitening=tuple(tuple(row) for row in white.tolist()),
    )
