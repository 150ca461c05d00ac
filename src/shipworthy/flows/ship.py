"""Ship what the gate passes: a signed verdict in the lock, the release kept, every step in the ledger.

In: the repository. Out: the verdict. On a pass the lock is written, the whole repository is copied into the state
directory as the release that `serve` admits, and the first release becomes the warm baseline. On anything else nothing
is written but the ledger entry and the signed statements that say so, which every verifier refuses; with an override
that covers the verdict the release is kept as one that did not pass, and the lock stays where it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from shipworthy.artifact.files.keys import VERDICT
from shipworthy.contract.contract import make_lock
from shipworthy.contract.lock import FILE as LOCK_FILE
from shipworthy.contract.lock import render_lock, terms_digest
from shipworthy.contract.manifest import Manifest
from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Decision, Digest, Subject, digest
from shipworthy.flows.attest import BUNDLE, attest, write_bundle
from shipworthy.flows.decide import standing_against
from shipworthy.flows.gate import Judged, judge
from shipworthy.flows.override import chosen, let_through
from shipworthy.flows.shared import tell_shipped
from shipworthy.gate.table import values_of
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
        elif (workspace.keys / VERDICT).exists():
            write_bundle(workspace, verdict.subject.artefact, attest(workspace, judged, None))
        if verdict.decision is not Decision.SHIP and override:
            judged = _let_through(workspace, judged, authority, override)
    finally:
        store.close()
    return judged


def shipped_files(workspace: Workspace, subject: Subject) -> tuple[Path, ...]:
    """Return what a pass leaves behind: the lock, the gate's signed verdict and the kept release."""
    bundle = workspace.evidence(subject.artefact) / BUNDLE
    return workspace.root / LOCK_FILE, bundle, workspace.releases / subject.version


def _ship(workspace: Workspace, judged: Judged, authority: Authority, checkpoint: str) -> None:
    evidence, contract = judged.evidence, judged.contract
    assert evidence is not None  # a verdict to ship rests on evidence
    _same_release(workspace, contract.manifest, judged.verdict.subject.artefact)
    terms = make_lock(
        contract,
        judged.verdict.subject,
        "",
        rows=evidence.rows,
        standing=standing_against(workspace, contract, judged.shared.records("govern.")),
        values=values_of(judged.verdict.judgements, contract.policy, evidence),
        bits={result.case: result.bits for result in evidence.cases if result.bits},
        paired=evidence.paired,
        checkpoint=checkpoint,
        first_shipped=contract.lock.first_shipped if contract.lock is not None else workspace.now(),
    )
    signed = attest(workspace, judged, terms_digest(terms))
    write_bundle(workspace, judged.verdict.subject.artefact, signed)
    lock = msgspec.structs.replace(terms, verdict=signed.summary)
    (workspace.root / LOCK_FILE).write_text(render_lock(lock), encoding="utf-8")
    keep_release(workspace, contract.manifest.version)
    verdict = judged.verdict
    pinned = {"subject": verdict.subject, "first": verdict.first, "terms": terms_digest(lock)}
    authority.note("gate", "gate.shipped", pinned)
    if not authority.state().baseline:
        authority.baseline("gate", contract.manifest.version)


def _let_through(workspace: Workspace, judged: Judged, authority: Authority, override: str) -> Judged:
    granted = chosen(judged.held, override, judged.verdict)
    _same_release(workspace, judged.contract.manifest, judged.verdict.subject.artefact)
    files = let_through(workspace, granted, judged.verdict, authority)
    keep_release(workspace, judged.contract.manifest.version, files)
    return msgspec.structs.replace(judged, released_under=override)


def _same_release(workspace: Workspace, manifest: Manifest, artefact: Digest) -> None:
    """A version's name stands for one artefact: what serves under it is never replaced behind its back."""
    kept = workspace.releases / manifest.version / manifest.artefacts
    if kept.is_dir() and artefact_digest(kept) != artefact:
        what = f"version {manifest.version} has shipped with another artefact"
        raise PolicySaysNo(what, "shipworthy.yaml", "give this one a new version")


def keep_release(workspace: Workspace, version: str, beside: Mapping[str, bytes] | None = None) -> Path:
    """Copy the repository as it ships, with the files `beside` it; one that is kept already is replaced whole."""
    target = workspace.releases / version
    aside = workspace.releases / f".{version}.old"
    _put_back(aside, target)
    fresh = workspace.releases / f".{version}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(workspace.root, fresh, ignore=shutil.ignore_patterns(*_NOT_KEPT))
    for name, content in (beside or {}).items():
        (fresh / name).write_bytes(content)
    shutil.rmtree(aside, ignore_errors=True)
    if target.is_dir():
        target.rename(aside)
    try:
        fresh.rename(target)
    finally:
        _put_back(aside, target)
    shutil.rmtree(aside, ignore_errors=True)
    return target


def _put_back(aside: Path, target: Path) -> None:
    """Undo a replacement that was cut after its first step: the release that may serve now is whole again."""
    if aside.is_dir() and not target.exists():
        aside.rename(target)
