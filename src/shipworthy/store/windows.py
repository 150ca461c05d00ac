"""Window summaries in SQLite.

A window is kept as one row a shard until `rollup` sums it, and joined when read; each batch of a shard is counted once,
by (shard, seq). Heartbeats have a table of their own. A batch whose first minute is already forgotten is refused:
nothing could tell any more whether it was counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import HEARTBEAT, WindowSummary, digest, heartbeat
from shipworthy.facts.adding import joined, same_shard, window_key
from shipworthy.store.connection import Database
from shipworthy.store.summaries import checked, countable, numbers_of, packed, unpacked

COLUMNS = ("minute", "version", "tenant", "segment", "arm", "reference")
TABLES = ("windows_1", "windows_5", "windows_60")
_ENCODER = msgspec.json.Encoder(order="sorted")
FORGOTTEN = "windows forgotten before"


def add(db: Database, windows: Sequence[WindowSummary], shard: str, seq: int) -> bool:
    """Add one batch of a shard; False when it was added before."""
    content = content_of(windows)
    oldest = min((window.minute for window in windows), default=None)
    with db.transaction():
        seen = db.rows("SELECT content FROM window_batches WHERE shard = ? AND seq = ?", (shard, seq))
        if seen:
            same_batch(seen[0][0], content, shard, seq)
            return False
        not_forgotten(oldest, forgotten_before(db), shard, seq)
        db.write("windows", "INSERT INTO window_batches VALUES (?, ?, ?, ?)", (shard, seq, content, oldest))
        for window in windows:
            if window.arm == HEARTBEAT:
                _add_heartbeat(db, window, shard)
            else:
                _add_part(db, window, shard)
    return True


def content_of(windows: Sequence[WindowSummary]) -> str:
    """Return the digest of a batch of checked windows, whatever form they are stored in.

    Raises UsageError for one that is not made of counts, and for a heartbeat that is more than a sign of life.
    """
    for window in windows:
        checked(window)
        if window.arm == HEARTBEAT and window != heartbeat(window.minute, window.shards_expected, window.shards_seen):
            raise UsageError("a heartbeat counts nothing", where=f"minute {window.minute}")
    return digest(_ENCODER.encode(windows))  # counts only: the canonical bytes, without a look at each number


def same_batch(before: str, now: str, shard: str, seq: int) -> None:
    """Raise CannotDecide when a shard used a number twice for different counts: some would be lost unseen."""
    if before != now:
        raise CannotDecide(
            f"batch {seq} came twice with other counts", f"shard {shard}", "give each shard run its name"
        )


def not_forgotten(oldest: int | None, before: int, shard: str, seq: int) -> None:
    """Raise CannotDecide for a batch of minutes that are forgotten: it may have been counted."""
    if oldest is not None and oldest < before:
        raise CannotDecide(
            f"batch {seq} begins before what is kept", f"shard {shard}", "send counts within a month, or not at all"
        )


def forgotten_before(db: Database) -> int:
    """Return the first minute that is still kept, 0 while nothing was forgotten."""
    found = db.rows("SELECT minute FROM marks WHERE name = ?", (FORGOTTEN,))
    return found[0][0] if found else 0


def _add_heartbeat(db: Database, window: WindowSummary, shard: str) -> None:
    db.write(
        "windows",
        "INSERT INTO heartbeats VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " seen = max(seen, excluded.seen), expected = max(expected, excluded.expected)",
        (window.minute, shard, window.shards_seen, window.shards_expected),
    )


def _add_part(db: Database, window: WindowSummary, shard: str) -> None:
    names = {name: getattr(window, name) for name in COLUMNS}
    key = (*names.values(), shard)
    found = db.rows(
        "SELECT body FROM windows_1 WHERE minute = ? AND version = ? AND tenant = ? AND segment = ? AND arm = ?"
        " AND reference = ? AND shard = ?",
        key,
    )
    total = same_shard(unpacked(found[0][0], WindowSummary, names), window) if found else window
    db.write("windows", "INSERT OR REPLACE INTO windows_1 VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*key, packed(total)))


def read(
    db: Database, version: str, since: int, until: int, arm: str | None, tenant: str | None, segment: str | None
) -> list[WindowSummary]:
    """Return windows with since <= minute < until, joined over shards, sorted by key."""
    wanted = {"version": version, "tenant": tenant, "segment": segment, "arm": arm}
    fine: list[WindowSummary] = []
    coarse: list[WindowSummary] = []
    for table, *names, body in _rows(db, (*COLUMNS, "body"), since, until, wanted):
        window = unpacked(body, WindowSummary, dict(zip(COLUMNS, names, strict=True)))
        (fine if table == 0 else coarse).append(window)
    if version == "*" and arm in (None, HEARTBEAT):
        fine += _heartbeats(db, since, until)
    return with_coarse(joined(fine), coarse)


def with_coarse(fine: Sequence[WindowSummary], coarse: Sequence[WindowSummary]) -> list[WindowSummary]:
    """Return one window a key, sorted: windows joined over shards, and sums that no longer tell shards apart."""
    found = {window_key(one): one for one in fine}
    for one in coarse:
        key = window_key(one)
        found[key] = same_shard(found[key], one) if key in found else one
    return [found[key] for key in sorted(found)]


def sums(
    db: Database, version: str, since: int, until: int, counts: Sequence[str], tenant: str, arm: str | None
) -> dict[str, dict[str, int]]:
    """Return sums of single numbers by segment over since <= minute < until."""
    names = countable(counts)
    found: dict[str, list[int]] = {}
    wanted = {"version": version, "tenant": tenant, "arm": arm}
    for _, segment, body in _rows(db, ("segment", "body"), since, until, wanted):
        numbers = numbers_of(body, names)
        before = found.get(segment)
        found[segment] = numbers if before is None else list(map(int.__add__, before, numbers))
    return {segment: dict(zip(names, found[segment], strict=True)) for segment in sorted(found)}


def last_heartbeat(db: Database, shard: str) -> int | None:
    """Return the last minute in which a shard said that it lives, None when it never did."""
    found = db.rows("SELECT max(minute) FROM heartbeats WHERE shard = ? AND seen > 0", (shard,))
    last: int | None = found[0][0]
    return last


def _heartbeats(db: Database, since: int, until: int) -> Iterator[WindowSummary]:
    sql = "SELECT minute, expected, seen FROM heartbeats WHERE minute >= ? AND minute < ?"
    return (heartbeat(*row) for row in db.rows(sql, (since, until)))


def _rows(
    db: Database, columns: Sequence[str], since: int, until: int, wanted: dict[str, str | None]
) -> list[tuple[Any, ...]]:
    """Return (place of the table, columns) of all tables by one statement: between two a row might have moved."""
    named = {column: text for column, text in wanted.items() if text is not None}
    where = "minute >= ? AND minute < ?" + "".join(f" AND {column} = ?" for column in named)
    listed = ", ".join(columns)
    sql = " UNION ALL ".join(f"SELECT {n}, {listed} FROM {table} WHERE {where}" for n, table in enumerate(TABLES))
    return db.rows(sql, (since, until, *named.values()) * len(TABLES))
