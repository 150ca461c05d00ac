"""The two views of a row: how far it lies from the others as a whole, and how odd its oddest cell is.

In: references, and a row. Out: a score per view, larger = less like the reference, with the feature that explains it;
or an override, where no statistic is needed. The covariance view takes numbers, 0/1 values and the places of common
categories (`places`). An empty cell and a rare category count as the mean there and are judged by the marginal view. Of
a text both views see the whole numbers that `texts` reads off it.

Everything is laid out once, so that one row costs a plain loop over its cells and one small matrix product. Most cells
of most rows lie where their feature is dense: those cost one comparison, because the oddest cell is another one. In the
few rows where none is odder than that, the loop runs once more without the short cut.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.profile.cells import CLOSER, NOT_FINITE, NumberCells, calm_level
from shipworthy.profile.rows import Row, Value, as_category
from shipworthy.profile.shapes import CategoryReference, CovarianceReference, NumericReference, TextReference
from shipworthy.profile.texts import MISSING, OUT_OF_RANGE, Signs

UNSEEN_CATEGORY = "unseen_category"
OVERRIDES = (UNSEEN_CATEGORY, NOT_FINITE, OUT_OF_RANGE, MISSING)

Floats = NDArray[np.float64]
Seen = tuple[float, str, list[float], str, str, tuple[str, ...]]
"""(worst surprise, its feature, numbers for the covariance view, override or "", its feature, unseen features)."""

_NOWHERE = (0.0, 0.0)  # (surprise, standardised place) of what an override will tell
_Look = Callable[[Value], tuple[float, float, str]]
_Number = tuple[str, float, float, list[float], list[float], float, float, _Look]


class Cells:
    """Looks at every cell of a row once."""

    __slots__ = ("_categories", "_exactly", "_mean", "_per_unit", "_quickly", "_texts", "calm", "numbers")

    def __init__(
        self,
        numbers: Sequence[NumericReference],
        categories: Sequence[CategoryReference],
        covariance: CovarianceReference,
        texts: Sequence[TextReference] = (),
    ) -> None:
        self._mean = dict(zip(covariance.names, covariance.mean, strict=True))
        self._per_unit = {name: 1.0 / scale for name, scale in zip(covariance.names, covariance.scale, strict=True)}
        self.numbers = tuple(
            NumberCells(one, *self.place_of(one.name)[:2])
            for one in (*numbers, *(sign for text in texts for sign in text.signs))
        )
        self.calm = calm_level(len(self.numbers) + len(categories))
        self._quickly = tuple(_laid_out(one, self.calm) for one in self.numbers)
        self._exactly = tuple(_laid_out(one, -1.0) for one in self.numbers)
        self._texts = tuple(Signs(one) for one in texts)
        places = [(one, *self.place_of(one.name)) for one in categories]
        self._categories = tuple(
            (one.name, table_of(one, mean, per_unit), one.missing, placed) for one, mean, per_unit, placed in places
        )

    def place_of(self, name: str) -> tuple[float, float, bool]:
        """Return (mean, 1 / deviation, True) of a feature that the covariance view takes, (0, 0, False) of others."""
        return self._mean.get(name, 0.0), self._per_unit.get(name, 0.0), name in self._mean

    def __call__(self, row: Row) -> Seen:
        """Return what the cells show. Of several overrides an unseen category is told, else the first feature's."""
        override, blamed = "", ""
        if self._texts:
            row, override, blamed = self._read(row)
        seen = self._look(row, self._quickly, self.calm, override, blamed)
        if seen[1] or seen[3]:
            return seen
        return self._look(row, self._exactly, 0.0, override, blamed)

    def _look(self, row: Row, numbers: tuple[_Number, ...], worst: float, override: str, blamed: str) -> Seen:
        """Look at every cell for what is odder than `worst`; a feature is told only if one is."""
        feature = ""
        standards: list[float] = []
        add = standards.append
        get: Callable[[str], Any] = row.get
        for name, least, most, edges, surprise, mean, per_unit, look in numbers:
            value = get(name)
            kind = type(value)
            if kind is float or kind is int:
                if least <= value < most:
                    if per_unit:
                        add((value - mean) * per_unit)
                    continue
                found = surprise[bisect_right(edges, value)]
            else:
                found = CLOSER
            if found < CLOSER:
                standard = (value - mean) * per_unit
            else:
                found, standard, wrong = look(value)
                if wrong and not override:
                    override, blamed = wrong, name
            if found > worst:
                worst, feature = found, name
            if per_unit:
                add(standard)
        unseen: tuple[str, ...] = ()
        for name, table, missing, placed in self._categories:
            value = get(name)
            known = table.get(value) if type(value) is str else None
            if known is None:
                known = _NOWHERE
                text = as_category(value)
                if text is not None:
                    known = table.get(text, _NOWHERE)
                    if known is _NOWHERE:
                        unseen = (*unseen, name)
                elif missing is not None:
                    known = (missing, 0.0)
                elif not override:
                    override, blamed = MISSING, name
            found, standard = known
            if found > worst:
                worst, feature = found, name
            if placed:
                add(standard)
        if unseen:
            override, blamed = UNSEEN_CATEGORY, unseen[0]
        return worst, feature, standards, override, blamed, unseen

    def _read(self, row: Row) -> tuple[Row, str, str]:
        """The row with the numbers of its texts, and the first override among them with its feature."""
        made: dict[str, Value] = dict(row)
        override, blamed = "", ""
        for signs in self._texts:
            read = signs(row)
            made.update(read.numbers)
            if read.override and not override:
                override, blamed = read.override, signs.name
        return made, override, blamed


