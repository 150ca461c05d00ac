"""Fit the reference profile of a model's inputs.

In: declared features, the rows it was trained on, and rows it was not trained on. Out: a `Profile`, the same bytes for
the same rows. The second set calibrates: a p-value is the share of it that looks at least as odd, so the promise "one
in a hundred ordinary rows is flagged" needs a thousand of them or more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import UsageError
from shipworthy.facts.texts import TEXT
from shipworthy.profile.dependence import covariance_reference
from shipworthy.profile.marginals import category_reference, number_reference, shortest
from shipworthy.profile.places import places
from shipworthy.profile.rows import CATEGORY, DeclaredFeature, Row, as_category, as_number
from shipworthy.profile.shapes import (
    COVARIANCE,
    MARGINAL,
    CovarianceReference,
    Profile,
)
from shipworthy.profile.texts import columns_of, text_reference
from shipworthy.profile.views import Cells, Distance

__all__ = ["Profile", "fit_profile"]

Floats = NDArray[np.float64]

MOST_CALIBRATION = 10_000


def fit_profile(
    features: Sequence[DeclaredFeature], train_rows: Sequence[Row], calibration_rows: Sequence[Row]
) -> Profile:
    """Return the profile. Raises UsageError without features, training rows or calibration rows.

    A cell that is not a number where one is declared counts as missing in fitting. Beyond 10,000 calibration rows every
    k-th is taken.
    """
    if not features or not train_rows or not calibration_rows:
        raise UsageError("a profile needs features, training rows and calibration rows", "profile", "check datasets")
    numeric = [feature for feature in features if feature.type not in (CATEGORY, TEXT)]
    columns = {one.name: [as_number(row.get(one.name)) for row in train_rows] for one in numeric}
    numbers = tuple(number_reference(one, columns[one.name]) for one in numeric)
    texts = tuple(text_reference(one, train_rows) for one in features if one.type == TEXT)
    columns.update(columns_of(texts, train_rows))
    named = [one for one in features if one.type == CATEGORY]
    words = {one.name: [as_category(row.get(one.name)) for row in train_rows] for one in named}
    placed = places(columns, words)
    categories = tuple(category_reference(one, words[one.name], placed.get(one.name, {})) for one in named)
    columns.update({name: [at.get(word or "") for word in words[name]] for name, at in placed.items()})
    covariance = covariance_reference(columns)
    cells = Cells(numbers, categories, covariance, texts)
    calibration, overridden = _calibrate(cells, covariance, _thinned(calibration_rows))
    return Profile(
        order=tuple(feature.name for feature in features),
        numbers=numbers,
        categories=categories,
        texts=texts,
        covariance=covariance,
        calibration=calibration,
        n_train=len(train_rows),
        n_calibration=len(calibration[MARGINAL]),
        overridden=overridden,
    )


def _calibrate(
    cells: Cells, covariance: CovarianceReference, rows: Sequence[Row]
) -> tuple[dict[str, tuple[float, ...]], int]:
    distance = Distance(covariance)
    far, odd = [], []
    for row in rows:
        worst, _, values, override, _, _ = cells(row)
        if not override:
            far.append(shortest(distance(values)))
            odd.append(shortest(worst))
    return {COVARIANCE: tuple(sorted(far)), MARGINAL: tuple(sorted(odd))}, len(rows) - len(odd)


def _thinned(rows: Sequence[Row]) -> Sequence[Row]:
    step = -(-len(rows) // MOST_CALIBRATION)
    return rows[::step]
