"""The rules of the review queue: when a case must be answered, how many fit, who may take it, what an answer means.

Pure rules over plain values; the store keeps the items. Nothing here ever answers in a person's place: what cannot be
reviewed in time goes to a posture at least as tight as the one that asked for the review.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shipworthy.contract.manifest import Decisions
from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Decider, Named, Posture, Source, join, resolve
from shipworthy.indicators import window_seconds
from shipworthy.respond.moments import later, moment, told


class Admission(StrEnum):
    """What happens to a request that asks for a person."""

    QUEUED = "queued"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True)
class Item:
    """One waiting review. `suggestion` is what the machine would have said, \"\" when it said nothing.

    `deadline` is when it must be answered, `expires` when its raw input is gone; `holder` has it until `held_until`.
    """

    id: str
    tenant: str
    suggestion: str
    at: str
    deadline: str
    expires: str
    holder: str = ""
    held_until: str = ""
    answer: str = ""
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A finished review: `label` is the truth it gives (0, 1, or None when it gives none), `changed` an overturn."""

    item: Item
    label: int | None
    changed: bool | None


def expires(at: datetime, retention: str) -> str:
    """Return when the raw input is gone. `retention` is `30m`, `4h`, `7d`. Raises UsageError for anything else."""
    return told(later(at, _seconds(retention)))


def deadline(at: datetime, answer_within: str, retention: str) -> str:
    """Return when the review must be answered: never later than the moment at which its input is gone."""
    return told(later(at, min(_seconds(answer_within), _seconds(retention))))


def admit(waiting: Mapping[str, int], tenant: str, capacity: int, quota: int) -> Admission:
    """Decide whether one more review of a tenant fits: `capacity` in all, `quota` for one tenant.

    >>> admit({"acme": 2}, "acme", capacity=10, quota=2).value
    'overflow'
    """
    full = sum(waiting.values()) >= capacity or waiting.get(tenant, 0) >= quota
    return Admission.OVERFLOW if full else Admission.QUEUED


def overflow(ordered: Posture, fallback: str) -> Posture:
    """Return the posture of a request that no person can take.

    `ordered` is the join of orders and scope limits, without abstention. When they ask for a person, nobody answers;
    when only the model's own doubt did, the manifest's fallback answers, and again nobody if that is a person.
    """
    tight = join((ordered, resolve(Named.SAFE_MODE, fallback, None)))
    if tight.decider is Decider.MACHINE:
        return tight
    return Posture(source=Source.NONE, decider=Decider.NOBODY)


def may_take(item: Item, person: str, now: datetime) -> tuple[str, ...]:
    """Return why a person may not take the item; empty = they may. A lease that has run out binds nobody."""
    reasons = []
    if not person:
        reasons.append("nobody asked for it")
    if item.answer:
        reasons.append(f"answered by {item.answered_by}")
    if moment(item.expires) <= now:
        reasons.append("its input has expired")
    if item.holder not in ("", person) and moment(item.held_until) > now:
        reasons.append(f"{item.holder} has it until {item.held_until}")
    return tuple(reasons)


def take(item: Item, person: str, now: datetime, lease_s: int) -> Item:
    """Return the item leased to a person, no longer than its input lives. Raises PolicySaysNo when it may not be."""
    refused = may_take(item, person, now)
    if refused:
        raise PolicySaysNo("; ".join(refused), where=item.id)
    until = min(now + timedelta(seconds=lease_s), moment(item.expires))
    return replace(item, holder=person, held_until=told(until))


def answer(item: Item, person: str, decision: str, words: Decisions, now: datetime) -> Answered:
    """Return the answered item and the label it gives: `deny` is 0, `approve` is 1, `review` none.

    Only the holder of a living lease may answer. The same answer by the same person again is the same answer.
    Raises UsageError for a word that the contract does not have, PolicySaysNo otherwise.
    """
    if decision not in (words.deny, words.approve, words.review):
        known = ", ".join((words.deny, words.approve, words.review))
        raise UsageError(f"not a decision: {decision!r}", where=item.id, fix=f"one of {known}")
    if (item.answer, item.answered_by) != (decision, person):
        _check_lease(item, person, now)
        item = replace(item, answer=decision, answered_by=person, holder="", held_until="")
    return Answered(item, label_of(decision, words), changed(decision, item.suggestion, words))


def changed(decision: str, suggestion: str, words: Decisions) -> bool | None:
    """Return whether an answer overturns the suggestion; None when there was none."""
    return None if suggestion in ("", words.review) else decision != suggestion


def label_of(decision: str, words: Decisions) -> int | None:
    """Return the label that a person's decision is: `deny` 0, `approve` 1, anything else none."""
    return {words.deny: 0, words.approve: 1}.get(decision)


def late(item: Item, now: datetime) -> bool:
    """True when the item waits past its deadline: call somebody, and answer as `overflow` says."""
    return not item.answer and moment(item.deadline) <= now


def _check_lease(item: Item, person: str, now: datetime) -> None:
    refused = may_take(item, person, now)
    if refused:
        raise PolicySaysNo("; ".join(refused), where=item.id)
    if item.holder != person or moment(item.held_until) <= now:
        raise PolicySaysNo(f"{person} does not hold it", where=item.id, fix="take it first")


def _seconds(duration: str) -> int:
    try:
        length = window_seconds(duration)
    except ValueError as problem:
        raise UsageError(str(problem), where="retention") from problem
    if length is None:
        raise UsageError("a review needs an end", where="retention", fix="such as 72h")
    return length
