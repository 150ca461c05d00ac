"""Counting columns into the cells of a reference: the hot pass of drift, batch or live.

In: columns as arrays, float64 with NaN for an empty cell, or categories as Python strings with None for an empty one.
Out: integer counts in the order that `bins` lays down. The same value falls into the same cell whether it comes alone
or among a million: every step is one correctly rounded operation on doubles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.bins import OUTSIDE, CategoryBins, JointBins, NumberBins
from shipworthy.profile.placing import PIECE, NumberPlaces, Places, laid_out

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 16_384  # values at a time: the buffers stay in the second-level cache
_FAR = 1e9


class NumberCells:
    """Counts one number. Holds buffers: one per thread."""

    def __init__(self, bins: NumberBins) -> None:
        self.bins = bins
        self.width = len(bins.counts)
        self._table, self._parted = laid_out(bins)
        self._grid = np.empty(CHUNK)
        self._cell = np.empty(CHUNK, dtype=np.intp)

    def count(self, column: Floats) -> Ints:
        """Return int64[bins + 3]: the bins lowest first, then below the least, above the most, and empty (NaN)."""
        cells = np.zeros(self.bins.cells + 2, dtype=np.int64)
        counts = np.zeros(self.width, dtype=np.int64)
        for start in range(0, column.size, CHUNK):
            self._add(column[start : start + CHUNK], cells, counts)
        for at, _, _ in self._parted:
            cells[at] = 0  # counted by piece
        counts += np.bincount(self._table, weights=cells, minlength=self.width).astype(np.int64)
        return counts

    def places(self, column: Floats) -> Places:
        """Return the place among the counts of every value of a short column."""
        return np.asarray(self._places(column[None])[0], dtype=np.intp)

    @cached_property
    def _places(self) -> NumberPlaces:
        return NumberPlaces((self.bins,))

    def _add(self, part: Floats, cells: Ints, counts: Ints) -> None:
        least, most = part.min(), part.max()
        if not (least >= self.bins.least and most <= self.bins.most):  # something lies outside, or is empty
            below, above = int((part < self.bins.least).sum()), int((part > self.bins.most).sum())
            given = part.size
            part = part[(part >= self.bins.least) & (part <= self.bins.most)]
            counts[-3:] += (below, above, given - part.size - below - above)
        cell = self._cells(part)
        cells += np.bincount(cell, minlength=cells.size)
        for at, atom, first in self._parted:
            inside = part[cell == at]
            equal, over = int(np.count_nonzero(inside == atom)), int(np.count_nonzero(inside > atom))
            counts[first : first + 3] += (inside.size - equal - over, equal, over)

    def _cells(self, part: Floats) -> NDArray[np.intp]:
        bins, size = self.bins, part.size
        grid, cell = self._grid[:size], self._cell[:size]
        np.multiply(part, bins.per, out=grid)
        grid += bins.shift
        np.maximum(grid, 0.0, out=grid)
        np.minimum(grid, bins.cells + 1.0, out=grid)
        np.copyto(cell, grid, casting="unsafe")  # truncates
        return cell


class CategoryCells:
    """Counts one category."""

    def __init__(self, bins: CategoryBins) -> None:
        self.bins = bins
        self.width = len(bins.counts)
        first = len(bins.values)
        self.at: dict[str | None, int] = {value: place for place, value in enumerate(bins.values)}
        self.at.update(dict.fromkeys(bins.known, first))
        self.at[None] = first + 2
        self.unseen = first + 1

    def count(self, column: Iterable[str | None]) -> Ints:
        """Return int64[values + 3]: the values, then other known ones, unseen, and empty."""
        seen = Counter(column)
        return self.count_codes(list(seen), np.fromiter(seen.values(), dtype=np.int64, count=len(seen)))

    def count_codes(self, dictionary: Sequence[str | None], counts: Ints) -> Ints:
        """Return the same for a column that is told as how often each word of its dictionary comes."""
        total = np.zeros(self.width, dtype=np.int64)
        np.add.at(total, [self.at.get(value, self.unseen) for value in dictionary], counts)
        return total

    def place(self, value: str | None) -> int:
        """Return the place of one value among the counts."""
        return self.at.get(value, self.unseen)


class JointCells:
    """Counts rows of standardised, whitened numbers."""

    def __init__(self, bins: JointBins) -> None:
        self._directions = Weights(bins.directions)
        self._distance = np.array(bins.distance)
        self._cuts = [np.array(one) for one in bins.cuts]
        sizes = [self._distance.size + 1, *(one.size + 1 for one in self._cuts)]
        self._first = np.cumsum([0, *sizes])[:-1].tolist()
        self.width = len(bins.counts)

    def count(self, white: Floats) -> Ints:
        """Return int64[32 + 8 * 16] for whitened numbers (d, rows), empty cells at their mean (0)."""
        return np.bincount(self.places(white).ravel(), minlength=self.width).astype(np.int64)

    def places(self, white: Floats) -> Places:
        """Return intp[1 + 8, rows]: the places of every row among the counts, of its distance and its projections."""
        near = np.clip(white, -_FAR, _FAR)
        values = (squared(near), *self._directions(near))
        cuts = (self._distance, *self._cuts)
        return np.stack(
            [
                np.searchsorted(cut, value, side="right") + first
                for cut, value, first in zip(cuts, values, self._first, strict=True)
            ]
        )


class Weights:
    """Sums of columns by rows of weights, always added in the same order: column by column into all sums at once.

    A weight of 0 leaves its sum alone, whatever the column holds. Holds no state between calls.
    """

    def __init__(self, weights: Sequence[Sequence[float]]) -> None:
        """`weights`: (k, d)."""
        by = np.array(weights, dtype=np.float64)
        self._sums = len(by)
        self._steps = [(at, rows, by[rows, at, None]) for at in range(by.shape[1]) for rows in _runs(by[:, at])]

    def __call__(self, columns: Sequence[Floats] | Floats) -> Floats:
        """Return (k, rows) for columns (d, rows)."""
        total = np.zeros((self._sums, len(columns[0])))
        step = np.empty((self._sums, min(PIECE, total.shape[1])))
        for start in range(0, total.shape[1], PIECE):
            part = total[:, start : start + PIECE]
            for at, rows, by in self._steps:
                some, made = part[rows], step[rows, : part.shape[1]]
                np.multiply(by, columns[at][start : start + PIECE], out=made)
                some += made
        return total


def weighted(columns: Sequence[Floats] | Floats, weights: Sequence[Sequence[float]]) -> Floats:
    """Return (k, rows) sums of columns (d, rows) by k rows of weights, as `Weights` adds them."""
    return Weights(weights)(columns)


def _runs(weights: Floats) -> list[slice]:
    """Runs of weights that are not 0."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], weights != 0.0, [False]])))
    return [slice(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def squared(columns: Floats) -> Floats:
    """Return the sums of squares of (d, rows) columns, always added in the same order."""
    total = np.zeros(columns.shape[1])
    for column in columns:
        total += column * column
    return total


def atoms_of(bins: NumberBins) -> NDArray[np.bool_]:
    """Return which of the counts are single values: bool[bins + 3]; beyond the bins, empty is one."""
    marked = np.zeros(len(bins.counts), dtype=bool)
    for _, _, first in laid_out(bins)[1]:
        marked[first + 1] = True
    marked[-1] = True
    return marked


def in_order(bins: NumberBins) -> NDArray[np.intp]:
    """Return the order of the counts of a number by value: empty cells first, below the least, the bins, above."""
    last = len(bins.counts) - 1  # counts end with: below, above, empty
    return np.concatenate([[last, last - 2], np.arange(last - 2), [last - 1]]).astype(np.intp)


def lower_edges(bins: NumberBins) -> tuple[float, ...]:
    """Return where each bin begins, lowest first: for plots and reports."""
    table, parted = laid_out(bins)
    edges = [bins.least] * (len(bins.counts) - len(OUTSIDE))
    for cell in range(1, bins.cells + 2):
        if table[cell] != table[cell - 1]:
            edges[int(table[cell])] = (cell - bins.shift) / bins.per
    for _, atom, first in parted:
        edges[first + 1] = edges[first + 2] = atom
    return tuple(edges)
