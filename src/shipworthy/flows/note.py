"""Stamp the deliberation note with the digest of the change it speaks of."""

from __future__ import annotations

from pathlib import Path

from shipworthy.contract import note
from shipworthy.contract.files.reader import read_change
from shipworthy.errors import ContractError
from shipworthy.facts import Digest


def stamp_note(root: Path) -> Digest:
    """Stamp the note at `root`; return the change digest. Raises ContractError when note or change cannot be read."""
    change, problems = read_change(root)
    if change is None:
        raise ContractError("\n".join(str(one) for one in problems), str(root))
    path = root / note.FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ContractError(
            "the note is missing", str(path), "write it: what changes, for whom, what instead"
        ) from problem
    path.write_text(note.stamp(text, change), encoding="utf-8")
    return change
