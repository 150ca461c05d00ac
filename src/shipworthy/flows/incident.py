"""Incidents: listed, told from the ledger, promoted to pack cases, closed by proof.

`promote` writes the failure into the candidate's pack: the labelled rows of the affected segment, and a metamorphic
companion that hides the same feature on held-out rows. `close` runs both cases on the incident's model and on the fix;
it refuses unless they fail before and pass after, on rows that neither was trained on.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from shipworthy.contract import pack
from shipworthy.contract.contract import Contract
from shipworthy.errors import ContractError, UsageError
from shipworthy.facts import UNSEEN, Case, CaseResult, Incident, Oracle, digest, parse_segment
from shipworthy.flows.evaluate import evaluate_cases
from shipworthy.flows.model import dataset_rows
from shipworthy.flows.site_state import acting, open_site
from shipworthy.models.table import read_rows
from shipworthy.respond import incidents
from shipworthy.runtime.admission import verify_signature
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.overridden import began
from shipworthy.runtime.releases import load
from shipworthy.runtime.subject import artefact_digest
from shipworthy.runtime.workspace import Workspace

Row = dict[str, Any]
SHOWS = "blocker"  # the severity of cases that show the failure; the third only bounds its price


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An incident with its timeline: (when, who, what)."""

    incident: Incident
    timeline: tuple[tuple[str, str, str], ...]


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """What `close` saw: results before and after, and the reasons why it may not close (none = closed)."""

    incident: Incident
    before: tuple[CaseResult, ...]
    after: tuple[CaseResult, ...]
    refused: tuple[str, ...]


def listed(workspace: Workspace) -> tuple[Incident, ...]:
    """Return all incidents."""
    with open_site(workspace) as authority:
        return authority.store.incidents()


def show(workspace: Workspace, name: str) -> Told:
    """Return one incident with its timeline from the ledger."""
    with open_site(workspace) as authority:
        incident = _found(authority.store.incidents(), name)
        return Told(incident=incident, timeline=incidents.timeline(authority.ledger.entries(), incident))


def promote(
    workspace: Workspace, name: str, rows: Path, person: str, target: float, companion: str = "test"
) -> tuple[Incident, tuple[Case, ...]]:
    """Write the incident's failure into this repository's pack and record it.

    `rows` holds labelled records of the incident; those in its segment become the case `incident.<segment>`. Its
    companion hides the segment's feature on the dataset `companion`. Raises UsageError without labelled rows there.
    """
    contract = workspace.contract()
    who = acting(contract, person)
    with open_site(workspace) as authority:
        incident = _found(authority.store.incidents(), name)
        feature = _feature(contract, incident)
        folder = workspace.releases / incident.scope.version
        release = load(folder, began(folder))
        kept = _rows_of(contract, incident, feature, rows, release.scorer.bucket)
        cases = _cases(contract, incident, feature, kept, who.id, target, companion)
        _check_new(contract, incident, cases)
        raw = _packed(kept)
        (workspace.root / pack.FOLDER).mkdir(exist_ok=True)
        (workspace.root / pack.FOLDER / f"{cases[0].id}.csv.gz").write_bytes(raw)
        _append(workspace.root / pack.FILE, cases)
        promoted = incidents.promote(incident, [case.id for case in cases if case.severity == SHOWS])
        authority.store.put_incident(promoted)
        body = {"incident": promoted, "cases": cases, "rows": len(kept), "rows_digest": digest(raw)}
        authority.note(person, "respond.incident_promoted", body)
        return promoted, cases


def close(workspace: Workspace, name: str, person: str) -> Closing:
    """Close the incident when this repository's model passes its cases and the incident's model fails them."""
    contract = workspace.contract()
    acting(contract, person)
    verify_signature(workspace.root, contract)
    with open_site(workspace) as authority:
        incident = _found(authority.store.incidents(), name)
        cases = [case for case in contract.cases if case.source_incident == incident.id]
        old = workspace.releases / incident.scope.version
        before = evaluate_cases(old, cases, workspace.root)
        after = evaluate_cases(workspace.root, cases)
        proof = incidents.Proof(
            before=before,
            after=after,
            artefact_before=artefact_digest(old / contract.manifest.artefacts),
            artefact_after=artefact_digest(workspace.root / contract.manifest.artefacts),
            version_before=incident.scope.version,
            version_after=contract.manifest.version,
            rows_disjoint=_disjoint(workspace.root, old, contract, cases),
            note_changed=_tells(contract, old, incident),
        )
        refused = incidents.may_close(incident, proof)
        if not refused:
            incident = incidents.close(incident, proof, workspace.clock())
            authority.store.put_incident(incident)
            authority.note(person, "respond.incident_closed", {"incident": incident, "before": before, "after": after})
        return Closing(incident=incident, before=before, after=after, refused=refused)


def _found(known: Iterable[Incident], name: str) -> Incident:
    for incident in known:
        if incident.id == name:
            return incident
    raise UsageError(f"no incident {name!r}", "incident", "see `shipworthy incident list`")


