"""An incident ends: its cases run on its model and on the fix, and everything else it takes is looked up.

In: the repository with the built and signed fix, the site. Out: what was seen, with every reason why it may not close.
A case proves nothing on rows that either model learned from (`incident_learned`). Before, it must fail on what shipped:
the incident's version is looked at only as this site's ledger knows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from shipworthy.contract import pack
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide
from shipworthy.facts import Case, CaseResult, Digest, Entry, Incident, Subject, digest
from shipworthy.facts.incident import RegressionCase
from shipworthy.flows.evaluate import evaluate_cases
from shipworthy.flows.incident import measured, no_threat_signed, unconfirmed
from shipworthy.flows.incident_learned import trained_on
from shipworthy.flows.incident_promote import unit_hidden
from shipworthy.flows.site_state import acting, open_site
from shipworthy.respond import closing, incidents, promotion
from shipworthy.runtime import incident_book
from shipworthy.runtime.admission import verify_signature
from shipworthy.runtime.known import check_release
from shipworthy.runtime.overridden import admit, began
from shipworthy.runtime.posted import SHIPPED
from shipworthy.runtime.shared_facts import promoted_in
from shipworthy.runtime.subject import artefact_digest, subject_of
from shipworthy.runtime.workspace import Workspace


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """What `close` saw: results before and after, the reasons why it may not close (none = closed), and notes."""

    incident: Incident
    before: tuple[CaseResult, ...]
    after: tuple[CaseResult, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...] = ()


def close(workspace: Workspace, name: str, person: str) -> Closing:
    """Close the incident when this repository's model passes its cases and the incident's model fails them."""
    contract = workspace.contract()
    acting(contract, person)
    verify_signature(workspace.root, contract)
    with open_site(workspace) as authority:
        entries = tuple(authority.ledger.entries())
        kept = incident_book.found(authority.store, name)
        incident = _with_terms(measured(authority, kept, entries), entries)
        version = authority.state().baseline if incident.scope.version == "*" else incident.scope.version
        old = workspace.releases / version
        shipped, subject = _shipped(workspace, entries, old)
        known = {one.id for one in incident.cases}
        cases = [case for case in contract.cases if case.source_incident == incident.id and case.id in known]
        before = evaluate_cases(old, cases, workspace.root)
        after = evaluate_cases(workspace.root, cases)
        proof = closing.Proof(
            before=before,
            after=after,
            artefact_before=_as_shipped(old / shipped.manifest.artefacts, subject),
            artefact_after=artefact_digest(workspace.root / contract.manifest.artefacts),
            version_before=version,
            version_after=contract.manifest.version,
            terms={case.id: promotion.terms(case, _rows(contract, case)) for case in cases},
            trained_on=trained_on(workspace.root, old, contract, cases, unit_hidden(workspace)),
            note=_note(contract, shipped, incident),
            threats=bound_threats(contract, incident) or no_threat_signed(contract, incident, entries),
            unconfirmed=tuple(held.order.id for held in unconfirmed(authority, incident)),
        )
        notes = _notes(entries, contract, proof.artefact_after)
        refused = closing.may_close(incident, proof, workspace.clock())
        if not refused:
            incident = closing.close(incident, proof, workspace.clock())
            body = {
                "before": before,
                "after": after,
                "artefact_before": proof.artefact_before,
                "artefact_after": proof.artefact_after,
                "notes": notes,
            }
            incident_book.replace(authority, person, incidents.CLOSED, kept, incident, body)
        return Closing(incident=incident, before=before, after=after, refused=refused, notes=notes)


def bound_threats(contract: Contract, incident: Incident) -> str:
    """Return the threats that are bound to a case of this time, sorted; \"\" when none is.

    What an earlier closing has proven is bound already, and says nothing of why it came back.
    """
    names = {f"{kind}{one.id}" for one in closing.open_cases(incident) for kind in ("case:", "pack:", "")}
    threats = contract.threats.threats if contract.threats is not None else ()
    return ", ".join(sorted(one.id for one in threats if names & set(one.bound_to)))


def _with_terms(incident: Incident, entries: Iterable[Entry]) -> Incident:
    """Return the incident with the terms of cases that were promoted before records kept them, from the ledger."""
    if all(one.terms for one in incident.cases):
        return incident
    wrote = {one.case.id: one for one in promoted_in(entries, incident.scope.model)}

    def told(one: RegressionCase) -> RegressionCase:
        if one.terms or one.id not in wrote:
            return one
        case = wrote[one.id].case
        rows = wrote[one.id].rows if pack.case_files(case) else ""
        return msgspec.structs.replace(one, terms=promotion.terms(case, rows), rows=rows)

    return msgspec.structs.replace(incident, cases=tuple(told(one) for one in incident.cases))


def _rows(contract: Contract, case: Case) -> Digest:
    files = pack.case_files(case)
    return contract.digests.get(files[0], "") if len(files) == 1 else ""


def _shipped(workspace: Workspace, entries: Iterable[Entry], folder: Path) -> tuple[Contract, Digest]:
    """Return contract and artefact digest of the incident's version. Raises CannotDecide unless it is whole, and what
    the ledger of this site let in: a model that was altered afterwards fails any case that somebody wants to fail."""
    contract, _ = admit(folder, began(folder))
    check_release(entries, folder.name, folder, contract, workspace.now())  # as strictly as the baseline
    return contract, subject_of(folder, contract).artefact


def _as_shipped(folder: Path, artefact: Digest) -> Digest:
    """Return the digest of a folder after its cases ran. Raises CannotDecide when it is not what it was before."""
    now = artefact_digest(folder)
    if now != artefact:
        raise CannotDecide("it changed while its cases ran", str(folder), "restore the release, then close again")
    return now


def _note(contract: Contract, before: Contract, incident: Incident) -> Digest:
    """Return the digest of the note when it names the incident and says other things than that of its version."""
    answers = contract.note.answers
    named = re.compile(rf"(?<![\w-]){re.escape(incident.id)}(?!\w|-\w)")  # INC-1 is not told of by INC-10
    return digest(answers) if answers != before.note.answers and named.search(" ".join(answers.values())) else ""


def _notes(entries: Iterable[Entry], contract: Contract, artefact: Digest) -> tuple[str, ...]:
    """Say whether the fix has passed the gate: closing is about the failure, shipping about everything."""
    shipped = [entry.read(Subject, "subject") for entry in entries if entry.kind == SHIPPED]
    if any(one.artefact == artefact for one in shipped):
        return ()
    return (f"version {contract.manifest.version} has not shipped yet: the gate has not passed it",)
