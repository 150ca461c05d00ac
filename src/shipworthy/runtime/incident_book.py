"""The one place where an incident changes: its record and its ledger entry are written together, or neither is.

In: the record before and after. Out: the record as it is kept. Store and ledger share one file, so one transaction
holds both: a process killed anywhere leaves them agreeing, and the same change told twice is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Incident
from shipworthy.respond.incidents import differences
from shipworthy.respond.playbook import Proposal
from shipworthy.respond.postures import MACHINE
from shipworthy.respond.recurrence import incident_for
from shipworthy.runtime.authority import Authority
from shipworthy.store.protocol import Store


def found(store: Store, name: str) -> Incident:
    """Return an incident by its id. Raises UsageError when there is none."""
    for incident in store.incidents():
        if incident.id == name:
            return incident
    raise UsageError(f"no incident {name!r}", "incident", "see `shipworthy incident list`")


def change(
    authority: Authority,
    actor: str,
    kind: str,
    name: str,
    to: Callable[[Incident], Incident],
    body: Mapping[str, Any] | None = None,
) -> Incident:
    """Change the record that is kept now by `to`, and write what it became. What changes nothing is not written."""
    with authority.store.transaction():
        before = found(authority.store, name)
        after = to(before)
        if after == before:
            return before
        _write(authority, actor, kind, after, {"changed": differences(before, after), **(body or {})})
        return after


def replace(
    authority: Authority, actor: str, kind: str, before: Incident, after: Incident, body: Mapping[str, Any]
) -> Incident:
    """As `change`, from a record that was read before. Raises PolicySaysNo when it has changed meanwhile."""

    def to(now: Incident) -> Incident:
        if now == after:
            return now
        if now != before:
            raise PolicySaysNo(f"{before.id} has changed meanwhile", "incident", "look at it again, then repeat this")
        return after

    return change(authority, actor, kind, before.id, to, body)


def opened(
    authority: Authority, actor: str, kind: str, make: Callable[[str], Incident], body: Mapping[str, Any] | None = None
) -> Incident:
    """Write a new incident; its id is taken in the same transaction, so that none is lost."""
    with authority.store.transaction():
        incident = make(authority.new_id("INC"))
        _write(authority, actor, kind, incident, body or {})
        return incident


def taken_up(authority: Authority, proposal: Proposal, now: datetime, owner: str) -> tuple[Incident, str]:
    """Write what a machine's order makes of the incidents: one opened, one grown, one come back. Twice is once.

    Returns the incident and the kind of its entry, \"\" when the order was taken up before.
    """
    with authority.store.transaction():
        known = authority.store.incidents()
        incident, kind = incident_for(proposal, known, lambda: authority.new_id("INC"), now, owner)
        if kind:
            body = {"order": proposal.held.order.id, "because": proposal.held.because}
            _write(authority, MACHINE, kind, incident, body)
        return incident, kind


def _write(authority: Authority, actor: str, kind: str, incident: Incident, body: Mapping[str, Any]) -> None:
    authority.store.put_incident(incident)
    authority.note(actor, kind, {"incident": incident, **body})
