"""Generators over the training rows: what the answers tell about who was trained on."""

from __future__ import annotations

from shipworthy.contract.generators.shape import Shape

SHAPES = (
    Shape(
        name="membership",
        does="Tells rows that were trained on from rows that were not by how sure the model is of the truth.",
        parameters={"train": "", "held_out": "", "sample": 5000, "false_positive_rate": 0.01},
        rows=("train", "held_out"),
        metrics=("membership_tpr",),
    ),
)
