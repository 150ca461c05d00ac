"""Show that the bar was fixed before the run: evidence, verdict and lock name one policy.

In: a bundle with the key that is trusted, and the evidence and lock that it names. Out: a `Bar`, or one refusal. The
evidence was made under the policy it names, before anybody knew its result; the verdict that rests on it, by digest,
names the same one; so does the lock whose terms the same signature covers.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shipworthy.artifact.bundle import Wanted, admit
from shipworthy.artifact.keys import PublicKey
from shipworthy.contract.lock import Lock, terms_digest
from shipworthy.errors import CannotDecide
from shipworthy.facts import Digest, Evidence, digest
from shipworthy.flows.attest import EVIDENCE_URI
from shipworthy.runtime.admission import LEVEL, SUBJECT, TERMS, VERIFIER

_WHERE = "verdict bundle"


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One policy, named alike by evidence, tests, verdict and lock. `judged`: when, RFC 3339 in UTC."""

    policy: Digest
    evidence: Digest
    judged: str


def fixed_bar(bundle: bytes, key: PublicKey, evidence: Evidence, lock: Lock, now: datetime) -> Bar:
    """Return the bar. Raises CannotDecide when the bundle does not hold, or names another evidence, lock or policy."""
    policy = evidence.subject.policy
    wanted = Wanted(subject=evidence.subject.artefact, verifier=VERIFIER, level=LEVEL, at=now, policy=policy)
    summary = admit(bundle, key, wanted).summary
    named = [what for uri, what in summary.inputs if uri == EVIDENCE_URI]
    if named != [digest(evidence)]:
        raise CannotDecide("the verdict rests on other evidence", _WHERE)
    if summary.extension.get(SUBJECT) != digest(evidence.subject):
        raise CannotDecide("the verdict is about another subject than the evidence", _WHERE)
    if lock.subject.policy != policy or digest(lock.policy) != policy:
        raise CannotDecide("the lock holds another policy than the evidence was made under", _WHERE)
    if summary.extension.get(TERMS) != terms_digest(lock):
        raise CannotDecide("the lock is not the one that was signed with this verdict", _WHERE)
    return Bar(policy=policy, evidence=named[0], judged=summary.time_verified)
