"""Generators that ask what the answers give away: here, the model itself."""

from __future__ import annotations

from shipworthy.contract.generators.shape import Shape

SHAPES = (
    Shape(
        name="extraction",
        does="Trains a copy on the model's answers at each query budget; judged is how often it answers alike.",
        parameters={
            "dataset": "",
            "held_out": "",
            "queries": (100, 1000, 5000),
            "draw": "reference",
            "sample": 5000,
        },
        rows=("dataset", "held_out"),
        metrics=("extraction_fidelity",),
    ),
)
