"""What a person decides is kept before the answer leaves: sealed under the tenant's key, with a deadline.

In: a request for review. Out: a durable queue item. The raw input lives only here, encrypted, and expires.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from shipworthy.artifact.sealing import seal, unseal
from shipworthy.deploy.http.wiring import ForReview
from shipworthy.respond.moments import moment
from shipworthy.respond.queue import deadline
from shipworthy.store.review import QueueItem

ANSWER_WITHIN = "8h"
RAW_INPUT = "30d"


def queue_item(asked: ForReview, site_key: bytes, retention: dict[str, str]) -> QueueItem:
    """Return the item of one request. `retention.raw_input` (default 30 days) bounds how long its input lives."""
    at = moment(asked.at)
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
        deadline=deadline(at, retention.get("answer_within", ANSWER_WITHIN), retention.get("raw_input", RAW_INPUT)),
    )


def opened(item: QueueItem, site_key: bytes) -> dict[str, Any]:
    """Return what was sealed: the row, the suggestion, the score and why. Opening one is a ledger entry."""
    plain = unseal(site_key, item.tenant, item.sealed, item.request.encode())
    kept: dict[str, Any] = msgspec.json.decode(plain)
    return kept
