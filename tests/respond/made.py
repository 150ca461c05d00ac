"""Orders, people and moments for the tests of this room."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shipworthy.facts import Held, Named, Order, Person, RuntimeState, Scope, digest
from shipworthy.respond.moments import told
from shipworthy.respond.postures import order

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPERATOR = Person(id="olu", name="Olu", roles=("operator",), key="key-olu")
REVIEWER = Person(id="rae", name="Rae", roles=("reviewer",), key="key-rae")
BOTH = Person(id="bo", name="Bo", roles=("operator", "reviewer"), key="key-bo")
VISITOR = Person(id="vi", name="Vi", roles=(), key="key-vi")


def at(minutes: float) -> str:
    return told(START + timedelta(minutes=minutes))


def when(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def held(
    order_id: str,
    posture: Named = Named.HUMAN_REVIEW,
    *,
    version: str = "2.0",
    tenant: str = "*",
    segment: str = "*",
    minute: float = 0,
    by: str = "machine",
) -> Held:
    scope = Scope(model="claims", version=version, tenant=tenant, segment=segment)
    given = Order(
        id=order_id, scope=scope, posture=posture, cause=digest(order_id.encode()), confirm_by=at(minute + 15), by=by
    )
    return Held(order=given, at=at(minute), because="a breach")


def placed(*orders: Held) -> RuntimeState:
    state = RuntimeState()
    for one in orders:
        state = order(state, one)
    return state
