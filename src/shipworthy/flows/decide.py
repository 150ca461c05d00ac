"""Decisions that people record: do not deploy, retire, take one back, allow a loosening.

A decision against deployment holds at once: one signature is enough to tighten. It stands until a reversal that two
people signed, under the contract that shipped last. It stands in three places (the record, the lock, the ledger of the
site), so that deleting the file takes nothing back. A loosening is allowed for exactly the rows the gate names. What a
case leaves open for want of rows is accepted until a day, for exactly that case and those data.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from shipworthy.artifact.approval import approve, two_people
from shipworthy.contract.acceptance import KIND as ACCEPTANCE
from shipworthy.contract.acceptance import acceptance_digest, accepting, holds_on, leaves_open
from shipworthy.contract.contract import Contract
from shipworthy.contract.record import DecisionRecord, read_record
from shipworthy.contract.record_text import new_record, next_file, with_approval
from shipworthy.contract.standing import FORBIDS, Standing, decision_digest, reversal_digest, standing_of
from shipworthy.contract.words import check_decision
from shipworthy.errors import CannotDecide, ContractError, PolicySaysNo, UsageError
from shipworthy.facts import Approval, Block, Digest, Entry, Named, Person, Scope
from shipworthy.flows.lock import gate_key
from shipworthy.flows.posture import tighten
from shipworthy.flows.site_state import acting, open_site
from shipworthy.runtime.admission import verify_lock
from shipworthy.runtime.standing import RECORDED, REVERSED, standing_in
from shipworthy.runtime.workspace import Workspace

ROLES = ("reviewer", "ml")
"""Who together may loosen: in two different hands."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it stands now. `waits` says whose signature is missing; empty when the decision holds.

    `orders` are those that a decision gave, or that still hold after it was taken back.
    """

    id: str
    file: str
    what: Digest
    signed_by: tuple[str, ...]
    waits: str
    orders: tuple[str, ...] = ()


def record(workspace: Workspace, kind: str, version: str, because: str, person: str) -> Recorded:
    """Record that a version (`*` = all) is not deployed. A serving site closes it at once.

    Raises UsageError for another kind or without a reason.
    """
    if kind not in FORBIDS or not because.strip():
        raise UsageError("a decision against deployment needs a kind and a reason", kind, " or ".join(FORBIDS))
    check_decision(version, because)
    contract = workspace.contract()
    role = acting(contract, person).roles[0]
    at, model = workspace.now(), contract.manifest.model
    what = decision_digest(model, kind, version, because, at)
    mine = _sign(workspace, person, role, what)
    front: dict[str, str | list[str]] = {
        "status": "accepted",
        "date": at[:10],
        "recorded": at,
        "kind": kind,
        "decision-makers": [person],
        "applies-to": version,
        "covers": what,
    }
    title = f"{kind.replace('-', ' ').capitalize()}: {'every version' if version == '*' else f'version {version}'}"
    text = new_record(front, title, f"Recorded by {person} against version {version}.", " ".join(because.split()))
    file = next_file(contract.records, f"{kind}-{version}")
    made = _write(workspace.root, file, with_approval(text, mine, accepted=True))
    (standing,) = standing_of([made], model)
    closed: tuple[str, ...] = ()
    if _has_site(workspace):
        with open_site(workspace) as authority:
            authority.note(person, RECORDED, {"standing": standing, "approval": mine})
        held = tighten(workspace, Scope(model=model, version=version), Named.KILLED, standing.told, person)
        closed = (held.order.id,)
    return Recorded(id=made.id, file=file, what=what, signed_by=(person,), waits="", orders=closed)


def reverse(workspace: Workspace, name: str, person: str, role: str) -> Recorded:
    """Sign, in a role, that the decision `name` is taken back; it is when two people of different roles have.

    Raises CannotDecide when the lock, which says who these people are, is not the one that was signed.
    """
    contract = _trusted(workspace)
    standing = next((one for one in standing_against(workspace, contract) if one.id == name), None)
    if standing is None:
        raise UsageError(f"no decision {name!r} stands", "docs/decisions", "see `shipworthy decide list`")
    what = reversal_digest(standing)
    told = _sign_record(
        workspace,
        contract,
        what,
        (person, role),
        {"kind": "reversal", "reverses": standing.id},
        (f"Take back {standing.id}", standing.told, "It no longer holds."),
    )
    if not told.waits and _has_site(workspace):
        with open_site(workspace) as authority:
            made = _found(workspace.contract(), what)
            authority.note(person, REVERSED, {"standing": standing, "approvals": list(made.approvals)})
            held = authority.state().orders
        still = tuple(one.order.id for one in held if one.because == standing.told)
        return msgspec.structs.replace(told, orders=still)
    return told


def allow(workspace: Workspace, rows: tuple[str, ...], covers: Digest, person: str, role: str) -> Recorded:
    """Sign, in a role, that exactly these loosened rows are allowed; they are when two people have.

    Raises UsageError when nothing is loosened.
    """
    if not rows:
        raise UsageError("nothing is loosened against what shipped last", "shipworthy.lock", "see `shipworthy gate`")
    listed = "\n".join(f"- {row}" for row in rows)
    return _sign_record(
        workspace,
        _trusted(workspace),
        covers,
        (person, role),
        {"kind": "loosening"},
        ("Allow a loosening of the contract", f"The contract would let more through:\n\n{listed}", "Allowed."),
    )


def accept(workspace: Workspace, name: str, until: str, person: str, role: str) -> Recorded:
    """Sign, in a role, that the case `name` may leave open what it does until the day `until`; it may when two people
    have. Raises UsageError for a case that leaves nothing open, and for a day that is past or more than a year ahead.
    """
    contract = _trusted(workspace)
    case = next((one for one in contract.cases if one.id == name), None)
    if case is None or not leaves_open(case):
        fix = "only a case with `none` for rows that its generator compares with"
        raise UsageError(f"nothing is left open by a case {name!r}", "robustness-pack.yaml", fix)
    if not holds_on(until, workspace.now()[:10]):
        raise UsageError(f"not a day within a year from now: {until!r}", "--until", "write 2026-01-31")
    model = contract.manifest.model
    return _sign_record(
        workspace,
        contract,
        acceptance_digest(model, case, contract.data_digest, until),
        (person, role),
        {"kind": ACCEPTANCE, "applies-to": case.id, "next-review": until},
        (f"Accept what {case.id} leaves open", "There are no approved rows to compare with yet.", f"Until {until}."),
    )


def accepted_cases(workspace: Workspace, contract: Contract) -> frozenset[str]:
    """Return the cases whose open question two people have accepted, their signatures checked, and not expired."""
    today, model, data = workspace.now()[:10], contract.manifest.model, contract.data_digest
    asked = {one.id: accepting(contract.records, model, one, data, today) for one in contract.cases if leaves_open(one)}
    if not any(asked.values()):
        return frozenset()
    _trusted(workspace)
    return frozenset(
        name
        for name, records in asked.items()
        if any(not _waits(contract, one.approvals, one.front.covers or "") for one in records)
    )


def standing_against(workspace: Workspace, contract: Contract, shared: Iterable[Entry] = ()) -> tuple[Standing, ...]:
    """Return the decisions that stand, from records, lock and ledger; only a signed reversal takes one back.

    `shared` are the entries of a ledger elsewhere, where there is one.
    """
    locked = contract.lock.standing if contract.lock else ()
    kept: tuple[Standing, ...] = ()
    if _has_site(workspace):
        store = workspace.store()
        try:
            kept = standing_in(store.entries())
        finally:
            store.close()
    elsewhere = standing_in(one for one in shared if one.kind != REVERSED or _signed_back(contract, one))
    written = standing_of(contract.records, contract.manifest.model)
    known = dict.fromkeys((*written, *locked, *kept, *elsewhere))
    return tuple(one for one in known if not _reversed(contract, one))


def blocks(standing: tuple[Standing, ...], version: str) -> tuple[Block, ...]:
    """Return a block per decision against this version: no measurement outweighs it."""
    fix = "two people take it back with `shipworthy decide reverse`"
    return tuple(
        Block(name="do not deploy", because=one.told, fix=fix, exit_code=1)
        for one in standing
        if one.holds_for(version)
    )


def people_of(contract: Contract) -> tuple[Person, ...]:
    """Return who may loosen: the people of the contract that shipped last, at first those of this one."""
    return contract.lock.people if contract.lock else contract.people


def _trusted(workspace: Workspace) -> Contract:
    """Return the contract, its lock verified: who may loosen is said by what shipped, as it was signed."""
    contract = workspace.contract()
    if contract.lock is not None:
        verify_lock(contract.lock, gate_key(contract.lock, workspace))
    return contract


def _signed_back(contract: Contract, entry: Entry) -> bool:
    """A ledger elsewhere says that a decision was taken back: it was when two people of our own lock signed so."""
    try:
        standing: Standing = entry.read(Standing, "standing")
        approvals = msgspec.convert(entry.body.get("approvals", ()), tuple[Approval, ...])
    except (KeyError, ValueError):
        return False  # what cannot be read takes nothing back
    return not _waits(contract, approvals, reversal_digest(standing))


def _reversed(contract: Contract, standing: Standing) -> bool:
    what = reversal_digest(standing)
    return any(
        one.front.kind == "reversal" and one.accepted and not _waits(contract, one.approvals, what)
        for one in contract.records
        if one.front.covers == what
    )


def _waits(contract: Contract, approvals: tuple[Approval, ...], what: Digest) -> str:
    try:
        two_people(approvals, people_of(contract), ROLES, what)
    except (PolicySaysNo, CannotDecide) as missing:
        return missing.what
    return ""


def _sign_record(
    workspace: Workspace,
    contract: Contract,
    what: Digest,
    signer: tuple[str, str],
    keys: dict[str, str | list[str]],
    words: tuple[str, str, str],
) -> Recorded:
    """Add this person's approval to the record that covers `what`, writing the record first if there is none."""
    person, role = signer
    if not any(one.id == person and role in one.roles for one in people_of(contract)):
        raise PolicySaysNo(f"{person} does not have the role {role} in the contract that shipped last", "people")
    mine = _sign(workspace, person, role, what)
    there = next((one for one in contract.records if one.front.covers == what), None)
    before: tuple[Approval, ...] = ()
    if there is None:
        start: dict[str, str | list[str]] = {"status": "proposed", "date": workspace.now()[:10], "covers": what}
        file = next_file(contract.records, str(keys["kind"]))
        text = new_record({**start, **keys, "decision-makers": [person]}, *words)
    else:
        file, text = there.file, (workspace.root / there.file).read_text(encoding="utf-8")
        before = tuple(one for one in there.approvals if (one.person, one.role) != (person, role))
        if len(before) != len(there.approvals):
            raise UsageError(f"{person} has signed this as {role} already", file)
    waits = _waits(contract, (*before, mine), what)
    made = _write(workspace.root, file, with_approval(text, mine, accepted=not waits))
    names = tuple(dict.fromkeys(one.person for one in made.approvals))
    return Recorded(id=made.id, file=file, what=what, signed_by=names, waits=waits)


def _sign(workspace: Workspace, person: str, role: str, what: Digest) -> Approval:
    proof = approve(person, role, what, workspace.person_key(person))
    return Approval(person=person, role=role, what=what, proof=proof)


def _write(root: Path, file: str, text: str) -> DecisionRecord:
    """Write a record that reads back; nothing is written when it would not."""
    made, problems = read_record(text, file)
    if made is None:
        raise ContractError("\n".join(str(one) for one in problems), file)
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return made


def _found(contract: Contract, what: Digest) -> DecisionRecord:
    return next(one for one in contract.records if one.front.covers == what)


def _has_site(workspace: Workspace) -> bool:
    return (workspace.home / "store.db").is_file()
