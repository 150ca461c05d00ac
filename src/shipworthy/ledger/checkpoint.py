"""Checkpoints of a log (c2sp.org/tlog-checkpoint): origin, size and root, as a signed note. Pure.

Whoever keeps one checkpoint can later tell whether the ledger still begins with exactly those entries.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shipworthy.errors import CannotDecide
from shipworthy.ledger.note import open_note, sign_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log `origin` had this root when it held `size` entries."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the checkpoint as a note signed under the name of its origin."""
    return sign_note(checkpoint.text(), checkpoint.origin, key)


def open_checkpoint(note: str, origin: str, keys: Iterable[Ed25519PublicKey]) -> Checkpoint:
    """Return the checkpoint of a signed note.

    Extension lines are signed with the rest and otherwise passed over. Raises CannotDecide when no known key signed it,
    or it is another log's.
    """
    lines = open_note(note, origin, keys).splitlines()
    if len(lines) < 3 or lines[0] != origin or not _SIZE.fullmatch(lines[1]) or not all(lines):
        raise CannotDecide(f"not a checkpoint of {origin}", origin, "use one that this ledger wrote")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except binascii.Error as error:
        raise CannotDecide(f"the root is not base64: {error}", origin, "copy the checkpoint unchanged") from error
    if len(root) != 32:
        raise CannotDecide(f"the root has {len(root)} bytes", origin, "copy the checkpoint unchanged")
    return Checkpoint(origin, int(lines[1]), root)
