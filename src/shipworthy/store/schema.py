"""The tables of the SQLite store and the steps that lead there.

Each step runs in one transaction with its own row in `schema_steps`, so a process killed in a step leaves the store at
the step before. A store written by a later Shipworthy is refused, not guessed at.
"""

from __future__ import annotations

from typing import Final

import apsw

from shipworthy.errors import CannotDecide

_FIRST: Final = (
    "CREATE TABLE entries (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    # The ledger only grows. Whoever can drop these triggers is caught by `ledger verify`, not by them.
    "CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries never change'); END",
    "CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries never go'); END",
    "CREATE TABLE counters (kind TEXT, year INTEGER, last INTEGER NOT NULL, PRIMARY KEY (kind, year)) STRICT",
    "CREATE TABLE kv (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE window_batches (shard TEXT, seq INTEGER, content TEXT NOT NULL, PRIMARY KEY (shard, seq))"
    " STRICT, WITHOUT ROWID",
    "CREATE TABLE windows (version TEXT, tenant TEXT, segment TEXT, minute INTEGER, arm TEXT, reference TEXT,"
    " shard TEXT, body BLOB NOT NULL,"
    " PRIMARY KEY (version, tenant, segment, minute, arm, reference, shard)) STRICT, WITHOUT ROWID",
    "CREATE TABLE label_receipts (receipt TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    "CREATE TABLE labels (version TEXT, tenant TEXT, segment TEXT, minute INTEGER, arm TEXT, body BLOB NOT NULL,"
    " PRIMARY KEY (version, tenant, segment, minute, arm)) STRICT, WITHOUT ROWID",
    "CREATE TABLE queue (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, status TEXT NOT NULL, deadline TEXT NOT NULL,"
    " lease_until TEXT NOT NULL, body BLOB NOT NULL) STRICT",
    "CREATE INDEX queue_by_urgency ON queue (status, deadline, id)",
    "CREATE TABLE incidents (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
)
_ABUSE: Final = (
    "CREATE TABLE abuse (hour INTEGER, tenant TEXT, kind TEXT, caller TEXT, segment TEXT, shard TEXT,"
    " n INTEGER NOT NULL, evidence TEXT NOT NULL,"
    " PRIMARY KEY (hour, tenant, kind, caller, segment, shard)) STRICT, WITHOUT ROWID",
    "CREATE TABLE abuse_keys (period_end INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT",
)
STEPS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _ABUSE)


def migrate(connection: apsw.Connection, where: str, steps: tuple[tuple[str, ...], ...] = STEPS) -> None:
    """Bring the store to the last step. Raises CannotDecide when it is further than this program knows."""
    connection.execute("CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY) STRICT")
    while _advance(connection, where, steps):
        pass


def _advance(connection: apsw.Connection, where: str, steps: tuple[tuple[str, ...], ...]) -> bool:
    """Run one step in one transaction; another process may have run it while we waited for the lock."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        reached = int(connection.execute("SELECT coalesce(max(step), 0) FROM schema_steps").get)
        if reached > len(steps):
            raise CannotDecide(f"store of step {reached}, we know {len(steps)}", where, "use the newer Shipworthy")
        if reached < len(steps):
            for statement in steps[reached]:
                connection.execute(statement)
            connection.execute("INSERT INTO schema_steps VALUES (?)", (reached + 1,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return reached < len(steps)
