"""The abuse log in SQLite: running totals a shard, and the sealed keys of its pseudonyms.

A shard sends totals that only grow, so of two numbers under one key the larger is the later one: sent twice, late or in
another order, the same counts remain. Shards are added up when read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from shipworthy.errors import UsageError
from shipworthy.facts import AbuseCount, AbuseKind
from shipworthy.store.connection import Database

Key = tuple[int, str, str, str, str]  # hour, tenant, kind, caller, segment
_KEPT = (
    "INSERT INTO abuse VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET n = max(n, excluded.n), evidence = min(evidence, excluded.evidence)"
)
_READ = (
    "SELECT hour, tenant, kind, caller, segment, sum(n), min(evidence) FROM abuse"
    " WHERE hour >= ? AND hour < ? AND (? IS NULL OR tenant = ?)"
    " GROUP BY hour, tenant, kind, caller, segment ORDER BY hour, tenant, kind, caller, segment"
)


def add(db: Database, counts: Sequence[AbuseCount], shard: str) -> None:
    """Keep the running totals of a shard."""
    rows = [(*key_of(checked(one)), shard, one.n, one.evidence) for one in counts]
    with db.transaction():
        for row in rows:
            db.write("abuse", _KEPT, row)


def read(db: Database, since: int, until: int, tenant: str | None) -> list[AbuseCount]:
    """Return counts with since <= hour < until, added up over shards, sorted by key."""
    return [
        AbuseCount(hour=hour, tenant=of, kind=AbuseKind(kind), caller=caller, segment=segment, n=n, evidence=evidence)
        for hour, of, kind, caller, segment, n, evidence in db.rows(_READ, (since, until, tenant, tenant))
    ]


def expire(db: Database, before: int) -> int:
    """Delete the counts of earlier hours, and the keys of periods that ended by then; return how many counts."""
    with db.transaction():
        gone = db.rows("SELECT count(*) FROM abuse WHERE hour < ?", (before,))[0][0]
        db.write("abuse", "DELETE FROM abuse WHERE hour < ?", (before,))
        db.write("abuse", "DELETE FROM abuse_keys WHERE period_end <= ?", (before,))
    return int(gone)


def key(db: Database, period_end: int, sealed: bytes) -> bytes:
    """Return the sealed key of a period; the first one given is kept."""
    with db.transaction():
        db.write("abuse", "INSERT OR IGNORE INTO abuse_keys VALUES (?, ?)", (period_end, sealed))
        return bytes(db.rows("SELECT sealed FROM abuse_keys WHERE period_end = ?", (period_end,))[0][0])


def keys(db: Database) -> dict[int, bytes]:
    """Return the sealed keys by the end of their period."""
    return {end: bytes(sealed) for end, sealed in db.rows("SELECT period_end, sealed FROM abuse_keys ORDER BY 1")}


def key_of(one: AbuseCount) -> Key:
    """Return what a count is of."""
    return one.hour, one.tenant, one.kind.value, one.caller, one.segment


def later(before: AbuseCount, now: AbuseCount) -> AbuseCount:
    """Return the later of two totals of one shard and key."""
    return replace(before, n=max(before.n, now.n), evidence=min(before.evidence, now.evidence))


def added(parts: Iterable[AbuseCount]) -> list[AbuseCount]:
    """Return one count a key from one part a shard, sorted by key."""
    sums: dict[Key, AbuseCount] = {}
    for part in parts:
        name, before = key_of(part), sums.get(key_of(part))
        least = part.evidence if before is None else min(before.evidence, part.evidence)
        sums[name] = replace(part, n=part.n + (0 if before is None else before.n), evidence=least)
    return [sums[name] for name in sorted(sums)]


def checked(one: AbuseCount) -> AbuseCount:
    """Return the count when it is one. Raises UsageError otherwise: it would spoil every sum it is added to."""
    if type(one.n) is not int or one.n < 1 or type(one.hour) is not int or one.hour < 0:
        raise UsageError(f"not a count of an hour: {one.n!r} in {one.hour!r}", where="abuse log")
    return one
