"""Admission under an override: a release the gate did not pass, let through by two people for a while.

In: a release folder with the lock of the release before and `shipworthy.override` beside it, and the time. Out: its
contract and the override, or CannotDecide: unsigned, altered, another subject, approvals that do not hold, not begun,
or over (`Ended`). The gate's signature is over the digest of the exact override, as the policy it was judged under.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy import __version__
from shipworthy.artifact import dsse
from shipworthy.artifact.keys import PublicKey, load_public
from shipworthy.artifact.statement import statement_bytes
from shipworthy.artifact.strict import loads
from shipworthy.artifact.vsa import read_vsa, vsa
from shipworthy.contract.contract import Contract
from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.lock import Lock
from shipworthy.errors import CannotDecide, PolicySaysNo
from shipworthy.facts import Fact, Granted, Override, Verdict, canonical, digest
from shipworthy.govern.overrides import check_asked, check_holds
from shipworthy.runtime.admission import SUBJECT, VERIFIER, admitted, resource_uri, verify_lock, verify_signature
from shipworthy.runtime.subject import subject_of

FILE = "shipworthy.override"
LEVEL = "SHIPWORTHY_GATE_OVERRIDDEN"
OVERRIDE = "https://shipworthy.dev/override/v1"
MAX_BYTES = 1 << 20


class Kept(Fact, frozen=True, kw_only=True):
    """What lies beside an overridden release: the override, its approvals and the gate's signed summary (DSSE)."""

    granted: Granted
    verdict: str


class Ended(CannotDecide):
    """The override was all it had to be, and its time is over."""

    def __init__(self, override: Override, where: str) -> None:
        super().__init__(f"{override.id} ended at {override.until}", where, "ship a version that passes")
        self.override = override


def is_overridden(folder: Path) -> bool:
    """True when a release is not one that passed."""
    return (folder / FILE).exists() or (folder / FILE).is_symlink()


def began(folder: Path) -> str:
    """Return when the override of a release began, "" for one that passed: the moment to study it at afterwards."""
    return read_kept(folder).granted.override.requested_at if is_overridden(folder) else ""


def sign_overridden(granted: Granted, verdict: Verdict, now: str, key: Ed25519PrivateKey) -> bytes:
    """Return the bytes of `shipworthy.override`: the gate says under which override this subject was let through."""
    override, subject = granted.override, granted.override.subject
    told = vsa(
        subject_name=subject.model,
        subject_digest=subject.artefact,
        resource_uri=resource_uri(subject.model, subject.version),
        verifier_id=VERIFIER,
        verifier_version=__version__,
        policy_uri=f"shipworthy:override/{override.id}",
        policy_digest=digest(override),
        time_verified=now,
        passed=True,  # this override, not the SLOs: the level and the policy say so
        levels=(LEVEL,),
        inputs=(("shipworthy:verdict", digest(verdict)),),
        extension={SUBJECT: digest(subject), OVERRIDE: {"id": override.id, "until": override.until}},
    )
    signed = dsse.sign(dsse.IN_TOTO, statement_bytes(told), key).decode()
    return canonical(Kept(granted=granted, verdict=signed)) + b"\n"


def admit(folder: Path, now: str) -> tuple[Contract, Override | None]:
    """Return the contract of a release, and the override that it is let through by if it did not pass."""
    if not is_overridden(folder):
        return admitted(folder), None
    if not now:
        raise CannotDecide("it was let through by an override, which is not enough here", str(folder))
    contract, granted = admitted_under_override(folder, now)
    return contract, granted.override


def admitted_under_override(folder: Path, now: str) -> tuple[Contract, Granted]:
    """Return contract and override of a release. Raises CannotDecide unless everything holds, `Ended` when it did."""
    contract, problems = read_contract(folder)
    if contract is None:
        raise CannotDecide(f"the contract of this release cannot be read: {problems[0]}", str(folder))
    verify_signature(folder, contract)
    lock = _lock(folder, contract)
    kept = read_kept(folder)
    override = kept.granted.override
    _verify_summary(kept, load_public(lock.issuers.verdict))
    try:
        check_asked(override)
        if now >= override.until:
            raise Ended(override, str(folder))
        check_holds(kept.granted, lock.people, subject_of(folder, contract), now)
    except PolicySaysNo as problem:
        raise CannotDecide(problem.what, str(folder), problem.fix) from problem
    return contract, kept.granted


def read_kept(folder: Path) -> Kept:
    """Return what lies beside the release. Raises CannotDecide when it is not one strict document."""
    path = folder / FILE
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if path.is_symlink() or len(raw) > MAX_BYTES:
        raise CannotDecide("not a plain file of a size that is ours", str(path))
    try:
        return msgspec.convert(loads(raw, str(path)), Kept, strict=True)
    except msgspec.ValidationError as problem:
        raise CannotDecide(f"not an override: {problem}", str(path)) from problem


def brings_nobody(contract: Contract, lock: Lock) -> bool:
    """True when a contract's issuers are those of the lock, and its people are among them."""
    return contract.issuers == lock.issuers and set(contract.people) <= set(lock.people)


def _lock(folder: Path, contract: Contract) -> Lock:
    """The lock of what passed last: its people approve. An override may not bring issuers or people of its own."""
    lock = contract.lock
    if lock is None:
        raise CannotDecide("an override needs a release before it that passed", str(folder))
    if not brings_nobody(contract, lock):
        raise CannotDecide("other people or issuers than those that shipped last", str(folder))
    verify_lock(lock, load_public(lock.issuers.verdict))
    return lock


def _verify_summary(kept: Kept, key: PublicKey) -> None:
    override = kept.granted.override
    summary = read_vsa(
        dsse.verify(kept.verdict.encode(), [key]),
        subject_digest=override.subject.artefact,
        verifier_id=VERIFIER,
        resource_uri=resource_uri(override.subject.model, override.subject.version),
        policy_digest=digest(override),
        level=LEVEL,
    )
    said = {"id": override.id, "until": override.until}
    if summary.extension.get(OVERRIDE) != said or summary.extension.get(SUBJECT) != digest(override.subject):
        raise CannotDecide("the gate signed another override", override.id)
