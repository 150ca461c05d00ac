"""One decision that waits for a person, and the moves it may make. Pure, so that every store moves it alike.

waiting → leased → answered → counted; waiting or leased → expired once its deadline has passed. Counted: a gateway has
added the answer to its sums, as a review and as a label. A lease that ran out may be
taken by another person. All instants are RFC 3339 text (see `instants`).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Fact
from shipworthy.store.instants import instant


class QueueStatus(StrEnum):
    """Where an item of the review queue stands."""

    WAITING = "waiting"
    LEASED = "leased"
    ANSWERED = "answered"
    COUNTED = "counted"
    EXPIRED = "expired"


class QueueItem(Fact, frozen=True, kw_only=True):
    """A decision that waits for a person until `deadline`.

    `sealed` is the request, encrypted under the tenant's key; `receipt` is the text that finds the decision again.
    `answer` is the decision the person gave (\"\" = none yet), `label` the truth when the person could tell it.
    `changed`: it is another one than the machine suggested; None when there was nothing to change.
    """

    id: str
    request: str
    tenant: str
    version: str
    segments: tuple[str, ...]
    minute: int
    receipt: str
    sealed: bytes
    deadline: str
    status: QueueStatus = QueueStatus.WAITING
    leased_by: str = ""
    lease_until: str = ""
    answer: str = ""
    answered_by: str = ""
    answered_at: str = ""
    label: int | None = None
    changed: bool | None = None


def admitted(item: QueueItem) -> QueueItem:
    """Return a new item as it may enter the queue. Raises PolicySaysNo unless it is waiting and unanswered."""
    instant(item.deadline)
    if item.status is not QueueStatus.WAITING or item.answer or item.leased_by:
        raise PolicySaysNo("only a waiting item may enter the queue", where=item.id, fix="enqueue it without an answer")
    return item


def is_free(item: QueueItem, now: str) -> bool:
    """True when a person may take the item: waiting, or its lease ran out, and its deadline has not passed."""
    lapsed = item.status is QueueStatus.LEASED and item.lease_until <= now
    return item.deadline > now and (item.status is QueueStatus.WAITING or lapsed)


def leased(item: QueueItem, who: str, until: str) -> QueueItem:
    """Return the item as held by `who` until then."""
    return msgspec.structs.replace(item, status=QueueStatus.LEASED, leased_by=who, lease_until=until)


def answered(
    item: QueueItem, who: str, decision: str, now: str, label: int | None, changed: bool | None = None
) -> QueueItem:
    """Return the item with this person's answer. Raises PolicySaysNo when it is not theirs to give any more."""
    if item.status is not QueueStatus.LEASED or item.leased_by != who:
        raise PolicySaysNo(f"not leased by {who}: {item.status}", where=item.id, fix="lease it first")
    if item.lease_until <= now or item.deadline <= now:
        raise PolicySaysNo("the lease or the deadline has passed", where=item.id, fix="lease the next item")
    return msgspec.structs.replace(
        item,
        status=QueueStatus.ANSWERED,
        answer=decision,
        answered_by=who,
        answered_at=now,
        label=label,
        changed=changed,
    )


def counted(item: QueueItem) -> QueueItem:
    """Return an answered item whose answer is in the sums. Raises PolicySaysNo when nobody has answered it."""
    if item.status not in (QueueStatus.ANSWERED, QueueStatus.COUNTED):
        raise PolicySaysNo(f"nothing to count: {item.status}", where=item.id, fix="answer it first")
    return msgspec.structs.replace(item, status=QueueStatus.COUNTED)


def is_overdue(item: QueueItem, now: str) -> bool:
    """True when nobody answered before the deadline."""
    return item.status in (QueueStatus.WAITING, QueueStatus.LEASED) and item.deadline <= now


def expired(item: QueueItem) -> QueueItem:
    """Return the item as given up: the fallback answers, and its input is gone."""
    return msgspec.structs.replace(item, status=QueueStatus.EXPIRED, sealed=b"")
