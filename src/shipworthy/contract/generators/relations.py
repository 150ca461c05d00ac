"""Generators that change rows in a known way and say how the answer must follow: directions, units, copies."""

from __future__ import annotations

from shipworthy.contract.generators.shape import REQUIRED, Shape
from shipworthy.contract.generators.tabular import BEFORE, ROWS, SAME

SHAPES = (
    Shape(
        name="direction",
        does="Moves features `by` amounts and sets others: the score must rise (or fall) by `least` at least.",
        parameters={**ROWS, "by": {}, "set": {}, "direction": "rises", "least": 0.0, "tolerance": SAME},
        metrics=("fell_short",),
        names=(*BEFORE, "fell_short"),
    ),
    Shape(
        name="conversion",
        does="Tells the same quantity in another unit, number and unit column together: no answer may move.",
        parameters={
            **ROWS,
            "feature": REQUIRED,
            "unit": REQUIRED,
            "from": REQUIRED,
            "to": REQUIRED,
            "factor": REQUIRED,
            "offset": 0.0,
            "tolerance": SAME,
        },
        metrics=("changed",),
        names=BEFORE,
    ),
    Shape(
        name="copies",
        does="Asks every row again, among its copies in another order: no answer may move.",
        parameters={**ROWS, "copies": 2, "tolerance": SAME},
        metrics=("changed",),
        names=BEFORE,
    ),
)
