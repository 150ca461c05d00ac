"""The two views of a row: how far it lies from the others as a whole, and how odd its oddest cell is.

In: references, and a row. Out: a score per view, larger = less like the reference, with the feature that explains it;
or an override, where no statistic is needed. The covariance view takes numbers and 0/1 values only: categories have no
distance. An empty cell counts as the mean there and is judged by the marginal view. Of a text both views see the whole
numbers that `texts` reads off it.

Everything is laid out once, so that one row costs a plain loop over its cells and one small matrix product.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from shipworthy.profile.rows import LARGEST, Row, as_category
from shipworthy.profile.shapes import CategoryReference, CovarianceReference, NumericReference, TextReference
from shipworthy.profile.texts import MISSING, OUT_OF_RANGE, Signs

UNSEEN_CATEGORY = "unseen_category"
NOT_FINITE = "not_finite"
OVERRIDES = (UNSEEN_CATEGORY, NOT_FINITE, OUT_OF_RANGE, MISSING)

_FAR = 1e9  # standard deviations; beyond it squares could overflow, and an infinite distance compares as ordinary

Seen = tuple[float, str, list[float], str, str, tuple[str, ...]]
"""(worst surprise, its feature, numbers for the covariance view, override or "", its feature, unseen features)."""


class Cells:
    """Looks at every cell of a row once."""

    __slots__ = ("_categories", "_numbers", "_texts")

    def __init__(
        self,
        numbers: Sequence[NumericReference],
        categories: Sequence[CategoryReference],
        covariance: CovarianceReference,
        texts: Sequence[TextReference] = (),
    ) -> None:
        mean = dict(zip(covariance.names, covariance.mean, strict=True))
        per_unit = {name: 1.0 / scale for name, scale in zip(covariance.names, covariance.scale, strict=True)}
        self._numbers = tuple(
            (
                one.name,
                -math.inf if one.min is None else one.min,
                math.inf if one.max is None else one.max,
                list(one.edges),
                list(one.surprise),
                1.0 / one.scale,
                one.missing,
                mean.get(one.name, 0.0),
                per_unit.get(one.name),
            )
            for one in (*numbers, *(sign for text in texts for sign in text.signs))
        )
        self._texts = tuple(Signs(one) for one in texts)
        self._categories = tuple((one.name, _table(one), one.missing) for one in categories)

    def __call__(self, row: Row) -> Seen:
        """Return what the cells show. Of several overrides an unseen category is told, else the first feature's."""
        worst, feature = 0.0, ""
        override, blamed = "", ""
        for signs in self._texts:
            read = signs(row)
            row = {**row, **read.numbers}
            if read.override and not override:
                override, blamed = read.override, signs.name
        numbers: list[float] = []
        for name, low, high, edges, surprise, per_scale, missing, mean, per_unit in self._numbers:
            value = row.get(name)
            if value is None or value == "":
                if missing is None:
                    override, blamed = override or MISSING, blamed or name
                    continue
                found = missing
                value = mean
            elif not isinstance(value, float | int) or not -LARGEST < value < LARGEST:
                override, blamed = override or NOT_FINITE, blamed or name
                continue
            elif value < low or value > high:
                override, blamed = override or OUT_OF_RANGE, blamed or name
                continue
            else:
                cell = bisect_right(edges, value)
                found = surprise[cell]
                if edges and (cell == 0 or cell == len(edges)):
                    away = edges[0] - value if cell == 0 else value - edges[-1]
                    found += math.log1p(min(away * per_scale, _FAR))
            if found > worst:
                worst, feature = found, name
            if per_unit is not None:
                standard = (value - mean) * per_unit
                numbers.append(standard if -_FAR < standard < _FAR else math.copysign(_FAR, standard))
        unseen: tuple[str, ...] = ()
        for name, table, missing in self._categories:
            value = row.get(name)
            text = value if type(value) is str else as_category(value)
            if not text:
                if missing is None:
                    override, blamed = override or MISSING, blamed or name
                elif missing > worst:
                    worst, feature = missing, name
                continue
            known = table.get(text)
            if known is None:
                unseen = (*unseen, name)
            elif known > worst:
                worst, feature = known, name
        if unseen:
            override, blamed = UNSEEN_CATEGORY, unseen[0]
        return worst, feature, numbers, override, blamed, unseen


class Distance:
    """The squared Mahalanobis distance of standardised numbers."""

    __slots__ = ("_names", "_whitening")

    def __init__(self, covariance: CovarianceReference) -> None:
        self._names = covariance.names
        self._whitening = np.array(covariance.whitening, dtype=np.float64).reshape(len(self._names), -1)

    def __call__(self, numbers: list[float]) -> float:
        """Return the distance of one row; 0 when the model has no numbers."""
        if not numbers:
            return 0.0
        white = self._whitening.dot(numbers)
        return float(white.dot(white))

    def blame(self, numbers: list[float]) -> str:
        """Return the feature that adds most to the distance, "" when there are none."""
        if not numbers:
            return ""
        white = self._whitening @ np.array(numbers)
        return self._names[int(np.argmax((self._whitening.T @ white) * np.array(numbers)))]


def _table(one: CategoryReference) -> dict[str, float]:
    return {**dict.fromkeys(one.accepted, 0.0), **dict(zip(one.values, one.surprise, strict=True))}
