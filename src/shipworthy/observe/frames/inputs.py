"""Inputs of a frame counted into the cells of a reference, for many groups of rows at once.

In: a frame and the group of each row. Out: for every group the counts that live traffic makes of its rows, by the same
places (`observe.inputs`). A few large groups are counted one after the other through the fine grid; many small ones
together, by the place of each cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from shipworthy.observe import hitters
from shipworthy.observe.frames.columns import Coded, Floats, Frame, Ints, Places
from shipworthy.observe.inputs import Columns, Hashed, Inputs, inputs_of
from shipworthy.profile.binned import NumberCells
from shipworthy.profile.placing import WordPlaces
from shipworthy.profile.shapes import Profile
from shipworthy.profile.texts import columns_of

LARGE = 4096  # rows a group from which on counting it alone is cheaper
MOST_TOGETHER = 1 << 22  # counts of one feature over all groups that are held at once
TOGETHER = 8192  # rows that are whitened at once: they stay in the second-level cache


class FrameInputs:
    """The counter of one reference. Holds buffers: one per thread."""

    def __init__(self, profile: Profile) -> None:
        """Raises ValueError for a profile without cells."""
        inputs = inputs_of(profile)
        if inputs is None:
            raise ValueError("the profile has no cells")
        self._inputs: Inputs = inputs
        self.bins, self.reference, self.features = inputs.bins, inputs.reference, inputs.features
        self.width, self.joint_width = inputs.width, inputs.joint_width
        self._texts = profile.texts
        self._numbers = [NumberCells(one) for one in self.bins.numbers]

    def count(self, frame: Frame, group: Places, groups: int) -> tuple[Ints, Ints]:
        """Return the cells and the joint cells of every group: int64[groups, width], int64[groups, joint]."""
        order, edges = _sorted(group, groups)
        columns = self.columns(frame)
        codes = tuple(_codes(one, frame.categories[one.name]) for one in self._inputs.words)
        cells = np.zeros((groups, self.width), dtype=np.int64)
        first = 0
        for number in self._numbers:
            cells[:, first : first + number.width] = _numbers(number, columns[number.bins.name], group, order, edges)
            first += number.width
        for word, some in zip(self._inputs.words, codes, strict=True):
            cells[:, first : first + word.width] = _words(word, some, group, groups)
            first += word.width
        return cells, self._together([columns[one.name] for one in self.bins.numbers], codes, group, groups)

    def columns(self, frame: Frame) -> dict[str, Floats]:
        """Return all numbers of a frame, those that texts show among them."""
        if not self._texts:
            return frame.numbers
        rows = [dict(zip(frame.texts, cells, strict=True)) for cells in zip(*frame.texts.values(), strict=True)]
        read = columns_of(self._texts, rows)
        return {**frame.numbers, **{name: _floats(column) for name, column in read.items()}}

    def sketches(self, frame: Frame, group: Places, hashed: Callable[[int], Hashed]) -> Iterator[tuple[int, Ints]]:
        """Yield (group, sketch of its unseen categories) of groups that have some. `hashed`: the hash of a group."""
        for at, word in enumerate(self._inputs.words):
            column = frame.categories[word.name]
            new = word.places[word.codes(column.words, len(column.words))] == word.unseen
            rows = np.flatnonzero(new[column.codes]) if new.any() else np.empty(0, dtype=np.intp)
            if not rows.size:
                continue
            ids, times = np.unique(group[rows] * len(column.words) + column.codes[rows], return_counts=True)
            for id_, seen in zip(ids.tolist(), times.tolist(), strict=True):
                where, told = divmod(id_, len(column.words))
                one = hitters.empty(len(self._inputs.words))
                hitters.count(one, at, hashed(where)(word.name, column.words[told] or ""))
                yield where, seen * one

    def _together(self, numbers: Sequence[Floats], codes: Sequence[Places], group: Places, groups: int) -> Ints:
        made = np.zeros(groups * self.joint_width, dtype=np.int64)
        for start in range(0, group.size if self.joint_width else 0, TOGETHER):
            some = slice(start, start + TOGETHER)
            read = np.stack([column[some] for column in numbers]) if numbers else np.zeros((0, group[some].size))
            part = Columns(read, tuple(one[some] for one in codes))
            places = self._inputs.joint_places(part) + group[some] * self.joint_width
            np.add.at(made, places.ravel(), 1)
        return made.reshape(groups, self.joint_width)


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


def _words(word: WordPlaces, codes: Places, group: Places, groups: int) -> Ints:
    counted = np.bincount(group * word.width + word.places[codes], minlength=groups * word.width)
    return counted.reshape(groups, word.width).astype(np.int64)


def _codes(word: WordPlaces, column: Coded) -> Places:
    return word.codes(column.words, len(column.words))[column.codes]


def _sorted(group: Places, groups: int) -> tuple[Places, Places]:
    """(rows by group, where each group begins and the end)."""
    sizes = np.bincount(group, minlength=groups)
    edges = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    if groups == 1:
        return np.arange(group.size, dtype=np.intp), edges
    return np.argsort(group, kind="stable"), edges


def _floats(column: list[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in column], dtype=np.float64)
