"""A small bench for tests: rows made from a seed, a model that is right about them, a profile and thresholds. No files.

Every row's label is 1 with exactly the probability that the honest model answers, and half of the labels are 1. There
is a feature of every kind: whole and broken numbers, a flag, a one-hot group, categories, one with a unit, protected
ones, and a relation that every row keeps. Each call gives fresh rows, so that a test may spoil them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from shipworthy.contract.manifest import Feature, Review
from shipworthy.evaluate.bench import Bench, Model
from shipworthy.expr import compile_expr
from shipworthy.facts import Subject
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Value
from shipworthy.profile.score import Scorer
from shipworthy.profile.thresholds import Thresholds, Words, fit_thresholds

FEATURES = (
    Feature(name="speed", type="int", min=0, max=4, mutable="yes"),
    Feature(name="amount", type="float", min=0, max=500, mutable="yes", unit="euro"),
    Feature(name="paid", type="float", min=0, max=500, mutable="decrease"),
    Feature(name="belt", type="bool", mutable="yes"),
    Feature(name="front", type="bool", group="seat", mutable="yes"),
    Feature(name="rear", type="bool", group="seat", mutable="yes"),
    Feature(name="age", type="int", min=0, max=110, unit="years", protected=True, bins=(25, 65)),
    Feature(name="sex", type="category", protected=True),
    Feature(name="supplier", type="category"),
)
LABEL, UNIT, TIME, REMARK = "serious", "crash", "year", "remark"
SIZES = {"train": 900, "calibration": 600, "test": 260}
_ZERO = "sha256:" + "0" * 64
_SUBJECT = Subject(
    model="conformance", version="1", artefact=_ZERO, change=_ZERO, policy=_ZERO, pack=_ZERO, data=_ZERO, profile=_ZERO
)
_WORDS = Words(deny="deny", approve="approve", review="review")

Cells = dict[str, Value]
Score = Callable[[Mapping[str, Value]], float | None]


@dataclass(frozen=True)
class Given:
    """The answers to a batch."""

    scores: Sequence[float | None]
    decisions: Sequence[str | None] | None = None


def honest(row: Mapping[str, Value]) -> float:
    """Return the probability that the label of the row is 1; an empty or unreadable cell counts as 0.

    >>> round(honest({"speed": 2, "amount": 50.0, "belt": 0}), 3)
    0.5
    """
    speed, amount, belt = (_number(row.get(name)) for name in ("speed", "amount", "belt"))
    z = 1.6 * (speed - 2.0) - 1.5 * belt - 0.03 * (amount - 50.0)
    return 1.0 / (1.0 + math.exp(-min(max(z, -500.0), 500.0)))


def model_of(score: Score, features: Sequence[Feature] = FEATURES) -> Model:
    """Return a model that answers every row of a batch by `score`, called with the row's features by name."""
    names = [one.name for one in features]
    return lambda rows: Given([score(dict(zip(names, row, strict=True))) for row in rows])


def standard_bench(model: Model | None = None, **changes: object) -> Bench:
    """Return the bench, by default with the honest model. `changes` are fields of `Bench`."""
    given: dict[str, object] = {
        "subject": _SUBJECT,
        "features": FEATURES,
        "label": LABEL,
        "datasets": {name: [dict(row) for row in _rows(name)] for name in SIZES},
        "model": model or model_of(honest),
        "seed": 20_260_101,
        "scorer": _scorer(),
        "thresholds": _thresholds(),
        "words": _WORDS,
        "unit": UNIT,
        "time": TIME,
        "relations": (compile_expr("paid <= amount"),),
    }
    return Bench(**{**given, **changes})  # type: ignore[arg-type]


@cache
def _rows(name: str) -> tuple[Cells, ...]:
    rng = np.random.default_rng(sorted(SIZES).index(name) + 1)
    return tuple(_row(rng, at, name) for at in range(SIZES[name]))


def _row(rng: np.random.Generator, at: int, name: str) -> Cells:
    amount = min(float(np.round(rng.gamma(2.0, 20.0), 2)), 499.0)
    front = int(rng.integers(0, 2))
    row: Cells = {
        "speed": int(rng.integers(0, 5)),
        "amount": amount,
        "paid": float(np.round(amount * rng.uniform(0.5, 1.0), 2)),
        "belt": int(rng.integers(0, 2)),
        "front": front,
        "rear": 1 - front,
        "age": int(rng.integers(16, 95)),
        "sex": "f" if rng.random() < 0.5 else "m",
        "supplier": f"S{int(rng.integers(1, 6))}",
        UNIT: f"{name}-{at // 2}",
        TIME: 2000 + at * 10 // SIZES[name],
        REMARK: "seen",
    }
    return {**row, LABEL: int(rng.random() < honest(row))}


@cache
def _scorer() -> Scorer:
    return Scorer(fit_profile(FEATURES, _rows("train"), _rows("calibration")))


@cache
def _thresholds() -> Thresholds:
    known = _rows("calibration")
    labels = [1 if row[LABEL] == 1 else 0 for row in known]
    hidden = [{**row, "supplier": "never-seen-before"} for row in known]
    review = Review(denied=0.25, approved=0.25, delta=0.05, start_n=50, max_uncertainty=0.4, buckets=("supplier",))
    return fit_thresholds(
        [honest(row) for row in known], labels, {"supplier": ([honest(row) for row in hidden], labels)}, review, _WORDS
    )


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
