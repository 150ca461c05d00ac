"""The outbox is killed at every write: how far the ledger was read and what is owed of it are never apart."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.facts import Entry, Severity, digest
from shipworthy.runtime.paging.outbox import KEPT_AS, Outbox, read_kept
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.failpoints import VARIABLE
from tests.respond.pages.made import TOLD
from tests.store.child import child_environ

pytestmark = pytest.mark.slow
N = 20


def fill(folder: Path) -> None:
    """Write a ledger in which every entry pages: the drill of its number failed."""
    with_store = SqliteStore(folder / "store.db")

    def build(seq: int, prev: str) -> list[Entry]:
        entries = []
        for at in range(seq, N):
            body = {"kind": f"d{at}", "passed": False}
            entries.append(Entry(seq=at, at=TOLD, actor="machine", kind="respond.drilled", body=body, prev=prev))
            prev = digest(entries[-1])
        return entries

    with_store.append_entries(build)
    with_store.close()


def run(folder: Path, failpoint: str = "") -> int:
    environ = child_environ(**({VARIABLE: failpoint} if failpoint else {}))
    command = [sys.executable, "-m", "tests.runtime.paging.outbox_child", str(folder)]
    return subprocess.run(command, env=environ, capture_output=True, check=False, timeout=60).returncode


def owed(folder: Path) -> tuple[int, int]:
    """Return how far the ledger was read, and how many pages are owed."""
    store = SqliteStore(folder / "store.db")
    outbox = Outbox(read_kept(store.get(KEPT_AS)), {"bus": tuple(Severity)})
    store.close()
    return max(outbox.seq, 0), len(outbox.owed("bus"))


@pytest.mark.parametrize("place", ["kv.before:2", "kv.after:2", "commit.before:2", "commit.after:3"])
def test_killed_at_a_write_it_goes_on_from_what_is_whole(tmp_path: Path, place: str) -> None:
    fill(tmp_path)
    assert run(tmp_path, place) == -signal.SIGKILL
    seq, pages = owed(tmp_path)
    assert seq == pages < N
    assert run(tmp_path) == 0
    assert owed(tmp_path) == (N, N)
