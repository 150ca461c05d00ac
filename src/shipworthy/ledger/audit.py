"""Checking a ledger: every entry, the chain between them, and the roots that signed checkpoints name. Pure.

In: the stored bytes and the checkpoints to hold them against. Out: a report that says which entry is wrong.
The chain alone cannot see a cut tail or a rewritten history; a checkpoint kept elsewhere does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from shipworthy.facts import Digest, Entry, canonical, digest
from shipworthy.ledger.checkpoint import Checkpoint
from shipworthy.ledger.merkle import EMPTY, Frontier, leaf_hash


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """`ok` when nothing is wrong with the `size` entries read; otherwise `problems` says what, one a line."""

    ok: bool
    size: int
    problems: tuple[str, ...]


def audit(bodies: Iterable[bytes], checkpoints: Mapping[str, Checkpoint]) -> VerifyReport:
    """Return what is wrong with the entries, held against named checkpoints."""
    frontier, prev = Frontier(), digest(b"")
    roots = {0: EMPTY}
    wanted = {checkpoint.size for checkpoint in checkpoints.values()}
    problems: list[str] = []
    for seq, body in enumerate(bodies):
        problems.extend(_problems_of(seq, body, prev))
        prev = digest(body)
        frontier = frontier.append(leaf_hash(body))
        if frontier.size in wanted:
            roots[frontier.size] = frontier.root()
    for name, checkpoint in checkpoints.items():
        problems.extend(_against(name, checkpoint, frontier.size, roots))
    return VerifyReport(not problems, frontier.size, tuple(problems))


def _problems_of(seq: int, body: bytes, prev: Digest) -> list[str]:
    try:
        entry = msgspec.json.decode(body, type=Entry)
        same = canonical(entry) == body
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return [f"entry {seq}: unreadable ({error})"]
    found = []
    if not same:
        found.append(f"entry {seq}: its bytes are not canonical")
    if entry.seq != seq:
        found.append(f"entry {seq}: says it is entry {entry.seq}")
    if entry.prev != prev:
        told = f"the digest of entry {seq - 1}: one of the two was changed" if seq else "that of an empty ledger"
        found.append(f"entry {seq}: its prev is not {told}")
    return found


def _against(name: str, checkpoint: Checkpoint, size: int, roots: Mapping[int, bytes]) -> list[str]:
    if checkpoint.size > size:
        return [f"{name}: covers {checkpoint.size} entries, the ledger ends before entry {size}"]
    if roots[checkpoint.size] != checkpoint.root:
        return [f"{name}: entries 0 to {checkpoint.size - 1} are not those it signed"]
    return []
