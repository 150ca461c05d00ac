"""The embedded store: one SQLite file for everything one site must not lose.

In: calls of the `Store` protocol from any thread and any process. Out: rows that are durable when the call returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from shipworthy.facts import AbuseCount, Entry, Incident, LabelCells, LabelSummary, WindowSummary
from shipworthy.store import abuse, entries, labels, quarantine, queue, rollup, windows
from shipworthy.store.connection import Database
from shipworthy.store.failpoints import Failpoint, nothing
from shipworthy.store.protocol import Build
from shipworthy.store.review import RAW_INPUT_S, Admission, Given, QueueDepth, QueueItem, QueueStatus, Room
from shipworthy.store.suspect import LabelSource, Suspect
from shipworthy.store.tiers import KEPT, RECEIPTS_FOR


class SqliteStore:
    """The `Store` protocol on SQLite. `busy_s` is how long to wait for another process before `Unreachable`."""

    def __init__(self, path: Path, failpoint: Failpoint = nothing, busy_s: float = 10.0) -> None:
        self._db = Database(path, failpoint, busy_s)

    def transaction(self) -> AbstractContextManager[None]:
        """All writes of this thread in the block happen or none."""
        return self._db.transaction()

    def append_entries(self, build: Build) -> tuple[Entry, ...]:
        """Append what `build(next_seq, prev)` returns."""
        return entries.append(self._db, build)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield entries with start <= seq < stop. Raises CannotDecide at one that is unreadable."""
        return (entries.decoded(seq, body) for seq, body in entries.read_bytes(self._db, start, stop))

    def entry_bytes(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the stored bytes of those entries."""
        return (bytes(body) for _, body in entries.read_bytes(self._db, start, stop))

    def size(self) -> int:
        """Return the next seq."""
        return entries.size(self._db)

    def integrity(self) -> tuple[str, ...]:
        """Return what SQLite finds wrong with the file; empty when nothing."""
        found = [str(row[0]) for row in self._db.rows("PRAGMA integrity_check")]
        return () if found == ["ok"] else tuple(found)

    def next_id(self, kind: str, year: int) -> str:
        """Return the next `<KIND>-<year>-<4 digits>`."""
        return entries.next_id(self._db, kind, year)

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        return entries.get(self._db, key)

    def put(self, key: str, value: bytes) -> None:
        """Set the value of a key."""
        entries.put(self._db, key, value)

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that start with `prefix`, sorted."""
        return entries.keys(self._db, prefix)

    def add_windows(self, windows_: Sequence[WindowSummary], shard: str, seq: int) -> bool:
        """Add one batch of a shard; False when it was added before."""
        return windows.add(self._db, windows_, shard, seq)

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
        return windows.read(self._db, version, since_minute, until_minute, arm, tenant, segment)

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
        return windows.sums(self._db, version, since_minute, until_minute, counts, tenant, arm)

    def last_heartbeat(self, shard: str) -> int | None:
        """Return the last minute in which a shard said that it lives."""
        return windows.last_heartbeat(self._db, shard)

    def roll_up(
        self,
        now_minute: int,
        cuts: Sequence[int] = (),
        kept: int = KEPT,
        receipts_kept: int = RECEIPTS_FOR,
        pause: Callable[[float], bool] = lambda seconds: False,
    ) -> int:
        """Sum what is old and forget what is past keeping."""
        return rollup.roll_up(self._db, now_minute, cuts, kept, receipts_kept, pause)

    def add_label(self, receipt: str, *labels_: LabelSummary, cells: Sequence[LabelCells] = ()) -> bool:
        """Add one decision's label to its segments; False when this receipt was used before."""
        return labels.add(self._db, receipt, labels_, cells)

    def is_labelled(self, receipt: str) -> bool:
        """True when this receipt's label was used."""
        return labels.is_used(self._db, receipt)

    def label_cells(self, version: str, since_minute: int, until_minute: int) -> list[LabelCells]:
        """Return labelled cells of hours that begin in since <= minute < until."""
        return labels.read_cells(self._db, version, since_minute, until_minute)

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
        return labels.read(self._db, version, since_minute, until_minute, arm, tenant, segment)

    def enqueue(self, item: QueueItem, room: Room | None = None) -> Admission:
        """Add an item for a person where there is room; count and insert are one transaction."""
        return queue.enqueue(self._db, item, room)

    def withdraw(self, item_id: str) -> bool:
        """Take an item out again that nobody has looked at."""
        return queue.withdraw(self._db, item_id)

    def add_overflow(self, counts: Mapping[str, int]) -> None:
        """Count requests that did not fit."""
        queue.add_overflow(self._db, counts)

    def lease(
        self,
        tenant: str | None,
        who: str,
        until: str,
        now: str,
        most: int | None = None,
        item_id: str | None = None,
    ) -> QueueItem | None:
        """Give `who` the most urgent free item or the one that is named, or None."""
        return queue.lease(self._db, tenant, who, until, now, most, item_id)

    def give_back(self, item_id: str, who: str, now: str) -> QueueItem:
        """Let another person have an item."""
        return queue.give_back(self._db, item_id, who, now)

    def answer(
        self,
        item_id: str,
        who: str,
        decision: str,
        now: str,
        label: int | None = None,
        changed: bool | None = None,
        because: str = "",
        undecided: str = "review",
    ) -> QueueItem:
        """Record the answer of the person who leased it."""
        given = Given(person=who, decision=decision, at=now, label=label, changed=changed, because=because)
        return queue.answer(self._db, item_id, given, undecided)

    def counted(self, item_id: str) -> None:
        """Note that an answer is in the sums."""
        queue.counted(self._db, item_id)

    def expire(self, now: str, lives_s: int = RAW_INPUT_S) -> tuple[QueueItem, ...]:
        """Give up overdue items and return them."""
        return queue.expire(self._db, now, lives_s)

    def item(self, item_id: str) -> QueueItem | None:
        """Return one item."""
        return queue.one(self._db, item_id)

    def items(self, status: QueueStatus | None = None, tenant: str | None = None) -> tuple[QueueItem, ...]:
        """Return items, the most urgent first."""
        return queue.several(self._db, status, tenant)

    def queue_depth(self, now: str) -> QueueDepth:
        """Return how full the queue is."""
        return queue.depth(self._db, now)

    def label_source(self, version: str, kind: str, source: str) -> LabelSource | None:
        """Return what is known of one sender of labels."""
        return quarantine.source(self._db, version, kind, source)

    def label_sources(self, version: str | None = None, kind: str | None = None) -> tuple[LabelSource, ...]:
        """Return all senders."""
        return quarantine.sources(self._db, version, kind)

    def put_label_source(self, source: LabelSource) -> None:
        """Add or replace a sender."""
        quarantine.put_source(self._db, source)

    def quarantine(self, label: Suspect) -> bool:
        """Keep a label apart."""
        return quarantine.keep(self._db, label)

    def quarantined(
        self, status: str | None = None, version: str | None = None, source: str | None = None, most: int = 1000
    ) -> tuple[Suspect, ...]:
        """Return labels that are kept apart."""
        return quarantine.kept(self._db, status, version, source, most)

    def quarantine_counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many there are by version, source and status."""
        return quarantine.counts(self._db)

    def settle(self, version: str, source: str, status: str) -> int:
        """Release or drop what is held of a sender."""
        return quarantine.settle(self._db, version, source, status)

    def let_go(self, label: Suspect) -> None:
        """Forget a label that is counted now."""
        quarantine.let_go(self._db, label)

    def put_incident(self, incident: Incident) -> None:
        """Add or replace an incident by its id."""
        queue.put_incident(self._db, incident)

    def incidents(self) -> tuple[Incident, ...]:
        """Return all incidents, sorted by id."""
        return queue.incidents(self._db)

    def add_abuse(self, counts: Sequence[AbuseCount], shard: str) -> None:
        """Keep the running totals of a shard."""
        abuse.add(self._db, counts, shard)

    def abuse(self, since_hour: int, until_hour: int, tenant: str | None = None) -> list[AbuseCount]:
        """Return counts with since <= hour < until, added up over shards."""
        return abuse.read(self._db, since_hour, until_hour, tenant)

    def expire_abuse(self, before_hour: int) -> int:
        """Delete the counts of earlier hours and the keys that nothing needs any more."""
        return abuse.expire(self._db, before_hour)

    def abuse_key(self, period_end: int, sealed: bytes) -> bytes:
        """Return the sealed key of a period; the first one given is kept."""
        return abuse.key(self._db, period_end, sealed)

    def abuse_keys(self) -> dict[int, bytes]:
        """Return the sealed keys by the end of their period."""
        return abuse.keys(self._db)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
