"""The lock is judged before it judges: it must be exactly what the gate signed when the last version shipped."""

from __future__ import annotations

from shipworthy.artifact.files.keys import VERDICT
from shipworthy.artifact.keys import PublicKey, load_public
from shipworthy.contract.lock import Lock
from shipworthy.flows.last_shipped import shipped_here
from shipworthy.runtime.workspace import Workspace


def shipped_before(workspace: Workspace) -> str:
    """Return what the ledger of this site, if there is one, saw shipped last, whatever its model; "" when nothing."""
    shipped = shipped_here(workspace)
    return f"{shipped[-1].model} {shipped[-1].version}" if shipped else ""


def gate_key(lock: Lock, workspace: Workspace) -> PublicKey:
    """Return the key that must have signed the lock: this site's own where it has one, else the one the lock names.

    The one the lock names could be edited together with the lock.
    """
    if (workspace.keys / VERDICT).exists():
        return workspace.verdict_key().public_key()
    return load_public(lock.issuers.verdict)
