"""The scores that p-values are shares of: those of rows that the reference was not fitted on.

In: the fitted parts of a reference, the training rows and the calibration rows. Out: sorted scores per view, at most
10,000. Where calibration rows are fewer, training rows join them, cross-fitted: split into folds, each fold is scored
by parts fitted on the other folds. Those know a tenth fewer rows, so these scores are a little larger than calibration
rows would have, and p-values err towards "ordinary". They join only while the calibration rows, judged by all of them,
are neither flagged more often than promised nor more often overridden than training rows left out; if they are, they
are not like the training rows, and stay alone.

Source: Vovk, Cross-conformal predictors, Ann. Math. Artif. Intell. 74 (2015); Barber et al., Ann. Stat. 49 (2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from shipworthy.profile.marginals import shortest
from shipworthy.profile.rows import Row
from shipworthy.profile.shapes import (
    COVARIANCE,
    MARGINAL,
    CategoryReference,
    CovarianceReference,
    NumericReference,
    TextReference,
)
from shipworthy.profile.views import Cells, Distance
from shipworthy.stats.bounds import rate_lower, rate_upper
from shipworthy.stats.conformal import p_value, smallest_p

MOST = 10_000
FOLDS = 10
LEAST_TRAINING = 50  # rows: of fewer, nine tenths are another reference
MOST_TRAINING = 20_000
SEED = 0
_LEVELS = (0.01, 0.05)
_CONFIDENCE = 0.99


class Parts(NamedTuple):
    """What is fitted on training rows."""

    numbers: tuple[NumericReference, ...]
    categories: tuple[CategoryReference, ...]
    texts: tuple[TextReference, ...]
    covariance: CovarianceReference


class Scores(NamedTuple):
    """Scores of rows not fitted on, in no order; `overridden` rows have none. `crossed` of them were training rows."""

    far: list[float]
    odd: list[float]
    overridden: int
    crossed: int = 0

    def by_view(self) -> dict[str, tuple[float, ...]]:
        """Return the sorted scores of each view."""
        return {COVARIANCE: tuple(sorted(self.far)), MARGINAL: tuple(sorted(self.odd))}

    def paired(self) -> tuple[int, ...]:
        """Return for each row of the sorted covariance view its place in the sorted marginal view."""
        by_odd = np.argsort(self.odd, kind="stable")
        place = np.empty(len(self.odd), dtype=np.int64)
        place[by_odd] = np.arange(len(self.odd))
        return tuple(place[np.argsort(self.far, kind="stable")].tolist())


Fit = Callable[[Sequence[Row]], Parts]


def calibrate(
    parts: Parts, fit: Fit, train_rows: Sequence[Row], calibration_rows: Sequence[Row], unit: str | None
) -> Scores:
    """Return the scores. `fit` fits parts as `parts` were; rows with the same value of column `unit` stay together."""
    own = scored(parts, thinned(calibration_rows, MOST))
    missing = MOST - len(own.far)
    if missing <= 0 or len(train_rows) < LEAST_TRAINING:
        return own
    crossed = cross_fitted(fit, train_rows, unit)
    taken = np.unique(np.linspace(0, len(crossed.far) - 1, min(missing, len(crossed.far)), dtype=int))
    pooled = Scores(
        far=own.far + [crossed.far[at] for at in taken],
        odd=own.odd + [crossed.odd[at] for at in taken],
        overridden=own.overridden + crossed.overridden,
        crossed=len(taken),
    )
    return pooled if alike(own, crossed, pooled) else own


def scored(parts: Parts, rows: Sequence[Row]) -> Scores:
    """Return the scores of rows that `parts` were not fitted on."""
    cells = Cells(parts.numbers, parts.categories, parts.covariance, parts.texts)
    distance = Distance(parts.covariance)
    far, odd = [], []
    for row in rows:
        worst, _, values, override, _, _ = cells(row)
        if not override:
            far.append(shortest(distance(values)))
            odd.append(shortest(worst))
    return Scores(far, odd, len(rows) - len(odd))


def cross_fitted(fit: Fit, train_rows: Sequence[Row], unit: str | None) -> Scores:
    """Return the scores of training rows by parts fitted without their fold; of at most 20,000 of them."""
    rows = thinned(train_rows, MOST_TRAINING)
    fold = _folds(rows, unit)
    made = Scores([], [], 0)
    for at in range(FOLDS):
        others = [row for row, its in zip(rows, fold, strict=True) if its != at]
        left_out = [row for row, its in zip(rows, fold, strict=True) if its == at]
        if others and left_out:
            found = scored(fit(others), left_out)
            fewer = math.log(len(rows) / len(others))  # a cell that holds k rows says -log(k / rows): put on one scale
            odd = [shortest(one + fewer) for one in found.odd]
            made = Scores(made.far + found.far, made.odd + odd, made.overridden + found.overridden)
    return made


def alike(own: Scores, crossed: Scores, pooled: Scores) -> bool:
    """True unless the own rows, beyond chance, are flagged more often by the pooled scores than promised, or overridden
    more often than the crossed ones."""
    rows, left_out = (len(one.far) + one.overridden for one in (own, crossed))
    if own.overridden and rate_lower(own.overridden, rows, _CONFIDENCE) > rate_upper(
        crossed.overridden, left_out, _CONFIDENCE
    ):
        return False
    by_view = pooled.by_view()
    p = [
        smallest_p([p_value(by_view[COVARIANCE], far), p_value(by_view[MARGINAL], odd)], len(by_view))
        for far, odd in zip(own.far, own.odd, strict=True)
    ]
    counts = [(sum(one <= level for one in p), level) for level in _LEVELS]
    return all(not hits or rate_lower(hits, len(p), _CONFIDENCE) <= level for hits, level in counts)


def thinned(rows: Sequence[Row], most: int) -> Sequence[Row]:
    """Return every k-th row, at most so many."""
    return rows[:: -(-len(rows) // most)] if rows else rows


def _folds(rows: Sequence[Row], unit: str | None) -> list[int]:
    """The fold of each row, by its unit where rows belong together."""
    keys = [str(row.get(unit)) if unit is not None else at for at, row in enumerate(rows)]
    order = np.random.default_rng(SEED).permutation(len(set(keys)))
    numbered = {key: int(order[at]) % FOLDS for at, key in enumerate(dict.fromkeys(keys))}
    return [numbered[key] for key in keys]
