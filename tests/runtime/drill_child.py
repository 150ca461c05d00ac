"""A drill in a process of its own, which a failpoint may kill anywhere on the way.

`python -m tests.runtime.drill_child ROOT HOME URL TIME`: runs one kill drill of one trip as ana.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

from shipworthy.flows.drill import drill
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.posture import StateFiles
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.clock import HandClock
from shipworthy.testing.failpoints import failpoint_from

_FAILPOINT = failpoint_from(os.environ)


class Failing(Workspace, frozen=True, kw_only=True):
    """A workspace whose store and state files may end this process."""

    def store(self) -> SqliteStore:
        """Open the store of this site."""
        return SqliteStore(self.home / "store.db", failpoint=_FAILPOINT)

    def state_files(self) -> StateFiles:
        """Open the posture state."""
        return StateFiles(self.home, self.host_key(), failpoint=_FAILPOINT)


if __name__ == "__main__":
    root, home, url, at = sys.argv[1:]
    here = Failing(root=Path(root), home=Path(home), clock=HandClock(datetime.fromisoformat(at)))
    print(drill(here, "kill", "ana", url=url, trips=1).verdict, flush=True)
