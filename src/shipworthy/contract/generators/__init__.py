"""Every generator that a case of the pack may name. One table a topic; a new one is a line here."""

from __future__ import annotations

from shipworthy.contract.generators import (
    attacks,
    fairness,
    poison,
    privacy,
    relations,
    shift,
    tabular,
    text,
    training,
    writing,
)
from shipworthy.contract.generators.shape import ENTRY_POINTS, NO_ROWS, REQUIRED, Shape, fault_of, names_of
from shipworthy.facts import Case

TOPICS = (
    tabular,
    attacks,
    training,
    poison,
    fairness,
    privacy,
    text,
    relations,
    shift,
    writing,
)
SHAPES: dict[str, Shape] = {shape.name: shape for topic in TOPICS for shape in topic.SHAPES}

__all__ = ["ENTRY_POINTS", "NO_ROWS", "REQUIRED", "SHAPES", "TOPICS", "Shape", "asks_assistant", "fault_of", "names_of"]


def asks_assistant(case: Case) -> bool:
    """True when a case needs the assistant to answer."""
    shape = SHAPES.get(str((case.generator or {}).get("name")))
    return shape is not None and shape.chats
