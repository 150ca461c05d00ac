"""An incident becomes pack cases: labelled rows of its scope, with no more than the case needs, and its companions.

Rows come from the review queue, where what people answered lies sealed: who promotes opens exactly the items that the
case needs, and the ledger says so before anything is read; or from a file (`rows`) that somebody exported. Files come
first, then record and entry in one transaction: cut off between, the same command writes the same files again.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import yaml

from shipworthy.artifact.mac import tag
from shipworthy.contract import pack
from shipworthy.contract.contract import Contract
from shipworthy.deploy.segments import segments_of
from shipworthy.errors import ContractError, UsageError
from shipworthy.facts import Case, Digest, Incident, Oracle, digest, holds, parse_segment
from shipworthy.facts.incident import RegressionCase
from shipworthy.flows.incident import measured
from shipworthy.flows.incident_rows import Gathered, sealed_rows
from shipworthy.flows.site_state import acting, open_site
from shipworthy.models.table import read_rows
from shipworthy.respond import closing, incident_cases, incidents, promotion
from shipworthy.respond.incident_cases import SHOWS
from shipworthy.respond.promotion import Parted, Row
from shipworthy.runtime import incident_book
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.overridden import began
from shipworthy.runtime.releases import Loaded, load
from shipworthy.runtime.wired import hidden_keys
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.instants import rfc3339

TARGET = 0.15


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """What `promote` wrote: the incident, its cases, how many rows, and what was left out and why."""

    incident: Incident
    cases: tuple[Case, ...]
    rows: int
    left_out: tuple[str, ...] = ()
    for_fix: int = 0


def promote(
    workspace: Workspace,
    name: str,
    rows: Path | None,
    person: str,
    target: float = TARGET,
    companion: str = "test",
    for_fix: Path | None = None,
) -> Promotion:
    """Write the incident's failure into this repository's pack and record it.

    `rows`: a table of labelled records; None takes them out of the sealed review queue. `for_fix`: where rows go that
    the case does not need, so that a fix may learn from them and not from its proof. Raises UsageError without labelled
    rows in scope, or too few to part.
    """
    contract = workspace.contract()
    who = acting(contract, person)
    with open_site(workspace) as authority:
        kept = incident_book.found(authority.store, name)
        incidents.check_promotable(kept)
        incident = measured(authority, kept, tuple(authority.ledger.entries()))
        _check_first(incident)
        release = _release(workspace, incident, authority.state().baseline)
        category = promotion.unfamiliar(incident, contract.manifest)
        kind, oracle = _question(contract, incident, category, target)
        if rows is None:
            gathered = sealed_rows(workspace, authority, contract, incident, oracle, who.id, for_fix is not None)
        else:
            gathered = _of_file(workspace, contract, incident, release, rows)
        whole = rows is not None and for_fix is None
        parts = _parted(contract, incident, oracle, gathered, unit_hidden(workspace), whole)
        if for_fix is not None and not parts.fix:
            what = f"all {len(parts.proof)} rows are needed as proof: none is left for a fix"
            raise UsageError(what, str(for_fix), "promote without --for-fix, and label more rows for the fix")
        made = incident_cases.cases(contract, incident, kind, oracle, len(parts.proof), who.id, companion)
        raw = packed(parts.proof)
        _written(workspace.root, contract, incident, made, raw)
        if for_fix is not None:
            for_fix.write_bytes(_table(parts.fix))
        cases = tuple(_promoted(case, raw, len(parts.proof), workspace) for case in made)
        left_out = (*gathered.left_out, *_told(parts, for_fix))
        body = {
            "cases": made,
            "rows": len(parts.proof),
            "rows_digest": digest(raw),
            "for_fix": len(parts.fix) if for_fix is not None else 0,
            "left_out": left_out,
        }
        seen = tuple(authority.ledger.entries())
        after = incident_book.change(
            authority,
            person,
            incidents.PROMOTED,
            name,
            lambda one: incidents.promote(measured(authority, one, seen), cases),
            body,
        )
        fix = len(parts.fix) if for_fix is not None else 0
        return Promotion(incident=after, cases=made, rows=len(parts.proof), left_out=left_out, for_fix=fix)


def packed(rows: Sequence[Row]) -> bytes:
    """Return the rows as a packed table: the same rows, the same bytes."""
    return gzip.compress(_table(rows), mtime=0)


def unit_hidden(workspace: Workspace) -> Callable[[str], str]:
    """Return what stands for a unit in a case: a keyed hash, the same at each promotion and closing of this site."""
    key = workspace.site_key()
    return lambda unit: f"#{tag(key, 'incident unit', unit.encode()).hex()[:16]}"


def _table(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, fieldnames=names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    return text.getvalue().encode()


def _check_first(incident: Incident) -> None:
    """An incident is promoted once each time it happens: what proves it is not chosen anew until it looks well."""
    waiting = [one.id for one in closing.open_cases(incident)]
    if waiting:
        told = f"the pack has {', '.join(waiting)} already"
        raise ContractError(told, pack.FILE, f"see the cases of {incident.id}, and close it by them")


def _release(workspace: Workspace, incident: Incident, baseline: str) -> Loaded:
    folder = workspace.releases / (baseline if incident.scope.version == "*" else incident.scope.version)
    return load(folder, began(folder))


def _question(contract: Contract, incident: Incident, category: str, target: float) -> tuple[str, Oracle]:
    kind, oracle = promotion.question(incident, contract.policy, contract.manifest.decisions, target)
    if not category:
        return kind, oracle
    words = contract.manifest.decisions
    denied = f"decision == '{words.deny}'"
    harm = Oracle(name=f"serious_{words.deny}", hits=denied, among="label == 1", op="<=", target=target)
    return promotion.UNFAMILIAR, harm


def _of_file(workspace: Workspace, contract: Contract, incident: Incident, release: Loaded, path: Path) -> Gathered:
    """Return the labelled rows of a table that lie in the incident's scope, for its version."""
    manifest = contract.manifest
    rows = read_rows(path, text=text_columns(manifest))
    label = manifest.label.column
    labelled = [row for row in rows if row.get(label) in (0, 1)]
    keys = parse_segment(incident.scope.segment)
    bins = {feature.name: feature.bins for feature in manifest.features if feature.bins}
    hide = hidden_keys(manifest, workspace.host_key())

    def inside(row: Row) -> bool:
        unseen = release.scorer.bucket(row)
        values, _ = segments_of(row, [key for key in keys if key != "tenant"], (), unseen, bins=bins, hide=hide)
        tenant = str(row.get(manifest.tenant or "", "*"))
        if incident.scope.tenant not in ("*", tenant):
            return False
        return holds(incident.scope.segment, {**values, "tenant": tenant})

    kept = [row for row in labelled if inside(row)]
    if not kept:
        fix = f"rows with {label} 0 or 1 in {incident.scope.segment}"
        raise UsageError("no labelled row of this incident", str(path), fix)
    told = []
    if len(rows) > len(labelled):
        told.append(f"{len(rows) - len(labelled)} rows without a label")
    if len(labelled) > len(kept):
        told.append(f"{len(labelled) - len(kept)} rows outside {incident.scope.segment}")
    return Gathered(rows=tuple(kept), left_out=tuple(told))


