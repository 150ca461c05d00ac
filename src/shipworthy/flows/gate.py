"""The gate: gather everything a verdict rests on, and give it.

In: the repository as it stands. Out: one verdict, from which every report and exit code follows. Findings of other
rooms (contract problems, signature, loosening) come in as blocks; no file here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from shipworthy.artifact.approval import two_people
from shipworthy.contract.acceptance import leaves_open
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import LEARNED_FROM, Lock
from shipworthy.contract.loosening import loosening_digest, loosenings
from shipworthy.contract.pack import case_files
from shipworthy.contract.problems import Problem
from shipworthy.contract.standing import Standing
from shipworthy.errors import CannotDecide, PolicySaysNo
from shipworthy.facts import Approval, Block, Case, Digest, Evidence, Granted, Measurement, Subject, Verdict, digest
from shipworthy.flows import decide, incident_gate
from shipworthy.flows.drilled import NAME as DRILL
from shipworthy.flows.drilled import practised
from shipworthy.flows.evidence import read_evidence
from shipworthy.flows.imported import read_imported
from shipworthy.flows.last_shipped import older, shipped_here
from shipworthy.flows.lock import gate_key, shipped_before
from shipworthy.flows.origin import REBUILD, Origins, origins, with_rebuild
from shipworthy.flows.override import held_here, with_overrides
from shipworthy.flows.shared import Shared, look_up, tell_decided
from shipworthy.flows.strength.record import STRENGTH, read_strength, with_strength
from shipworthy.gate.strength import Strength
from shipworthy.gate.verdict import Question, give_verdict
from shipworthy.models.table import read_rows
from shipworthy.runtime.admission import verify_lock, verify_signature
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.shared_facts import Promoted, promoted_in
from shipworthy.runtime.subject import artefact_digest, subject_of
from shipworthy.runtime.workspace import Workspace


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with what it was given on: the evidence holds the imported measurements beside our own.

    `held`: overrides of this model that hold; `released_under`: the one that `ship` let it through by.
    """

    verdict: Verdict
    contract: Contract
    evidence: Evidence | None
    origins: Origins
    root: Path
    held: tuple[Granted, ...] = ()
    strength: Strength | None = None
    shared: Shared = Shared()
    released_under: str = ""


def judge(workspace: Workspace) -> Judged:
    """Give the verdict on the repository. Raises ContractError when the contract cannot be read at all."""
    contract, problems = workspace.read()
    if contract is None:
        contract = workspace.contract()  # raises, listing every problem
    subject = subject_of(workspace.root, contract)
    imported, stale = read_imported(workspace, subject)
    evidence = _beside(read_evidence(workspace, subject.artefact), imported)
    origin = origins(workspace, contract, subject.artefact)
    lock = contract.lock
    shared = look_up(workspace, contract)
    practice = practised(workspace, contract, shared)
    loosened, allowed, covers = _loosened(workspace, contract, lock, evidence, shared)
    standing = decide.standing_against(workspace, contract, shared.records("govern."))
    strength, untold = _strength(workspace, subject)
    late, bar = _late(workspace, lock, shared, standing)
    open_incidents = incident_gate.known(workspace, contract.manifest.model, shared)
    verdict = give_verdict(
        Question(
            subject=subject,
            policy=contract.policy,
            cases=contract.cases,
            evidence=with_strength(with_rebuild(evidence, origin.rebuilt), strength),
            baseline=lock.subject.artefact if lock else None,
            shipped=lock is not None and lock.subject == subject,
            loosened=loosened,
            covers=covers,
            allowed_changes=allowed,
            blocks=(
                *(_problem(one) for one in problems),
                *_signature(workspace, contract),
                *_rows_told(contract, evidence),
                *_no_longer_accepted(workspace, contract, evidence),
                *untold,
                *_lock(workspace, lock, shared),
                *late,
                *_unproven(contract, origin, shared),
                *practice.blocks,
                *origin.blocks,
                *decide.blocks(standing, contract.manifest.version),
                *incident_gate.incident_blocks(contract, open_incidents),
            ),
            warnings=(
                *practice.warnings(_still(shared.warnings(contract), origin, f"no {REBUILD}")),
                *origin.warnings,
                *stale,
                *bar,
                *incident_gate.caseless(open_incidents),
            ),
            not_claimed=practice.not_claimed(_still(shared.not_claimed(contract.not_claimed), origin, REBUILD)),
        )
    )
    held = held_here(workspace, contract, shared.overrides)
    return Judged(
        verdict=tell_decided(shared, with_overrides(verdict, held)),
        contract=contract,
        evidence=evidence,
        origins=origin,
        strength=strength,
        root=workspace.root,
        held=held,
        shared=shared,
    )


