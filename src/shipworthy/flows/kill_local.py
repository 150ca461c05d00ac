"""Kill with everything else dead: the state directory is all it needs.

In: the state directory, a scope, a reason, and whoever says who they are. Out: an order that holds on every gateway of
this host and waits in the journal for the ledger. No store, ledger, contract or person's key is read, so a broken
`shipworthy.yaml`, a deleted repository, a full disk elsewhere, a locked or damaged store do not matter. Who gave it is
not checked, and that is written down: the order is by `claimed:<text>`, confirmed by nobody until an operator does.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.facts import Held, Named, RuntimeState, Scope
from shipworthy.flows.given_order import host_key
from shipworthy.respond import playbook, postures
from shipworthy.store.failpoints import Failpoint, nothing
from shipworthy.store.posture import StateFiles

CLAIMED: Final = "claimed:"
MOST_WORDS: Final = 400


def kill_local(
    home: Path, scope: Scope, because: str, claimed: str, now: datetime, failpoint: Failpoint = nothing
) -> tuple[Held, int, int]:
    """Kill a scope; return the order, the epoch it holds by, and the moment before (nanoseconds, monotonic clock).

    The same person's same kill that holds already is returned as it stands. Raises UsageError for a segment that cannot
    be read, CannotDecide where no site is, Unreachable when the disk refuses: then nothing holds, and readers whom it
    was announced to serve no candidate.
    """
    files = StateFiles(home, host_key(home), failpoint=failpoint)
    by = f"{CLAIMED}{_printable(claimed)}"
    asked = playbook.by_person(by, scope, Named.KILLED, _printable(because), "", now)
    order = msgspec.structs.replace(asked.order, id=playbook.local_id(asked))
    held = msgspec.structs.replace(asked, order=order, confirmed_by="")
    postures.order(RuntimeState(), held)  # raises for an order that cannot be read
    since_ns = time.monotonic_ns()
    with files.locked():
        before = _same(files, held)
        if before is None:
            files.journal_kill(held)
        return before or held, files.epoch(), since_ns


def _same(files: StateFiles, held: Held) -> Held | None:
    """Return what holds already of the same kill; None when what holds cannot be read."""
    try:
        orders = files.read().orders
    except (CannotDecide, Unreachable):
        return None
    asked = held.order.scope, held.order.posture, held.order.by, held.because
    same = [one for one in orders if (one.order.scope, one.order.posture, one.order.by, one.because) == asked]
    return same[0] if same else None


def _printable(text: str) -> str:
    """Return text on one line as it can be kept in a file and a ledger: never a reason to refuse a kill."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return " ".join("".join(one if one.isprintable() else " " for one in plain).split())[:MOST_WORDS]