class Distance:
    """The squared Mahalanobis distance of standardised numbers, from the nearest centre where there are several."""

    __slots__ = ("_centres", "_halves", "_names", "_plain", "_whitening")

    def __init__(self, covariance: CovarianceReference) -> None:
        self._names = covariance.names
        d = len(self._names)
        self._whitening = np.array(covariance.whitening, dtype=np.float64).reshape(d, d)
        self._plain = not covariance.centres
        self._centres = np.array(covariance.centres or [[0.0] * d], dtype=np.float64)
        self._halves = (self._centres * self._centres).sum(axis=1) / 2.0

    def __call__(self, numbers: list[float]) -> float:
        """Return the distance of one row; 0 when the model has no numbers."""
        if not numbers:
            return 0.0
        white = self._whitening.dot(numbers)
        far = float(white.dot(white))
        if self._plain:
            return far
        apart = self._halves - self._centres.dot(white)
        return max(0.0, far + 2.0 * float(apart[apart.argmin()]))

    def of_rows(self, numbers: Floats) -> Floats:
        """Return the distances of rows, shape (n, d): each to the last bit as one row alone has it."""
        if not numbers.shape[1]:
            return np.zeros(len(numbers))
        white = np.matmul(self._whitening, numbers[:, :, None])
        far = np.matmul(white.transpose(0, 2, 1), white)[:, 0, 0]
        if self._plain:
            return np.asarray(far, dtype=np.float64)
        apart = self._halves - np.matmul(self._centres, white)[:, :, 0]
        return np.asarray(np.maximum(0.0, far + 2.0 * apart.min(axis=1)), dtype=np.float64)

    def nearly(self, numbers: Floats) -> tuple[Floats, Floats]:
        """Return the distances of rows as one product gives them, and by how much `of_rows` may differ at most.

        The bound is that of any order of adding up d products (Higham, Accuracy and Stability of Numerical Algorithms,
        2nd ed., §3.1), with norms in place of entries.
        """
        if not numbers.shape[1]:
            return self.of_rows(numbers), np.zeros(len(numbers))
        d = numbers.shape[1]
        white = numbers @ self._whitening.T
        far = np.einsum("ij,ij->i", white, white)
        size = math.sqrt(float((self._whitening**2).sum())) * np.sqrt(np.einsum("ij,ij->i", numbers, numbers))
        slack = 4.0 * d * np.finfo(np.float64).eps
        bound = slack * size * (np.sqrt(far) + slack * size) + slack * far
        if self._plain:
            return far, bound
        longest = math.sqrt(2.0 * float(self._halves.max()))
        beside = slack * (longest * (size + np.sqrt(far)) + longest * longest)
        return np.maximum(0.0, far + 2.0 * (self._halves - white @ self._centres.T).min(axis=1)), bound + 2.0 * beside

    def blame(self, numbers: list[float]) -> str:
        """Return the feature that adds most to the distance, "" when there are none."""
        return self._names[int(self.blamed(np.array([numbers]))[0])] if numbers else ""

    def blamed(self, numbers: Floats) -> NDArray[np.int64]:
        """Return the place among the names of the feature that adds most to the distance of each row."""
        white = numbers @ self._whitening.T
        white -= self._centres[(self._halves - white @ self._centres.T).argmin(axis=1)]
        share = (white @ self._whitening) * np.linalg.solve(self._whitening, white.T).T
        return np.asarray(share.argmax(axis=1), dtype=np.int64)


def _laid_out(one: NumberCells, calm: float) -> _Number:
    return (one.name, *one.short_cut(calm), one.mean, one.per_unit, one.look)


def table_of(one: CategoryReference, mean: float, per_unit: float) -> dict[str, tuple[float, float]]:
    """Return value -> (surprise, standardised place) of all values known to model or contract."""
    known = {**dict.fromkeys(one.accepted, 0.0), **dict(zip(one.values, one.surprise, strict=True))}
    return {
        value: (surprise, (one.places[value] - mean) * per_unit if value in one.places else 0.0)
        for value, surprise in known.items()
        if value
    }
