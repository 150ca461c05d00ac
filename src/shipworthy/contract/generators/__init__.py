"""Every generator that a case of the pack may name. One table a topic; a new one is a line here."""

from __future__ import annotations

from shipworthy.contract.generators import tabular, training, writing
from shipworthy.contract.generators.shape import REQUIRED, Shape, fault_of, names_of
from shipworthy.facts import Case

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for topic in (
        tabular,
        training,
        writing,
    )
    for shape in topic.SHAPES
}

__all__ = ["REQUIRED", "SHAPES", "Shape", "asks_assistant", "fault_of", "names_of"]


def asks_assistant(case: Case) -> bool:
    """True when a case needs the assistant to answer."""
    shape = SHAPES.get(str((case.generator or {}).get("name")))
    return shape is not None and shape.chats
