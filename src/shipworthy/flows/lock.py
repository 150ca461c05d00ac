"""The lock is judged before it judges: it must be exactly what the gate signed when the last version shipped."""

from __future__ import annotations

from shipworthy.artifact.files.keys import VERDICT
from shipworthy.artifact.keys import PublicKey, load_public
from shipworthy.contract.lock import Lock
from shipworthy.facts import Subject
from shipworthy.runtime.workspace import Workspace


def shipped_before(workspace: Workspace) -> str:
    """Return what the ledger of this site, if there is one, saw shipped last, whatever its model; "" when nothing."""
    if not (workspace.home / "store.db").is_file():
        return ""
    store = workspace.store()
    try:
        shipped = [entry.read(Subject, "subject") for entry in store.entries() if entry.kind == "gate.shipped"]
        return f"{shipped[-1].model} {shipped[-1].version}" if shipped else ""
    finally:
        store.close()


def gate_key(lock: Lock, workspace: Workspace) -> PublicKey:
    """Return the key that must have signed the lock: this site's own where it has one, else the one the lock names.

    The one the lock names could be edited together with the lock.
    """
    if (workspace.keys / VERDICT).exists():
        return workspace.verdict_key().public_key()
    return load_public(lock.issuers.verdict)