def _parted(
    contract: Contract,
    incident: Incident,
    oracle: Oracle,
    gathered: Gathered,
    hide: Callable[[str], str],
    whole: bool,
) -> Parted:
    """Return the rows with what a case needs; `whole`: a file that somebody chose, and that is not to be parted."""
    manifest = contract.manifest
    keys = parse_segment(incident.scope.segment)
    small = promotion.least(gathered.rows, manifest, keys, hide)
    if whole:
        return Parted(tuple(small), (), 0)
    label = manifest.label.column
    parts = promotion.parted(small, oracle, label, manifest.unit, incident.id)
    if not parts.proof:
        raise UsageError(f"no row that {oracle.name} asks about", incident.id, f"rows where {oracle.among}")
    return parts


def _promoted(case: Case, raw: bytes, n: int, workspace: Workspace) -> RegressionCase:
    rows: Digest = digest(raw) if pack.case_files(case) else ""
    shows = case.severity == SHOWS
    at = rfc3339(workspace.clock())
    terms = promotion.terms(case, rows)
    return RegressionCase(id=case.id, terms=terms, rows=rows, n=n if rows else 0, shows=shows, promoted_at=at)


def _written(root: Path, contract: Contract, incident: Incident, cases: Sequence[Case], raw: bytes) -> None:
    """Write the rows, then the pack. What the same promotion wrote before it was cut off is left as it is."""
    known = {case.id: case for case in contract.cases}
    same = all(known.get(case.id) == case for case in cases)
    file = root / pack.FOLDER / f"{cases[0].id}.csv.gz"
    if same and file.is_file() and file.read_bytes() == raw:
        return
    proven = {one.id for one in incident.cases}
    taken = [
        case.id
        for case in contract.cases
        if case.id in {one.id for one in cases} or (case.source_incident == incident.id and case.id not in proven)
    ]
    if taken:
        told = f"the pack has {', '.join(taken)} already"
        raise ContractError(told, pack.FILE, f"if its promotion was cut off, remove what it wrote of {incident.id}")
    file.parent.mkdir(exist_ok=True)
    _replace(file, raw)
    _replace(root / pack.FILE, _appended((root / pack.FILE).read_text(encoding="utf-8"), cases).encode())


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it finds the old one or the new one whole."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _appended(text: str, cases: Sequence[Case]) -> str:
    """Return the pack with the cases at its end, leaving what its authors wrote as it is."""
    plain = [{key: value for key, value in msgspec.to_builtins(case).items() if value is not None} for case in cases]
    for one in plain:
        one["oracle"] = {key: value for key, value in one["oracle"].items() if value is not None}
    written = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    indented = "".join(f"  {line}" if line.strip() else line for line in written.splitlines(keepends=True))
    end = text if text.endswith("\n") else f"{text}\n"
    return f"{end}\n  # From incidents: written by `shipworthy incident promote`\n{indented}"


def _told(parts: Parted, for_fix: Path | None) -> tuple[str, ...]:
    told = []
    if parts.left_out:
        told.append(f"{parts.left_out} rows that the case asks nothing of")
    if parts.fix and for_fix is None:
        told.append(f"{len(parts.fix)} rows more than it needs")
    return tuple(told)
