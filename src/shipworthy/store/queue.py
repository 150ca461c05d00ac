"""The review queue and incidents in SQLite. The moves themselves are in `review`."""

from __future__ import annotations

import msgspec

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Incident, canonical, read_incident
from shipworthy.store import review
from shipworthy.store.connection import Database
from shipworthy.store.instants import instant
from shipworthy.store.review import QueueItem, QueueStatus, admitted, answered, expired, is_free, is_overdue, leased

_URGENT = " ORDER BY deadline, id"


def enqueue(db: Database, item: QueueItem) -> None:
    """Add an item; the same one twice is one."""
    admitted(item)
    with db.transaction():
        before = one(db, item.id)
        if before is None:
            _save(db, item)
        else:
            same_item(before, item)


def same_item(before: QueueItem, item: QueueItem) -> None:
    """Raise CannotDecide when an id is used for two different requests."""
    if (before.request, before.receipt, before.sealed) != (item.request, item.receipt, item.sealed):
        raise CannotDecide("this id is another request's", where=item.id, fix="take a new id from the store")


def lease(db: Database, tenant: str | None, who: str, until: str, now: str) -> QueueItem | None:
    """Give `who` the most urgent free item, or None."""
    instant(until)
    with db.transaction():
        for status in (QueueStatus.WAITING, QueueStatus.LEASED):
            # A waiting item always goes before one that another person let lapse.
            for item in _open_items(db, status, tenant, instant(now)):
                if is_free(item, now):
                    taken = leased(item, who, until)
                    _save(db, taken)
                    return taken
    return None


def answer(
    db: Database, item_id: str, who: str, decision: str, now: str, label: int | None, changed: bool | None
) -> QueueItem:
    """Record a person's answer. Raises UsageError for an unknown id."""
    with db.transaction():
        done = answered(_known(db, item_id), who, decision, instant(now), label, changed)
        _save(db, done)
    return done


def counted(db: Database, item_id: str) -> None:
    """Note that an answer is in the sums. Raises UsageError for an unknown id."""
    with db.transaction():
        _save(db, review.counted(_known(db, item_id)))


def expire(db: Database, now: str) -> tuple[QueueItem, ...]:
    """Give up overdue items and return them."""
    sql = "SELECT body FROM queue WHERE status IN ('waiting', 'leased') AND deadline <= ?" + _URGENT
    with db.transaction():
        late = [item for item in _decoded(db.rows(sql, (instant(now),))) if is_overdue(item, now)]
        gone = tuple(expired(item) for item in late)
        for item in gone:
            _save(db, item)
    return gone


def one(db: Database, item_id: str) -> QueueItem | None:
    """Return one item."""
    found = _decoded(db.rows("SELECT body FROM queue WHERE id = ?", (item_id,)))
    return found[0] if found else None


def several(db: Database, status: QueueStatus | None, tenant: str | None) -> tuple[QueueItem, ...]:
    """Return items, the most urgent first."""
    wanted = {"status": status, "tenant": tenant}
    named = {column: str(text) for column, text in wanted.items() if text is not None}
    where = " AND ".join(["true", *(f"{column} = ?" for column in named)])
    return tuple(_decoded(db.rows(f"SELECT body FROM queue WHERE {where}{_URGENT}", tuple(named.values()))))


def put_incident(db: Database, incident: Incident) -> None:
    """Add or replace an incident."""
    with db.transaction():
        db.write("incidents", "INSERT OR REPLACE INTO incidents VALUES (?, ?)", (incident.id, canonical(incident)))


def incidents(db: Database) -> tuple[Incident, ...]:
    """Return incidents, sorted by id."""
    found = db.rows("SELECT body FROM incidents ORDER BY id")
    return tuple(read_incident(msgspec.json.decode(row[0])) for row in found)


def _known(db: Database, item_id: str) -> QueueItem:
    item = one(db, item_id)
    if item is None:
        raise UsageError("no such item in the review queue", where=item_id)
    return item


def _open_items(db: Database, status: QueueStatus, tenant: str | None, now: str) -> list[QueueItem]:
    sql = "SELECT body FROM queue WHERE status = ? AND deadline > ? AND lease_until <= ?"
    mine = " AND tenant = ?" if tenant is not None else ""
    values = (str(status), now, now, *([tenant] if tenant is not None else []))
    return _decoded(db.rows(f"{sql}{mine}{_URGENT} LIMIT 1", values))


def _decoded(rows: list[tuple[bytes, ...]]) -> list[QueueItem]:
    return [msgspec.json.decode(row[0], type=QueueItem) for row in rows]


def _save(db: Database, item: QueueItem) -> None:
    row = (item.id, item.tenant, str(item.status), item.deadline, item.lease_until, canonical(item))
    db.write("queue", "INSERT OR REPLACE INTO queue VALUES (?, ?, ?, ?, ?, ?)", row)
