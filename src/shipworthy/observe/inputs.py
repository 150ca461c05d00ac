"""Rows of one version, counted into the cells of its reference.

In: rows as requests bring them, a few hundred at a time. Out: `InputCounts`, arrays of integers; the rows are gone.
What a row does not have, or what is no number where one is declared, counts as empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.facts import Digest
from shipworthy.observe import hitters
from shipworthy.profile.binned import CategoryCells, JointCells, NumberCells
from shipworthy.profile.bins import InputBins
from shipworthy.profile.fit_bins import placed, whitened
from shipworthy.profile.rows import Row, as_category, as_number
from shipworthy.profile.shapes import CovarianceReference, Profile, TextReference
from shipworthy.profile.texts import columns_of

Ints = NDArray[np.int64]
Hashed = Callable[[str, str], int]  # feature, value -> hash of a value that is not told


@dataclass(slots=True)
class InputCounts:
    """`cells`: all features in the order of the reference; `joint`: distance and projections; `unseen`: the sketch,
    None while nothing was unseen."""

    cells: Ints
    joint: Ints
    unseen: Ints | None = None

    def add(self, other: InputCounts) -> None:
        """Add the counts of the same cells."""
        self.cells += other.cells
        self.joint += other.joint
        if other.unseen is not None:
            self.unseen = other.unseen.copy() if self.unseen is None else self.unseen + other.unseen


class Inputs:
    """The counter of one version. Single thread."""

    def __init__(
        self,
        bins: InputBins,
        covariance: CovarianceReference,
        texts: Sequence[TextReference] = (),
        places: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """`places`: the numbers that stand for values of categories in the covariance."""
        self.bins = bins
        self.reference: Digest = bins.fingerprint()
        self.features = tuple(one.name for one in bins.features)
        self._covariance = covariance
        self._texts = tuple(texts)
        self._places = places or {}
        self._numbers = [NumberCells(one) for one in bins.numbers]
        self._categories = [CategoryCells(one) for one in bins.categories]
        self._joint = JointCells(bins.joint) if bins.joint is not None else None

    def nothing(self) -> InputCounts:
        """Return the counts of no row."""
        joint = self._joint.width if self._joint is not None else 0
        return InputCounts(np.zeros(self.bins.width, dtype=np.int64), np.zeros(joint, dtype=np.int64))

    def count(self, rows: Sequence[Row], hashed: Hashed | None = None) -> InputCounts:
        """Return the counts of these rows; without `hashed`, unseen values are only counted."""
        signs = columns_of(self._texts, rows)
        columns = {one.name: _array(signs.get(one.name) or [as_number(row.get(one.name)) for row in rows])
                   for one in self.bins.numbers}  # fmt: skip
        words = [[as_category(row.get(one.name)) for row in rows] for one in self.bins.categories]
        parts = [cells.count(columns[cells.bins.name]) for cells in self._numbers]
        parts += [cells.count(column) for cells, column in zip(self._categories, words, strict=True)]
        counts = self.nothing()
        if parts:
            counts.cells = np.concatenate(parts)
        if self._joint is not None:
            told = dict(zip((one.name for one in self.bins.categories), words, strict=True))
            columns.update(placed(told, self._places))
            counts.joint = self._joint.count(whitened(columns, self._covariance))
        if hashed is not None:
            counts.unseen = self._unseen(words, hashed)
        return counts

    def _unseen(self, words: Sequence[Sequence[str | None]], hashed: Hashed) -> Ints | None:
        sketch: Ints | None = None
        for category, (cells, column) in enumerate(zip(self._categories, words, strict=True)):
            for value in column:
                if value is not None and cells.place(value) == cells.unseen:
                    sketch = hitters.empty(len(self._categories)) if sketch is None else sketch
                    hitters.count(sketch, category, hashed(cells.bins.name, value))
        return sketch


def _array(column: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)


def inputs_of(profile: Profile) -> Inputs | None:
    """Return the counter of a version's inputs; None for a profile of before there were cells."""
    if profile.bins is None:
        return None
    places = {one.name: one.places for one in profile.categories}
    return Inputs(profile.bins, profile.covariance, profile.texts, places)
