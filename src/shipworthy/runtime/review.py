"""What a person decides is kept before the answer leaves: sealed under the tenant's key, with a deadline.

In: a request for review. Out: a durable queue item. The raw input lives only here, encrypted, and expires.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from shipworthy.artifact.sealing import seal, unseal
from shipworthy.contract.review_queue import ReviewQueue
from shipworthy.deploy.http.protocols.reviews import WAITING
from shipworthy.deploy.http.wiring import ForReview, Reviewed
from shipworthy.errors import CannotDecide
from shipworthy.indicators import length_seconds
from shipworthy.respond.moments import moment
from shipworthy.respond.queue import deadline, expires, people_needed
from shipworthy.runtime.workspace import Clock
from shipworthy.store.instants import rfc3339
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueItem, QueueStatus

RAW_INPUT = "30d"
UNWRITTEN = ReviewQueue()


def queue_item(
    asked: ForReview, site_key: bytes, retention: Mapping[str, str], queue: ReviewQueue = UNWRITTEN
) -> QueueItem:
    """Return the item of one request. `retention.raw_input` (default 30 days) bounds how long its input lives."""
    at, lives = moment(asked.at), retention.get("raw_input", RAW_INPUT)
    kept = {"row": asked.row, "suggestion": asked.suggestion, "score": asked.score, "why": asked.why}
    sealed = seal(site_key, asked.tenant, secrets.token_bytes(12), msgspec.json.encode(kept), asked.request.encode())
    return QueueItem(
        id=asked.request,
        request=asked.request,
        tenant=asked.tenant,
        version=asked.version,
        segments=asked.segments,
        minute=int(at.timestamp() // 60),
        receipt=asked.receipt,
        sealed=sealed,
        deadline=deadline(at, queue.waits(retention), lives),
        expires=expires(at, lives),
        people=people_needed(queue.second_review, asked.request, asked.tenant, asked.segments),
    )


def lives_of(retention: Mapping[str, str]) -> int:
    """Return for how many seconds an input is kept."""
    return length_seconds(retention.get("raw_input", RAW_INPUT))


def opened(item: QueueItem, site_key: bytes) -> dict[str, Any]:
    """Return what was sealed: the row, the suggestion, the score and why. Opening one is a ledger entry.

    Raises CannotDecide when its input is gone, or was sealed with another key.
    """
    if not item.sealed:
        raise CannotDecide("its input has expired", item.id, "nobody can look at it any more")
    plain = unseal(site_key, item.tenant, item.sealed, item.request.encode())
    kept: dict[str, Any] = msgspec.json.decode(plain)
    return kept


async def review_of(store: Store, clock: Clock, request: str) -> Reviewed | None:
    """Return what may be told of a request's review, None when no item of that request is kept."""
    item = await asyncio.to_thread(store.item, request)
    return None if item is None else told_of(item, rfc3339(clock()))


def told_of(item: QueueItem, now: str) -> Reviewed:
    """Return the state of an item as its caller may hear it: neither who holds it, nor what they think is true."""
    if item.status in (QueueStatus.ANSWERED, QueueStatus.COUNTED):
        return Reviewed(status="answered", decision=item.answer, deadline=item.deadline)
    late = item.status is QueueStatus.EXPIRED or item.deadline <= now
    return Reviewed(status="expired" if late else WAITING, decision=None, deadline=item.deadline)
