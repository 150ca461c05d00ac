"""Stamp the deliberation note with the digest of the change it speaks of."""

from __future__ import annotations

from pathlib import Path

from shipworthy.contract import note
from shipworthy.contract.files.reader import read_change, read_contract
from shipworthy.contract.problems import Problem
from shipworthy.errors import ContractError
from shipworthy.facts import Digest


def stamp_note(root: Path) -> Digest:
    """Stamp the note at `root`; return the change digest. Raises ContractError when note or change cannot be read."""
    change, problems = read_change(root)
    if change is None:
        raise ContractError("\n".join(str(one) for one in problems))
    path = root / note.FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ContractError(
            "the note is missing", str(path), "write it: what changes, for whom, what instead"
        ) from problem
    path.write_text(note.stamp(text, change), encoding="utf-8")
    return change


def note_problems(root: Path) -> tuple[Problem, ...]:
    """Return what is wrong with the note as it stands; that it speaks of another change is one of these things.

    When the change itself cannot be read, its problems are returned too: then nobody knows what the note speaks of.
    """
    change, unread = read_change(root)
    _, problems = read_contract(root)
    found = tuple(one for one in problems if one.file == note.FILE)
    return found if change is not None else (*unread, *found)
