"""Fit the reference profile of a model's inputs.

In: declared features, the rows it was trained on, and rows it was not trained on. Out: a `Profile`, the same bytes for
the same rows. The second set calibrates: a p-value is the share of it that looks at least as odd, so the promise "one
in a hundred ordinary rows is flagged" needs a thousand of them or more; `profile.calibration` says where they come from
when they are fewer, `profile.promise` what a smaller set costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from shipworthy.errors import UsageError
from shipworthy.facts.texts import TEXT
from shipworthy.profile.bins import InputBins
from shipworthy.profile.calibration import Parts, calibrate
from shipworthy.profile.dependence import covariance_reference
from shipworthy.profile.fit_bins import fit_bins
from shipworthy.profile.marginals import category_reference, number_reference
from shipworthy.profile.places import places
from shipworthy.profile.rows import CATEGORY, DeclaredFeature, Row, as_category, as_number
from shipworthy.profile.shapes import Profile
from shipworthy.profile.texts import columns_of, text_reference

__all__ = ["Profile", "fit_profile"]


def fit_profile(
    features: Sequence[DeclaredFeature],
    train_rows: Sequence[Row],
    calibration_rows: Sequence[Row],
    unit: str | None = None,
) -> Profile:
    """Return the profile. Raises UsageError without features, training rows or calibration rows.

    A cell that is not a number where one is declared counts as missing in fitting. Beyond 10,000 calibration rows every
    k-th is taken; below, training rows join them, cross-fitted, those with the same value of column `unit` together.
    """
    if not features or not train_rows or not calibration_rows:
        raise UsageError("a profile needs features, training rows and calibration rows", "profile", "check datasets")
    parts = _fitted(features, None, train_rows)
    again = partial(_fitted, features, max(1, len(parts.covariance.centres)))
    scores = calibrate(parts, again, train_rows, calibration_rows, unit)
    return Profile(
        order=tuple(feature.name for feature in features),
        numbers=parts.numbers,
        categories=parts.categories,
        texts=parts.texts,
        covariance=parts.covariance,
        calibration=scores.by_view(),
        paired=scores.paired(),
        n_train=len(train_rows),
        n_calibration=len(scores.odd),
        cross_fitted=scores.crossed,
        overridden=scores.overridden,
        bins=_bins(features, parts, train_rows),
    )


def _bins(features: Sequence[DeclaredFeature], parts: Parts, rows: Sequence[Row]) -> InputBins:
    """The cells of live windows, with the counts of the rows that the reference was fitted on."""
    numeric = [feature for feature in features if feature.type not in (CATEGORY, TEXT)]
    columns = {one.name: [as_number(row.get(one.name)) for row in rows] for one in numeric}
    columns.update(columns_of(parts.texts, rows))
    words = {one.name: [as_category(row.get(one.name)) for row in rows] for one in parts.categories}
    return fit_bins(columns, words, parts.covariance, {one.name: one.places for one in parts.categories})


def _fitted(features: Sequence[DeclaredFeature], cells: int | None, rows: Sequence[Row]) -> Parts:
    """What one set of rows says of its features; `cells` as in `covariance_reference`."""
    numeric = [feature for feature in features if feature.type not in (CATEGORY, TEXT)]
    columns = {one.name: [as_number(row.get(one.name)) for row in rows] for one in numeric}
    numbers = tuple(number_reference(one, columns[one.name]) for one in numeric)
    texts = tuple(text_reference(one, rows) for one in features if one.type == TEXT)
    columns.update(columns_of(texts, rows))
    named = [one for one in features if one.type == CATEGORY]
    words = {one.name: [as_category(row.get(one.name)) for row in rows] for one in named}
    placed = places(columns, words)
    categories = tuple(category_reference(one, words[one.name], placed.get(one.name, {})) for one in named)
    columns.update({name: [at.get(word or "") for word in words[name]] for name, at in placed.items()})
    return Parts(numbers, categories, texts, covariance_reference(columns, cells))
