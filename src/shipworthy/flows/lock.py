"""The lock is judged before it judges: it must be exactly what the gate signed when the last version shipped."""

from __future__ import annotations

from shipworthy.artifact import dsse
from shipworthy.artifact.files.keys import VERDICT
from shipworthy.artifact.keys import PublicKey, load_public
from shipworthy.artifact.vsa import read_vsa
from shipworthy.contract.lock import Lock, terms_digest
from shipworthy.errors import CannotDecide
from shipworthy.runtime.admission import LEVEL, TERMS, VERIFIER, resource_uri
from shipworthy.runtime.workspace import Workspace


def verify_lock(lock: Lock, workspace: Workspace) -> None:
    """Raise CannotDecide unless the lock's verdict was signed over exactly these terms.

    Where this site has the gate's own key, that key must have signed: the one the lock names could be edited with it.
    """
    subject = lock.subject
    payload = dsse.verify(lock.verdict.encode(), [_gate_key(lock, workspace)])
    summary = read_vsa(
        payload,
        subject_digest=subject.artefact,
        verifier_id=VERIFIER,
        resource_uri=resource_uri(subject.model, subject.version),
        policy_digest=subject.policy,
        level=LEVEL,
    )
    if summary.extension.get(TERMS) != terms_digest(lock):
        raise CannotDecide("the lock is not what was signed when it shipped", "shipworthy.lock")


def shipped_before(workspace: Workspace) -> bool:
    """True when the ledger of this site, if there is one, knows of a shipped version of anything."""
    if not (workspace.home / "store.db").is_file():
        return False
    store = workspace.store()
    try:
        model = workspace.contract().manifest.model
        return any(
            entry.kind == "gate.shipped" and entry.body["subject"]["model"] == model for entry in store.entries()
        )
    finally:
        store.close()


def _gate_key(lock: Lock, workspace: Workspace) -> PublicKey:
    if (workspace.keys / VERDICT).exists():
        return workspace.verdict_key().public_key()
    return load_public(lock.issuers.verdict)
