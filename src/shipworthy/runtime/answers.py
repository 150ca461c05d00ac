"""What people answered in the review queue reaches the sums of the gateway: reviews, overturns and labels.

In: the store, where answers are given by other processes; the site's MAC key; the telemetry. Out: how many answers were
counted. An answer waits in the store until a gateway counts it, and is counted once: its label by its receipt, which
any other label of the same decision uses up as well.
"""

from __future__ import annotations

import asyncio
import logging

from shipworthy.deploy.receipt import BadReceipt, unseal
from shipworthy.facts import Receipt
from shipworthy.runtime.label_watch import LabelWatch
from shipworthy.runtime.telemetry import Bucket, Telemetry
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueItem, QueueStatus
from shipworthy.store.suspect import RELEASED

_log = logging.getLogger("shipworthy.answers")


async def take_answers(
    store: Store, key: bytes, telemetry: Telemetry, bucket: Bucket, watch: LabelWatch | None = None
) -> int:
    """Count what was answered since the last time; return how many answers. `key`: what receipts are sealed with."""
    answered = await asyncio.to_thread(store.items, QueueStatus.ANSWERED)
    for item in answered:
        receipt = _receipt(item, key)
        watched = watch.answer(item, receipt) if watch is not None and receipt is not None else None
        await telemetry.add_answer(item, receipt, bucket, watched)
    return len(answered)


async def take_released(store: Store, telemetry: Telemetry, bucket: Bucket) -> int:
    """Count the labels that a person has let out of quarantine; return how many. Each is counted once, by its receipt,
    whatever happens between that and its leaving the quarantine."""
    released = await asyncio.to_thread(store.quarantined, RELEASED)
    for one in released:
        await telemetry.add_released(one, bucket)
    return len(released)


def _receipt(item: QueueItem, key: bytes) -> Receipt | None:
    """The receipt of an answer; None where it was sealed with another key: nothing here finds its decision."""
    try:
        return unseal(key, item.receipt)
    except BadReceipt:
        _log.error("the answer to %s has no receipt of this site: it is counted nowhere", item.id)
        return None
