"""Read, verify and replay the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.artifact.files.keys import CHECKPOINT
from shipworthy.errors import CannotDecide
from shipworthy.facts import Entry, RuntimeState, canonical, digest
from shipworthy.ledger.audit import VerifyReport
from shipworthy.ledger.note import verifier_key
from shipworthy.respond.incident_log import fold
from shipworthy.runtime.workspace import Workspace


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The state rebuilt from the ledger beside the one that holds; `problem` when they differ."""

    entries: int
    state: RuntimeState
    state_digest: str
    holds_digest: str
    problem: str

    @property
    def same(self) -> bool:
        """True when the rebuilt state is, byte for byte, the one that holds."""
        return not self.problem


def show(workspace: Workspace, start: int = 0) -> list[Entry]:
    """Return the entries from `start` on."""
    store = workspace.store()
    try:
        return list(workspace.ledger(store).entries(start))
    finally:
        store.close()


def checkpoint(workspace: Workspace) -> str:
    """Return a fresh signed checkpoint, to be kept in another place."""
    store = workspace.store()
    try:
        return workspace.ledger(store).checkpoint()
    finally:
        store.close()


def verifier_key_of(workspace: Workspace) -> str:
    """Return the public key of this site's checkpoints, as gates elsewhere pin it."""
    return verifier_key(workspace.origin(), workspace.ed25519(CHECKPOINT).public_key())


def verify(workspace: Workspace, against: Path | None) -> VerifyReport:
    """Verify every entry, and that the ledger still contains what the exported checkpoint pinned."""
    text = against.read_text(encoding="utf-8") if against is not None else None
    store = workspace.store()
    try:
        return workspace.ledger(store).verify(text, workspace.ed25519(CHECKPOINT).public_key())
    finally:
        store.close()


def replay(workspace: Workspace) -> Replayed:
    """Fold the ledger from nothing and compare with the state files."""
    store = workspace.store()
    try:
        ledger = workspace.ledger(store)
        state, size = ledger.replay(), store.size()
        agreed = fold(ledger.entries()) == store.incidents()
    finally:
        store.close()
    try:
        holds = workspace.state_files().read()
    except CannotDecide as problem:
        return Replayed(entries=size, state=state, state_digest=digest(state), holds_digest="", problem=str(problem))
    problem_ = "" if canonical(holds) == canonical(state) else "the state that holds is not the fold of the ledger"
    problem_ = problem_ or ("" if agreed else "the incidents of the store are not those of the ledger")
    return Replayed(entries=size, state=state, state_digest=digest(state), holds_digest=digest(holds), problem=problem_)
