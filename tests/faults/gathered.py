"""All planted faults, one file of them per part of the product."""

from __future__ import annotations

from tests.faults import planted, planted_build, planted_gate, planted_ledger
from tests.faults.planted import Fault

__all__ = ["FAULTS", "SUBSET", "Fault"]
FAULTS: tuple[Fault, ...] = (*planted.FAULTS, *planted_gate.FAULTS, *planted_build.FAULTS, *planted_ledger.FAULTS)
SUBSET = planted.SUBSET
