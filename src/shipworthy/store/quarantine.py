"""Labels kept apart, and the counts of their senders, in SQLite."""

from __future__ import annotations

import msgspec

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import canonical
from shipworthy.store.connection import Database
from shipworthy.store.suspect import HELD, RELEASED, LabelSource, Suspect

MOST = 100_000  # of each kind: no flood of labels keeps people's answers out
MOST_OF_SOURCE = 20_000
_KEY = ("version", "kind", "source")
_ONE = "request = ? AND kind = ? AND source = ?"


def source(db: Database, version: str, kind: str, name: str) -> LabelSource | None:
    """Return what is known of one sender."""
    sql = "SELECT body FROM label_sources WHERE version = ? AND kind = ? AND source = ?"
    found = db.rows(sql, (version, kind, name))
    return msgspec.json.decode(found[0][0], type=LabelSource) if found else None


def sources(db: Database, version: str | None, kind: str | None) -> tuple[LabelSource, ...]:
    """Return all senders, sorted."""
    sql = "SELECT body FROM label_sources WHERE (?1 IS NULL OR version = ?1) AND (?2 IS NULL OR kind = ?2)"
    found = db.rows(f"{sql} ORDER BY {', '.join(_KEY)}", (version, kind))
    return tuple(msgspec.json.decode(row[0], type=LabelSource) for row in found)


def put_source(db: Database, one: LabelSource) -> None:
    """Add or replace a sender."""
    with db.transaction():
        key = (one.version, one.kind, one.source)
        db.write("quarantine", "INSERT OR REPLACE INTO label_sources VALUES (?, ?, ?, ?)", (*key, canonical(one)))


def keep(db: Database, one: Suspect) -> bool:
    """Keep a label apart. False when this source's about this request is kept already; PolicySaysNo when no more are
    taken."""
    with db.transaction():
        if db.rows(f"SELECT 1 FROM quarantine WHERE {_ONE}", _key(one)):
            return False
        mine = int(
            db.rows("SELECT count(*) FROM quarantine WHERE kind = ? AND source = ?", (one.kind, one.source))[0][0]
        )
        every = int(db.rows("SELECT count(*) FROM quarantine WHERE kind = ?", (one.kind,))[0][0])
        if mine >= MOST_OF_SOURCE or every >= MOST:
            told = f"{mine} labels of {one.source!r} are in quarantine, {every} in all"
            raise PolicySaysNo(told, "labels", "release or drop some first")
        row = (*_key(one), one.receipt.version, one.status, canonical(one))
        db.write("quarantine", "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?)", row)
    return True


def kept(db: Database, status: str | None, version: str | None, name: str | None, most: int) -> tuple[Suspect, ...]:
    """Return labels that are kept apart, sorted by request."""
    sql = (
        "SELECT body FROM quarantine WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR version = ?2)"
        " AND (?3 IS NULL OR source = ?3) ORDER BY request, kind, source LIMIT ?4"
    )
    return tuple(msgspec.json.decode(row[0], type=Suspect) for row in db.rows(sql, (status, version, name, most)))


def counts(db: Database) -> dict[tuple[str, str, str], int]:
    """Return how many there are by version, source and status."""
    sql = "SELECT version, source, status, count(*) FROM quarantine GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    return {(version, name, status): n for version, name, status, n in db.rows(sql)}


def settle(db: Database, version: str, name: str, status: str) -> int:
    """Release what is held of a sender, or (any other status) drop it."""
    if status not in (RELEASED, "dropped"):
        raise UsageError(f"labels are released or dropped, not {status!r}", "labels")
    mine = "status = ? AND version = ? AND source = ?"
    with db.transaction():
        held = db.rows(f"SELECT body FROM quarantine WHERE {mine}", (HELD, version, name))
        if status == RELEASED:
            for row in held:
                one = msgspec.structs.replace(msgspec.json.decode(row[0], type=Suspect), status=RELEASED)
                sql = f"UPDATE quarantine SET status = ?, body = ? WHERE {_ONE}"
                db.write("quarantine", sql, (RELEASED, canonical(one), *_key(one)))
        else:
            db.write("quarantine", f"DELETE FROM quarantine WHERE {mine}", (HELD, version, name))
    return len(held)


def let_go(db: Database, one: Suspect) -> None:
    """Forget a label that is counted now."""
    with db.transaction():
        db.write("quarantine", f"DELETE FROM quarantine WHERE {_ONE}", _key(one))


def _key(one: Suspect) -> tuple[str, str, str]:
    return (one.receipt.request, one.kind, one.source)
