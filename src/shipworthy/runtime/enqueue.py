"""What asks for a person enters the review queue, or hears that there is no room: durable when the answer leaves.

In: requests for review. Out: an `Admission` each. The count of what waits and the insert are one transaction of the
store, so that no number of processes exceeds the capacity together. A store that does not answer is as no room; what
could not be counted then is counted with the next that can.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from shipworthy.contract.contract import Contract
from shipworthy.deploy.http.wiring import ForReview
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.review import queue_item
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store
from shipworthy.store.review import Admission, QueueItem, Room

Asked = tuple[QueueItem, Room]


class Enqueue:
    """Puts requests into the review queue by group commit. One event loop."""

    def __init__(self, commits: GroupCommit, site_key: bytes, releases: Mapping[str, Loaded]) -> None:
        self._commits = commits
        self._site_key = site_key
        self._releases = releases
        self.uncounted: Counter[str] = Counter()

    async def __call__(self, asked: ForReview) -> Admission:
        """Put one request into the queue. Raises what the store raises."""
        return (await self.many([asked]))[0]

    async def many(self, asked: Sequence[ForReview]) -> list[Admission]:
        """Put requests into the queue in their order, all in one transaction, each where there is room for it."""
        items = [self._item(one) for one in asked]
        late = Counter(self.uncounted)

        def write(store: Store) -> list[Admission]:
            if late:
                store.add_overflow(late)
            return [store.enqueue(item, room) for item, room in items]

        self.uncounted.subtract(late)
        try:
            return await asyncio.wrap_future(self._commits.submit(write))
        except BaseException:  # a deadline that has passed too: the caller hears a no
            self.uncounted += late + Counter(one.tenant for one in asked)
            raise

    def _item(self, asked: ForReview) -> Asked:
        contract: Contract = self._releases[asked.version].contract
        queue = contract.manifest.review_queue
        room = Room(capacity=queue.capacity, quota=queue.quota(asked.tenant))
        return queue_item(asked, self._site_key, contract.manifest.retention, queue), room