def _beside(evidence: Evidence | None, imported: tuple[Measurement, ...]) -> Evidence | None:
    if evidence is None or not imported:
        return evidence
    return msgspec.structs.replace(evidence, measurements=(*evidence.measurements, *imported))


def _problem(one: Problem) -> Block:
    return Block(
        name="contract", because=f"{one.file}:{one.line}:{one.column}: {one.what}", fix=one.fix, exit_code=one.exit_code
    )


def _signature(workspace: Workspace, contract: Contract) -> tuple[Block, ...]:
    try:
        verify_signature(workspace.root, contract)
    except CannotDecide as problem:
        fix = problem.fix or "build and sign again"
        return (Block(name="signature", because=problem.what, fix=fix, exit_code=problem.exit_code),)
    return ()


def _rows_told(contract: Contract, evidence: Evidence | None) -> tuple[Block, ...]:
    """Evidence says on which rows of each dataset it was judged: the lock holds the next release to them."""
    if evidence is None:
        return ()
    untold = sorted(set(contract.manifest.datasets) - set(LEARNED_FROM) - set(evidence.rows))
    because = f"it does not say which rows it was judged on: {', '.join(untold)}"
    return (Block(name="evidence", because=because, fix="run `shipworthy evaluate`", exit_code=4),) if untold else ()


def _no_longer_accepted(workspace: Workspace, contract: Contract, evidence: Evidence | None) -> tuple[Block, ...]:
    """Evidence does not grow old, what people accept does: a case that passed by their word needs it still."""
    named = {one.id for one in contract.cases if leaves_open(one)}  # a minor one feeds SLOs too
    passed = [one.case for one in evidence.cases if one.case in named and one.status == "pass"] if evidence else []
    if not passed:
        return ()
    try:
        accepted = decide.accepted_cases(workspace, contract)
    except CannotDecide:
        accepted = frozenset()
    because = "what it leaves open was accepted when it was measured, and is not any more"
    fix = "two people accept it again with `shipworthy decide accept`, or give it approved rows"
    return tuple(
        Block(name=f"case:{one}", because=because, fix=fix, exit_code=4) for one in passed if one not in accepted
    )


def _strength(workspace: Workspace, subject: Subject) -> tuple[Strength | None, tuple[Block, ...]]:
    """The record of contract strength of exactly this subject. One that cannot be read is never as good as none."""
    try:
        return read_strength(workspace, subject), ()
    except CannotDecide as problem:
        fix = problem.fix or "run `shipworthy strength`"
        return None, (Block(name=STRENGTH, because=problem.what, fix=fix, exit_code=4),)


def _unproven(contract: Contract, origin: Origins, shared: Shared) -> tuple[Block, ...]:
    """What high stakes require and no record shows."""
    if contract.manifest.stakes != "high":
        return ()
    return tuple(
        Block(name=name, because="required at high stakes, and nothing shows it", fix=fix, exit_code=4)
        for name, fix in shared.unproven().items()
        if name != DRILL and not (name == REBUILD and origin.same_bits)  # the drill is asked for by `drilled`
    )


def _still(told: tuple[str, ...], origin: Origins, rebuild: str) -> tuple[str, ...]:
    """Return what is still not shown, once a rebuild has given the same bits."""
    return tuple(one for one in told if not (origin.same_bits and one.startswith(rebuild)))


def _lock(workspace: Workspace, lock: Lock | None, shared: Shared) -> tuple[Block, ...]:
    """The lock must be the one that was signed, and must not be gone once something has shipped from this site."""
    fix = "restore shipworthy.lock from version control"
    if lock is None:
        before = shipped_before(workspace)
        if shared.shipped or before:
            because = f"it is missing, though {before or 'a version'} has shipped"
            return (Block(name="lock", because=because, fix=fix, exit_code=4),)
        return ()
    try:
        verify_lock(lock, gate_key(lock, workspace))
    except CannotDecide as problem:
        return (Block(name="lock", because=problem.what, fix=fix, exit_code=4),)
    return ()


