"""One number of a row, laid out for the hot path.

In: a numeric reference and what the covariance view wants of it. Out: `look`, which says all about any cell; and a
short cut to the same answer for cells that hold an ordinary number, which is nearly all of them: a table of cells with
`inf` wherever a closer look is due, and one interval around the densest cell within which nothing is odd.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

from shipworthy.profile.rows import LARGEST, Value
from shipworthy.profile.shapes import NumericReference
from shipworthy.profile.texts import MISSING, OUT_OF_RANGE

NOT_FINITE = "not_finite"
CLOSER = math.inf  # the surprise of a cell of the short cut that must be looked at
FAR = 1e9  # standard deviations; beyond it squares could overflow, and an infinite distance compares as ordinary

_SHARE_NEVER_ODD = 0.01


class ShortCut(NamedTuple):
    """`surprise[bisect_right(edges, value)]` is the surprise of a number, or CLOSER; from `least` up to below `most` it
    is at most the calm level it was made for."""

    least: float
    most: float
    edges: list[float]
    surprise: list[float]


class NumberCells:
    """The cells of one number. `mean` and `per_unit` standardise it; `per_unit` 0 keeps it out of the distance."""

    __slots__ = ("_edges", "_high", "_low", "_missing", "_per_scale", "_surprise", "mean", "name", "per_unit")

    def __init__(self, reference: NumericReference, mean: float, per_unit: float) -> None:
        self.name = reference.name
        self.mean = mean
        self.per_unit = per_unit
        self._low = -math.inf if reference.min is None else reference.min
        self._high = math.inf if reference.max is None else reference.max
        self._edges = list(reference.edges)
        self._surprise = list(reference.surprise)
        self._per_scale = 1.0 / reference.scale
        self._missing = reference.missing

    def look(self, value: Value) -> tuple[float, float, str]:
        """Return (surprise, standardised value, override or "") of a cell, whatever is in it."""
        if value is None or value == "":
            return (0.0, 0.0, MISSING) if self._missing is None else (self._missing, 0.0, "")
        if not isinstance(value, float | int) or not -LARGEST < value < LARGEST:
            return 0.0, 0.0, NOT_FINITE
        if value < self._low or value > self._high:
            return 0.0, 0.0, OUT_OF_RANGE
        standard = (value - self.mean) * self.per_unit
        if not -FAR < standard < FAR:
            standard = math.copysign(FAR, standard)
        return self._surprise[bisect_right(self._edges, value)] + self._beyond(value), standard, ""

    def _beyond(self, value: float) -> float:
        """What is added for lying beyond all values seen."""
        if not self._edges or self._edges[0] <= value < self._edges[-1]:
            return 0.0
        away = self._edges[0] - value if value < self._edges[0] else value - self._edges[-1]
        return math.log1p(min(away * self._per_scale, FAR))

    def short_cut(self, calm: float) -> ShortCut:
        """Return the short cut whose interval holds no surprise above `calm`."""
        bounds = [self._low, math.nextafter(self._high, math.inf)] if self._edges else []
        edges = sorted({*self._edges, *(bound for bound in bounds if -math.inf < bound < math.inf)})
        surprise = [CLOSER, *(self._inside(edge) for edge in edges[:-1]), CLOSER]
        at = min(range(len(surprise)), key=surprise.__getitem__)
        if not edges or surprise[at] > calm:
            return ShortCut(math.inf, -math.inf, edges, surprise[: len(edges) + 1])
        first = last = at
        while surprise[first - 1] <= calm:
            first -= 1
        while surprise[last + 1] <= calm:
            last += 1
        return ShortCut(edges[first - 1], edges[last], edges, surprise)

    def _inside(self, value: float) -> float:
        """The surprise of the cell that begins at `value`, CLOSER if it lies beyond what was seen or was declared."""
        found, standard, override = self.look(value)
        outside = not self._edges[0] <= value < self._edges[-1]
        return CLOSER if override or outside or abs(standard) >= FAR else found


def calm_level(features: int) -> float:
    """Return the surprise that the oddest of so many independent cells stays below in one row of a hundred.

    Surprise is exponential, or less, in ordinary rows: each is below t with chance 1 - exp(-t) or more.
    """
    return -math.log(-math.expm1(math.log(_SHARE_NEVER_ODD) / max(features, 1)))
