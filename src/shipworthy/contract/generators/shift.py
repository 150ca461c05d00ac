"""Generators of rows that come rarely, later, or from elsewhere: tails, another mix, cells gone wrong, newer rows."""

from __future__ import annotations

from shipworthy.contract.generators.shape import REQUIRED, Shape
from shipworthy.contract.generators.tabular import BEFORE, ROWS

_BEFORE_METRICS = ("changed", "fell")

SHAPES = (
    Shape(
        name="tail",
        does="Takes the rarest share of the rows, sets features to their extremes, or makes one stated scenario.",
        parameters={**ROWS, "rarest": 0.01, "extremes": (), "combine": {}},
        metrics=_BEFORE_METRICS,
        names=BEFORE,
        one_of=("rarest", "extremes", "combine"),
    ),
    Shape(
        name="reweight",
        does="Draws rows so that a feature has the shares `to`, or its mean moves by `mean_shift` deviations.",
        parameters={**ROWS, "feature": REQUIRED, "to": {}, "mean_shift": 0.0},
        one_of=("to", "mean_shift"),
    ),
    Shape(
        name="label_shift",
        does="Draws rows so that the share of label 1 is `base_rate`.",
        parameters={**ROWS, "base_rate": REQUIRED},
    ),
    Shape(
        name="missing_columns",
        does="Empties features, each in turn (`together: true`: all at once); without `features` every one.",
        parameters={**ROWS, "features": (), "together": False},
        metrics=_BEFORE_METRICS,
        names=BEFORE,
    ),
    Shape(
        name="unit_error",
        does="Multiplies numbers by the factors of a mistaken unit, each feature and factor in turn.",
        parameters={**ROWS, "features": (), "factors": ()},
        metrics=_BEFORE_METRICS,
        names=BEFORE,
    ),
    Shape(
        name="stale_category",
        does="Replaces categories by their old codes (`map: {new: old}`); without a map all by the most common one.",
        parameters={**ROWS, "feature": REQUIRED, "map": {}},
        metrics=_BEFORE_METRICS,
        names=BEFORE,
    ),
    Shape(
        name="time_split",
        does="Judges the newest share of the rows by `column`, and measures what changed from the older ones.",
        parameters={**ROWS, "column": None, "newest": 0.2},
        metrics=("error_rate_rise", "auroc_fall", "ece_rise"),
    ),
)
