"""The review queue and incidents in SQLite. The moves themselves are in `review`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Incident, canonical, read_incident
from shipworthy.store import review
from shipworthy.store.connection import Database
from shipworthy.store.instants import instant
from shipworthy.store.review import (
    Admission,
    Given,
    QueueDepth,
    QueueItem,
    QueueStatus,
    Room,
    admitted,
    answered,
    emptied,
    expired,
    fits,
    given_back,
    held_text,
    is_free,
    is_held,
    is_outlived,
    is_overdue,
    is_untouched,
    leased,
    may_hold_more,
)

_URGENT = " ORDER BY deadline, id"
MOST_TENANTS = 2000  # told apart in the count of what did not fit
OTHER = "__other__"
_PAGE = 50


def enqueue(db: Database, item: QueueItem, room: Room | None = None) -> Admission:
    """Add an item where it fits, else count that it did not; the same one twice is one."""
    admitted(item)
    with db.transaction():
        before = one(db, item.id)
        if before is not None:
            same_item(before, item)
            return Admission.QUEUED
        told = fits(room, _waiting(db, "all", ""), _waiting(db, "tenant", item.tenant))
        if told is Admission.QUEUED:
            _save(db, item)
        else:
            add_overflow(db, {item.tenant: 1})
    return told


def withdraw(db: Database, item_id: str) -> bool:
    """Take an item out again as if it had never come; False when there is none, or somebody has it in hand."""
    with db.transaction():
        item = one(db, item_id)
        if item is None or not is_untouched(item):
            return False
        db.write("queue", "DELETE FROM queue WHERE id = ?", (item_id,))
    return True


def same_item(before: QueueItem, item: QueueItem) -> None:
    """Raise CannotDecide when an id is used for two different requests."""
    if (before.request, before.receipt, before.sealed) != (item.request, item.receipt, item.sealed):
        raise CannotDecide("this id is another request's", where=item.id, fix="take a new id from the store")


def add_overflow(db: Database, counts: Mapping[str, int]) -> None:
    """Count requests that did not fit; beyond `MOST_TENANTS` all tenants are one."""
    with db.transaction():
        known = {str(row[0]) for row in db.rows("SELECT tenant FROM queue_overflow")}
        for tenant, n in sorted(counts.items()):
            name = tenant if tenant in known or len(known) < MOST_TENANTS else OTHER
            known.add(name)
            sql = "INSERT INTO queue_overflow VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n"
            db.write("queue", sql, (name, n))


def lease(
    db: Database, tenant: str | None, who: str, until: str, now: str, most: int | None, item_id: str | None
) -> QueueItem | None:
    """Give `who` the item of that id, or the most urgent free one, or None. Raises PolicySaysNo at `most` leases."""
    instant(until)
    with db.transaction():
        mine = one(db, item_id) if item_id is not None else None
        if mine is not None and is_held(mine, who, now):
            return mine
        held = "SELECT count(*) FROM queue WHERE leased_by = ? AND lease_until > ? AND deadline > ?"
        may_hold_more(int(db.rows(held, (who, instant(now), now))[0][0]), most, who)
        for item in _candidates(db, tenant, who, now, item_id):
            if is_free(item, now, who):
                taken = leased(item, who, until)
                _save(db, taken)
                return taken
    return None


def give_back(db: Database, item_id: str, who: str, now: str) -> QueueItem:
    """Let another person have an item. Raises PolicySaysNo when `who` does not hold it."""
    with db.transaction():
        back = given_back(_known(db, item_id), who, instant(now))
        _save(db, back)
    return back


def answer(db: Database, item_id: str, given: Given, undecided: str) -> QueueItem:
    """Record a person's answer. Raises UsageError for an unknown id."""
    with db.transaction():
        before = _known(db, item_id)
        done = answered(before, given, undecided)
        if done != before:
            _save(db, done)
    return done


def counted(db: Database, item_id: str) -> None:
    """Note that an answer is in the sums. Raises UsageError for an unknown id."""
    with db.transaction():
        _save(db, review.counted(_known(db, item_id)))