def _feature(contract: Contract, incident: Incident) -> str:
    """The category whose unknown values the incident is about."""
    for key, values in parse_segment(incident.scope.segment).items():
        feature = contract.manifest.feature(key)
        if values == {UNSEEN} and feature is not None and feature.type == "category":
            return key
    raise UsageError(
        f"{incident.id} is not about unknown values of one category",
        incident.scope.segment,
        "write its case by hand, with `source_incident`",
    )


def _rows_of(contract: Contract, incident: Incident, feature: str, path: Path, bucket: Any) -> list[Row]:  # noqa: ANN401
    """Return the labelled rows that the incident's model did not know, without what no case needs."""
    rows = read_rows(path, text=text_columns(contract.manifest))
    label = contract.manifest.label.column
    kept = [row for row in rows if row.get(label) in (0, 1) and feature in bucket(row)]
    if not kept:
        raise UsageError("no labelled row of this incident", str(path), f"rows with {label} and an unknown {feature}")
    wanted = {one.name for one in contract.manifest.features} | {label, feature}
    wanted |= {name for name in (contract.manifest.unit, "claim", "year") if name}
    return [{key: value for key, value in row.items() if key in wanted} for row in kept]


def _cases(
    contract: Contract, incident: Incident, feature: str, kept: Sequence[Row], owner: str, target: float, companion: str
) -> tuple[Case, ...]:
    words = contract.manifest.decisions
    oracle = Oracle(
        name=f"serious_{words.deny}",
        hits=f"decision == '{words.deny}'",
        among="label == 1",
        op="<=",
        target=target,
    )
    review = Oracle(name="review_rate", hits="route == 'person'", op="<=", target=0.95)
    taken = {case.id for case in contract.cases}
    again = f"-{incident.id.lower()}" if f"incident.unfamiliar-{feature}" in taken else ""
    name = f"incident.unfamiliar-{feature}{again}"
    reason = (
        f"{incident.id}: {len(kept)} labelled rows whose {feature} version {incident.scope.version} had never seen."
    )
    common: dict[str, Any] = {"severity": "blocker", "owner": owner, "source_incident": incident.id}
    hidden = {"name": "hide_feature", "feature": feature, "dataset": companion}
    return (
        Case(
            id=name,
            clause="robustness",
            kind="incident",
            oracle=oracle,
            input={"rows": f"{pack.FOLDER}/{name}.csv.gz"},
            reason=reason,
            **common,
        ),
        Case(
            id=f"shift.code-hidden{again}",
            clause="robustness",
            kind="metamorphic",
            oracle=oracle,
            generator=hidden,
            reason=f"{incident.id}: the same harm on held-out rows with {feature} replaced by an unknown value.",
            **common,
        ),
        Case(
            id=f"shift.code-hidden{again}-review",
            clause="alignment",
            kind="metamorphic",
            oracle=review,
            generator=hidden,
            reason=f"{incident.id}: sending everything to people must not be the winning answer.",
            **{**common, "severity": "minor"},
        ),
    )


def _packed(rows: Sequence[Row]) -> bytes:
    """Return the rows as a packed table: the same rows, the same bytes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def _check_new(contract: Contract, incident: Incident, cases: Sequence[Case]) -> None:
    """Nothing is written before this: an incident is promoted once, and an id is never used again."""
    new = {case.id for case in cases}
    taken = [case.id for case in contract.cases if case.id in new or case.source_incident == incident.id]
    if taken:
        raise ContractError(f"the pack has {', '.join(taken)} already", pack.FILE, f"see the cases of {incident.id}")


def _append(path: Path, cases: Sequence[Case]) -> None:
    """Append the cases to the pack, leaving what its authors wrote as it is."""
    text = path.read_text(encoding="utf-8")
    if not text.endswith("\n"):
        text += "\n"
    plain = [{key: value for key, value in msgspec.to_builtins(case).items() if value is not None} for case in cases]
    for one in plain:
        one["oracle"] = {key: value for key, value in one["oracle"].items() if value is not None}
    written = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    indented = "".join(f"  {line}" if line.strip() else line for line in written.splitlines(keepends=True))
    path.write_text(
        f"{text}\n  # From incidents: written by `shipworthy incident promote`\n{indented}", encoding="utf-8"
    )


def _disjoint(root: Path, old: Path, contract: Contract, cases: Sequence[Case]) -> bool:
    """True when no row of the cases is a training row of either model, by the unit that rows belong to."""
    unit = contract.manifest.unit
    if unit is None:
        return False
    trained = {str(row[unit]) for where in (root, old) for row in _training(where)}
    text = text_columns(contract.manifest)
    asked = {
        str(row.get(unit))
        for case in cases
        for row in (
            [row for file in pack.case_files(case) for row in read_rows(root / file, text=text)]
            or dataset_rows(root, contract.manifest, str((case.generator or {}).get("dataset", "test")))
        )
    }
    return bool(asked) and not asked & trained


def _training(where: Path) -> list[Row]:
    contract = Workspace(root=where, home=where / ".shipworthy" / "state").contract()
    return dataset_rows(where, contract.manifest, "train")


def _tells(contract: Contract, old: Path, incident: Incident) -> bool:
    """True when the note names the incident and says other things than the note of the incident's version."""
    before = Workspace(root=old, home=old / ".shipworthy" / "state").contract().note
    return contract.note.answers != before.answers and incident.id in " ".join(contract.note.answers.values())
