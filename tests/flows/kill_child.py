"""One step of a local kill in a process of its own, which a failpoint may kill anywhere on the way.

`python -m tests.flows.kill_child HOME kill|record`: `kill` is `shipworthy kill --local` of version 2, `record` is what
the control process does once a second.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from shipworthy.facts import Scope
from shipworthy.flows.kill_local import kill_local
from shipworthy.store.failpoints import Failpoint
from shipworthy.testing.clock import START
from shipworthy.testing.failpoints import failpoint_from

SCOPE = Scope(model="tiny-triage", version="2")


def kill(home: Path, failpoint: Failpoint) -> None:
    """Kill version 2, always at the same moment: the same kill."""
    held, _, _ = kill_local(home, SCOPE, "wrong letters", "night shift", START, failpoint)
    print(held.order.id, flush=True)


def record(home: Path, failpoint: Failpoint) -> None:
    """Take the journal up."""
    from shipworthy.runtime.authority import Authority  # not for `kill`, which must begin at once
    from shipworthy.runtime.workspace import Workspace
    from shipworthy.store.posture import StateFiles
    from shipworthy.store.sqlite import SqliteStore

    here = Workspace(root=home, home=home, clock=lambda: START)
    store = SqliteStore(home / "store.db", failpoint)
    files = StateFiles(home, here.host_key(), failpoint=failpoint)
    Authority(files, here.ledger(store), store, here.clock).record_journal()
    store.close()


if __name__ == "__main__":
    {"kill": kill, "record": record}[sys.argv[2]](Path(sys.argv[1]), failpoint_from(os.environ))
