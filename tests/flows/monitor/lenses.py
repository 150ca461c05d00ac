"""A lens without a contract, with a key that every report of a test shares."""

from __future__ import annotations

from pathlib import Path

from shipworthy.flows.monitor.lens import Lens, Names
from shipworthy.flows.monitor.logs import chunks, header
from shipworthy.flows.monitor.periods import every
from shipworthy.flows.monitor.reference import fitted

KEY = b"k" * 32


def lens(reference: Path, length: str = "4h") -> Lens:
    made = fitted(chunks(reference, header(reference), frozenset()), None, Names(), (), "reference")
    return Lens(
        profile=made.profile,
        features=made.features,
        names=Names(),
        every=every(length),
        key=KEY,
        keys=("supplier",),
        scores=made.scores,
    )
