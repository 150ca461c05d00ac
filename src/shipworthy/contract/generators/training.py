"""Generators over the training rows: what the answers tell about who was trained on."""

from __future__ import annotations

from shipworthy.contract.generators.shape import Shape

SHAPES = (
    Shape(
        name="membership",
        does="Tells rows that were trained on from others by how sure the model is, by the best of `attacks`.",
        parameters={
            "train": "",
            "held_out": "",
            "sample": 5000,
            "false_positive_rate": 0.01,
            "attacks": ("confidence", "per_class", "calibrated", "surprise"),
        },
        rows=("train", "held_out"),
        metrics=("membership_tpr",),
        floors={"false_positive_rate": "exactly", "train": "train", "held_out": "held_out"},
    ),
)
