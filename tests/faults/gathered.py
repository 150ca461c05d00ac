"""All planted faults, one file of them per part of the product."""

from __future__ import annotations

from tests.faults import (
    planted,
    planted_artefact,
    planted_build,
    planted_catalog,
    planted_gate,
    planted_init,
    planted_ledger,
    planted_words,
    planted_world,
)
from tests.faults.planted import Fault

__all__ = ["FAULTS", "SUBSET", "Fault"]
_PARTS = (
    planted,
    planted_artefact,
    planted_build,
    planted_catalog,
    planted_gate,
    planted_init,
    planted_ledger,
    planted_words,
    planted_world,
)
FAULTS: tuple[Fault, ...] = tuple(fault for part in _PARTS for fault in part.FAULTS)
SUBSET = planted.SUBSET
