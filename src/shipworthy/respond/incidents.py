"""Incidents: opened by an order or a person, led, described, promoted to cases. Each change is a copy. Pure.

In: the record, what is to change, and the time. Out: a changed copy with the next revision, or the same value when
nothing changes. How an incident ends is in `closing`, how it comes back in `recurrence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict, replace

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Held, Incident, Scope, Severity
from shipworthy.facts.incident import Detection, HarmType, RegressionCase, Report
from shipworthy.respond.incident_times import DAYS, RULE_OF, reported_at
from shipworthy.respond.moments import told
from shipworthy.respond.severity import worst

OPENED = "respond.incident_opened"
UPDATED = "respond.incident_updated"
EXTENDED = "respond.incident_extended"
COMMANDED = "respond.incident_commanded"
PROMOTED = "respond.incident_promoted"
CLOSED = "respond.incident_closed"
REOPENED = "respond.incident_reopened"
KINDS = (OPENED, UPDATED, EXTENDED, COMMANDED, PROMOTED, CLOSED, REOPENED)
FREE = frozenset(
    {"title", "description", "severity", "scribe", "tenants", "harm", "refs", "tasks", "contributing_factors", "links"}
    | {"began_at", "decisions_affected", "threat_model_update"}
)  # what `update` may set; everything else follows from what happens


def open_incident(incident_id: str, held: Held, slo: str, severity: Severity, owner: str, now: datetime) -> Incident:
    """Return the incident that an order opens. Raises UsageError without an owner: somebody answers for it."""
    _owned(owner, incident_id)
    scope = held.order.scope
    where = "" if scope.segment == "*" else f" in {scope.segment}"
    return Incident(
        id=incident_id,
        title=f"{slo}: {held.order.posture}{where}",
        severity=severity.value,
        owner=owner,
        slo=slo,
        scope=scope,
        detected_by=detection(slo, held),
        reported_at=told(now),
        aware_at=told(now),
        degraded_at=held.at,
        tenants=() if scope.tenant == "*" else (scope.tenant,),
        orders=(held.order.id,),
    )


def report_incident(
    incident_id: str,
    title: str,
    severity: Severity,
    scope: Scope,
    owner: str,
    reporter: str,
    now: datetime,
    detected_by: Detection = "person",
    description: str = "",
) -> Incident:
    """Return the incident that a person reports. The clocks of the law begin now, for somebody is aware of it."""
    _owned(owner, incident_id)
    if not title.strip():
        raise UsageError("an incident without a title", incident_id, "say in one line what happened")
    return Incident(
        id=incident_id,
        title=title,
        description=description,
        severity=severity.value,
        owner=owner,
        scope=scope,
        detected_by=detected_by,
        reporter=reporter,
        reported_at=told(now),
        aware_at=told(now),
        tenants=() if scope.tenant == "*" else (scope.tenant,),
    )


def detection(slo: str, held: Held) -> Detection:
    """Return what noticed it: a person who gave the order, a never event, the input detector, or an SLO."""
    if held.order.by != "machine":
        return "person"
    if held.because.startswith("never event "):
        return "never_event"
    return "ood" if slo.startswith("ood_") else "slo"


def extend(incident: Incident, held: Held, severity: Severity) -> Incident:
    """Return the incident with one more order; the same order twice is one. The worse severity stays."""
    if held.order.id in incident.orders:
        return incident
    severities = (Severity(incident.severity), severity)
    tenants = incident.tenants if held.order.scope.tenant == "*" else (*incident.tenants, held.order.scope.tenant)
    return changed(
        incident,
        status="active",
        stable_at="",
        severity=worst(severities).value,
        orders=(*incident.orders, held.order.id),
        degraded_at=incident.degraded_at or held.at,
        tenants=tuple(dict.fromkeys(tenants)),
    )


def command(incident: Incident, person: str) -> Incident:
    """Return the incident under this person's command. Raises PolicySaysNo for a closed one."""
    _living(incident)
    return changed(incident, commander=person)


def update(incident: Incident, **fields: Any) -> Incident:  # noqa: ANN401
    """Return the incident with what people found out. Raises UsageError for a field that is not theirs to set."""
    _living(incident)
    taken = sorted(set(fields) - FREE)
    if taken:
        raise UsageError(f"not set by hand: {', '.join(taken)}", incident.id, "it follows from what happens")
    return changed(incident, **fields)


def report(incident: Incident, rule: str, now: datetime) -> Incident:
    """Return the incident with a report that was made under a rule; the first one since it last came back counts."""
    _living(incident)
    if rule not in DAYS:
        raise UsageError(f"no rule {rule!r} is known", incident.id, f"one of {', '.join(DAYS)}")
    if reported_at(incident, rule):
        return incident
    return changed(incident, reports=(*incident.reports, Report(rule=rule, at=told(now))))


def stabilise(incident: Incident, now: datetime) -> Incident:
    """Return the incident as stable: it does no more harm and is not understood yet. Twice is once."""
    _living(incident)
    return incident if incident.status == "stable" else changed(incident, status="stable", stable_at=told(now))


def check_promotable(incident: Incident) -> None:
    """Raise PolicySaysNo when it gains no cases any more: nothing is opened or written before this is asked."""
    _living(incident)


def promote(incident: Incident, cases: Sequence[RegressionCase]) -> Incident:
    """Return the incident with the pack cases that its failure became. Cases are added, never taken away or changed."""
    if not any(one.shows for one in cases):
        raise UsageError("no case named", where=incident.id, fix="name the pack case that this incident became")
    _living(incident)
    kept = {one.id: one for one in (*cases[::-1], *incident.cases[::-1])}
    order = dict.fromkeys(one.id for one in (*incident.cases, *cases))
    return changed(incident, cases=tuple(kept[name] for name in order))


def changed(incident: Incident, **fields: Any) -> Incident:  # noqa: ANN401
    """Return a copy of the next revision; the same value when nothing is another than before.

    Whoever changes it and why, the worst severity and the kinds of harm that set a clock going stay on record.
    """
    if all(getattr(incident, name) == value for name, value in fields.items()):
        return incident
    after = replace(incident, **fields, revision=incident.revision + 1)
    gravest = worst((Severity(incident.gravest), Severity(after.severity))).value
    kept = "" if gravest == after.severity else gravest
    return replace(after, worst_severity=kept, former_harms=_former(incident, after))


def _former(before: Incident, after: Incident) -> tuple[HarmType, ...]:
    """The kinds of harm with a clock that were said and are not said any more; none when it came back as new."""
    if before.harm is None or after.harm is None:
        return ()
    said = dict.fromkeys((*before.former_harms, before.harm.type))
    return tuple(kind for kind in said if kind in RULE_OF and kind != after.harm.type)


def differences(before: Incident, after: Incident) -> tuple[str, ...]:
    """Return the names of the fields that changed, sorted."""
    old, new = asdict(before), asdict(after)
    return tuple(sorted(name for name in new if new[name] != old[name] and name != "revision"))


def unclosed(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Return those that are not closed."""
    return tuple(one for one in incidents if one.status != "closed")


def _owned(owner: str, where: str) -> None:
    if not owner:
        raise UsageError("an incident needs an owner", where=where)


def _living(incident: Incident) -> None:
    if incident.status == "closed":
        raise PolicySaysNo("it is closed", incident.id, "open a new one; a recurrence reopens it by itself")
