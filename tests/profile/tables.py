"""Rows and features for the tests of this room: a small claims-like table, made from a seed."""

from __future__ import annotations

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.profile.rows import Value

FEATURES = (
    Feature(name="age", type="int", min=0, max=110, unit="years"),
    Feature(name="amount", type="float", min=0, unit="thousand"),
    Feature(name="paid", type="float", min=0),
    Feature(name="belt", type="bool", min=0, max=1),
    Feature(name="note", type="float"),
    Feature(name="supplier", type="category", accepted=("P42",)),
    Feature(name="colour", type="category"),
)


def rows(n: int, seed: int) -> list[dict[str, Value]]:
    """Return `n` rows; `paid` follows `amount`, `note` is missing in one of ten."""
    rng = np.random.default_rng(seed)
    made: list[dict[str, Value]] = []
    for _ in range(n):
        amount = float(np.round(rng.lognormal(1.0, 0.6), 3))
        made.append(
            {
                "age": int(rng.integers(16, 95)),
                "amount": amount,
                "paid": float(np.round(amount * rng.uniform(0.7, 0.9), 3)),
                "belt": int(rng.integers(0, 2)),
                "note": None if rng.random() < 0.1 else float(np.round(rng.normal(), 4)),
                "supplier": f"P{int(rng.integers(1, 20)):02d}",
                "colour": str(rng.choice(["red", "blue", "green"])),
            }
        )
    return made
