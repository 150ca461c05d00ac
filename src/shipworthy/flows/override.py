"""Ask for an override, approve it, list them; and let a release through under one.

Each person signs with their own key over the digest of the exact override; what was asked and approved stands in the
ledger. The people are those of the lock: whoever can edit the working copy cannot name an approver. The rules are in
`govern/overrides.py`, what may be covered in `govern/overridable.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from shipworthy.artifact.approval import approve as proof_of
from shipworthy.artifact.approval import check
from shipworthy.artifact.keys import load_public
from shipworthy.contract.contract import Contract
from shipworthy.contract.lock import Lock
from shipworthy.errors import CannotDecide, PolicySaysNo, ShipworthyError, UsageError
from shipworthy.facts import Approval, Fact, Granted, Override, Person, Verdict, digest
from shipworthy.flows.lock import gate_key
from shipworthy.flows.site_state import open_site
from shipworthy.govern.overridable import red_rows, refusals
from shipworthy.govern.overrides import (
    APPROVED,
    LONGEST,
    REQUESTED,
    ROLES,
    check_asked,
    check_covers,
    check_holds,
    granted_in,
    judged_digest,
    line,
    signed_by,
)
from shipworthy.indicators import length_seconds
from shipworthy.runtime.admission import verify_lock
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.overridden import FILE, brings_nobody, is_overridden, sign_overridden
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.instants import rfc3339

OVERRODE = "gate.overridden"


class Asked(Fact, frozen=True, kw_only=True):
    """What a person asks for beside the verdict: why, what compensates, where and for how long."""

    reason: str
    compensating_control: str
    tenants: tuple[str, ...]
    share_bp: int
    lasts_s: int


class Standing(Fact, frozen=True, kw_only=True):
    """One override and where it stands: `asked`, `holds` or `over`; `waits` says why it does not hold."""

    granted: Granted
    status: str
    waits: str = ""


def request(workspace: Workspace, verdict: Verdict, contract: Contract, asked: Asked, person: str) -> Granted:
    """Ask, as an operator, to let this very verdict through. Raises PolicySaysNo when nobody may."""
    refused = refusals(verdict, contract.policy, contract.cases, contract.lock)
    if refused or contract.lock is None:
        raise PolicySaysNo("; ".join(refused), "override", "what is listed here stands, whoever asks")
    if not brings_nobody(contract, contract.lock):
        raise PolicySaysNo("other people or issuers than those that shipped last", "override", "ship that change first")
    who = _person(contract.lock, person, ROLES[0])
    _other_reviewer(contract.lock, who)
    with open_site(workspace) as authority:
        override = Override(
            id=authority.new_id("OVR"),
            subject=verdict.subject,
            verdict=judged_digest(verdict),
            covers=red_rows(verdict),
            tenants=asked.tenants,
            share_bp=asked.share_bp,
            reason=asked.reason,
            compensating_control=asked.compensating_control,
            requested_by=who.id,
            requested_at=workspace.now(),
            until=rfc3339(workspace.clock() + timedelta(seconds=asked.lasts_s)),
        )
        check_asked(override)
        mine = _signed(workspace, who, ROLES[0], override)
        authority.note(who.id, REQUESTED, {"override": override, "approval": mine})
        return Granted(override=override, approvals=(mine,))


def approve(workspace: Workspace, lock: Lock | None, name: str, person: str) -> Granted:
    """Approve, as a reviewer, exactly what was asked. Raises PolicySaysNo for the person who asked, or their key."""
    if lock is None:
        raise PolicySaysNo("no version has shipped: no shipped contract says who may approve", "override")
    verify_lock(lock, gate_key(lock, workspace))
    who = _person(lock, person, ROLES[1])
    with open_site(workspace) as authority:
        found = _named(granted_in(authority.ledger.entries()), name)
        mine = _signed(workspace, who, ROLES[1], found.override)
        granted = msgspec.structs.replace(found, approvals=signed_by((*found.approvals, mine)))
        check_holds(granted, lock.people, found.override.subject, workspace.now())
        if granted != found:
            authority.note(who.id, APPROVED, {"override": name, "what": digest(found.override), "approval": mine})
        return granted


def standing(workspace: Workspace, lock: Lock | None) -> tuple[Standing, ...]:
    """Return every override of this site, the newest last."""
    with open_site(workspace) as authority:
        found = granted_in(authority.ledger.entries())
    return tuple(_standing(one, lock, workspace.now()) for one in found)


def held_here(workspace: Workspace, contract: Contract, shared: Iterable[Granted] = ()) -> tuple[Granted, ...]:
    """Return the overrides of this model that hold now, from this site's ledger and from the shared one.

    By the people of a lock that is not what the gate signed, none does.
    """
    lock = contract.lock
    try:
        if lock is not None:
            verify_lock(lock, gate_key(lock, workspace))
    except CannotDecide:
        return ()
    known = {digest(one.override): one for one in shared}
    if (workspace.home / "store.db").is_file():
        store = workspace.store()
        try:
            known |= {digest(one.override): one for one in granted_in(store.entries())}
        finally:
            store.close()
    return holding(known.values(), lock, contract.manifest.model, workspace.now())


def holding(granted: Iterable[Granted], lock: Lock | None, model: str, now: str) -> tuple[Granted, ...]:
    """Return those of a model that hold now, judged by the people of the lock; without a lock none does."""
    return tuple(one for one in granted if one.override.subject.model == model and not _why_not(one, lock, now))


def with_overrides(verdict: Verdict, held: Sequence[Granted]) -> Verdict:
    """Return the verdict with a line per override that holds: every report shows them."""
    return msgspec.structs.replace(verdict, overrides=tuple(line(one) for one in held))


def chosen(held: Sequence[Granted], name: str, verdict: Verdict) -> Granted:
    """Return the override of that name if it holds and covers exactly this verdict. Raises PolicySaysNo."""
    named = [one for one in held if one.override.id == name]
    if not named:
        raise PolicySaysNo("no such override holds", name, "see `shipworthy override list`")
    fits = [one for one in named if one.override.subject == verdict.subject]  # two sites may number alike
    one = (fits or named)[0]
    check_covers(one.override, verdict)
    return one


def let_through(workspace: Workspace, granted: Granted, verdict: Verdict, authority: Authority) -> dict[str, bytes]:
    """Return the file that makes a kept release one under this override, signed by the gate; the ledger knows first.

    Raises PolicySaysNo when a release of that name has passed: it must not be replaced by one that did not.
    """
    version = verdict.subject.version
    kept = workspace.releases / version
    if kept.is_dir() and not is_overridden(kept):
        raise PolicySaysNo(
            f"version {version} has passed and shipped", "shipworthy.yaml", "give this one a new version"
        )
    signed = sign_overridden(granted, verdict, workspace.now(), workspace.verdict_key())
    authority.note("gate", OVERRODE, {"subject": verdict.subject, "override": granted, "verdict": digest(verdict)})
    return {FILE: signed}


def _person(lock: Lock, name: str, role: str) -> Person:
    found = next((one for one in lock.people if one.id == name), None)
    if found is None:
        known = f"they are {', '.join(one.id for one in lock.people)}"
        raise UsageError(f"{name!r} is not one of the people of the contract that shipped last", "people", known)
    if role not in found.roles:
        raise PolicySaysNo(f"{name} does not have the role {role}", "people", f"ask somebody with the role {role}")
    return found


def _other_reviewer(lock: Lock, who: Person) -> None:
    """Raises PolicySaysNo where nobody could ever approve what this person asks for."""
    if not any(ROLES[1] in one.roles and one.id != who.id for one in lock.people):
        what = f"the contract that shipped last has no {ROLES[1]} beside {who.id}: nobody could approve this"
        raise PolicySaysNo(what, "people", "mend what is red, and ship without an override")


def _signed(workspace: Workspace, who: Person, role: str, override: Override) -> Approval:
    """Sign with the key that the shipped contract knows this person by. Raises PolicySaysNo for any other key."""
    what = digest(override)
    mine = Approval(
        person=who.id, role=role, what=what, proof=proof_of(who.id, role, what, workspace.person_key(who.id))
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = load_public(who.key)
    if not isinstance(key, Ed25519PublicKey) or not check(mine, key):
        raise PolicySaysNo(f"this is not the key of {who.id} in the contract that shipped last", "people")
    return mine


def _named(found: Iterable[Granted], name: str) -> Granted:
    one = next((one for one in found if one.override.id == name), None)
    if one is None:
        raise UsageError(f"no override {name!r} was asked for here", "override", "see `shipworthy override list`")
    return one


def _why_not(granted: Granted, lock: Lock | None, now: str) -> str:
    if lock is None:
        return "no version has shipped"
    try:
        check_holds(granted, lock.people, granted.override.subject, now)
    except ShipworthyError as problem:
        return problem.what
    return ""


def _standing(granted: Granted, lock: Lock | None, now: str) -> Standing:
    waits = _why_not(granted, lock, now)
    if not waits:
        return Standing(granted=granted, status="holds")
    return Standing(granted=granted, status="over" if now >= granted.override.until else "asked", waits=waits)


def lasting(text: str) -> int:
    """Return the seconds of `36h` or `3d`. Raises UsageError for anything else, PolicySaysNo for longer than any."""
    most = f"at most {LONGEST.days}d"
    try:
        seconds = length_seconds(text)
    except ValueError as problem:
        raise UsageError(str(problem), "--for", f"such as 3d; {most}") from problem
    if timedelta(seconds=seconds) > LONGEST:
        raise PolicySaysNo(f"{text} is longer than an override may last", "--for", most)
    return seconds