def expire(db: Database, now: str, lives_s: int) -> tuple[QueueItem, ...]:
    """Give up overdue items and return them; what is done with loses its input at its end."""
    late = "SELECT body FROM queue WHERE status IN ('waiting', 'leased') AND deadline <= ?" + _URGENT
    old = "SELECT body FROM queue WHERE empty_at <> '' AND empty_at <= ?"
    with db.transaction():
        overdue = [item for item in _decoded(db.rows(late, (instant(now),))) if is_overdue(item, now)]
        gone = tuple(expired(item) for item in overdue)
        for item in gone:
            _save(db, item)
        for item in _decoded(db.rows(old, (now,))):
            if is_outlived(item, now, lives_s):
                _save(db, emptied(item))
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


def depth(db: Database, now: str) -> QueueDepth:
    """Return how full the queue is, from counts that are kept."""
    nearest = "SELECT min(deadline) FROM queue WHERE status IN ('waiting', 'leased')"
    held = "SELECT leased_by, count(*) FROM queue WHERE leased_by <> '' AND lease_until > ? AND deadline > ? GROUP BY 1"
    disputed = "SELECT count(*) FROM queue WHERE json_array_length(people) > 2 AND status IN ('answered', 'counted')"
    return QueueDepth(
        open=dict(db.rows("SELECT tenant, n FROM queue_depth WHERE whose = 'tenant' ORDER BY tenant")),
        oldest=str(db.rows(nearest)[0][0] or ""),
        overflow=dict(db.rows("SELECT tenant, n FROM queue_overflow ORDER BY tenant")),
        leases=dict(db.rows(held, (instant(now), now))),
        statuses=dict(db.rows("SELECT status, count(*) FROM queue GROUP BY 1 ORDER BY 1")),
        disputed=int(db.rows(disputed)[0][0]),
    )


def put_incident(db: Database, incident: Incident) -> None:
    """Add or replace an incident."""
    with db.transaction():
        db.write("incidents", "INSERT OR REPLACE INTO incidents VALUES (?, ?)", (incident.id, canonical(incident)))


def incidents(db: Database) -> tuple[Incident, ...]:
    """Return incidents, sorted by id."""
    found = db.rows("SELECT body FROM incidents ORDER BY id")
    return tuple(read_incident(msgspec.json.decode(row[0])) for row in found)


def _waiting(db: Database, whose: str, tenant: str) -> int:
    found = db.rows("SELECT n FROM queue_depth WHERE whose = ? AND tenant = ?", (whose, tenant))
    return int(found[0][0]) if found else 0


def _known(db: Database, item_id: str) -> QueueItem:
    item = one(db, item_id)
    if item is None:
        raise UsageError("no such item in the review queue", where=item_id)
    return item


def _candidates(db: Database, tenant: str | None, who: str, now: str, item_id: str | None) -> Iterator[QueueItem]:
    """Yield items that `who` might take, the most urgent first; waiting ones go before those that somebody let lapse.

    Raises PolicySaysNo for an item by name that they may not take.
    """
    if item_id is not None:
        item = _known(db, item_id)
        if not is_free(item, now, who):
            raise PolicySaysNo(f"not free: {item.status}{held_text(item)}", where=item_id, fix="take another item")
        yield item
        return
    sql = "SELECT body FROM queue WHERE status = ? AND deadline > ? AND lease_until <= ? AND instr(people, ?) = 0"
    mine = " AND tenant = ?" if tenant is not None else ""
    for status in (QueueStatus.WAITING, QueueStatus.LEASED):
        values = (str(status), now, now, _named(who), *([tenant] if tenant is not None else []))
        yield from _decoded(db.rows(f"{sql}{mine}{_URGENT} LIMIT {_PAGE}", values))


def _named(who: str) -> str:
    """A person as they stand in the list of those who have answered."""
    return canonical(who).decode()


def _decoded(rows: list[tuple[bytes, ...]]) -> list[QueueItem]:
    return [msgspec.json.decode(row[0], type=QueueItem) for row in rows]


def _save(db: Database, item: QueueItem) -> None:
    people = canonical([one.person for one in item.answers]).decode()
    end = (item.expires or item.deadline) if item.sealed else ""  # looked at from then on
    row = (item.id, item.tenant, str(item.status), item.deadline, item.lease_until, canonical(item))
    sql = (
        "INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status,"
        " deadline = excluded.deadline, lease_until = excluded.lease_until, body = excluded.body,"
        " leased_by = excluded.leased_by, people = excluded.people, empty_at = excluded.empty_at"
    )
    db.write("queue", sql, (*row, item.leased_by, people, end))
