"""How long a fault acted and on how many: the first decision in an incident's scope, and those up to the first order.

In: the store's windows, the ledger, the record. Out: when the first decision was and how many were answered, or None
when no window tells. Only whole minutes are known: the one in which the order came counts whole. What is older than two
hours may be summed by five minutes or an hour (`store.tiers`), and is then exact to that; so ask soon and keep it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from shipworthy.facts import Entry, Incident, Scope
from shipworthy.observe.measure import NOT_ANSWERED
from shipworthy.observe.minutes import minute_of
from shipworthy.respond.moments import moment, told
from shipworthy.respond.scopes import covers
from shipworthy.store.protocol import Store


def exposure(store: Store, entries: Iterable[Entry], incident: Incident) -> tuple[str, int] | None:
    """Return (when, how many), from the last restore of the scope before the incident on."""
    scope = incident.scope
    if scope.version == "*":
        return None
    until = minute_of(moment(incident.degraded_at or incident.reported_at)) + 1
    since = _since(entries, scope, incident)
    seen = store.windows(scope.version, since, until, tenant=scope.tenant, segment=scope.segment)
    answered = [one for one in seen if one.arm not in NOT_ANSWERED and one.n]
    if not answered:
        return None
    first = datetime.fromtimestamp(60 * min(one.minute for one in answered), UTC)
    return told(first), sum(one.n for one in answered)


def _since(entries: Iterable[Entry], scope: Scope, incident: Incident) -> int:
    """The minute after people last acknowledged breaches of the whole scope, or after it was last closed; else 0."""
    known = [one.closed_at for one in incident.reopened if one.closed_at]
    for entry in entries:
        if entry.kind == "respond.restored" and entry.at < incident.reported_at:
            restored: Scope = entry.read(Scope, "scope")
            if covers(restored, scope):
                known.append(str(entry.body["up_to"]))
    return max((minute_of(moment(at)) + 1 for at in known), default=0)
