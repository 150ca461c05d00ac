"""Build the table candidate.

In: the train and calibration rows of `data/claims.csv.gz`. Out: `model/triage.json` (coefficients and the table of
uncertainty) and `model/triage.py`, a copy of the `triage.py` beside this script: the model folder is all it needs.
"""

from __future__ import annotations

import os

# Before numpy loads: sums then run in one order.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import train
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).resolve().parent
SLOPES = ("age", "vehicle_age")
WEIGHTS = (
    *("speed_band", "unbelted", "airbag_unavailable", "airbag_deployed", "frontal", "driver"),
    *("sex", "supplier"),
)
BINS = 20  # equal-mass bins of the score
CONFIDENCE = 0.95
DIGITS = 6


def design(rows: Sequence[train.Row], medians: dict[str, float], values: dict[str, list[str]]) -> NDArray[np.float64]:
    """Return rows x (slopes + one column per category value)."""
    table = [
        [float(row[name]) if row[name] else medians[name] for name in SLOPES]
        + [float(row[name] == value) for name in WEIGHTS for value in values[name]]
        for row in rows
    ]
    return np.array(table)


def uncertainty(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Return (inner edges, bound per bin): Clopper-Pearson upper bounds of the serious rate, running maximum."""
    ranked = np.sort(scores)
    edges = ranked[[len(ranked) * i // BINS for i in range(1, BINS)]]
    bins = np.searchsorted(edges, scores, side="right")
    bounds = []
    for i in range(BINS):
        hits, n = int(labels[bins == i].sum()), int((bins == i).sum())
        bounds.append(1.0 if hits == n else float(beta.ppf(CONFIDENCE, hits + 1, n - hits)))
    return edges.round(DIGITS).tolist(), np.maximum.accumulate(bounds).round(DIGITS).tolist()


def tables(fitted_on: Sequence[train.Row], calibrated_on: Sequence[train.Row]) -> dict[str, Any]:
    """Return all that `triage.py` knows."""
    medians = {name: float(np.median([float(row[name]) for row in fitted_on if row[name]])) for name in SLOPES}
    values = {name: sorted({row[name] for row in fitted_on}) for name in WEIGHTS}
    model = LogisticRegression(max_iter=5000).fit(design(fitted_on, medians, values), train.labels(fitted_on))
    coefficients = [round(float(value), DIGITS) for value in model.coef_[0]]
    weights = iter(coefficients[len(SLOPES) :])
    scores = model.predict_proba(design(calibrated_on, medians, values))[:, 1]
    edges, bounds = uncertainty(scores, train.labels(calibrated_on))
    return {
        "intercept": round(float(model.intercept_[0]), DIGITS),
        "slopes": dict(zip(SLOPES, coefficients, strict=False)),
        "medians": medians,
        "weights": {name: {value: next(weights) for value in values[name]} for name in WEIGHTS},
        "edges": edges,
        "uncertainty": bounds,
    }


def main() -> None:
    """Fit, and write the model folder."""
    path = HERE / "data" / "claims.csv.gz"
    found = tables(train.read_rows(path, "train"), train.read_rows(path, "calibration"))
    folder = HERE / "model"
    folder.mkdir(exist_ok=True)
    (folder / "triage.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    shutil.copyfile(HERE / "triage.py", folder / "triage.py")


if __name__ == "__main__":
    main()
