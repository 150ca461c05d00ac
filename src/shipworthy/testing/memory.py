"""A store in memory, for tests: the same protocol and the same rules as the durable ones, and nothing on disk.

The rules themselves (moves of the queue, sums of windows, the chain) are the store's own functions; here are only
dictionaries. The contract tests of `tests/store` run on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from shipworthy.facts import HEARTBEAT, AbuseCount, Entry, Incident, LabelCells, LabelSummary, WindowSummary, digest
from shipworthy.facts.adding import added, joined, label_key, same_shard, window_key
from shipworthy.store import abuse as abuse_log
from shipworthy.store.entries import NOTHING, chained, check_kind, decoded, id_text
from shipworthy.store.protocol import Build
from shipworthy.store.summaries import checked, countable
from shipworthy.store.tiers import (
    FIVES_FOR,
    GRACE,
    HOUR,
    KEPT,
    LABEL_MINUTES_FOR,
    MINUTES_FOR,
    RECEIPTS_FOR,
    bucket,
)
from shipworthy.store.windows import content_of, not_forgotten, same_batch, with_coarse
from shipworthy.testing.memory_reviews import MemoryReviews
from shipworthy.testing.tables import Tables


class MemoryStore(MemoryReviews):
    """The `Store` protocol on dictionaries. `bodies` are ledger entries it starts with, as stored bytes."""

    def __init__(self, bodies: Iterable[bytes] = ()) -> None:
        super().__init__(Tables(bodies=list(bodies)))

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
        content = content_of(windows)
        oldest = min((window.minute for window in windows), default=None)
        with self.transaction():
            tables = self._open
            if (shard, seq) in tables.batches:
                same_batch(tables.batches[shard, seq][0], content, shard, seq)
                return False
            not_forgotten(oldest, tables.forgotten[-1], shard, seq)
            tables.batches[shard, seq] = content, oldest
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
            parts, rolled = list(self._open.windows.values()), list(self._open.rolled.values())
        wanted = (version, since_minute, until_minute, arm, tenant, segment)
        fine = joined(part for part in parts if _matches(part, *wanted))
        return with_coarse(fine, [one for one in rolled if _matches(one, *wanted)])

    def sums(
        self,
        version: str,
        since_minute: int,
        until_minute: int,
        counts: Sequence[str],
        tenant: str = "*",
        arm: str | None = None,
    ) -> dict[str, dict[str, int]]:
        """Return sums of single numbers by segment."""
        found: dict[str, dict[str, int]] = {}
        for one in self.windows(version, since_minute, until_minute, arm, tenant, None):
            before = found.get(one.segment, dict.fromkeys(countable(counts), 0))
            found[one.segment] = {name: before[name] + getattr(one, name) for name in counts}
        return dict(sorted(found.items()))

    def last_heartbeat(self, shard: str) -> int | None:
        """Return the last minute in which a shard said that it lives."""
        with self._lock:
            of_shard = [one for (_, name), one in self._open.windows.items() if name == shard]
        said = [one.minute for one in of_shard if one.arm == HEARTBEAT and one.shards_seen]
        return max(said, default=None)

    def roll_up(
        self,
        now_minute: int,
        cuts: Sequence[int] = (),
        kept: int = KEPT,
        receipts_kept: int = RECEIPTS_FOR,
        pause: Callable[[float], bool] = lambda seconds: False,
    ) -> int:
        """Sum what is old and forget what is past keeping."""
        with self.transaction():
            moved = self._roll_windows(now_minute, sorted(cuts)) + self._roll_labels(now_minute, sorted(cuts))
            self._forget(now_minute - kept - GRACE, now_minute - receipts_kept - GRACE)
        return moved

    def _roll_windows(self, now: int, cuts: Sequence[int]) -> int:
        tables, moved = self._open, 0
        for (key, shard), part in list(tables.windows.items()):
            if part.minute < now - MINUTES_FOR and part.arm != HEARTBEAT:
                del tables.windows[key, shard]
                self._add_rolled(part, bucket(part.minute, 5, cuts))
                moved += 1
        for key, one in list(tables.rolled.items()):
            first = bucket(one.minute, HOUR, cuts)
            if one.minute < now - FIVES_FOR and first != one.minute:
                del tables.rolled[key]
                self._add_rolled(one, first)
                moved += 1
        return moved

    def _add_rolled(self, part: WindowSummary, minute: int) -> None:
        moved = msgspec.structs.replace(part, minute=minute)
        key, rolled = window_key(moved), self._open.rolled
        rolled[key] = same_shard(rolled[key], moved) if key in rolled else moved

    def _roll_labels(self, now: int, cuts: Sequence[int]) -> int:
        tables, moved = self._open, 0
        for key, one in list(tables.labels.items()):
            first = bucket(one.minute, HOUR, cuts)
            if one.minute < now - LABEL_MINUTES_FOR and first != one.minute:
                hourly = msgspec.structs.replace(tables.labels.pop(key), minute=first)
                name = label_key(hourly)
                tables.labels[name] = added(tables.labels[name], hourly) if name in tables.labels else hourly
                moved += 1
        return moved

    def _forget(self, before: int, receipts_before: int) -> None:
        tables = self._open
        tables.forgotten.append(max(before, tables.forgotten[-1]))
        tables.windows = {key: one for key, one in tables.windows.items() if one.minute >= before}
        tables.rolled = {key: one for key, one in tables.rolled.items() if one.minute >= before}
        tables.labels = {key: one for key, one in tables.labels.items() if one.minute >= before}
        tables.cells = {key: one for key, one in tables.cells.items() if one.minute >= before}
        tables.batches = {key: one for key, one in tables.batches.items() if one[1] is None or one[1] >= before}
        tables.receipts = {key: at for key, at in tables.receipts.items() if at is None or at >= receipts_before}

    def add_label(self, receipt: str, *labels: LabelSummary, cells: Sequence[LabelCells] = ()) -> bool:
        """Add one decision's label to its segments; False when this receipt was used before."""
        for label in labels:
            checked(label)
        for one in cells:
            checked(one)
        with self.transaction():
            tables = self._open
            if receipt in tables.receipts:
                return False
            tables.receipts[receipt] = max((label.minute for label in labels), default=None)
            for label in labels:
                key = label_key(label)
                tables.labels[key] = added(tables.labels[key], label) if key in tables.labels else label
            for one in cells:
                name = (one.version, one.bucket, one.minute)
                tables.cells[name] = added(tables.cells[name], one) if name in tables.cells else one
        return True

    def is_labelled(self, receipt: str) -> bool:
        """True when this receipt's label was used."""
        return receipt in self._open.receipts

    def label_cells(self, version: str, since_minute: int, until_minute: int) -> list[LabelCells]:
        """Return labelled cells of hours that begin in since <= minute < until."""
        with self._lock:
            found = sorted(self._open.cells.items())
        return [one for (of, _, minute), one in found if of == version and since_minute <= minute < until_minute]

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
