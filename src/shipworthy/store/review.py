"""One decision that waits for a person, and the moves it may make. Pure, so that every store moves it alike.

waiting → leased → answered → counted; waiting or leased → expired once its deadline has passed. An item that needs two
people waits again after the first answer, for somebody else. Counted: a gateway has added the answer to its sums, as a
review and as a label. A lease that ran out may be taken by another person. All instants are RFC 3339 text (see
`instants`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Fact
from shipworthy.store.instants import instant, rfc3339

MOST_PEOPLE = 3
RAW_INPUT_S = 30 * 86_400  # an input lives so long where nothing says how long


class QueueStatus(StrEnum):
    """Where an item of the review queue stands."""

    WAITING = "waiting"
    LEASED = "leased"
    ANSWERED = "answered"
    COUNTED = "counted"
    EXPIRED = "expired"


class Admission(StrEnum):
    """What happens to a request that asks for a person."""

    QUEUED = "queued"
    OVERFLOW = "overflow"


class Room(Fact, frozen=True, kw_only=True):
    """How much may wait: `capacity` in all, `quota` of the tenant who asks."""

    capacity: int
    quota: int


class Given(Fact, frozen=True, kw_only=True):
    """What one person answered: the decision, the label it is (None: none), and whether it changed what was
    suggested."""

    person: str
    decision: str
    at: str
    label: int | None = None
    changed: bool | None = None
    because: str = ""


class QueueItem(Fact, frozen=True, kw_only=True):
    """A decision that waits for a person until `deadline`.

    `sealed` is the request, encrypted under the tenant's key, gone at `expires`; `receipt` is the text that finds the
    decision again. `people`: how many different people must answer; `answers`: what they said so far.
    `answer` is the decision that stands (\"\" = none yet), `label` the truth when people could tell it.
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
    expires: str = ""
    people: int = 1
    answers: tuple[Given, ...] = ()


class QueueDepth(Fact, frozen=True, kw_only=True):
    """How full the queue is. `open`: items that wait or are leased, by tenant; `oldest`: the nearest deadline of them
    (\"\" = none); `overflow`: requests that did not fit since the store began, by tenant; `leases`: by person;
    `statuses`: all items by status; `disputed`: answered items on which two people disagreed."""

    open: dict[str, int] = {}
    oldest: str = ""
    overflow: dict[str, int] = {}
    leases: dict[str, int] = {}
    statuses: dict[str, int] = {}
    disputed: int = 0


def admitted(item: QueueItem) -> QueueItem:
    """Return a new item as it may enter the queue. Raises PolicySaysNo unless it is waiting and unanswered."""
    instant(item.deadline)
    if item.status is not QueueStatus.WAITING or item.answer or item.answers or item.leased_by:
        raise PolicySaysNo("only a waiting item may enter the queue", where=item.id, fix="enqueue it without an answer")
    return item


def fits(room: Room | None, waiting: int, mine: int) -> Admission:
    """Decide whether one more item fits: `waiting` are there in all, `mine` of the same tenant. None: no limit.

    >>> fits(Room(capacity=10, quota=2), 9, 2).value
    'overflow'
    """
    if room is not None and (waiting >= room.capacity or mine >= room.quota):
        return Admission.OVERFLOW
    return Admission.QUEUED


def is_open(item: QueueItem) -> bool:
    """True while somebody may still answer it, by its status."""
    return item.status in (QueueStatus.WAITING, QueueStatus.LEASED)


def is_free(item: QueueItem, now: str, who: str = "") -> bool:
    """True when `who` may take the item: waiting, or its lease ran out, its deadline has not passed, and they have not
    answered it before."""
    lapsed = item.status is QueueStatus.LEASED and item.lease_until <= now
    free = item.deadline > now and (item.status is QueueStatus.WAITING or lapsed)
    return free and all(one.person != who for one in item.answers)


def is_held(item: QueueItem, who: str, now: str) -> bool:
    """True while a person has the item."""
    return item.status is QueueStatus.LEASED and item.leased_by == who and now < min(item.lease_until, item.deadline)


def is_untouched(item: QueueItem) -> bool:
    """True while nobody has looked at it: it may go as if it had never come."""
    return item.status is QueueStatus.WAITING and not item.answers


def held_text(item: QueueItem) -> str:
    """Return who has the item until when, for people; \"\" when nobody does."""
    return f"; {item.leased_by} has it until {item.lease_until}" if item.leased_by else ""


def may_hold_more(held: int, most: int | None, who: str) -> None:
    """Raise PolicySaysNo when a person has as many items as one may have at once."""
    if most is not None and held >= most:
        raise PolicySaysNo(f"{who} has {held} items already", "review queue", "answer one, or give one back")


def leased(item: QueueItem, who: str, until: str) -> QueueItem:
    """Return the item as held by `who` until then, or until its deadline."""
    return msgspec.structs.replace(
        item, status=QueueStatus.LEASED, leased_by=who, lease_until=min(until, item.deadline)
    )


def given_back(item: QueueItem, who: str, now: str) -> QueueItem:
    """Return the item as waiting again. Raises PolicySaysNo when `who` does not have it."""
    if not is_held(item, who, now):
        raise PolicySaysNo(f"not leased by {who}: {item.status}", where=item.id, fix="there is nothing to give back")
    return msgspec.structs.replace(item, status=QueueStatus.WAITING, leased_by="", lease_until="")


def is_repeated(item: QueueItem, who: str, decision: str) -> bool:
    """True when this person has answered the item so before: saying it twice is saying it once."""
    return any((one.person, one.decision) == (who, decision) for one in item.answers)


def answered(item: QueueItem, given: Given, undecided: str) -> QueueItem:
    """Return the item with this person's answer: it stands once as many people as are needed agree, two of three if the
    first two did not; else `undecided` does, without a label. Raises PolicySaysNo when it is not theirs to give.
    """
    who, now = given.person, instant(given.at)
    if is_repeated(item, who, given.decision):
        return item
    if item.status is not QueueStatus.LEASED or item.leased_by != who:
        raise PolicySaysNo(f"not leased by {who}: {item.status}", where=item.id, fix="lease it first")
    if item.lease_until <= now or item.deadline <= now:
        raise PolicySaysNo("the lease or the deadline has passed", where=item.id, fix="lease the next item")
    if any(one.person == who for one in item.answers):
        raise PolicySaysNo(f"{who} has answered it before", where=item.id, fix="somebody else must look")
    answers = (*item.answers, given)
    stands = standing(answers, item.people, undecided)
    if stands is None:
        return msgspec.structs.replace(item, status=QueueStatus.WAITING, leased_by="", lease_until="", answers=answers)
    return msgspec.structs.replace(
        item,
        status=QueueStatus.ANSWERED,
        leased_by="",
        lease_until="",
        answers=answers,
        answer=stands.decision,
        answered_by=",".join(one.person for one in answers),
        answered_at=now,
        label=stands.label,
        changed=stands.changed,
    )


def standing(answers: Sequence[Given], people: int, undecided: str) -> Given | None:
    """Return the answer that stands, None while another person must look."""
    if len(answers) < people:
        return None
    if people == 1:
        return answers[0]
    for one in answers:
        if sum(other.decision == one.decision for other in answers) >= 2:
            return one
    if len(answers) < MOST_PEOPLE:
        return None
    return Given(person="", decision=undecided, at=answers[-1].at, changed=None)


def is_disputed(item: QueueItem) -> bool:
    """True when people gave different answers."""
    return len({one.decision for one in item.answers}) > 1


def counted(item: QueueItem) -> QueueItem:
    """Return an answered item whose answer is in the sums. Raises PolicySaysNo when nobody has answered it."""
    if item.status not in (QueueStatus.ANSWERED, QueueStatus.COUNTED):
        raise PolicySaysNo(f"nothing to count: {item.status}", where=item.id, fix="answer it first")
    return msgspec.structs.replace(item, status=QueueStatus.COUNTED)


def is_overdue(item: QueueItem, now: str) -> bool:
    """True when not enough people answered before the deadline."""
    return is_open(item) and item.deadline <= now


def is_outlived(item: QueueItem, now: str, lives_s: int = RAW_INPUT_S) -> bool:
    """True when the input of an item that is done with has reached the end of its time: where it does not say when,
    `lives_s` after it came, and not before its deadline."""
    came = datetime.fromtimestamp(60 * item.minute, UTC)
    end = item.expires or max(item.deadline, rfc3339(came + timedelta(seconds=lives_s)))
    return not is_open(item) and bool(item.sealed) and end <= now


def expired(item: QueueItem) -> QueueItem:
    """Return the item as given up: nobody answers it any more, and its input is gone."""
    return msgspec.structs.replace(item, status=QueueStatus.EXPIRED, sealed=b"", leased_by="", lease_until="")


def emptied(item: QueueItem) -> QueueItem:
    """Return the item without its input."""
    return msgspec.structs.replace(item, sealed=b"")


def depth(items: Sequence[QueueItem], overflow: Mapping[str, int], now: str) -> QueueDepth:
    """Return how full a queue of these items is."""
    by_tenant: dict[str, int] = {}
    statuses: dict[str, int] = {}
    leases: dict[str, int] = {}
    for item in items:
        statuses[item.status.value] = statuses.get(item.status.value, 0) + 1
        if is_open(item):
            by_tenant[item.tenant] = by_tenant.get(item.tenant, 0) + 1
        if item.leased_by and is_held(item, item.leased_by, now):
            leases[item.leased_by] = leases.get(item.leased_by, 0) + 1
    return QueueDepth(
        open=dict(sorted(by_tenant.items())),
        oldest=min((item.deadline for item in items if is_open(item)), default=""),
        overflow=dict(sorted(overflow.items())),
        leases=dict(sorted(leases.items())),
        statuses=dict(sorted(statuses.items())),
        disputed=sum(is_disputed(item) for item in items if item.answer),
    )
