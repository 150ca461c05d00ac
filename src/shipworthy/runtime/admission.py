"""Admission: what the gate has not passed, exactly as it lies here, is not served.

In: a repository or release folder. Out: nothing, or CannotDecide with the reason: unsigned, altered, no verdict, a
verdict about something else, or one by a key that the contract does not pin.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from shipworthy.artifact import dsse
from shipworthy.artifact.bundle import check_age
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.keys import PublicKey, load_public
from shipworthy.artifact.signature import SIGNATURE_FILE, verify_bundle
from shipworthy.artifact.vsa import Summary, read_vsa
from shipworthy.contract.contract import Contract
from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.lock import Lock, terms_digest
from shipworthy.errors import CannotDecide
from shipworthy.indicators import window_seconds
from shipworthy.runtime.subject import subject_of

MAX_SIGNATURE = 16 << 20  # bytes: some hundred for each file of the artefact
VERIFIER = "https://shipworthy.dev/gate"
LEVEL = "SHIPWORTHY_GATE_PASSED"
SUBJECT = "https://shipworthy.dev/subject/v1"
TERMS = "https://shipworthy.dev/terms/v1"
VERDICT = "https://shipworthy.dev/verdict/v1"


def resource_uri(model: str, version: str) -> str:
    """Return the URI under which verdicts name a version of a model."""
    from urllib.parse import quote

    return f"shipworthy:model/{quote(model, safe='')}/{quote(version, safe='')}"


def admitted(folder: Path) -> Contract:
    """Return the contract of a release. Raises CannotDecide unless signature and verdict hold."""
    contract, problems = read_contract(folder)
    if contract is None:
        raise CannotDecide(f"the contract of this release cannot be read: {problems[0]}", str(folder))
    verify_signature(folder, contract)
    verify_verdict(folder, contract)
    return contract


def verify_signature(root: Path, contract: Contract) -> None:
    """Raise CannotDecide unless the artefact is signed by the pinned issuer and unaltered since."""
    folder = root / contract.manifest.artefacts
    path = folder / SIGNATURE_FILE
    if not path.is_file():
        raise CannotDecide("the artefact is not signed", str(folder), "run `shipworthy sign`")
    if path.stat().st_size > MAX_SIGNATURE:
        raise CannotDecide(f"larger than {MAX_SIGNATURE} bytes", str(path), "run `shipworthy sign`")
    verify_bundle(path.read_bytes(), hash_folder(folder), load_public(contract.issuers.signing))


def verify_verdict(root: Path, contract: Contract) -> None:
    """Raise CannotDecide unless the lock holds a verdict of the pinned gate that this very subject passed."""
    lock = contract.lock
    if lock is None:
        raise CannotDecide("the gate has not passed this version", str(root), "run `shipworthy ship`")
    subject = subject_of(root, contract)
    if lock.subject != subject:
        raise CannotDecide("the lock is about another subject", str(root), "run `shipworthy ship`")
    verify_lock(lock, load_public(contract.issuers.verdict))


def verify_age(contract: Contract, now: datetime) -> None:
    """Raise CannotDecide when the verdict, which holds otherwise, is older than the manifest's `retention.verdict`.

    Without that key a verdict does not expire. Asked where a version begins to serve: what serves already is stopped
    by people or by evidence, not by a date.
    """
    length = contract.manifest.retention.get("verdict")
    if length is None:
        return
    seconds = window_seconds(length)
    if contract.lock is None or seconds is None:
        raise CannotDecide("the age of the verdict cannot be told", "shipworthy.lock", "run `shipworthy ship`")
    summary = _summary(contract.lock, load_public(contract.issuers.verdict))
    check_age(summary.time_verified, now, timedelta(seconds=seconds))


def verify_lock(lock: Lock, key: PublicKey) -> None:
    """Raise CannotDecide unless `key` signed that the lock's subject passed, over exactly the lock's terms."""
    if _summary(lock, key).extension.get(TERMS) != terms_digest(lock):
        raise CannotDecide("the lock is not what was signed when it shipped", "shipworthy.lock")


def _summary(lock: Lock, key: PublicKey) -> Summary:
    """The verdict in the lock, when `key` signed that the lock's subject passed."""
    subject = lock.subject
    return read_vsa(
        dsse.verify(lock.verdict.encode(), [key]),
        subject_digest=subject.artefact,
        verifier_id=VERIFIER,
        resource_uri=resource_uri(subject.model, subject.version),
        policy_digest=subject.policy,
        level=LEVEL,
    )
