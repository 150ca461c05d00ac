"""The tiny repository with a model that learns: a logistic score fitted to the training rows in plain Python.

In: a `Tiny` as written. Out: the same, built, signed and stamped; what its training rows say, its model says.
"""

from __future__ import annotations

from tests.flows.tiny import Tiny

BUILD_PY = '''"""Fit weights to the training rows, and write the artefact folder."""

import csv
import json
import math
import random
import shutil
from pathlib import Path

SEED = 11
STEPS = 400


def fit(rows):
    """Gradient descent on speed, age and one intercept a supplier."""
    drawn = random.Random(SEED)
    weights = {"slope": 0.0, "per_year": 0.0, "suppliers": dict.fromkeys(("S1", "S2", "S3"), 0.0)}
    for _ in range(STEPS):
        slope = per_year = 0.0
        shift = dict.fromkeys(weights["suppliers"], 0.0)
        for speed, age, supplier, label in rows:
            z = weights["slope"] * speed + weights["per_year"] * age + weights["suppliers"][supplier]
            gap = 1.0 / (1.0 + math.exp(-z)) - label
            slope += gap * speed
            per_year += gap * age
            shift[supplier] += gap
        n = len(rows)
        weights["slope"] -= 0.05 * slope / n
        weights["per_year"] -= 0.002 * per_year / n
        for supplier in shift:
            weights["suppliers"][supplier] -= 0.5 * shift[supplier] / n
    return weights


known = json.loads(Path("training.json").read_text())
with open("data/rows.csv", newline="") as file:
    rows = [
        (float(row["speed"]) - known["speed_mean"], float(row["age"]) - known["age_mean"], row["supplier"],
         float(row["label"]))
        for row in csv.DictReader(file)
        if row["split"] == "train"
    ]
out = Path("model")
out.mkdir(exist_ok=True)
shutil.copyfile("model.py", out / "model.py")
(out / "weights.json").write_text(json.dumps({**known, **fit(rows)}, sort_keys=True) + "\\n")
'''


def learn(tiny: Tiny) -> Tiny:
    """Let the model learn; build, sign and stamp, so that strength can begin."""
    (tiny.root / "build.py").write_text(BUILD_PY)
    tiny.prepare()
    return tiny
