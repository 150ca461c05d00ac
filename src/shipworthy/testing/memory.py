"""A store in memory, for tests: the same protocol and the same rules as the durable ones, and nothing on disk.

The rules themselves (moves of the queue, sums of windows, the chain) are the store's own functions; here are only
dictionaries. The contract tests of `tests/store` run on both.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

from shipworthy.errors import Unreachable, UsageError
from shipworthy.facts import AbuseCount, Entry, Incident, LabelSummary, WindowSummary, digest
from shipworthy.store import abuse as abuse_log
from shipworthy.store.entries import NOTHING, chained, check_kind, decoded, id_text
from shipworthy.store.instants import instant
from shipworthy.store.protocol import Build
from shipworthy.store.queue import same_item
from shipworthy.store.review import QueueItem, QueueStatus, admitted, answered, expired, is_free, is_overdue, leased
from shipworthy.store.summaries import (
    LabelKey,
    WindowKey,
    add_labels,
    checked,
    joined,
    label_key,
    same_shard,
    window_key,
)
from shipworthy.store.windows import same_batch


@dataclass
class _Tables:
    bodies: list[bytes] = field(default_factory=list)
    counters: dict[tuple[str, int], int] = field(default_factory=dict)
    kv: dict[str, bytes] = field(default_factory=dict)
    batches: dict[tuple[str, int], str] = field(default_factory=dict)
    windows: dict[tuple[WindowKey, str], WindowSummary] = field(default_factory=dict)
    receipts: set[str] = field(default_factory=set)
    labels: dict[LabelKey, LabelSummary] = field(default_factory=dict)
    queue: dict[str, QueueItem] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    abuse: dict[tuple[abuse_log.Key, str], AbuseCount] = field(default_factory=dict)
    abuse_keys: dict[int, bytes] = field(default_factory=dict)

    def snapshot(self) -> _Tables:
        """Return a copy whose containers are its own; what they hold never changes."""
        return _Tables(**{column.name: copy.copy(getattr(self, column.name)) for column in fields(self)})


class MemoryStore:
    """The `Store` protocol on dictionaries. `bodies` are ledger entries it starts with, as stored bytes."""

    def __init__(self, bodies: Iterable[bytes] = ()) -> None:
        self._lock = threading.RLock()
        self._tables: _Tables | None = _Tables(bodies=list(bodies))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes in the block happen or none; other threads wait."""
        with self._lock:
            before = self._open.snapshot()
            try:
                yield
            except BaseException:
                self._tables = before
                raise

    def append_entries(self, build: Build) -> tuple[Entry, ...]:
        """Append what `build(next_seq, prev)` returns."""
        with self.transaction():
            bodies = self._open.bodies
            seq, prev = len(bodies), digest(bodies[-1]) if bodies else NOTHING
            entries = tuple(build(seq, prev))
            self._open.bodies.extend(chained(entries, seq, prev))
        return entries

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield entries with start <= seq < stop."""
        return (decoded(seq, body) for seq, body in enumerate(self.entry_bytes(start, stop), start))

    def entry_bytes(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes of those entries."""
        return iter(self._open.bodies[start:stop])

    def size(self) -> int:
        """Return the next seq."""
        return len(self._open.bodies)

    def integrity(self) -> tuple[str, ...]:
        """Return nothing: dictionaries do not rot."""
        return ()

    def next_id(self, kind: str, year: int) -> str:
        """Return the next `<KIND>-<year>-<4 digits>`."""
        check_kind(kind)
        with self._lock:
            counters = self._open.counters
            counters[kind, year] = counters.get((kind, year), 0) + 1
            return id_text(kind, year, counters[kind, year])

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        return self._open.kv.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Set the value of a key."""
        with self._lock:
            self._open.kv[key] = value

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that start with `prefix`, sorted."""
        with self._lock:
            return tuple(sorted(key for key in self._open.kv if key.startswith(prefix)))

    def add_windows(self, windows: Sequence[WindowSummary], shard: str, seq: int) -> bool:
        """Add one batch of a shard; False when it was added before."""
        content = digest(tuple(checked(window) for window in windows))
        with self.transaction():
            tables = self._open
            if (shard, seq) in tables.batches:
                same_batch(tables.batches[shard, seq], content, shard, seq)
                return False
            tables.batches[shard, seq] = content
            for window in windows:
                key = (window_key(window), shard)
                tables.windows[key] = same_shard(tables.windows[key], window) if key in tables.windows else window
        return True

    def windows(
        self,
        version: str,
        since_minute: int,
        until_minute: int,
        arm: str | None = None,
        tenant: str | None = "*",
        segment: str | None = "*",
    ) -> list[WindowSummary]:
        """Return windows with since <= minute < until, one a key."""
        with self._lock:
            parts = list(self._open.windows.values())
        wanted = (version, since_minute, until_minute, arm, tenant, segment)
        return joined(part for part in parts if _matches(part, *wanted))

    def add_label(self, receipt: str, *labels: LabelSummary) -> bool:
        """Add one decision's label to its segments; False when this receipt was used before."""
        for label in labels:
            checked(label)
        with self.transaction():
            tables = self._open
            if receipt in tables.receipts:
                return False
            tables.receipts.add(receipt)
            for label in labels:
                key = label_key(label)
                tables.labels[key] = add_labels(tables.labels[key], label) if key in tables.labels else label
        return True

    def labels(
        self,
        version: str,
        since_minute: int,
        until_minute: int,
        arm: str | None = None,
        tenant: str | None = "*",
        segment: str | None = "*",
    ) -> list[LabelSummary]:
        """Return label summaries with since <= minute < until."""
        with self._lock:
            found = list(self._open.labels.values())
        wanted = (version, since_minute, until_minute, arm, tenant, segment)
        return sorted((one for one in found if _matches(one, *wanted)), key=label_key)

    def enqueue(self, item: QueueItem) -> None:
        """Add an item for a person."""
        admitted(item)
        with self._lock:
            same_item(self._open.queue.setdefault(item.id, item), item)

    def lease(self, tenant: str | None, who: str, until: str, now: str) -> QueueItem | None:
        """Give `who` the most urgent free item, or None."""
        instant(until), instant(now)
        with self._lock:
            for status in (QueueStatus.WAITING, QueueStatus.LEASED):
                for item in self.items(status, tenant):
                    if is_free(item, now):
                        return self._save(leased(item, who, until))
        return None

    def answer(self, item_id: str, who: str, decision: str, now: str, label: int | None = None) -> QueueItem:
        """Record the answer of the person who leased it."""
        with self._lock:
            item = self.item(item_id)
            if item is None:
                raise UsageError("no such item in the review queue", where=item_id)
            return self._save(answered(item, who, decision, instant(now), label))

    def expire(self, now: str) -> tuple[QueueItem, ...]:
        """Give up overdue items and return them."""
        instant(now)
        with self._lock:
            return tuple(self._save(expired(item)) for item in self.items() if is_overdue(item, now))

    def item(self, item_id: str) -> QueueItem | None:
        """Return one item."""
        return self._open.queue.get(item_id)

    def items(self, status: QueueStatus | None = None, tenant: str | None = None) -> tuple[QueueItem, ...]:
        """Return items, the most urgent first."""
        with self._lock:
            found = sorted(self._open.queue.values(), key=lambda item: (item.deadline, item.id))
        right = (item for item in found if status in (None, item.status))
        return tuple(item for item in right if tenant in (None, item.tenant))

    def put_incident(self, incident: Incident) -> None:
        """Add or replace an incident by its id."""
        with self._lock:
            self._open.incidents[incident.id] = incident

    def incidents(self) -> tuple[Incident, ...]:
        """Return all incidents, sorted by id."""
        with self._lock:
            return tuple(incident for _, incident in sorted(self._open.incidents.items()))

    def add_abuse(self, counts: Sequence[AbuseCount], shard: str) -> None:
        """Keep the running totals of a shard."""
        for one in counts:
            abuse_log.checked(one)
        with self.transaction():
            kept = self._open.abuse
            for one in counts:
                key = (abuse_log.key_of(one), shard)
                kept[key] = abuse_log.later(kept[key], one) if key in kept else one

    def abuse(self, since_hour: int, until_hour: int, tenant: str | None = None) -> list[AbuseCount]:
        """Return counts with since <= hour < until, added up over shards."""
        with self._lock:
            found = list(self._open.abuse.values())
        mine = (one for one in found if since_hour <= one.hour < until_hour and tenant in (None, one.tenant))
        return abuse_log.added(mine)

    def expire_abuse(self, before_hour: int) -> int:
        """Delete the counts of earlier hours and the keys that nothing needs any more."""
        with self.transaction():
            kept = {key: one for key, one in self._open.abuse.items() if one.hour >= before_hour}
            gone = len(self._open.abuse) - len(kept)
            self._open.abuse = kept
            self._open.abuse_keys = {end: key for end, key in self._open.abuse_keys.items() if end > before_hour}
        return gone

    def abuse_key(self, period_end: int, sealed: bytes) -> bytes:
        """Return the sealed key of a period; the first one given is kept."""
        with self._lock:
            return self._open.abuse_keys.setdefault(period_end, sealed)

    def abuse_keys(self) -> dict[int, bytes]:
        """Return the sealed keys by the end of their period."""
        with self._lock:
            return dict(sorted(self._open.abuse_keys.items()))

    def close(self) -> None:
        """Drop everything."""
        with self._lock:
            self._tables = None

    @property
    def _open(self) -> _Tables:
        if self._tables is None:
            raise Unreachable("the store is closed", "memory", "open a new one")
        return self._tables

    def _save(self, item: QueueItem) -> QueueItem:
        self._open.queue[item.id] = item
        return item


def _matches(
    part: WindowSummary | LabelSummary,
    version: str,
    since: int,
    until: int,
    arm: str | None,
    tenant: str | None,
    segment: str | None,
) -> bool:
    inside = part.version == version and since <= part.minute < until
    return inside and arm in (None, part.arm) and tenant in (None, part.tenant) and segment in (None, part.segment)
