"""All planted faults: those of every file `planted*.py` beside this one, so that none is forgotten."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.faults.planted import SUBSET, Fault

__all__ = ["FAULTS", "SUBSET", "Fault"]
_PARTS = [import_module(f"tests.faults.{path.stem}") for path in sorted(Path(__file__).parent.glob("planted*.py"))]
FAULTS: tuple[Fault, ...] = tuple(fault for part in _PARTS for fault in part.FAULTS)