def _late(
    workspace: Workspace, lock: Lock | None, shared: Shared, standing: tuple[Standing, ...]
) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """Hold the lock against what shipped since, by the ledger of this site and by the shared one."""
    if lock is None:
        return (), ()
    known = (shipped_here(workspace, lock.subject.model), shared.facts.shipped if shared.facts else ())
    found = [older(lock, shipped, standing) for shipped in known]
    blocks = dict.fromkeys(block for blocks, _ in found for block in blocks)
    return tuple(blocks), tuple(dict.fromkeys(told for _, told in found if told))


def loosened(workspace: Workspace) -> tuple[tuple[str, ...], Digest]:
    """Return the loosened rows that nobody allowed yet, and the digest that an approval of exactly these names."""
    contract = workspace.contract()
    folder = workspace.root / contract.manifest.artefacts
    evidence = read_evidence(workspace, artefact_digest(folder)) if folder.is_dir() else None
    shared = look_up(workspace, contract)
    found, _, covers = _loosened(workspace, contract, contract.lock, evidence, shared)
    return found, covers


def _loosened(
    workspace: Workspace, contract: Contract, lock: Lock | None, evidence: Evidence | None, shared: Shared
) -> tuple[tuple[str, ...], tuple[str, ...], Digest]:
    """Return (rows nobody allowed, rows that a signed decision allows, the digest such a decision names)."""
    if lock is None:
        return (), (), ""
    covered = covered_values(workspace, contract, evidence, shared.promoted)
    found = loosenings(lock, contract, covered, evidence.rows if evidence else None)
    if not found:
        return (), (), ""
    wanted = loosening_digest(found, digest(lock.subject))
    for record in contract.records:
        if record.accepted and record.front.covers == wanted and _approved(lock, record.approvals, wanted):
            return (), tuple(f"{row} (allowed by {record.id})" for row in found), wanted
    return found, (), wanted


def _approved(lock: Lock, approvals: Iterable[Approval], wanted: str) -> bool:
    """Two people of the contract that shipped last, each with a signature over exactly these rows."""
    try:
        two_people(approvals, lock.people, decide.ROLES, wanted)
    except (PolicySaysNo, CannotDecide):
        return False
    return True


def covered_values(
    workspace: Workspace, contract: Contract, evidence: Evidence | None, shared: tuple[Promoted, ...] = ()
) -> frozenset[str]:
    """Return `feature=value` for accepted categories in the rows of a passing case that an incident really became.

    The incident, its case and the digest of its rows must stand in a ledger as `incident promote` wrote them, and the
    case must decide: a row that was added since covers nothing.
    """
    if not any(feature.accepted for feature in contract.manifest.features):
        return frozenset()
    passed = {result.case for result in evidence.cases if result.status == "pass"} if evidence else set()
    wrote = (*promoted_here(workspace, contract.manifest.model), *shared)
    cases = [
        case
        for case in contract.cases
        if case.id in passed and case.severity == "blocker" and _as_written(contract, case, wrote)
    ]
    text = text_columns(contract.manifest)
    seen = [
        row
        for case in cases
        for file in case_files(case)
        for row in read_rows(workspace.root / file, (case.input or {}).get("where", "true"), text)
    ]
    return frozenset(
        f"{feature.name}={value}"
        for feature in contract.manifest.features
        for value in feature.accepted
        if any(row.get(feature.name) == value for row in seen)
    )


def _as_written(contract: Contract, case: Case, wrote: Iterable[Promoted]) -> bool:
    """True when a case and every row it runs on are what an incident became."""
    rows = [contract.digests.get(name, "") for name in case_files(case)]
    return len(rows) == 1 and rows[0] != "" and Promoted(case=case, rows=rows[0]) in wrote


def promoted_here(workspace: Workspace, model: str) -> tuple[Promoted, ...]:
    """Return the cases that incidents of this site became, as the ledger has them; none without a ledger."""
    if not (workspace.home / "store.db").is_file():
        return ()
    store = workspace.store()
    try:
        return promoted_in(store.entries(), model)
    finally:
        store.close()
