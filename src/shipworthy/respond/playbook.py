"""What a breach asks for: judgements, alarms and never events become proposed orders.

In: what was seen, the policy's answer to it, the state, an order id and the time. Out: a `Proposal` or None. Pure: the
same facts propose the same order. None means that nothing is to be ordered: the evidence is not bad, an order holds
already, or people have acknowledged it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from shipworthy.facts import (
    Action,
    Digest,
    Held,
    Judgement,
    Named,
    NeverEvent,
    OnNoData,
    Order,
    Outcome,
    RuntimeState,
    Scope,
    Severity,
    Slo,
    digest,
)
from shipworthy.indicators import INDICATORS
from shipworthy.respond.moments import told
from shipworthy.respond.postures import MACHINE, acknowledged, covered
from shipworthy.respond.severity import POSTURE_OF_ACTION, POSTURE_OF_NO_DATA, confirm_by, severity_of


class RepeatsAlarm(Protocol):
    """An alarm of the per-segment process over out-of-distribution flags."""

    @property
    def version(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def segment(self) -> str: ...
    @property
    def hits(self) -> int: ...
    @property
    def n(self) -> int: ...
    @property
    def at(self) -> str: ...


class NeverAttempt(Protocol):
    """One decision that a never event withheld, or that left in spite of it (`leaked`)."""

    @property
    def request(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def leaked(self) -> bool: ...
    @property
    def at(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order to place, what asked for it (an SLO or never event by name) and how bad it is."""

    held: Held
    slo: str
    severity: Severity


def on_judgement(
    judgement: Judgement, slo: Slo, scope: Scope, state: RuntimeState, order_id: str, now: datetime, ended: str = ""
) -> Proposal | None:
    """Return the order that a judgement of `slo` asks for, or None.

    `scope` names model, version and tenant; the judgement's segment narrows it. `ended` is the end of the measurement
    (RFC 3339): a breach that people acknowledged asks for nothing. Met and undecided keep the posture. Raises
    ValueError when the judgement is of another SLO.
    """
    if judgement.slo != slo.name:
        raise ValueError(f"a judgement of {judgement.slo} is not one of {slo.name}")
    posture = _asked(judgement, slo)
    if posture is None:
        return None
    where = scope if judgement.segment == "*" else replace(scope, segment=judgement.segment)
    if judgement.outcome is Outcome.BREACHED and acknowledged(state, where, ended, now):
        return None
    because = f"{slo.name} {judgement.outcome}: {judgement.because}"
    severity = slo.severity if judgement.outcome is Outcome.BREACHED else severity_of(posture)
    return _propose(state, where, posture, slo.name, severity, digest(judgement), because, order_id, now)


def on_alarm(
    alarm: RepeatsAlarm, slo: Slo | None, model: str, state: RuntimeState, order_id: str, now: datetime
) -> Proposal | None:
    """Return the order that repeated out-of-distribution inputs ask for: its segment goes to people at once.

    `slo` is the policy's own `ood_repeats`, whose action and severity are used; without one, human review.
    """
    if slo is not None and slo.trial:
        return None
    action = slo.action_on_breach if slo else Action.ROUTE_TO_HUMAN_REVIEW
    posture = POSTURE_OF_ACTION[action]
    where = Scope(model=model, version=alarm.version, tenant=alarm.tenant, segment=alarm.segment)
    if acknowledged(state, where, alarm.at, now):
        return None
    seen = {"hits": alarm.hits, "n": alarm.n, "scope": where, "at": alarm.at}
    because = f"ood_repeats: {alarm.hits} of {alarm.n} requests out of distribution in {alarm.segment}"
    severity = slo.severity if slo else severity_of(posture)
    name = slo.name if slo else "ood_repeats"
    return _propose(state, where, posture, name, severity, digest({"ood_repeats": seen}), because, order_id, now)


def on_never(
    never: NeverEvent, attempt: NeverAttempt, model: str, state: RuntimeState, order_id: str, now: datetime
) -> Proposal | None:
    """Return the kill that a never event asks for. It is never acknowledged away: each one is a new fact.

    The scope is the version; one declared for a tenant stays with the tenant until a second tenant has one, or until
    one answer left in spite of it.
    """
    cause = digest({"never_event": never, "model": model, "version": attempt.version})
    elsewhere = {held.order.scope.tenant for held in state.orders if held.order.cause == cause} - {attempt.tenant}
    narrow = never.scope == "tenant" and not attempt.leaked and not elsewhere
    where = Scope(model=model, version=attempt.version, tenant=attempt.tenant if narrow else "*")
    what = "left" if attempt.leaked else "was withheld"
    because = f"never event {never.name}: the answer to {attempt.request} {what}"
    return _propose(state, where, Named.KILLED, never.name, never.severity, cause, because, order_id, now)


def by_person(person: str, scope: Scope, posture: Named, because: str, order_id: str, now: datetime) -> Held:
    """Return an order that a person gives: at once, and confirmed by that person. Raises ValueError for `machine`."""
    if person in ("", MACHINE):
        raise ValueError("a person gives this order, not a machine")
    cause = digest({"person": person, "because": because})
    deadline = confirm_by(severity_of(posture), now)
    order = Order(id=order_id, scope=scope, posture=posture, cause=cause, confirm_by=deadline, by=person)
    return Held(order=order, at=told(now), because=because, confirmed_by=person)


def local_id(held: Held) -> str:
    """Return an id for an order that no store could number: from what it orders, so that twice is once."""
    return f"ORD-{held.at[:4]}-{digest(held)[7:15]}"


def renamed(held: Held) -> Held:
    """Return the order under an id from what it orders: its number is another's already, as after a restored store."""
    return replace(held, order=replace(held.order, id=local_id(held)))


def _asked(judgement: Judgement, slo: Slo) -> Named | None:
    """What the SLO asks for. An estimate of what labels will say routes to people, whatever the SLO says: no more."""
    if judgement.trial or slo.trial or not judgement.here:
        return None
    if judgement.outcome is Outcome.BREACHED:
        estimated = INDICATORS[slo.indicator].estimated
        return Named.HUMAN_REVIEW if estimated else POSTURE_OF_ACTION[slo.action_on_breach]
    if judgement.outcome is Outcome.NO_DATA and slo.on_no_data is not OnNoData.HOLD_AND_PAGE:
        return POSTURE_OF_NO_DATA[slo.on_no_data]
    return None


def _propose(
    state: RuntimeState,
    scope: Scope,
    posture: Named,
    slo: str,
    severity: Severity,
    cause: Digest,
    because: str,
    order_id: str,
    now: datetime,
) -> Proposal | None:
    if covered(state, scope, posture):
        return None
    deadline = confirm_by(severity, now)
    order = Order(id=order_id, scope=scope, posture=posture, cause=cause, confirm_by=deadline, by=MACHINE)
    return Proposal(Held(order=order, at=told(now), because=because), slo, severity)
