"""Claim: one row's out-of-distribution score costs far less than with scikit-learn's novelty detectors.

Same 30 numeric features, same 4,000 training rows, one row at a time as a gateway sees them. Ours takes the request's
row as it is, checks it for overrides and gives a calibrated p-value; the peers take a ready matrix and give a score
without a meaning of its own.
"""

from __future__ import annotations

from itertools import cycle

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from benchmarks.harness import Result, compare
from shipworthy.contract.manifest import Feature
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.score import Scorer

FEATURES, TRAINING, CALIBRATION, ASKED = 30, 4000, 2000, 50


def run() -> list[Result]:
    """Return the time of one row."""
    rng = np.random.default_rng(7)
    mixing = rng.normal(size=(FEATURES, FEATURES))
    table = rng.normal(size=(TRAINING + CALIBRATION + ASKED, FEATURES)) @ mixing
    train, asked = table[:TRAINING], table[-ASKED:]
    names = [f"x{i}" for i in range(FEATURES)]
    rows = [dict(zip(names, row.tolist(), strict=True)) for row in table]
    features = [Feature(name=name, type="float") for name in names]
    scorer = Scorer(fit_profile(features, rows[:TRAINING], rows[TRAINING:-ASKED]))
    forest = IsolationForest(n_estimators=100, random_state=0).fit(train)
    neighbours = NearestNeighbors(n_neighbors=5).fit(train)
    as_rows, as_tables = cycle(rows[-ASKED:]), cycle([row.reshape(1, -1) for row in asked])
    return [
        compare(
            "score of one row", "IsolationForest.score_samples",
            lambda: scorer.score(next(as_rows)), lambda: forest.score_samples(next(as_tables)), calls=ASKED,
        ),
        compare(
            "score of one row", "NearestNeighbors.kneighbors",
            lambda: scorer.score(next(as_rows)), lambda: neighbours.kneighbors(next(as_tables)), calls=ASKED,
        ),
    ]  # fmt: skip
