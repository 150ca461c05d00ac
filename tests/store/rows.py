"""Rows that the tests of the store write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shipworthy.facts import (
    SCORE_BINS,
    Digest,
    Entry,
    Held,
    Incident,
    LabelSummary,
    Named,
    Order,
    RuntimeState,
    Scope,
    WindowSummary,
    digest,
)
from shipworthy.facts.incident import Status
from shipworthy.store.instants import rfc3339
from shipworthy.store.review import QueueItem
from shipworthy.testing.clock import START

PROFILE = digest(b"profile")
NOON = "2027-01-04T12:00:00.000000Z"
ONE = "2027-01-04T13:00:00.000000Z"
TWO = "2027-01-04T14:00:00.000000Z"
THREE = "2027-01-04T15:00:00.000000Z"


def building(*bodies: dict[str, Any]) -> Callable[[int, Digest], Sequence[Entry]]:
    """Return a build function that chains one entry a body."""

    def build(seq: int, prev: Digest) -> list[Entry]:
        entries = []
        for body in bodies:
            entry = Entry(seq=seq, at=rfc3339(START), actor="machine", kind="gate.decided", body=body, prev=prev)
            entries.append(entry)
            seq, prev = seq + 1, digest(entry)
        return entries

    return build


def window(
    minute: int = 5, n: int = 3, segment: str = "*", reference: Digest = PROFILE, arm: str = "a"
) -> WindowSummary:
    return WindowSummary(
        version="1.1",
        arm=arm,
        tenant="*",
        segment=segment,
        minute=minute,
        reference=reference,
        shards_expected=2,
        n=n,
        scores=(n,) + (0,) * (SCORE_BINS - 1),
    )


def labels(minute: int = 5, machine: int = 1, segment: str = "*") -> LabelSummary:
    return LabelSummary(version="1.1", arm="a", tenant="*", segment=segment, minute=minute, machine=machine)


def item(name: str = "REV-2027-0001", deadline: str = THREE, tenant: str = "acme") -> QueueItem:
    return QueueItem(
        id=name,
        request=f"request of {name}",
        tenant=tenant,
        version="1.1",
        segments=("*",),
        minute=5,
        receipt=f"receipt of {name}",
        sealed=b"\x00\xff sealed",
        deadline=deadline,
    )


def incident(name: str = "INC-2027-0001", status: Status = "active") -> Incident:
    scope = Scope(model="claims")
    return Incident(
        id=name,
        title="unit change",
        severity="SEV1",
        owner="dana",
        slo="ood_recall",
        scope=scope,
        orders=("ORD-2027-0001",),
        reported_at=NOON,
        status=status,
    )


def held(name: str = "ORD-2027-0001", posture: Named = Named.KILLED, at: str = NOON) -> Held:
    scope = Scope(model="claims")
    order = Order(id=name, scope=scope, posture=posture, cause=PROFILE, confirm_by=ONE, by="dana")
    return Held(order=order, at=at, because="never event")


def state(epoch: int, *orders: Held, baseline: str = "1.0") -> RuntimeState:
    return RuntimeState(epoch=epoch, baseline=baseline, orders=orders)
