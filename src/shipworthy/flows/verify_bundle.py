"""Admission for servers that are not ours: does this folder have a verdict of the trusted gate?

In: any folder, a bundle (`gate.intoto.jsonl`), a public key and what is asked. No contract, no ledger, no state is
needed. Out: what the bundle says, or one refusal. The folder is hashed as it lies here; only `model.sig` at its top is
left out, since it is made after the digest.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from shipworthy.artifact.bundle import MAX_BYTES, Admitted, Wanted, admit
from shipworthy.artifact.digests import is_digest
from shipworthy.artifact.files.folder import read_named
from shipworthy.artifact.files.keys import read_key
from shipworthy.artifact.keys import load_public
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.indicators import length_seconds
from shipworthy.runtime.admission import LEVEL, VERIFIER
from shipworthy.runtime.subject import artefact_digest
from shipworthy.runtime.workspace import Clock


def verify_bundle(
    folder: Path, bundle: Path, public_key: Path, clock: Clock, max_age: str | None = None, policy: str | None = None
) -> Admitted:
    """Return what the bundle says about this folder. Raises CannotDecide with the first reason not to admit it.

    `max_age` is a length such as `30d`, `policy` a digest `sha256:…` that the verdict must have been given under; None
    = not asked. Raises UsageError when one of them is not what it should be.
    """
    asked_policy, asked_age = _policy(policy), _length(max_age)  # a question that makes no sense is told first
    wanted = Wanted(
        subject=artefact_digest(folder),
        verifier=VERIFIER,
        level=LEVEL,
        at=clock(),
        policy=asked_policy,
        max_age=asked_age,
    )
    return admit(read_bundle(bundle), load_public(read_key(public_key)), wanted)


def read_bundle(path: Path) -> bytes:
    """Return the bytes of a bundle. Raises CannotDecide when there is none or it is too large to be one."""
    try:
        raw = read_named(path, MAX_BYTES)
    except CannotDecide as problem:
        raise CannotDecide(f"no verdict can be read: {problem.what}", str(path), "fetch it from the gate") from None
    if not raw.strip():
        raise CannotDecide("the verdict is empty", str(path), "fetch it from the gate")
    return raw


def _policy(text: str | None) -> str | None:
    if text is not None and not is_digest(text):
        raise UsageError(f"not a digest: {text!r}", "--policy", "write sha256: and 64 hex digits")
    return text


def _length(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return timedelta(seconds=length_seconds(text))
    except ValueError as problem:
        raise UsageError(str(problem), "--max-age", "such as 30d") from problem
