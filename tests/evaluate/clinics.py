"""People with a known need of whom one group spends less on the same need: cost stands in for need, and fails it.

In: how many, a seed, how much of its need the poorer group turns into cost (1 = all of it: then cost is fair). Out:
rows, and the two honest scores: what a person is expected to spend, and how ill they are expected to be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.profile.rows import Value

FEATURES = (
    Feature(name="visits", type="float"),
    Feature(name="drugs", type="float"),
    Feature(name="tests", type="float"),
)


@cache
def people(n: int, seed: int, access: float = 0.4) -> list[dict[str, Value]]:
    """Return `n` rows. Illness is alike in both groups; `tests` are paid for by the school and follow it in both."""
    rng = np.random.default_rng(seed)
    poor = rng.random(n) < 0.3
    ill = rng.normal(0.0, 1.0, n)
    use = np.where(poor, access, 1.0)
    visits, drugs = ill * use + rng.normal(0.0, 0.4, n), ill * use + rng.normal(0.0, 0.4, n)
    spent = ill * use + rng.normal(0.0, 0.4, n)
    costly = spent >= np.quantile(spent, 0.8)
    return [
        {
            "visits": float(visits[at]),
            "drugs": float(drugs[at]),
            "tests": float(ill[at] + rng.normal(0.0, 0.5)),
            "district": "poor" if poor[at] else "rich",
            "health": float(-ill[at]),
            "spent": float(math.exp(spent[at])),
            "y": int(costly[at]),
        }
        for at in range(n)
    ]


def by_cost(row: Mapping[str, Value]) -> float:
    """What one is expected to spend, as a score."""
    return _squeezed(0.5 * (_number(row["visits"]) + _number(row["drugs"])))


def by_need(row: Mapping[str, Value]) -> float:
    """How ill one is expected to be, as a score: the tests know it of everybody."""
    return _squeezed(_number(row["tests"]))


def _squeezed(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))


def _number(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)
