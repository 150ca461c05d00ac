"""The gate's answer as signed statements: test result, properties, provenance and, over all of them, the summary.

In: what was judged, and the verdict key. Out: the envelopes and the bundle `gate.intoto.jsonl`. The summary is signed
last and names every input by digest: the evidence, the artefact's signature, the lock it was judged against, and the
statements beside it, so that none of them can be taken out or exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from shipworthy import __version__
from shipworthy.artifact import dsse
from shipworthy.artifact.bundle import POLICY, join_bundle
from shipworthy.artifact.digests import digest as digest_of_bytes
from shipworthy.artifact.files.folder import hash_file
from shipworthy.artifact.provenance import CLOSED, PROVENANCE
from shipworthy.artifact.signature import SIGNATURE_FILE
from shipworthy.artifact.statement import statement_bytes
from shipworthy.artifact.svr import SVR, svr
from shipworthy.artifact.test_result import TEST_RESULT, results
from shipworthy.artifact.vsa import vsa
from shipworthy.contract import slos
from shipworthy.contract.lock import FILE as LOCK_FILE
from shipworthy.facts import Decision, Digest, digest
from shipworthy.flows.gate import Judged
from shipworthy.flows.origin import Origins
from shipworthy.flows.provenance import REPRODUCED, provenance_bytes
from shipworthy.gate.attested import Shown, names, properties
from shipworthy.runtime.admission import LEVEL, SUBJECT, TERMS, VERDICT, VERIFIER, resource_uri
from shipworthy.runtime.workspace import Workspace

BUNDLE = "gate.intoto.jsonl"
POLICY_URI = "shipworthy:policy/safety-slos.yaml"
EVIDENCE_URI = "shipworthy:evidence"
_INPUT = "shipworthy:"


class Attested(msgspec.Struct, frozen=True, kw_only=True):
    """The signed answer: the summary alone (what the lock keeps) and the whole bundle."""

    summary: str
    bundle: bytes


def attest(workspace: Workspace, judged: Judged, terms: Digest | None) -> Attested:
    """Sign the verdict. `terms` is the digest of the lock's terms, None where nothing ships and no lock is written.

    Raises CannotDecide when this site has no verdict key.
    """
    key, verdict, at = workspace.verdict_key(), judged.verdict, workspace.now()
    subject = verdict.subject
    beside = {
        TEST_RESULT: statement_bytes(_test_result(judged)),
        SVR: statement_bytes(
            svr(
                subject_name=subject.model,
                subject_digest=subject.artefact,
                verifier_id=VERIFIER,
                policy_uri=POLICY_URI,
                policy_digest=subject.policy,
                time_created=at,
                properties=properties(verdict, _shown(judged.origins)),
            )
        ),
    }
    made = provenance_bytes(workspace, subject.artefact) if judged.origins.made is not None else None
    if made is not None:
        beside[PROVENANCE] = made
    extension: dict[str, object] = {SUBJECT: digest(subject), VERDICT: digest(verdict)}
    told = vsa(
        subject_name=subject.model,
        subject_digest=subject.artefact,
        resource_uri=resource_uri(subject.model, subject.version),
        verifier_id=VERIFIER,
        verifier_version=__version__,
        policy_uri=POLICY_URI,
        policy_digest=subject.policy,
        time_verified=at,
        passed=verdict.decision is Decision.SHIP,
        levels=(LEVEL,),
        inputs=(
            *((predicate, digest_of_bytes(payload)) for predicate, payload in beside.items()),
            *_inputs(workspace, judged),
        ),
        extension=extension if terms is None else {**extension, TERMS: terms},
    )
    summary, *others = (dsse.sign(dsse.IN_TOTO, payload, key) for payload in (statement_bytes(told), *beside.values()))
    return Attested(summary=summary.decode(), bundle=join_bundle((*others, summary)))


def write_bundle(workspace: Workspace, artefact: Digest, attested: Attested) -> Path:
    """Write the bundle beside the evidence; return the file."""
    folder = workspace.evidence(artefact)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / BUNDLE
    path.write_bytes(attested.bundle)
    return path


def _test_result(judged: Judged) -> dict[str, object]:
    subject, told = judged.verdict.subject, names(judged.verdict)
    configuration = {
        POLICY: subject.policy,
        "pack": subject.pack,
        "data": subject.data,
        "change": subject.change,
        "profile": subject.profile,
        slos.FILE: judged.contract.digests[slos.FILE],
    }
    return results(
        subject_name=subject.model,
        subject_digest=subject.artefact,
        configuration=configuration,
        passed=told.passed,
        warned=told.warned,
        failed=told.failed,
    )


def _shown(origins: Origins) -> Shown:
    made = origins.made
    return Shown(
        provenance=made is not None,
        offline=made is not None and made.making.network == CLOSED,
        same_bits=origins.same_bits,
    )


def _inputs(workspace: Workspace, judged: Judged) -> Iterator[tuple[str, Digest]]:
    """(URI, digest) of what the verdict rests on beside the statements: evidence, signature, lock, rebuild."""
    if judged.evidence is not None:
        yield EVIDENCE_URI, digest(judged.evidence)
    signature = workspace.root / judged.contract.manifest.artefacts / SIGNATURE_FILE
    files = [signature, workspace.root / LOCK_FILE]
    if judged.origins.rebuilt is not None:
        files.append(workspace.evidence(judged.verdict.subject.artefact) / REPRODUCED)
    for path in files:
        if path.is_file():
            yield f"{_INPUT}file/{path.name}", f"sha256:{hash_file(path)}"
