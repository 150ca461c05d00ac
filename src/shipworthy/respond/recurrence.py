"""Which incident an order belongs to: one that is open, one that comes back, or a new one. Pure.

In: a proposal and the incidents that are known. Out: the incident as it is then, and the kind of its ledger entry, \"\"
when nothing is to be written because this order was taken up before. The rule does not look at who fixed what: the same
SLO breached again where an incident was closed means that its case did not prevent it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec.structs import replace

from shipworthy.facts import Held, Incident, Scope, Severity
from shipworthy.facts.incident import Reopened
from shipworthy.respond.incidents import EXTENDED, OPENED, REOPENED, changed, extend, open_incident
from shipworthy.respond.moments import told
from shipworthy.respond.pages.owed import asked_by
from shipworthy.respond.playbook import Proposal
from shipworthy.respond.postures import MACHINE
from shipworthy.respond.scopes import covers
from shipworthy.respond.severity import severity_of, worst


def incident_for(
    proposal: Proposal, known: Iterable[Incident], ids: Callable[[], str], now: datetime, owner: str
) -> tuple[Incident, str]:
    """Return (incident, kind of entry). `ids` gives a new id and is asked only when a new incident is opened."""
    held, all_known = proposal.held, tuple(known)
    mine = next((one for one in all_known if held.order.id in one.orders), None)
    if mine is not None:
        return mine, ""
    same = [one for one in all_known if one.slo == proposal.slo]
    open_ = next((one for one in same if one.status != "closed" and covers(one.scope, held.order.scope)), None)
    if open_ is not None:
        return extend(open_, held, proposal.severity), EXTENDED
    back = [one for one in same if one.status == "closed" and _again(one.scope, held.order.scope)]
    if back:
        last = max(back, key=lambda one: (one.closed_at, one.id))
        return reopen(last, held, proposal.severity, now), REOPENED
    return open_incident(ids(), held, proposal.slo, proposal.severity, owner, now), OPENED


def orphans(orders: Iterable[Held], known: Iterable[Incident]) -> tuple[Proposal, ...]:
    """Return proposals for the machine's orders that hold without an incident: whoever placed them ended before it
    was opened. What asked for them is read from their reason, as the playbook writes it."""
    taken = {name for one in known for name in one.orders}
    return tuple(
        Proposal(held, asked_by(held), severity_of(held.order.posture))
        for held in orders
        if held.order.by == MACHINE and held.order.id not in taken
    )


def reopen(incident: Incident, held: Held, severity: Severity, now: datetime) -> Incident:
    """Return a closed incident as active again, on the version that it came back on; what was proven stays on record.

    The clocks of the law begin anew: what came back is a new occurrence that somebody is aware of now.
    """
    back = Reopened(at=told(now), order=held.order.id, closed_at=incident.closed_at, version=incident.scope.version)
    return changed(
        incident,
        status="active",
        closed_at="",
        stable_at="",
        began_at="",
        aware_at=told(now),
        degraded_at=held.at,
        decisions_affected=None,
        harm=None,
        note_update="",
        threat_model_update="",
        severity=worst((Severity(incident.severity), severity)).value,
        scope=replace(incident.scope, version=held.order.scope.version),
        orders=(*incident.orders, held.order.id),
        reopened=(*incident.reopened, back),
    )


def _again(closed: Scope, now: Scope) -> bool:
    """True when an order lies where an incident was, whatever the version: a fix has a version of its own."""
    return covers(replace(closed, version="*"), now)
