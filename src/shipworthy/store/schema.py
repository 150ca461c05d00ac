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
_LABEL_CELLS: Final = (
    "CREATE TABLE label_cells (version TEXT, bucket TEXT, minute INTEGER, body BLOB NOT NULL,"
    " PRIMARY KEY (version, bucket, minute)) STRICT, WITHOUT ROWID",
)
_WINDOW = "minute INTEGER, version TEXT, tenant TEXT, segment TEXT, arm TEXT, reference TEXT"
_LABEL = "minute INTEGER, version TEXT, tenant TEXT, segment TEXT, arm TEXT"
# By the minute first: what is old is found, summed and forgotten from one end of the table.
_ROLLED_UP: Final = (
    f"CREATE TABLE windows_1 ({_WINDOW}, shard TEXT, body BLOB NOT NULL,"
    " PRIMARY KEY (minute, version, tenant, segment, arm, reference, shard)) STRICT, WITHOUT ROWID",
    *(
        f"CREATE TABLE windows_{span} ({_WINDOW}, body BLOB NOT NULL,"
        " PRIMARY KEY (minute, version, tenant, segment, arm, reference)) STRICT, WITHOUT ROWID"
        for span in (5, 60)
    ),
    *(
        f"CREATE TABLE labels_{span} ({_LABEL}, body BLOB NOT NULL,"
        " PRIMARY KEY (minute, version, tenant, segment, arm)) STRICT, WITHOUT ROWID"
        for span in (1, 60)
    ),
    "CREATE TABLE heartbeats (minute INTEGER, shard TEXT, seen INTEGER NOT NULL, expected INTEGER NOT NULL,"
    " PRIMARY KEY (minute, shard)) STRICT, WITHOUT ROWID",
    # A heartbeat told all it knew by its key, but for how many shards were expected: of these stores always one.
    "INSERT INTO heartbeats SELECT minute, shard, 1, 1 FROM windows WHERE arm = 'heartbeat'",
    "INSERT INTO windows_1 SELECT minute, version, tenant, segment, arm, reference, shard, body FROM windows"
    " WHERE arm <> 'heartbeat'",
    "INSERT INTO labels_1 SELECT minute, version, tenant, segment, arm, body FROM labels",
    "DROP TABLE windows",
    "DROP TABLE labels",
    "ALTER TABLE window_batches ADD COLUMN oldest INTEGER",  # its first minute; unknown of earlier ones: they stay
    "ALTER TABLE label_receipts ADD COLUMN minute INTEGER",
    "CREATE INDEX window_batches_by_age ON window_batches (oldest)",
    "CREATE INDEX label_receipts_by_age ON label_receipts (minute)",
    "CREATE TABLE marks (name TEXT PRIMARY KEY, minute INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
_ABUSE: Final = (
    "CREATE TABLE abuse (hour INTEGER, tenant TEXT, kind TEXT, caller TEXT, segment TEXT, shard TEXT,"
    " n INTEGER NOT NULL, evidence TEXT NOT NULL,"
    " PRIMARY KEY (hour, tenant, kind, caller, segment, shard)) STRICT, WITHOUT ROWID",
    "CREATE TABLE abuse_keys (period_end INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT",
)
_OPEN = "status IN ('waiting', 'leased')"
# How much waits is counted where it changes, in the same transaction: admission must not count rows under a flood.
_QUEUE: Final = (
    "ALTER TABLE queue ADD COLUMN leased_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE queue ADD COLUMN people TEXT NOT NULL DEFAULT '[]'",  # who has answered: nobody answers twice
    "ALTER TABLE queue ADD COLUMN empty_at TEXT NOT NULL DEFAULT ''",  # '' = its input is gone, or nothing says when
    "UPDATE queue SET leased_by = coalesce(json_extract(CAST(body AS TEXT), '$.leased_by'), '')"
    " WHERE status = 'leased'",
    "CREATE INDEX queue_by_holder ON queue (leased_by) WHERE leased_by <> ''",
    "CREATE INDEX queue_by_end ON queue (empty_at) WHERE empty_at <> ''",
    "CREATE TABLE queue_depth (whose TEXT, tenant TEXT, n INTEGER NOT NULL, PRIMARY KEY (whose, tenant))"
    " STRICT, WITHOUT ROWID",
    f"INSERT INTO queue_depth SELECT 'tenant', tenant, count(*) FROM queue WHERE {_OPEN} GROUP BY tenant",
    f"INSERT INTO queue_depth SELECT 'all', '', count(*) FROM queue WHERE {_OPEN} HAVING count(*) > 0",
    f"CREATE TRIGGER queue_enters AFTER INSERT ON queue WHEN new.{_OPEN} BEGIN"
    " INSERT INTO queue_depth VALUES ('tenant', new.tenant, 1) ON CONFLICT DO UPDATE SET n = n + 1;"
    " INSERT INTO queue_depth VALUES ('all', '', 1) ON CONFLICT DO UPDATE SET n = n + 1; END",
    f"CREATE TRIGGER queue_leaves AFTER UPDATE ON queue WHEN old.{_OPEN}"
    " AND new.status NOT IN ('waiting', 'leased') BEGIN"
    " UPDATE queue_depth SET n = n - 1 WHERE whose = 'all' OR (whose = 'tenant' AND tenant = old.tenant);"
    " DELETE FROM queue_depth WHERE n = 0; END",
    "CREATE TABLE queue_overflow (tenant TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
_QUARANTINE: Final = (
    "CREATE TABLE label_sources (version TEXT, kind TEXT, source TEXT, body BLOB NOT NULL,"
    " PRIMARY KEY (version, kind, source)) STRICT, WITHOUT ROWID",
    "CREATE TABLE quarantine (request TEXT PRIMARY KEY, version TEXT NOT NULL, source TEXT NOT NULL,"
    " status TEXT NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX quarantine_by_source ON quarantine (status, version, source)",
)
# What two people say of one decision is two things to keep: neither may push the other out.
_BY_SENDER: Final = (
    "CREATE TABLE apart (request TEXT, kind TEXT, source TEXT, version TEXT NOT NULL, status TEXT NOT NULL,"
    " body BLOB NOT NULL, PRIMARY KEY (request, kind, source)) STRICT, WITHOUT ROWID",
    "INSERT INTO apart SELECT request, json_extract(CAST(body AS TEXT), '$.kind'), source, version, status, body"
    " FROM quarantine",
    "DROP TABLE quarantine",
    "ALTER TABLE apart RENAME TO quarantine",
    "CREATE INDEX quarantine_by_source ON quarantine (status, version, source)",
    "CREATE INDEX quarantine_by_sender ON quarantine (kind, source)",
)
_WITHDRAWN: Final = (
    f"CREATE TRIGGER queue_withdrawn AFTER DELETE ON queue WHEN old.{_OPEN} BEGIN"
    " UPDATE queue_depth SET n = n - 1 WHERE whose = 'all' OR (whose = 'tenant' AND tenant = old.tenant);"
    " DELETE FROM queue_depth WHERE n = 0; END",
)
# Items of before there was an end: they are looked at from their deadline on.
_ENDS: Final = (
    "UPDATE queue SET empty_at = deadline WHERE empty_at = ''"
    " AND coalesce(json_extract(CAST(body AS TEXT), '$.sealed'), '') <> ''",
)
_STEPS = (_FIRST, _LABEL_CELLS, _ROLLED_UP, _ABUSE, _QUEUE, _QUARANTINE, _BY_SENDER, _WITHDRAWN, _ENDS)
STEPS: Final[tuple[tuple[str, ...], ...]] = _STEPS


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
