"""Every generator that a case of the pack may name. One table a topic; a new one is a line here."""

from __future__ import annotations

from shipworthy.contract.generators import (
    attacks,
    tabular,
    training,
)
from shipworthy.contract.generators.shape import ENTRY_POINTS, REQUIRED, Shape, fault_of

TOPICS = (
    tabular,
    attacks,
    training,
)
SHAPES: dict[str, Shape] = {shape.name: shape for topic in TOPICS for shape in topic.SHAPES}

__all__ = ["ENTRY_POINTS", "REQUIRED", "SHAPES", "TOPICS", "Shape", "fault_of"]
