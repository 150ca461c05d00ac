"""Rows of one version, placed in the cells of its reference.

In: rows as requests bring them or columns of a log, a few hundred at a time. Out: places among the counts that a full
window holds, which whoever counts adds up by any group; the rows are gone. What a row does not have, or what is no
number where one is declared, counts as empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.facts import Digest
from shipworthy.observe import hitters
from shipworthy.profile.binned import JointCells
from shipworthy.profile.bins import InputBins
from shipworthy.profile.fit_bins import Whitening
from shipworthy.profile.placing import NumberPlaces, WordPlaces
from shipworthy.profile.reading import as_words, columns_of, numbers_of
from shipworthy.profile.rows import Row, Value
from shipworthy.profile.shapes import CovarianceReference, Profile, TextReference
from shipworthy.profile.texts import columns_of as signs_of

Ints = NDArray[np.int64]
Places = NDArray[np.intp]
Floats = NDArray[np.float64]
Hashed = Callable[[str, str], int]  # feature, value -> hash of a value that is not told


@dataclass(slots=True)
class InputCounts:
    """`cells`: all features in the order of the reference; `joint`: distance and projections; `unseen`: the sketch,
    None while nothing was unseen."""

    cells: Ints
    joint: Ints
    unseen: Ints | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Some rows by column: `numbers` float64[numbers, rows], `codes` intp[rows] of each category by `WordPlaces`."""

    numbers: Floats
    codes: tuple[Places, ...]


class Inputs:
    """Places the rows of one version. Single thread."""

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
        self.width = bins.width
        self.words = tuple(WordPlaces(one, (places or {}).get(one.name, {})) for one in bins.categories)
        self._texts = tuple(texts)
        self._numbers = NumberPlaces(bins.numbers)
        self._read = tuple(one.name for one in bins.numbers if one.name not in self._signs())
        first = sum(self._numbers.widths)
        self._first = [first + sum(one.width for one in self.words[:at]) for at in range(len(self.words))]
        self._joint = JointCells(bins.joint) if bins.joint is not None else None
        self._whitened: Whitening | None = Whitening(covariance) if bins.joint is not None else None
        self.joint_width = self._joint.width if self._joint is not None else 0

    def columns(self, rows: Sequence[Row]) -> tuple[Columns, list[tuple[Value, ...]]]:
        """Return some rows by column, and the columns of their categories as they were sent."""
        sent = columns_of(rows, [one.name for one in self.words])
        codes = [one.codes(as_words(column), len(rows)) for one, column in zip(self.words, sent, strict=True)]
        read = numbers_of(rows, self._read)
        if not self._texts:
            return Columns(read, tuple(codes)), sent
        named = dict(zip(self._read, read, strict=True)) | {
            name: np.array([np.nan if one is None else one for one in column], dtype=np.float64)
            for name, column in signs_of(self._texts, rows).items()
        }
        return Columns(np.stack([named[one.name] for one in self.bins.numbers]), tuple(codes)), sent

    def places(self, columns: Columns) -> Places:
        """Return intp[features, rows]: the place of each cell among the counts of all features."""
        words = [
            one.places[codes] + first for one, codes, first in zip(self.words, columns.codes, self._first, strict=True)
        ]
        numbers = self._numbers(columns.numbers)
        return np.concatenate([numbers, words]) if words else numbers

    def joint_places(self, columns: Columns) -> Places:
        """Return intp[1 + projections, rows]: places among the joint counts; nothing without joint cells."""
        if self._joint is None or self._whitened is None:
            return np.zeros((0, columns.numbers.shape[1]), dtype=np.intp)
        named: dict[str, Floats] = dict(zip((one.name for one in self.bins.numbers), columns.numbers, strict=True))
        named |= {one.name: one.numbers[codes] for one, codes in zip(self.words, columns.codes, strict=True)}
        return self._joint.places(self._whitened(named))

    def unseen(self, columns: Columns, sent: Sequence[Sequence[Value]]) -> Iterator[tuple[int, int, str]]:
        """Yield (row, which category, value) of every value that the reference does not know."""
        for at, (one, codes) in enumerate(zip(self.words, columns.codes, strict=True)):
            rows = np.flatnonzero(one.places[codes] == one.unseen).tolist()
            for row, value in zip(rows, as_words([sent[at][row] for row in rows]), strict=True):
                yield row, at, value or ""

    def count(self, rows: Sequence[Row], hashed: Hashed | None = None) -> InputCounts:
        """Return the counts of these rows; without `hashed`, unseen values are only counted."""
        columns, sent = self.columns(rows)
        counts = InputCounts(
            np.bincount(self.places(columns).ravel(), minlength=self.width).astype(np.int64),
            np.bincount(self.joint_places(columns).ravel(), minlength=self.joint_width).astype(np.int64),
        )
        if hashed is None:
            return counts
        for _, at, value in self.unseen(columns, sent):
            counts.unseen = hitters.empty(len(self.words)) if counts.unseen is None else counts.unseen
            hitters.count(counts.unseen, at, hashed(self.words[at].name, value))
        return counts

    def _signs(self) -> set[str]:
        return {sign.name for text in self._texts for sign in text.signs}


def inputs_of(profile: Profile) -> Inputs | None:
    """Return the counter of a version's inputs; None for a profile of before there were cells."""
    if profile.bins is None:
        return None
    places = {one.name: one.places for one in profile.categories}
    return Inputs(profile.bins, profile.covariance, profile.texts, places)
