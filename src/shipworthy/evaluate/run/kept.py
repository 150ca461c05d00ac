"""Finished pieces of an evaluation on disk, until the whole is done: an interrupted run goes on from here.

In: a folder for exactly one evaluation (same subject, same pack, same tool). Out: what a piece showed, or nothing. A
file that cannot be read is as good as none. They are no evidence: the evidence is written from all of them at the end,
and then the folder goes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

import msgspec

from shipworthy.evaluate.units import CaseRan, Held
from shipworthy.facts import canonical


class Kept(Protocol):
    """Where finished pieces are kept; `place` -1 = the held-out rows, else the place of the case."""

    def read(self, place: int) -> Held | CaseRan | None: ...
    def write(self, place: int, one: Held | CaseRan) -> None: ...


class NothingKept:
    """Keeps nothing."""

    def read(self, place: int) -> None:
        """Return nothing."""

    def write(self, place: int, one: Held | CaseRan) -> None:
        """Keep nothing."""


class KeptFiles:
    """One file a piece, each whole or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, place: int) -> Held | CaseRan | None:
        """Return what the piece showed, None where it is not kept or cannot be read."""
        try:
            content = self._path(place).read_bytes()
            if place < 0:
                return msgspec.json.decode(content, type=Held, strict=True)
            return msgspec.json.decode(content, type=CaseRan, strict=True)
        except (OSError, msgspec.MsgspecError):
            return None

    def write(self, place: int, one: Held | CaseRan) -> None:
        """Keep it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(place)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(canonical(one))
        os.replace(fresh, path)

    def count(self) -> int:
        """Return how many pieces are kept."""
        return len(list(self.folder.glob("*.json")))

    def drop(self) -> None:
        """Forget all of them: the whole is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, place: int) -> Path:
        return self.folder / f"{'held-out' if place < 0 else place}.json"
