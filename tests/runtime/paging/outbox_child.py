"""One look after another, each with its write of the outbox; a failpoint may kill it anywhere.

`python -m tests.runtime.paging.outbox_child FOLDER`: reads the entries that are there, five at a time, and prints how
far it came after each write.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from shipworthy.facts import Severity
from shipworthy.respond.pages.notices import notice
from shipworthy.runtime.paging.outbox import KEPT_AS, Outbox, read_kept, write_kept
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.failpoints import failpoint_from
from tests.respond.pages.made import AT

if __name__ == "__main__":
    store = SqliteStore(Path(sys.argv[1]) / "store.db", failpoint=failpoint_from(os.environ))
    outbox = Outbox(read_kept(store.get(KEPT_AS)), {"bus": tuple(Severity)})
    while entries := list(store.entries(max(outbox.seq, 0), max(outbox.seq, 0) + 5)):
        made = [notice(entry, "m") for entry in entries]
        outbox.read(entries, [page for page in made if page is not None], [])
        outbox.take([], AT)
        store.put(KEPT_AS, write_kept(outbox.kept()))
        print(outbox.seq, flush=True)
