"""The part of the store in memory that people work with: the review queue, and labels that are kept apart."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec.structs import replace

from shipworthy.errors import PolicySaysNo, Unreachable, UsageError
from shipworthy.store import quarantine as apart
from shipworthy.store import review
from shipworthy.store.instants import instant
from shipworthy.store.queue import same_item
from shipworthy.store.review import Admission, Given, QueueDepth, QueueItem, QueueStatus, Room
from shipworthy.store.suspect import HELD, RELEASED, LabelSource, Suspect
from shipworthy.testing.tables import Tables


class MemoryReviews:
    """What people are asked and what they must look at, on dictionaries."""

    def __init__(self, tables: Tables) -> None:
        self._lock = threading.RLock()
        self._tables: Tables | None = tables

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

    def enqueue(self, item: QueueItem, room: Room | None = None) -> Admission:
        """Add an item for a person where there is room."""
        review.admitted(item)
        with self._lock:
            if item.id in self._open.queue:
                same_item(self._open.queue[item.id], item)
                return Admission.QUEUED
            waiting = [one.tenant for one in self._open.queue.values() if review.is_open(one)]
            told = review.fits(room, len(waiting), waiting.count(item.tenant))
            if told is Admission.QUEUED:
                self._save(item)
            else:
                self.add_overflow({item.tenant: 1})
        return told

    def withdraw(self, item_id: str) -> bool:
        """Take an item out again that nobody has looked at."""
        with self._lock:
            item = self.item(item_id)
            if item is None or not review.is_untouched(item):
                return False
            del self._open.queue[item_id]
        return True

    def add_overflow(self, counts: Mapping[str, int]) -> None:
        """Count requests that did not fit."""
        with self._lock:
            for tenant, n in counts.items():
                self._open.overflow[tenant] = self._open.overflow.get(tenant, 0) + n

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
        instant(until), instant(now)
        with self._lock:
            every = self.items()
            mine = self.item(item_id) if item_id is not None else None
            if mine is not None and review.is_held(mine, who, now):
                return mine
            review.may_hold_more(sum(review.is_held(one, who, now) for one in every), most, who)
            if item_id is not None and not review.is_free(self._known(item_id), now, who):
                raise PolicySaysNo("not free", where=item_id, fix="take another item")
            for status in (QueueStatus.WAITING, QueueStatus.LEASED):
                for item in self.items(status, tenant):
                    if item_id in (None, item.id) and review.is_free(item, now, who):
                        return self._save(review.leased(item, who, until))
        return None

    def give_back(self, item_id: str, who: str, now: str) -> QueueItem:
        """Let another person have an item."""
        with self._lock:
            return self._save(review.given_back(self._known(item_id), who, instant(now)))

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
        with self._lock:
            return self._save(review.answered(self._known(item_id), given, undecided))

    def counted(self, item_id: str) -> None:
        """Note that an answer is in the sums."""
        with self._lock:
            self._save(review.counted(self._known(item_id)))

    def expire(self, now: str, lives_s: int = review.RAW_INPUT_S) -> tuple[QueueItem, ...]:
        """Give up overdue items and return them; what is done with loses its input at its end."""
        instant(now)
        with self._lock:
            gone = tuple(self._save(review.expired(item)) for item in self.items() if review.is_overdue(item, now))
            for item in self.items():
                if review.is_outlived(item, now, lives_s):
                    self._save(review.emptied(item))
        return gone

    def item(self, item_id: str) -> QueueItem | None:
        """Return one item."""
        return self._open.queue.get(item_id)

    def items(self, status: QueueStatus | None = None, tenant: str | None = None) -> tuple[QueueItem, ...]:
        """Return items, the most urgent first."""
        with self._lock:
            found = sorted(self._open.queue.values(), key=lambda item: (item.deadline, item.id))
        right = (item for item in found if status in (None, item.status))
        return tuple(item for item in right if tenant in (None, item.tenant))

    def queue_depth(self, now: str) -> QueueDepth:
        """Return how full the queue is."""
        with self._lock:
            return review.depth(self.items(), self._open.overflow, instant(now))

    def label_source(self, version: str, kind: str, source: str) -> LabelSource | None:
        """Return what is known of one sender of labels."""
        return self._open.sources.get((version, kind, source))

    def label_sources(self, version: str | None = None, kind: str | None = None) -> tuple[LabelSource, ...]:
        """Return all senders."""
        with self._lock:
            found = [one for _, one in sorted(self._open.sources.items())]
        return tuple(one for one in found if version in (None, one.version) and kind in (None, one.kind))

    def put_label_source(self, source: LabelSource) -> None:
        """Add or replace a sender."""
        with self._lock:
            self._open.sources[source.version, source.kind, source.source] = source

    def quarantine(self, label: Suspect) -> bool:
        """Keep a label apart."""
        with self._lock:
            mine = sum((one.kind, one.source) == (label.kind, label.source) for one in self._open.quarantine.values())
            every = sum(one.kind == label.kind for one in self._open.quarantine.values())
            if _key(label) not in self._open.quarantine and (mine >= apart.MOST_OF_SOURCE or every >= apart.MOST):
                raise PolicySaysNo("too many labels are in quarantine", "labels", "release or drop some first")
            return self._open.quarantine.setdefault(_key(label), label) is label

    def quarantined(
        self, status: str | None = None, version: str | None = None, source: str | None = None, most: int = 1000
    ) -> tuple[Suspect, ...]:
        """Return labels that are kept apart."""
        with self._lock:
            found = [one for _, one in sorted(self._open.quarantine.items())]
        mine = (one for one in found if status in (None, one.status) and source in (None, one.source))
        return tuple(one for one in mine if version in (None, one.receipt.version))[:most]

    def quarantine_counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many there are by version, source and status."""
        told: dict[tuple[str, str, str], int] = {}
        for one in self.quarantined(most=1_000_000):
            key = (one.receipt.version, one.source, one.status)
            told[key] = told.get(key, 0) + 1
        return dict(sorted(told.items()))

    def settle(self, version: str, source: str, status: str) -> int:
        """Release or drop what is held of a sender."""
        if status not in (RELEASED, "dropped"):
            raise UsageError(f"labels are released or dropped, not {status!r}", "labels")
        with self._lock:
            held = self.quarantined(HELD, version, source, 1_000_000)
            for one in held:
                if status == RELEASED:
                    self._open.quarantine[_key(one)] = replace(one, status=RELEASED)
                else:
                    del self._open.quarantine[_key(one)]
        return len(held)

    def let_go(self, label: Suspect) -> None:
        """Forget a label that is counted now."""
        with self._lock:
            self._open.quarantine.pop(_key(label), None)

    @property
    def _open(self) -> Tables:
        if self._tables is None:
            raise Unreachable("the store is closed", "memory", "open a new one")
        return self._tables

    def _known(self, item_id: str) -> QueueItem:
        item = self.item(item_id)
        if item is None:
            raise UsageError("no such item in the review queue", where=item_id)
        return item

    def _save(self, item: QueueItem) -> QueueItem:
        self._open.queue[item.id] = item
        return item


def _key(label: Suspect) -> tuple[str, str, str]:
    return (label.receipt.request, label.kind, label.source)
