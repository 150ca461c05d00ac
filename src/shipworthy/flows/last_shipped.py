"""Is the lock that of the version which shipped last: an older one is signed as well, and asks for less.

In: the lock, what the ledgers say has shipped, and the decisions that stand. Out: blocks and warnings. A lock may be
older only by versions that people decided not to deploy; a report then says whose bar it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.contract.lock import Lock
from shipworthy.contract.standing import Standing
from shipworthy.facts import Block, Subject
from shipworthy.runtime.posted import SHIPPED
from shipworthy.runtime.workspace import Workspace


def shipped_here(workspace: Workspace, model: str | None = None) -> tuple[Subject, ...]:
    """Return the subjects (of one model, or of any) that shipped from this site, in order; none without a ledger."""
    if not (workspace.home / "store.db").is_file():
        return ()
    store = workspace.store()
    try:
        subjects = [entry.read(Subject, "subject") for entry in store.entries() if entry.kind == SHIPPED]
    finally:
        store.close()
    return tuple(one for one in subjects if model in (None, one.model))


def older(lock: Lock, shipped: Sequence[Subject], standing: Sequence[Standing]) -> tuple[tuple[Block, ...], str]:
    """Return a block when a later version shipped and still stands, else what to warn of, "" when there is nothing."""
    if lock.subject not in shipped:
        if not shipped:
            return (), ""
        return (), f"this ledger does not know that version {lock.subject.version}, the lock's, has shipped"
    last = len(shipped) - 1 - list(reversed(shipped)).index(lock.subject)
    later = [one for one in shipped[last + 1 :] if one != lock.subject]
    stands = [one.version for one in later if not any(decision.holds_for(one.version) for decision in standing)]
    if stands:
        because = f"it is of version {lock.subject.version}, and version {stands[-1]} shipped since"
        fix = f"restore the lock of version {stands[-1]}, or `shipworthy decide record do-not-deploy --version …`"
        return (Block(name="lock", because=because, fix=fix, exit_code=4),), ""
    if later:
        return (
            (),
            f"the bar is that of version {lock.subject.version}: {later[-1].version} has shipped and may not",
        )
    return (), ""
