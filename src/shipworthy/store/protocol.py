"""What every store can do. Rooms take a `Store`; which one it is, is wired at the top.

Every write is durable when the call returns, unless it runs inside `transaction()`: then when that block ends.
Errors: `Unreachable` when the store is locked, full or gone; `CannotDecide` when what it holds is damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from shipworthy.facts import AbuseCount, Digest, Entry, Incident, LabelCells, LabelSummary, WindowSummary
from shipworthy.store.review import RAW_INPUT_S, Admission, QueueDepth, QueueItem, QueueStatus, Room
from shipworthy.store.suspect import LabelSource, Suspect
from shipworthy.store.tiers import KEPT, RECEIPTS_FOR

Build = Callable[[int, Digest], Sequence[Entry]]


class Store(Protocol):
    """Entries, ids, keys, windows, labels, the review queue, incidents and the abuse log of one site."""

    def transaction(self) -> AbstractContextManager[None]:
        """All writes of this thread inside the block happen or none. Nested blocks undo only themselves."""

    def append_entries(self, build: Build) -> tuple[Entry, ...]:
        """Append what `build(next_seq, prev)` returns; `prev` is the digest of the last entry, or of b\"\".

        Seqs count from 0. Raises ShipworthyError when the built entries do not continue the chain.
        """

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield entries with start <= seq < stop."""

    def entry_bytes(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the stored bytes of those entries: what the chain and the tree are made of."""

    def size(self) -> int:
        """Return the number of entries (the next seq)."""

    def integrity(self) -> tuple[str, ...]:
        """Return what the storage engine finds wrong with its own files; empty when nothing."""

    def next_id(self, kind: str, year: int) -> str:
        """Return the next `<KIND>-<year>-<4 digits>`, never the same twice."""

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""

    def put(self, key: str, value: bytes) -> None:
        """Set the value of a key."""

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that start with `prefix`, sorted."""

    def add_windows(self, windows: Sequence[WindowSummary], shard: str, seq: int) -> bool:
        """Add what a shard counted. False when this (shard, seq) was already added: nothing changes then.

        Raises CannotDecide when this (shard, seq) was added before with other counts, and when the batch begins before
        what `roll_up` has forgotten: nobody could tell any more whether it was counted.
        """

    def windows(
        self,
        version: str,
        since_minute: int,
        until_minute: int,
        arm: str | None = None,
        tenant: str | None = "*",
        segment: str | None = "*",
    ) -> list[WindowSummary]:
        """Return one window a key with since <= minute < until. `tenant` and `segment` are texts; None means any.

        What is older than two hours may have been summed: its minute is the first of its sum, which lies whole in the
        interval or outside. Ask from a cut, or from the first minute of an hour, to leave nothing out.
        """

    def sums(
        self,
        version: str,
        since_minute: int,
        until_minute: int,
        counts: Sequence[str],
        tenant: str = "*",
        arm: str | None = None,
    ) -> dict[str, dict[str, int]]:
        """Return {segment: {count: sum}} of windows with since <= minute < until. `arm` None means any, probes too.

        Raises UsageError for a name that windows do not count as a single number.
        """

    def last_heartbeat(self, shard: str) -> int | None:
        """Return the last minute in which a shard said that it lives, None when it never did."""

    def roll_up(
        self,
        now_minute: int,
        cuts: Sequence[int] = (),
        kept: int = KEPT,
        receipts_kept: int = RECEIPTS_FOR,
        pause: Callable[[float], bool] = lambda seconds: False,
    ) -> int:
        """Sum what is old by five minutes and by hours (`tiers`), never across a cut; return how many rows were summed.

        What is older than `kept` minutes and a day is forgotten; marks of used receipts after `receipts_kept` and a
        day. Small transactions: it may be cut off anywhere and repeated at any time. `pause(seconds)` is called between
        them with the time that the last one held the store; when it returns True the rest waits for the next time.
        """

    def add_label(self, receipt: str, *labels: LabelSummary, cells: Sequence[LabelCells] = ()) -> bool:
        """Add the label of one decision to all its segments. False when this receipt's label was already used."""

    def is_labelled(self, receipt: str) -> bool:
        """True when this receipt's label was used."""

    def label_cells(self, version: str, since_minute: int, until_minute: int) -> list[LabelCells]:
        """Return labelled cells of hours that begin in since <= minute < until, by bucket and hour."""

    def labels(
        self,
        version: str,
        since_minute: int,
        until_minute: int,
        arm: str | None = None,
        tenant: str | None = "*",
        segment: str | None = "*",
    ) -> list[LabelSummary]:
        """Return label summaries, as `windows` does."""

    def enqueue(self, item: QueueItem, room: Room | None = None) -> Admission:
        """Add an item for a person where there is room (None: always); else count that there was none.

        The same item twice is one; raises CannotDecide for its id with other content.
        """

    def withdraw(self, item_id: str) -> bool:
        """Take an item out again whose caller has heard a no. False when there is none, or a person has had it."""

    def add_overflow(self, counts: Mapping[str, int]) -> None:
        """Count requests by tenant that did not fit, and that nobody could count at the time."""

    def lease(
        self,
        tenant: str | None,
        who: str,
        until: str,
        now: str,
        most: int | None = None,
        item_id: str | None = None,
    ) -> QueueItem | None:
        """Give `who` the most urgent free item (of one tenant), or the one of that id, or None when there is none.

        The one of that id which they have already is theirs as it is.

        Raises PolicySaysNo when `who` has `most` items already, or may not take the one that is named.
        """

    def give_back(self, item_id: str, who: str, now: str) -> QueueItem:
        """Let another person have an item. Raises PolicySaysNo when `who` does not hold it."""

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
        """Record the answer of the person who leased it; the same one again is none. Raises PolicySaysNo when it is not
        theirs any more. `undecided`: the word that stands where three people gave three answers."""

    def counted(self, item_id: str) -> None:
        """Note that an answer is in the sums; twice is once. Raises PolicySaysNo when nobody has answered it."""

    def expire(self, now: str, lives_s: int = RAW_INPUT_S) -> tuple[QueueItem, ...]:
        """Give up what nobody answered before its deadline, and return those items; what is done with loses its input
        when that has reached its end, items of before `expires` was kept `lives_s` after they came."""

    def queue_depth(self, now: str) -> QueueDepth:
        """Return how full the queue is."""

    def item(self, item_id: str) -> QueueItem | None:
        """Return one item."""

    def items(self, status: QueueStatus | None = None, tenant: str | None = None) -> tuple[QueueItem, ...]:
        """Return items, the most urgent first."""

    def label_source(self, version: str, kind: str, source: str) -> LabelSource | None:
        """Return what is known of who sends labels about a version, None before the first."""

    def label_sources(self, version: str | None = None, kind: str | None = None) -> tuple[LabelSource, ...]:
        """Return all of them, sorted."""

    def put_label_source(self, source: LabelSource) -> None:
        """Add or replace what is known of one."""

    def quarantine(self, label: Suspect) -> bool:
        """Keep a label apart. False when one of this kind and source is kept of this request already.

        Raises PolicySaysNo when too many are kept, of this source or of this kind.
        """

    def quarantined(
        self, status: str | None = None, version: str | None = None, source: str | None = None, most: int = 1000
    ) -> tuple[Suspect, ...]:
        """Return labels that are kept apart, sorted by request, kind and source, the first `most`."""

    def quarantine_counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many there are by (version, source, status)."""

    def settle(self, version: str, source: str, status: str) -> int:
        """Release or drop what is held of a source; return how many labels. What is dropped is gone."""

    def let_go(self, label: Suspect) -> None:
        """Forget a label that is kept apart, for it is counted now."""

    def put_incident(self, incident: Incident) -> None:
        """Add or replace an incident by its id."""

    def incidents(self) -> tuple[Incident, ...]:
        """Return all incidents, sorted by id."""

    def add_abuse(self, counts: Sequence[AbuseCount], shard: str) -> None:
        """Keep the running totals of a shard: of one key the larger number, so that twice or late is once."""

    def abuse(self, since_hour: int, until_hour: int, tenant: str | None = None) -> list[AbuseCount]:
        """Return one count a key with since <= hour < until, added up over shards, sorted. `tenant` None means any."""

    def expire_abuse(self, before_hour: int) -> int:
        """Delete the counts of earlier hours, and the keys of periods that ended by then; return how many counts."""

    def abuse_key(self, period_end: int, sealed: bytes) -> bytes:
        """Return the sealed key of the period that ends at this hour: `sealed`, unless one was kept before."""

    def abuse_keys(self) -> dict[int, bytes]:
        """Return the sealed keys by the hour at which their period ends."""

    def close(self) -> None:
        """Let go of files. Later calls raise Unreachable."""
