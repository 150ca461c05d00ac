"""What asks for a person enters the review queue, or hears that there is no room: durable when the answer leaves.

In: requests for review. Out: an `Admission` each. The count of what waits and the insert are one transaction of the
store, so that no number of processes exceeds the capacity together. A store that does not answer takes nothing: who
stops waiting for it hears a no, and what it takes all the same is taken back. What could not be counted then is counted
with the next that can.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from shipworthy.contract.contract import Contract
from shipworthy.deploy.http.wiring import ForReview
from shipworthy.errors import Unreachable
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.review import queue_item
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store
from shipworthy.store.queue import MOST_TENANTS, OTHER
from shipworthy.store.review import Admission, QueueItem, Room

Asked = tuple[QueueItem, Room]
_log = logging.getLogger("shipworthy.enqueue")


class Enqueue:
    """Puts requests into the review queue by group commit. One event loop."""

    def __init__(self, commits: GroupCommit, site_key: bytes, releases: Mapping[str, Loaded]) -> None:
        self._commits = commits
        self._site_key = site_key
        self._releases = releases
        self._gate = threading.Lock()
        self.uncounted: Counter[str] = Counter()  # by tenant; beyond `MOST_TENANTS` all are one

    async def __call__(self, asked: ForReview) -> Admission:
        """Put one request into the queue. Raises what the store raises."""
        return (await self.many([asked]))[0]

    async def many(self, asked: Sequence[ForReview]) -> list[Admission]:
        """Put requests into the queue in their order, all in one transaction, each where there is room for it."""
        items = [self._item(one) for one in asked]
        late = self._taken()
        missed = late + Counter(one.tenant for one in asked)
        given_up = threading.Event()

        def write(store: Store) -> list[Admission]:
            if given_up.is_set():
                raise Unreachable("nobody waits for it any more", "review queue")
            if late:
                store.add_overflow(late)
            return [store.enqueue(item, room) for item, room in items]

        try:
            writing = self._commits.submit(write)
        except BaseException:
            self._miss(missed)
            raise
        try:
            return await asyncio.wrap_future(writing)
        except BaseException:  # a deadline that has passed too: the caller hears a no
            given_up.set()
            writing.cancel()
            writing.add_done_callback(partial(self._ended, [item for item, _ in items], missed))
            raise

    def _taken(self) -> Counter[str]:
        with self._gate:
            late, self.uncounted = self.uncounted, Counter()
        return late

    def _miss(self, missed: Counter[str]) -> None:
        """Count requests that nobody could count, with the next write."""
        with self._gate:
            for tenant, n in missed.items():
                known = tenant in self.uncounted or len(self.uncounted) < MOST_TENANTS
                self.uncounted[tenant if known else OTHER] += n

    def _ended(self, items: Sequence[QueueItem], missed: Counter[str], writing: Future[list[Admission]]) -> None:
        """Follow a write whose callers have heard a no, from the thread that commits: it failed too, or is undone."""
        if writing.cancelled() or writing.exception() is not None:
            self._miss(missed)
            return
        queued = [item for item, told in zip(items, writing.result(), strict=True) if told is Admission.QUEUED]
        if queued:
            try:
                self._commits.submit(partial(_take_back, items=queued)).add_done_callback(_told)
            except Unreachable:
                _log.error("%d reviews that were refused could not be taken back: they wait for a person", len(queued))

    def _item(self, asked: ForReview) -> Asked:
        contract: Contract = self._releases[asked.version].contract
        queue = contract.manifest.review_queue
        room = Room(capacity=queue.capacity, quota=queue.quota(asked.tenant))
        return queue_item(asked, self._site_key, contract.manifest.retention, queue), room


def _take_back(store: Store, items: Sequence[QueueItem]) -> None:
    """Undo what was queued, unless somebody has it in hand already, and count it among what did not fit."""
    gone = Counter(item.tenant for item in items if store.withdraw(item.id))
    if gone:
        store.add_overflow(gone)


def _told(taken_back: Future[None]) -> None:
    problem = taken_back.exception()
    if problem is not None:
        _log.error("reviews that were refused could not be taken back, they wait for a person: %s", problem)
