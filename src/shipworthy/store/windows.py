"""Window and label summaries in SQLite.

A window is kept as one row a shard and joined when read; each batch of a shard is counted once, by (shard, seq).
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.errors import CannotDecide
from shipworthy.facts import LabelCells, LabelSummary, WindowSummary, digest
from shipworthy.facts.adding import added, joined, label_key, same_shard, window_key
from shipworthy.store.connection import Database
from shipworthy.store.summaries import checked, packed, unpacked


def add(db: Database, windows: Sequence[WindowSummary], shard: str, seq: int) -> bool:
    """Add one batch of a shard; False when it was added before."""
    bodies = [packed(checked(window)) for window in windows]
    content = digest(b"".join(bodies))
    with db.transaction():
        seen = db.rows("SELECT content FROM window_batches WHERE shard = ? AND seq = ?", (shard, seq))
        if seen:
            same_batch(seen[0][0], content, shard, seq)
            return False
        db.write("windows", "INSERT INTO window_batches VALUES (?, ?, ?)", (shard, seq, content))
        for window in windows:
            _add_part(db, window, shard)
    return True


def same_batch(before: str, now: str, shard: str, seq: int) -> None:
    """Raise CannotDecide when a shard used a number twice for different counts: some would be lost unseen."""
    if before != now:
        raise CannotDecide(
            f"batch {seq} came twice with other counts", f"shard {shard}", "give each shard run its name"
        )


def _add_part(db: Database, window: WindowSummary, shard: str) -> None:
    key = (*window_key(window), shard)
    found = db.rows(
        "SELECT body FROM windows WHERE version = ? AND tenant = ? AND segment = ? AND minute = ? AND arm = ?"
        " AND reference = ? AND shard = ?",
        key,
    )
    total = same_shard(unpacked(found[0][0], WindowSummary), window) if found else window
    db.write("windows", "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*key, packed(total)))


def read(
    db: Database, version: str, since: int, until: int, arm: str | None, tenant: str | None, segment: str | None
) -> list[WindowSummary]:
    """Return windows with since <= minute < until, joined over shards, sorted by key."""
    return joined(
        unpacked(body, WindowSummary) for body in _bodies(db, "windows", version, since, until, arm, tenant, segment)
    )


def add_label(db: Database, receipt: str, labels: Sequence[LabelSummary], cells: Sequence[LabelCells]) -> bool:
    """Add one decision's label to its segments; False when this receipt was used before."""
    for label in labels:
        checked(label)
    for one in cells:
        checked(one)
    with db.transaction():
        if db.rows("SELECT 1 FROM label_receipts WHERE receipt = ?", (receipt,)):
            return False
        db.write("labels", "INSERT INTO label_receipts VALUES (?)", (receipt,))
        for label in labels:
            _add_to_labels(db, label)
        for one in cells:
            _add_to_cells(db, one)
    return True


def _add_to_cells(db: Database, one: LabelCells) -> None:
    key = (one.version, one.bucket, one.minute)
    found = db.rows("SELECT body FROM label_cells WHERE version = ? AND bucket = ? AND minute = ?", key)
    total = added(unpacked(found[0][0], LabelCells), one) if found else one
    db.write("labels", "INSERT OR REPLACE INTO label_cells VALUES (?, ?, ?, ?)", (*key, packed(total)))


def read_cells(db: Database, version: str, since: int, until: int) -> list[LabelCells]:
    """Return the labelled cells of hours that begin in since <= minute < until, by bucket and hour."""
    sql = "SELECT body FROM label_cells WHERE version = ? AND minute >= ? AND minute < ? ORDER BY bucket, minute"
    return [unpacked(row[0], LabelCells) for row in db.rows(sql, (version, since, until))]


def _add_to_labels(db: Database, label: LabelSummary) -> None:
    key = label_key(label)
    found = db.rows(
        "SELECT body FROM labels WHERE version = ? AND tenant = ? AND segment = ? AND minute = ? AND arm = ?", key
    )
    total = added(unpacked(found[0][0], LabelSummary), label) if found else label
    db.write("labels", "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?)", (*key, packed(total)))


def read_labels(
    db: Database, version: str, since: int, until: int, arm: str | None, tenant: str | None, segment: str | None
) -> list[LabelSummary]:
    """Return label summaries with since <= minute < until, sorted by key."""
    found = _bodies(db, "labels", version, since, until, arm, tenant, segment)
    return sorted((unpacked(body, LabelSummary) for body in found), key=label_key)


def _bodies(
    db: Database,
    table: str,
    version: str,
    since: int,
    until: int,
    arm: str | None,
    tenant: str | None,
    segment: str | None,
) -> list[bytes]:
    wanted = {"tenant": tenant, "segment": segment, "arm": arm}
    named = {column: text for column, text in wanted.items() if text is not None}
    where = "".join(f" AND {column} = ?" for column in named)
    sql = f"SELECT body FROM {table} WHERE version = ? AND minute >= ? AND minute < ?{where}"
    return [row[0] for row in db.rows(sql, (version, since, until, *named.values()))]
