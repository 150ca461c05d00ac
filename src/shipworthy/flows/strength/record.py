"""The record of contract strength on disk: beside the evidence of the artefact it is about, for the gate.

It counts for exactly the subject it was made for: another policy, pack, data set or artefact asks for another run.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide
from shipworthy.facts import Evidence, Subject, canonical
from shipworthy.gate.strength import INDICATOR, Strength, contract_strength
from shipworthy.runtime.workspace import Workspace

STRENGTH = "strength.json"
_AGAIN = "run `shipworthy strength`"


def write_strength(workspace: Workspace, record: Strength) -> Path:
    """Write the record; return the file."""
    path = workspace.evidence(record.subject.artefact) / STRENGTH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical(record) + b"\n")
    return path


def read_strength(workspace: Workspace, subject: Subject) -> Strength | None:
    """Return the record of exactly this subject, None without one. Raises CannotDecide when it cannot be read."""
    path = workspace.evidence(subject.artefact) / STRENGTH
    if not path.is_file():
        return None
    try:
        record = msgspec.convert(loads(path.read_bytes(), str(path)), Strength, strict=True)
    except msgspec.ValidationError as problem:
        raise CannotDecide(f"not a record of strength: {problem}", str(path), _AGAIN) from problem
    return record if record.subject == subject else None


def with_strength(evidence: Evidence | None, record: Strength | None) -> Evidence | None:
    """Return the evidence with the measurement; it takes the place of one from elsewhere."""
    if evidence is None or record is None:
        return evidence
    others = tuple(one for one in evidence.measurements if one.indicator != INDICATOR)
    return msgspec.structs.replace(evidence, measurements=(*others, contract_strength(record)))
