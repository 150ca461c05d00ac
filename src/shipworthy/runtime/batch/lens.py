"""One version as columns see it: its scorer, what its model knows of each category, its table of uncertainty.

In: an admitted release. Out: scores of columns and the names of what is unseen, as `Scorer` has them row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from shipworthy.deploy.batch.ranks import Floats, Groups, Marks, grouped
from shipworthy.deploy.batch.table import Cell, Table
from shipworthy.deploy.release import Cut, Release, bucket_name
from shipworthy.observe.frames.columns import Coded as FrameCoded
from shipworthy.observe.frames.columns import Frame
from shipworthy.observe.frames.inputs import FrameInputs
from shipworthy.profile.batch import BatchScorer, Scored
from shipworthy.profile.columns import Coded, Column
from shipworthy.profile.rows import as_category
from shipworthy.runtime.releases import Loaded


class Buckets(NamedTuple):
    """The bucket of thresholds of each row, and their names."""

    of: np.ndarray[tuple[int], np.dtype[np.intp]]
    names: tuple[str, ...]


class Lens:
    """Looks at columns for one version. Single thread."""

    def __init__(self, one: Loaded) -> None:
        profile = one.scorer.profile
        self.release: Release = one.release
        self.scorer = BatchScorer(profile, one.scorer.level)
        self.inputs = FrameInputs(profile) if profile.bins is not None else None
        self._one = one
        self._numbers = tuple(number.name for number in profile.numbers)
        self._texts = tuple(text.name for text in profile.texts)
        self._known = {one.name: frozenset(filter(None, (*one.values, *one.accepted))) for one in profile.categories}
        self._trained = {one.name: (frozenset(one.values), one.missing is not None) for one in profile.categories}
        table = one.thresholds.uncertainty
        self._edges, self._unsure = np.array(table.edges), np.array(table.values)

    @property
    def loaded(self) -> Loaded:
        """Return the release behind it."""
        return self._one

    def score(self, table: Table) -> Scored:
        """Return how unlike the reference each row is."""
        columns: dict[str, Column] = {name: table.floats(name) for name in self._numbers}
        columns.update({name: _named(table.words(name)) for name in self._known})
        columns.update({name: ["nan" if cell != cell else cell for cell in table.cells(name)] for name in self._texts})
        return self.scorer.score(columns)

    def unseen(self, table: Table) -> dict[str, Marks]:
        """Return, by category, the rows whose value neither the model nor the contract knows; only where there are."""
        found = {}
        for name, known in self._known.items():

            def unknown(text: str | None, known: frozenset[str] = known) -> bool:
                return text is not None and text not in known

            marks = _marked(table.words(name), unknown)
            if marks is not None:
                found[name] = marks
        return found

    def buckets(self, table: Table) -> Buckets:
        """Return the bucket of thresholds of each row, as `bucket_name` names it."""
        found: list[tuple[str, Marks]] = []
        for name, (values, nullable) in self._trained.items():

            def untrained(text: str | None, values: frozenset[str] = values, nullable: bool = nullable) -> bool:
                return not nullable if text is None else text not in values

            marks = _marked(table.words(name), untrained)
            if marks is not None:
                found.append((name, marks))
        groups: Groups = grouped(table.n, [(marks.astype(np.intp), 2) for _, marks in found])
        names = tuple(bucket_name(tuple(name for name, marks in found if marks[row])) for row in groups.first.tolist())
        return Buckets(groups.of, names)

    def uncertainty(self, score: Floats) -> Floats:
        """Return the table's value for each score; 1 where it is none."""
        told = self._unsure[np.searchsorted(self._edges, score, side="left")]
        return np.where((score >= 0.0) & (score <= 1.0), told, 1.0)

    def cut(self, bucket: str, thresholds: Callable[[str, str], Cut | None]) -> Cut | None:
        """Return the thresholds of a bucket at this moment."""
        return thresholds(self.release.version, bucket)

    def frame(self, table: Table) -> Frame:
        """Return the inputs as windows count them."""
        same = FrameCoded.same("", table.n)
        none = np.empty(0)
        return Frame(
            n=table.n,
            minute=none.astype(np.int64),
            version=same,
            tenant=same,
            numbers={name: table.counted(name) for name in self._numbers},
            categories={name: _counted(table.words(name)) for name in self._known},
            score=none,
            decision=same,
            route=same,
            took_ms=none,
            label=none.astype(np.int8),
            texts={name: [None if cell is None else str(cell) for cell in table.cells(name)] for name in self._texts},
        )


def _marked(column: Coded, wrong: Callable[[str | None], bool]) -> Marks | None:
    """The rows whose category is wrong, None when no row's is."""
    by_word = np.array([wrong(as_category(cell)) for cell in column.values], dtype=bool)
    if not by_word.any():
        return None
    marks = by_word[column.codes]
    return marks if marks.any() else None


def _named(column: Coded) -> Coded:
    """A NaN that was sent is a word here, as it is in a row."""
    if not any(isinstance(cell, float) and math.isnan(cell) for cell in column.values):
        return column
    return Coded(["nan" if cell != cell else cell for cell in column.values], column.codes)


def _counted(column: Coded) -> FrameCoded:
    words: list[Cell] = [as_category(cell) for cell in column.values]
    return FrameCoded(tuple(None if word is None else str(word) for word in words), column.codes.astype(np.intp))
