"""Ship what the gate passes: a signed verdict in the lock, the release kept, every step in the ledger.

In: the repository. Out: the verdict. On a pass the lock is written, the whole repository is copied into the state
directory as the release that `serve` admits, and the first release becomes the warm baseline. On anything else nothing
is written but the ledger entry that says so; with an override that covers the verdict the release is kept as one that
did not pass, and the lock stays where it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from shipworthy import __version__
from shipworthy.artifact import dsse
from shipworthy.artifact.statement import statement_bytes
from shipworthy.artifact.vsa import vsa
from shipworthy.contract.contract import make_lock
from shipworthy.contract.lock import FILE as LOCK_FILE
from shipworthy.contract.lock import render_lock, terms_digest
from shipworthy.contract.manifest import Manifest
from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Decision, Digest, Verdict, digest
from shipworthy.flows.gate import Judged, judge
from shipworthy.flows.override import chosen, let_through
from shipworthy.flows.shared import tell_shipped
from shipworthy.runtime.admission import LEVEL, SUBJECT, TERMS, VERIFIER, resource_uri
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.overridden import FILE as OVERRIDE_FILE
from shipworthy.runtime.subject import artefact_digest
from shipworthy.runtime.workspace import Workspace

_NOT_KEPT = (".git", ".shipworthy", "story", "__pycache__", ".venv", OVERRIDE_FILE)


def ship(workspace: Workspace, override: str = "") -> Judged:
    """Gate, and on a pass ship; else let it through under `override`, if that holds and covers exactly this verdict.

    Raises what `judge` raises, and PolicySaysNo when the override does not.
    """
    judged = judge(workspace)
    verdict = judged.verdict
    store = workspace.store()
    try:
        ledger = workspace.ledger(store)
        authority = Authority(workspace.state_files(), ledger, store, workspace.clock)
        authority.begin()
        told = {"subject": verdict.subject, "decision": verdict.decision, "verdict": digest(verdict)}
        authority.note("gate", "gate.decided", told)
        if verdict.decision is Decision.SHIP:
            _ship(workspace, judged, authority, judged.shared.checkpoint or ledger.checkpoint())
            judged = msgspec.structs.replace(judged, verdict=tell_shipped(judged.shared, verdict))
        elif override:
            judged = _let_through(workspace, judged, authority, override)
    finally:
        store.close()
    return judged


def _ship(workspace: Workspace, judged: Judged, authority: Authority, checkpoint: str) -> None:
    evidence, contract = judged.evidence, judged.contract
    assert evidence is not None  # a verdict to ship rests on evidence
    _same_release(workspace, contract.manifest, judged.verdict.subject.artefact)
    terms = make_lock(
        contract,
        judged.verdict.subject,
        "",
        bits={result.case: result.bits for result in evidence.cases if result.bits},
        paired=evidence.paired,
        checkpoint=checkpoint,
    )
    signed = sign_verdict(workspace, judged.verdict, digest(evidence), terms_digest(terms))
    lock = msgspec.structs.replace(terms, verdict=signed)
    (workspace.root / LOCK_FILE).write_text(render_lock(lock), encoding="utf-8")
    keep_release(workspace, contract.manifest.version)
    authority.note("gate", "gate.shipped", {"subject": judged.verdict.subject, "first": judged.verdict.first})
    if not authority.state().baseline:
        authority.baseline("gate", contract.manifest.version)


def _let_through(workspace: Workspace, judged: Judged, authority: Authority, override: str) -> Judged:
    granted = chosen(judged.held, override, judged.verdict)
    _same_release(workspace, judged.contract.manifest, judged.verdict.subject.artefact)
    files = let_through(workspace, granted, judged.verdict, authority)
    keep_release(workspace, judged.contract.manifest.version, files)
    return msgspec.structs.replace(judged, released_under=override)


def sign_verdict(workspace: Workspace, verdict: Verdict, evidence: Digest, terms: Digest) -> str:
    """Return the DSSE text of a passed verdict as a SLSA verification summary, with the digest of the lock's terms."""
    subject = verdict.subject
    told = vsa(
        subject_name=subject.model,
        subject_digest=subject.artefact,
        resource_uri=resource_uri(subject.model, subject.version),
        verifier_id=VERIFIER,
        verifier_version=__version__,
        policy_uri="shipworthy:policy/safety-slos.yaml",
        policy_digest=subject.policy,
        time_verified=workspace.now(),
        passed=verdict.decision is Decision.SHIP,
        levels=(LEVEL,),
        inputs=(evidence, digest(verdict)),
        extension={SUBJECT: digest(subject), TERMS: terms},
    )
    return dsse.sign(dsse.IN_TOTO, statement_bytes(told), workspace.verdict_key()).decode()


def _same_release(workspace: Workspace, manifest: Manifest, artefact: Digest) -> None:
    """A version's name stands for one artefact: what serves under it is never replaced behind its back."""
    kept = workspace.releases / manifest.version / manifest.artefacts
    if kept.is_dir() and artefact_digest(kept) != artefact:
        what = f"version {manifest.version} has shipped with another artefact"
        raise PolicySaysNo(what, "shipworthy.yaml", "give this one a new version")


def keep_release(workspace: Workspace, version: str, beside: Mapping[str, bytes] | None = None) -> Path:
    """Copy the repository as it ships, with the files `beside` it; one that is kept already is replaced whole."""
    target = workspace.releases / version
    fresh = workspace.releases / f".{version}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(workspace.root, fresh, ignore=shutil.ignore_patterns(*_NOT_KEPT))
    for name, content in (beside or {}).items():
        (fresh / name).write_bytes(content)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return target
