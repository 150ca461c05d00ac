"""Label summaries in SQLite: by the minute of the decision, later by its hour (`rollup`); each receipt counts once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shipworthy.facts import LabelCells, LabelSummary
from shipworthy.facts.adding import added, label_key
from shipworthy.store.connection import Database
from shipworthy.store.summaries import checked, packed, unpacked

COLUMNS = ("minute", "version", "tenant", "segment", "arm")
CELL_COLUMNS = ("version", "bucket", "minute")
TABLES = ("labels_1", "labels_60")


def add(db: Database, receipt: str, labels: Sequence[LabelSummary], cells: Sequence[LabelCells]) -> bool:
    """Add one decision's label to its segments; False when this receipt was used before."""
    for label in labels:
        checked(label)
    for one in cells:
        checked(one)
    decided = max((label.minute for label in labels), default=None)
    with db.transaction():
        if is_used(db, receipt):
            return False
        db.write("labels", "INSERT INTO label_receipts VALUES (?, ?)", (receipt, decided))
        for label in labels:
            _add_to_labels(db, label)
        for one in cells:
            _add_to_cells(db, one)
    return True


def is_used(db: Database, receipt: str) -> bool:
    """True when a label of this receipt is in the sums."""
    return bool(db.rows("SELECT 1 FROM label_receipts WHERE receipt = ?", (receipt,)))


def _add_to_labels(db: Database, label: LabelSummary) -> None:
    names = {name: getattr(label, name) for name in COLUMNS}
    found = db.rows(
        "SELECT body FROM labels_1 WHERE minute = ? AND version = ? AND tenant = ? AND segment = ? AND arm = ?",
        tuple(names.values()),
    )
    total = added(unpacked(found[0][0], LabelSummary, names), label) if found else label
    db.write("labels", "INSERT OR REPLACE INTO labels_1 VALUES (?, ?, ?, ?, ?, ?)", (*names.values(), packed(total)))


def _add_to_cells(db: Database, one: LabelCells) -> None:
    names = {name: getattr(one, name) for name in CELL_COLUMNS}
    found = db.rows(
        "SELECT body FROM label_cells WHERE version = ? AND bucket = ? AND minute = ?", tuple(names.values())
    )
    total = added(unpacked(found[0][0], LabelCells, names), one) if found else one
    db.write("labels", "INSERT OR REPLACE INTO label_cells VALUES (?, ?, ?, ?)", (*names.values(), packed(total)))


def read(
    db: Database, version: str, since: int, until: int, arm: str | None, tenant: str | None, segment: str | None
) -> list[LabelSummary]:
    """Return label summaries with since <= minute < until, one a key, sorted by it."""
    wanted = {"version": version, "tenant": tenant, "segment": segment, "arm": arm}
    named = {column: text for column, text in wanted.items() if text is not None}
    where = "".join(f" AND {column} = ?" for column in named)
    listed = f"{', '.join(COLUMNS)}, body"
    sql = " UNION ALL ".join(  # one statement: between two a row might have moved
        f"SELECT {listed} FROM {table} WHERE minute >= ? AND minute < ?{where}" for table in TABLES
    )
    rows = db.rows(sql, (since, until, *named.values()) * len(TABLES))
    return summed(unpacked(body, LabelSummary, dict(zip(COLUMNS, names, strict=True))) for *names, body in rows)


def summed(labels: Iterable[LabelSummary]) -> list[LabelSummary]:
    """Return one summary a key, sorted by it."""
    sums: dict[tuple[object, ...], LabelSummary] = {}
    for one in labels:
        key = label_key(one)
        sums[key] = added(sums[key], one) if key in sums else one
    return sorted(sums.values(), key=label_key)


def read_cells(db: Database, version: str, since: int, until: int) -> list[LabelCells]:
    """Return the labelled cells of hours that begin in since <= minute < until, by bucket and hour."""
    sql = (
        f"SELECT {', '.join(CELL_COLUMNS)}, body FROM label_cells WHERE version = ? AND minute >= ? AND minute < ?"
        " ORDER BY bucket, minute"
    )
    return [
        unpacked(body, LabelCells, dict(zip(CELL_COLUMNS, names, strict=True)))
        for *names, body in db.rows(sql, (version, since, until))
    ]
