"""An incident ends: its cases run on its model and on the fix, and everything else it takes is looked up.

In: the repository with the built and signed fix, the site. Out: what was seen, with every reason why it may not close.
A case proves nothing on rows that either model learned from, by the unit they belong to; without a declared unit, by
what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.contract import pack
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import LEARNED_FROM
from shipworthy.facts import Case, CaseResult, Digest, Entry, Incident, Subject, digest
from shipworthy.facts.incident import RegressionCase
from shipworthy.flows.evaluate import evaluate_cases
from shipworthy.flows.incident import measured, no_threat_signed, unconfirmed
from shipworthy.flows.incident_promote import unit_hidden
from shipworthy.flows.model import dataset_rows
from shipworthy.flows.site_state import acting, open_site
from shipworthy.models.table import read_rows
from shipworthy.respond import closing, incidents, promotion
from shipworthy.runtime import incident_book
from shipworthy.runtime.admission import verify_signature
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.posted import SHIPPED
from shipworthy.runtime.shared_facts import promoted_in
from shipworthy.runtime.subject import artefact_digest
from shipworthy.runtime.workspace import Workspace

Row = dict[str, Any]


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
        known = {one.id for one in incident.cases}
        cases = [case for case in contract.cases if case.source_incident == incident.id and case.id in known]
        before = evaluate_cases(old, cases, workspace.root)
        after = evaluate_cases(workspace.root, cases)
        proof = closing.Proof(
            before=before,
            after=after,
            artefact_before=artefact_digest(old / contract.manifest.artefacts),
            artefact_after=artefact_digest(workspace.root / contract.manifest.artefacts),
            version_before=version,
            version_after=contract.manifest.version,
            terms={case.id: promotion.terms(case, _rows(contract, case)) for case in cases},
            trained_on=_trained_on(workspace, old, contract, cases),
            note=_note(contract, old, incident),
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
    """Return the threats that are bound to a case of the incident, sorted; \"\" when none is."""
    names = {f"{kind}{one}" for one in incident.case_ids for kind in ("case:", "pack:", "")}
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


def _trained_on(workspace: Workspace, old: Path, contract: Contract, cases: Iterable[Case]) -> tuple[str, ...]:
    """Return the cases a row of which one of the models learned from, or of which nobody can tell."""
    unit, label = contract.manifest.unit, contract.manifest.label.column
    features = [one.name for one in contract.manifest.features]
    hide = unit_hidden(workspace)

    def marks(row: Row) -> str:
        if unit is None:
            return digest([[name, repr(row.get(name))] for name in (*features, label)])
        of = row.get(unit)
        return "" if of is None or of == "" else str(of) if str(of).startswith("#") else hide(str(of))

    return tuple(sorted(case.id for case in cases if _learned(workspace.root, old, contract, case, marks)))


def _learned(root: Path, old: Path, contract: Contract, case: Case, marks: Callable[[Row], str]) -> bool:
    text = text_columns(contract.manifest)
    files = pack.case_files(case)
    rows = [row for file in files for row in read_rows(root / file, text=text)]
    if not files:
        rows = dataset_rows(root, contract.manifest, str((case.generator or {}).get("dataset", "test")))
    asked = {marks(row) for row in rows}
    learned = {marks(row) for where in (root, old) for row in _learned_from(where)}
    return not asked or not learned or "" in asked or not asked.isdisjoint(learned)


def _learned_from(where: Path) -> list[Row]:
    contract = Workspace(root=where, home=where / ".shipworthy" / "state").contract()
    names = [name for name in LEARNED_FROM if name in contract.manifest.datasets]
    return [row for name in names for row in dataset_rows(where, contract.manifest, name)]


def _note(contract: Contract, old: Path, incident: Incident) -> Digest:
    """Return the digest of the note when it names the incident and says other things than that of its version."""
    before = Workspace(root=old, home=old / ".shipworthy" / "state").contract().note
    tells = contract.note.answers != before.answers and incident.id in " ".join(contract.note.answers.values())
    return digest(contract.note.answers) if tells else ""


def _notes(entries: Iterable[Entry], contract: Contract, artefact: Digest) -> tuple[str, ...]:
    """Say whether the fix has passed the gate: closing is about the failure, shipping about everything."""
    shipped = [entry.read(Subject, "subject") for entry in entries if entry.kind == SHIPPED]
    if any(one.artefact == artefact for one in shipped):
        return ()
    return (f"version {contract.manifest.version} has not shipped yet: the gate has not passed it",)
