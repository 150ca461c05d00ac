"""Put one release in a sandbox through the real pack and the real gate, and say what it did not pass.

In: a sandbox with a signed artefact and the model that answers for it. Out: evidence on the sandbox's disk, the verdict
of the gate on it, and the rules that were not green.
"""

from __future__ import annotations

import platform

import msgspec

from shipworthy import __version__
from shipworthy.artifact import dsse
from shipworthy.artifact.statement import statement_bytes
from shipworthy.artifact.vsa import vsa
from shipworthy.contract.contract import make_lock
from shipworthy.contract.lock import FILE as LOCK_FILE
from shipworthy.contract.lock import Lock, render_lock, terms_digest
from shipworthy.evaluate.run.engine import evaluate_local
from shipworthy.facts import Evidence, Outcome, PairedRows, Run, Subject, Verdict, digest
from shipworthy.flows.evaluate import bench_of, evidence_of
from shipworthy.flows.evidence import write_evidence
from shipworthy.flows.gate import judge
from shipworthy.flows.model import OpenModel
from shipworthy.flows.scan import scan
from shipworthy.flows.strength.sandbox import Sandbox
from shipworthy.runtime.admission import LEVEL, SUBJECT, TERMS, VERIFIER, resource_uri


def evaluated(box: Sandbox, model: OpenModel) -> Evidence:
    """Evaluate the release in the sandbox with `model` as its answers; write the evidence and return it."""
    workspace, contract = box.workspace, box.workspace.contract()
    report = scan(box.root, contract.manifest)
    bench = bench_of(box.root, contract, model, contract.cases)
    shown = evaluate_local(bench, contract.policy, contract.cases)
    evidence = evidence_of(bench, contract, shown, report)
    at = workspace.now()
    run = Run(evidence=digest(evidence), started=at, ended=at, host=platform.machine(), versions={})
    write_evidence(workspace, evidence, run)
    return evidence


def not_green(box: Sandbox) -> dict[str, str]:
    """Ask the gate; return what is not green and decides: why, by the name of the rule."""
    return failing(judge(box.workspace).verdict)


def failing(verdict: Verdict) -> dict[str, str]:
    """Return the blocks and the deciding judgements that are not met, by name. A block's name holds its reason."""
    found = {f"{one.name}: {one.because}": one.because for one in verdict.blocks}
    for one in verdict.judgements:
        if one.here and not one.trial and one.outcome is not Outcome.MET:
            name = one.slo if one.segment == "*" else f"{one.slo} on {one.segment}"
            found[name] = f"{one.outcome}: {one.because}"
    return found


def write_lock(box: Sandbox, before: Lock | None, evidence: Evidence | None) -> None:
    """Let a release be the one that shipped last: that of the user's lock, else the one `evidence` is about.

    The terms are those of the contract as it stands, so that nothing counts as loosened; the signature is of the
    sandbox's own key.
    """
    contract = box.workspace.contract()
    subject, paired, rows = _shipped(before, evidence)
    subject = msgspec.structs.replace(subject, policy=contract.policy_digest)
    bits = before.bits if before else {one.case: one.bits for one in evidence.cases if one.bits} if evidence else {}
    lock = make_lock(contract, subject, "", rows=rows, bits=bits, paired=paired)
    told = vsa(
        subject_name=subject.model,
        subject_digest=subject.artefact,
        resource_uri=resource_uri(subject.model, subject.version),
        verifier_id=VERIFIER,
        verifier_version=__version__,
        policy_uri="shipworthy:policy/safety-slos.yaml",
        policy_digest=subject.policy,
        time_verified=box.workspace.now(),
        passed=True,
        levels=(LEVEL,),
        inputs=(),
        extension={SUBJECT: digest(subject), TERMS: terms_digest(lock)},
    )
    signed = dsse.sign(dsse.IN_TOTO, statement_bytes(told), box.workspace.verdict_key()).decode()
    made = render_lock(msgspec.structs.replace(lock, verdict=signed))
    (box.root / LOCK_FILE).write_text(made, encoding="utf-8")


def _shipped(before: Lock | None, evidence: Evidence | None) -> tuple[Subject, PairedRows | None, dict[str, str]]:
    if before is not None:
        return before.subject, before.paired, {}
    if evidence is None:
        raise ValueError("a lock is of a release that shipped, or of one that was evaluated")
    return evidence.subject, evidence.paired, dict(evidence.rows)
