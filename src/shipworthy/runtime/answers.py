"""What people answered in the review queue reaches the sums of the gateway: reviews, overturns and labels.

In: the store, where answers are given by other processes; the site's MAC key; the telemetry. Out: how many answers were
counted. An answer waits in the store until a gateway counts it, and is counted once: its label by its receipt, which
any other label of the same decision uses up as well.
"""

from __future__ import annotations

import asyncio
import logging

from shipworthy.deploy.receipt import BadReceipt, unseal
from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Receipt
from shipworthy.runtime.label_watch import LabelWatch
from shipworthy.runtime.telemetry import Bucket, Telemetry
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueItem, QueueStatus
from shipworthy.store.suspect import RELEASED

TOGETHER = 64  # released labels that share a commit
MOST_RELEASED = 20_000
_log = logging.getLogger("shipworthy.answers")


async def take_answers(
    store: Store, key: bytes, telemetry: Telemetry, bucket: Bucket, watch: LabelWatch | None = None
) -> int:
    """Count what was answered since the last time; return how many answers. `key`: what receipts are sealed with.

    An answer that cannot be kept apart, because too many are, waits as it is and stops no other.
    """
    taken = 0
    for item in await asyncio.to_thread(store.items, QueueStatus.ANSWERED):
        receipt = _receipt(item, key)
        watched = watch.answer(item, receipt) if watch is not None and receipt is not None else None
        try:
            await telemetry.add_answer(item, receipt, bucket, watched)
        except PolicySaysNo as problem:
            _log.error("the answer to %s waits: %s", item.id, problem)
            continue
        taken += 1
    return taken


async def take_released(store: Store, telemetry: Telemetry, bucket: Bucket) -> int:
    """Count the labels that a person has let out of quarantine; return how many. Each is counted once, by its receipt,
    whatever happens between that and its leaving the quarantine. At most `MOST_RELEASED` at a time: the rest comes with
    the next time, and their version is doubted until then."""
    taken = 0
    while taken < MOST_RELEASED:
        released = await asyncio.to_thread(store.quarantined, RELEASED, most=TOGETHER)
        if not released:
            break
        done = await asyncio.gather(*(telemetry.add_released(one, bucket) for one in released), return_exceptions=True)
        for problem in done:
            if isinstance(problem, BaseException):
                raise problem  # when all of them have ended; what is not counted is still there
        taken += len(released)
    return taken


def _receipt(item: QueueItem, key: bytes) -> Receipt | None:
    """The receipt of an answer; None where it was sealed with another key: nothing here finds its decision."""
    try:
        return unseal(key, item.receipt)
    except BadReceipt:
        _log.error("the answer to %s has no receipt of this site: it is counted nowhere", item.id)
        return None
