"""Taking local kills up into the ledger, each exactly once.

In: the ledger and the state files of this host. Out: an entry per journalled order, and a state that follows the
ledger. Killed at any step it can be run again: the entry is written once by its key, the journal is marked last.
"""

from __future__ import annotations

from shipworthy.facts import Entry, arrived
from shipworthy.ledger.files.log import Ledger
from shipworthy.store.posture import StateFiles


def reconcile_journal(ledger: Ledger, files: StateFiles) -> tuple[Entry, ...]:
    """Append what the ledger lacks, follow its state, mark the journal. Return the new entries.

    Raises CannotDecide when the state files are damaged: the orders then still hold, from the journal.
    """
    with files.changing():
        waiting = files.unreconciled()
        told = [
            ledger.append_once(f"journal/{held.order.id}", held.order.by, "respond.ordered", {"held": held})
            for held in waiting
        ]
        if waiting:
            folded = ledger.replay()
            with files.locked():
                later = [held for held in files.unreconciled() if held not in waiting]
                files.write(arrived(folded, later))
        for held in waiting:
            files.reconcile(held.order.id)
    return tuple(entry for entry in told if entry is not None)
