"""Every generator that a case of the pack may name. One table a topic; a new one is a line here."""

from __future__ import annotations

from shipworthy.contract.generators import fairness, privacy, tabular, training
from shipworthy.contract.generators.shape import REQUIRED, Shape, fault_of

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for topic in (
        fairness,
        privacy,
        tabular,
        training,
    )
    for shape in topic.SHAPES
}

__all__ = ["REQUIRED", "SHAPES", "Shape", "fault_of"]
