"""Incidents: opened by an order, told from the ledger, closed only with proof that it cannot happen unnoticed again.

In: facts and ledger entries. Out: changed copies, a timeline, and the reasons why an incident may not close yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import to_builtins
from msgspec.structs import replace

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import CaseResult, Digest, Entry, Held, Incident, Severity
from shipworthy.respond.moments import told

_VERB = {
    "respond.ordered": "ordered",
    "respond.confirmed": "confirmed",
    "respond.restored": "restored",
    "respond.incident_opened": "opened the incident",
    "respond.incident_promoted": "promoted to a pack case",
    "respond.incident_closed": "closed the incident",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What is shown to close an incident.

    `before` and `after` are the results of its cases on the model of the incident and on the fixed one, named by their
    artefact digests. `rows_disjoint`: no row of a case was trained on. `note_changed`: the deliberation note tells it.
    """

    before: tuple[CaseResult, ...]
    after: tuple[CaseResult, ...]
    artefact_before: Digest
    artefact_after: Digest
    version_before: str
    version_after: str
    rows_disjoint: bool
    note_changed: bool


def open_incident(incident_id: str, held: Held, slo: str, severity: Severity, owner: str, now: datetime) -> Incident:
    """Return the incident that an order opens. Raises UsageError without an owner: somebody answers for it."""
    if not owner:
        raise UsageError("an incident needs an owner", where=incident_id)
    scope = held.order.scope
    where = "" if scope.segment == "*" else f" in {scope.segment}"
    return Incident(
        id=incident_id,
        title=f"{slo}: {held.order.posture}{where}",
        severity=severity.value,
        owner=owner,
        slo=slo,
        scope=scope,
        order=held.order.id,
        opened_at=told(now),
    )


def promote(incident: Incident, cases: Sequence[str]) -> Incident:
    """Return the incident with the pack cases that its failure became. Cases are added, never taken away."""
    if not cases:
        raise UsageError("no case named", where=incident.id, fix="name the pack case that this incident became")
    if incident.status == "closed":
        raise UsageError("a closed incident gains no cases", where=incident.id, fix="open a new one")
    return replace(incident, status="promoted", cases=tuple(dict.fromkeys((*incident.cases, *cases))))


def close(incident: Incident, proof: Proof, now: datetime) -> Incident:
    """Return the closed incident. Raises PolicySaysNo with every reason why it may not close."""
    refused = may_close(incident, proof)
    if refused:
        raise PolicySaysNo("; ".join(refused), where=incident.id, fix="add the missing proof")
    return replace(incident, status="closed", closed_at=told(now))


def may_close(incident: Incident, proof: Proof) -> tuple[str, ...]:
    """Return why the incident may not close; empty = it may. Every case must fail before and pass after the fix."""
    return tuple(_reasons(incident, proof))


def timeline(entries: Iterable[Entry], incident: Incident) -> tuple[tuple[str, str, str], ...]:
    """Return (at, actor, what) of the ledger entries that mention the incident, its order, cases or exact scope."""
    ids, scope = {incident.id, incident.order, *incident.cases}, to_builtins(incident.scope)
    mine = sorted((one for one in entries if _mentions(one.body, ids, scope)), key=lambda one: one.seq)
    return tuple((one.at, one.actor, _what(one)) for one in mine)


def _reasons(incident: Incident, proof: Proof) -> Iterator[str]:
    if incident.status != "promoted" or not incident.cases:
        yield f"status is {incident.status} with {len(incident.cases)} cases: promote it first"
    if proof.artefact_before == proof.artefact_after:
        yield "the case ran on the same artefact twice"
    if incident.scope.version not in ("*", proof.version_before):
        yield f"the failure was shown on {proof.version_before}, the incident happened on {incident.scope.version}"
    if proof.version_after == proof.version_before:
        yield f"the fix is the same version, {proof.version_after}"
    for case in incident.cases:
        yield from _of_case(case, _by_case(proof.before).get(case), _by_case(proof.after).get(case))
    if not proof.rows_disjoint:
        yield "rows of the case were trained on, or nobody showed that they were not"
    if not proof.note_changed:
        yield "the deliberation note does not tell of it"


def _of_case(case: str, before: CaseResult | None, after: CaseResult | None) -> Iterator[str]:
    if before is None or before.status != "fail":
        yield f"{case} does not fail on the incident's model: {before.status if before else 'not run'}"
    if after is None or after.status != "pass":
        yield f"{case} does not pass on the fix: {after.status if after else 'not run'}"
    if before and after and (before.target, before.clause) != (after.target, after.clause):
        yield f"{case} was asked differently: {before.target} before, {after.target} after"


def _by_case(results: Iterable[CaseResult]) -> Mapping[str, CaseResult]:
    return {result.case: result for result in results}


def _mentions(value: object, ids: Collection[str], scope: Mapping[str, str]) -> bool:
    """True when a text inside a body is one of the ids, or a part of it is the scope."""
    if isinstance(value, str):
        return value in ids
    if isinstance(value, Mapping):
        return value == scope or any(_mentions(item, ids, scope) for item in value.values())
    return isinstance(value, list | tuple) and any(_mentions(item, ids, scope) for item in value)


def _what(entry: Entry) -> str:
    verb = _VERB.get(entry.kind, entry.kind)
    held = entry.body.get("held")
    if isinstance(held, Mapping):
        scope = held["order"]["scope"]
        return f"{verb} {held['order']['posture']} on {scope['version']} {scope['segment']}: {held['because']}"
    because = entry.body.get("because") or entry.body.get("reason")
    return f"{verb}: {because}" if because else verb
