"""How an incident ends: by proof that it cannot happen unnoticed again, and with nobody left waiting. Pure.

In: the record and what was shown. Out: every reason why it may not close, in one go, or the closed record. Unknown is
a reason: what nobody showed is not so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from shipworthy.errors import PolicySaysNo
from shipworthy.facts import CaseResult, Digest, Incident
from shipworthy.facts.incident import RegressionCase
from shipworthy.respond.incident_times import clocks
from shipworthy.respond.incidents import changed
from shipworthy.respond.moments import told


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is shown to close an incident.

    `before` and `after`: the results of its cases on the model of the incident and on the fixed one, which are named by
    version and artefact digest. `terms`: the digest of each of its cases as it stands in the pack now. `trained_on`:
    cases a row of which either model was trained on, or of which nobody could tell. `note`: digest of a note that tells
    of it, \"\" without one. `threats`: the threats bound to its cases, or a signed reason why none is, \"\" without
    either. `unconfirmed`: its orders that nobody stands by.
    """

    before: tuple[CaseResult, ...]
    after: tuple[CaseResult, ...]
    artefact_before: Digest
    artefact_after: Digest
    version_before: str
    version_after: str
    terms: Mapping[str, Digest]
    trained_on: tuple[str, ...]
    note: Digest
    threats: str
    unconfirmed: tuple[str, ...]


def close(incident: Incident, proof: Proof, now: datetime) -> Incident:
    """Return the closed incident, each case with the models it fails and passes on. Raises PolicySaysNo with every
    reason why it may not close."""
    refused = may_close(incident, proof, now)
    if refused:
        raise PolicySaysNo("; ".join(refused), where=incident.id, fix="add the missing proof")
    fails = f"{proof.version_before}@{proof.artefact_before}"
    passes = f"{proof.version_after}@{proof.artefact_after}"
    cases = tuple(
        replace(one, fails_on=one.fails_on or fails, passes_on=passes) if one.shows else one for one in incident.cases
    )
    return changed(
        incident,
        status="closed",
        stable_at=incident.stable_at or told(now),
        closed_at=told(now),
        cases=cases,
        note_update=proof.note,
        threat_model_update=proof.threats,
    )


def may_close(incident: Incident, proof: Proof, now: datetime) -> tuple[str, ...]:
    """Return why the incident may not close; empty = it may. Every case must fail before and pass after the fix."""
    return (*_of_models(incident, proof), *_of_cases(incident, proof), *_of_people(incident, proof, now))


def open_cases(incident: Incident) -> tuple[RegressionCase, ...]:
    """Return the cases whose failure is not proven yet: those promoted since it was opened, or last came back."""
    return tuple(one for one in incident.cases if one.shows and not one.fails_on)


def _of_models(incident: Incident, proof: Proof) -> Iterator[str]:
    if incident.status == "closed":
        yield "it is closed already"
    if proof.artefact_before == proof.artefact_after:
        yield "the case ran on the same artefact twice"
    if incident.scope.version not in ("*", proof.version_before):
        yield f"the failure was shown on {proof.version_before}, the incident happened on {incident.scope.version}"
    if proof.version_after == proof.version_before:
        yield f"the fix is the same version, {proof.version_after}"


def _of_cases(incident: Incident, proof: Proof) -> Iterator[str]:
    if not open_cases(incident):
        again = " since it came back" if incident.reopened else ""
        yield f"no case shows it{again}: promote it first"
    before, after = _by_case(proof.before), _by_case(proof.after)
    for case in incident.cases:
        if not case.terms or proof.terms.get(case.id) != case.terms:
            told_ = "is not in the pack any more" if case.id not in proof.terms else "is not the one that was promoted"
            yield f"{case.id} {told_}"
        if case.shows:
            yield from _of_case(case, before.get(case.id), after.get(case.id))
        if case.id in proof.trained_on:
            yield f"{case.id}: rows of it were trained on, or nobody showed that they were not"


def _of_case(case: RegressionCase, before: CaseResult | None, after: CaseResult | None) -> Iterator[str]:
    proven = bool(case.fails_on)  # by an earlier closing: there it must only hold still
    if not proven and (before is None or before.status != "fail"):
        yield f"{case.id} does not fail on the incident's model: {before.status if before else 'not run'}"
    if after is None or after.status != "pass":
        yield f"{case.id} does not pass on the fix: {after.status if after else 'not run'}"
    if before and after and (before.target, before.clause) != (after.target, after.clause):
        yield f"{case.id} was asked differently: {before.target} before, {after.target} after"


def _of_people(incident: Incident, proof: Proof, now: datetime) -> Iterator[str]:
    if not incident.commander:
        yield "nobody has taken command of it"
    if incident.harm is None:
        yield "nobody has said what harm was done"
    for clock in clocks(incident, now):
        if not clock.reported_at:
            yield f"no report under {clock.rule}, due {clock.due}"
    if proof.unconfirmed:
        yield f"nobody has confirmed {', '.join(proof.unconfirmed)}"
    if not proof.note:
        yield "the deliberation note does not tell of it"
    if not proof.threats:
        yield "no threat is bound to its case, and nobody signed why none is"
    if undone := sum(not one.done for one in incident.tasks):
        yield f"{undone} of its tasks are not done"


def _by_case(results: Iterable[CaseResult]) -> Mapping[str, CaseResult]:
    return {result.case: result for result in results}
