"""Inputs of a frame counted into the cells of a reference, for many groups of rows at once.

In: a frame and the group of each row. Out: for every group the counts that `observe.inputs` makes of its rows. A few
large groups are counted one after the other through the fine grid; many small ones together, by the place of each cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from shipworthy.observe import hitters
from shipworthy.observe.frames.columns import Coded, Floats, Frame, Ints, Places
from shipworthy.observe.inputs import Hashed
from shipworthy.profile.binned import CategoryCells, JointCells, NumberCells
from shipworthy.profile.fit_bins import whitened
from shipworthy.profile.shapes import Profile
from shipworthy.profile.texts import columns_of

LARGE = 4096  # rows a group from which on counting it alone is cheaper
TOGETHER = 8192  # rows that are whitened at once: they stay in the second-level cache
MOST_TOGETHER = 1 << 22  # counts of one feature over all groups that are held at once


class FrameInputs:
    """The counter of one reference. Holds buffers: one per thread."""

    def __init__(self, profile: Profile) -> None:
        """Raises ValueError for a profile without cells."""
        if profile.bins is None:
            raise ValueError("the profile has no cells")
        self.bins = profile.bins
        self.reference = self.bins.fingerprint()
        self.features = tuple(one.name for one in self.bins.features)
        self.width = self.bins.width
        self._texts, self._covariance = profile.texts, profile.covariance
        self._places = {one.name: one.places for one in profile.categories if one.places}
        self._numbers = [NumberCells(one) for one in self.bins.numbers]
        self._categories = [CategoryCells(one) for one in self.bins.categories]
        self._joint = JointCells(self.bins.joint) if self.bins.joint is not None else None
        self.joint_width = self._joint.width if self._joint is not None else 0

    def count(self, frame: Frame, group: Places, groups: int) -> tuple[Ints, Ints]:
        """Return the cells and the joint cells of every group: int64[groups, width], int64[groups, joint]."""
        order, edges = _sorted(group, groups)
        columns = self.columns(frame)
        cells = np.zeros((groups, self.width), dtype=np.int64)
        first = 0
        for number in self._numbers:
            cells[:, first : first + number.width] = _numbers(number, columns[number.bins.name], group, order, edges)
            first += number.width
        for category in self._categories:
            cells[:, first : first + category.width] = _words(
                category, frame.categories[category.bins.name], group, groups
            )
            first += category.width
        return cells, self._together({**columns, **self._placed(frame)}, order, edges)

    def columns(self, frame: Frame) -> dict[str, Floats]:
        """Return all numbers of a frame, those that texts show among them."""
        if not self._texts:
            return frame.numbers
        rows = [dict(zip(frame.texts, cells, strict=True)) for cells in zip(*frame.texts.values(), strict=True)]
        read = columns_of(self._texts, rows)
        return {**frame.numbers, **{name: _floats(column) for name, column in read.items()}}

    def _placed(self, frame: Frame) -> dict[str, Floats]:
        """The numbers that stand for categories in the covariance."""
        made = {}
        for name, places in self._places.items():
            column = frame.categories[name]
            made[name] = np.array([places.get(word or "", np.nan) for word in column.words])[column.codes]
        return made

    def sketches(self, frame: Frame, group: Places, hashed: Callable[[int], Hashed]) -> Iterator[tuple[int, Ints]]:
        """Yield (group, sketch of its unseen categories) of groups that have some. `hashed`: the hash of a group."""
        for at, category in enumerate(self._categories):
            column = frame.categories[category.bins.name]
            new = np.array([word is not None and category.place(word) == category.unseen for word in column.words])
            rows = np.flatnonzero(new[column.codes]) if new.any() else np.empty(0, dtype=np.intp)
            if not rows.size:
                continue
            ids, times = np.unique(group[rows] * len(column.words) + column.codes[rows], return_counts=True)
            for id_, seen in zip(ids.tolist(), times.tolist(), strict=True):
                where, word = divmod(id_, len(column.words))
                one = hitters.empty(len(self._categories))
                hitters.count(one, at, hashed(where)(category.bins.name, column.words[word] or ""))
                yield where, seen * one

    def _together(self, columns: dict[str, Floats], order: Places, edges: Places) -> Ints:
        made = np.zeros((edges.size - 1, self.joint_width), dtype=np.int64)
        if self._joint is None:
            return made
        for start in range(0, order.size, TOGETHER):
            end = min(start + TOGETHER, order.size)
            rows = slice(start, end) if edges.size == 2 else order[start:end]
            white = whitened({name: columns[name][rows] for name in self._covariance.names}, self._covariance)
            first, last = np.searchsorted(edges, (start, end - 1), side="right").tolist()
            for at in range(first - 1, last):
                here = white[:, max(edges[at] - start, 0) : edges[at + 1] - start]
                if here.shape[1]:
                    made[at] += self._joint.count(here)
        return made


def _numbers(cells: NumberCells, column: Floats, group: Places, order: Places, edges: Places) -> Ints:
    groups = edges.size - 1
    if column.size >= LARGE * groups:
        placed = column if groups == 1 else column[order]
        return np.stack([cells.count(placed[start:end]) for start, end in pairwise(edges.tolist())])
    made = np.zeros((groups, cells.width), dtype=np.int64)
    place = cells.places(column)
    most = max(1, MOST_TOGETHER // cells.width)
    for first in range(0, groups, most):
        last = min(first + most, groups)
        some = slice(None) if groups <= most else order[edges[first] : edges[last]]
        flat = (group[some] - first) * cells.width + place[some]
        counted = np.bincount(flat, minlength=(last - first) * cells.width)
        made[first:last] = counted.reshape(last - first, cells.width)
    return made


def _words(cells: CategoryCells, column: Coded, group: Places, groups: int) -> Ints:
    place = np.array([cells.place(word) for word in column.words], dtype=np.intp)
    counted = np.bincount(group * cells.width + place[column.codes], minlength=groups * cells.width)
    return counted.reshape(groups, cells.width).astype(np.int64)


def _sorted(group: Places, groups: int) -> tuple[Places, Places]:
    """(rows by group, where each group begins and the end)."""
    sizes = np.bincount(group, minlength=groups)
    edges = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    if groups == 1:
        return np.arange(group.size, dtype=np.intp), edges
    return np.argsort(group, kind="stable"), edges


def _floats(column: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)
