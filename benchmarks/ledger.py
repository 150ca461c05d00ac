"""Claim: checked, chained, durable entries cost little more than plain sqlite3 rows, and less where fsync is slow.

Every caller waits until its own entry is on disk before it writes the next; group commit lets callers share one
commit, which is one fsync. The peer is the standard library's sqlite3 with the same settings (WAL, synchronous=FULL),
the same callers behind a lock, one row and one commit an entry, no chain and no check. The slower a disk's fsync, the
more sharing is worth, so the same is measured again with a pause of 1 ms before every commit of both, which stands for
such a disk. A lone caller has nobody to share with; that row is shown too. TMPDIR says which disk is measured.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.harness import Result, compare
from shipworthy.ledger.files.log import Ledger
from shipworthy.store.group import GroupCommit
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.clock import HandClock

CALLERS, EACH = 32, 10
PAUSE_S = 0.001
BODY = {"decision": "ship", "because": "every case was proven good"}
KIND, ACTOR = "gate.decided", "machine"
PEER = "sqlite3, a commit each"


def run() -> list[Result]:
    """Return the time of one durable entry."""
    with tempfile.TemporaryDirectory() as top:
        disk, slow = Both(Path(top) / "disk"), Both(Path(top) / "slow", PAUSE_S)
        many = CALLERS * EACH
        try:
            return [
                compare("one caller", PEER, lambda: _alone(disk.append), lambda: _alone(disk.plain), jobs=many),
                _shared(f"{CALLERS} callers", disk),
                _shared(f"{CALLERS} callers, 1 ms a commit", slow),
            ]
        finally:
            disk.close()
            slow.close()


class Both:
    """A ledger and the peer's table on one disk; with `pause_s`, both wait before every commit."""

    def __init__(self, folder: Path, pause_s: float = 0.0) -> None:
        folder.mkdir()
        self.pause_s = pause_s
        self.commits = 0
        self.store = SqliteStore(folder / "ledger.db", self._failpoint)
        self.ledger = Ledger(self.store, Ed25519PrivateKey.generate(), "bench.example/ledger", HandClock())
        self.group = GroupCommit(self.store)
        self.lock = threading.Lock()
        self.table = sqlite3.connect(folder / "plain.db", isolation_level=None, check_same_thread=False)
        self.table.execute("PRAGMA journal_mode = WAL")
        self.table.execute("PRAGMA synchronous = FULL")
        self.table.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)")

    def append(self) -> None:
        """Append an entry in a commit of its own."""
        self.ledger.append(ACTOR, KIND, BODY)

    def share(self) -> None:
        """Append an entry in a commit that others may share."""
        self.group.submit(lambda store: self.append()).result()

    def plain(self) -> None:
        """Insert a row of the peer."""
        with self.lock:
            if self.pause_s:
                time.sleep(self.pause_s)
            self.table.execute("INSERT INTO entries (body) VALUES (?)", (f"{ACTOR} {KIND} {BODY}",))

    def close(self) -> None:
        """Close what is open."""
        self.group.close()
        self.store.close()
        self.table.close()

    def _failpoint(self, place: str) -> None:
        if place == "commit.before":
            self.commits += 1
            if self.pause_s:
                time.sleep(self.pause_s)


def _shared(what: str, both: Both) -> Result:
    before = both.commits, both.ledger.size()
    result = compare(
        what, PEER, lambda: _together(both.share), lambda: _together(both.plain), rounds=5, jobs=CALLERS * EACH
    )
    each = (both.ledger.size() - before[1]) / (both.commits - before[0])
    return result.said(f"ours: {each:.1f} entries a commit")


def _together(append: Callable[[], None]) -> None:
    def caller(_: int) -> None:
        for _ in range(EACH):
            append()

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(caller, range(CALLERS)))


def _alone(append: Callable[[], None]) -> None:
    for _ in range(CALLERS * EACH):
        append()
