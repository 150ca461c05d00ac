"""The bundle of a verdict: several signed statements in one `.intoto.jsonl`, and the reader that admits by it.

In: envelopes, one a line; the trusted key and what is wanted. Out: an `Admitted`, or one refusal. Source: in-toto
attestation framework, spec/v1/bundle.md: JSON Lines, *not authenticated as a whole*, so lines may be taken out,
repeated or mixed. Hence the reader brings the list of predicates it needs, takes each exactly once, by the trusted key
and about the same subject; and the summary (VSA), signed last, names the digest of every other statement beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shipworthy.artifact import dsse
from shipworthy.artifact.digests import digest
from shipworthy.artifact.keys import PublicKey
from shipworthy.artifact.provenance import PROVENANCE, Provenance, read_provenance
from shipworthy.artifact.statement import read_statement
from shipworthy.artifact.strict import refuse
from shipworthy.artifact.svr import SVR, read_svr
from shipworthy.artifact.test_result import FAILED, TEST_RESULT, Results, read_test_result
from shipworthy.artifact.vsa import VSA_PREDICATE, Summary, read_vsa

NEEDED: Final = (VSA_PREDICATE, TEST_RESULT, SVR)
KNOWN: Final = (*NEEDED, PROVENANCE)
GATE_PASSED: Final = "SHIPWORTHY_GATE_PASSED"
POLICY: Final = "policy"
MAX_BYTES: Final = 16 << 20
_SKEW = timedelta(minutes=5)  # how far the clocks of two machines may be apart
_WHERE = "verdict bundle"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The reader's policy, and its time `at`. `resource`, `policy` and `max_age` None = the caller does not ask;
    `needs` = the predicates that must be there, in any order."""

    subject: str
    verifier: str
    level: str
    at: datetime
    resource: str | None = None
    policy: str | None = None
    max_age: timedelta | None = None
    needs: tuple[str, ...] = NEEDED


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """What the bundle says, once all of it holds. `provenance` is None when the gate had none."""

    summary: Summary
    results: Results
    properties: tuple[str, ...]
    provenance: Provenance | None


def join_bundle(envelopes: Iterable[bytes]) -> bytes:
    """The bytes of the bundle: one envelope a line."""
    return b"".join(one.strip() + b"\n" for one in envelopes)


def admit(bundle: bytes, key: PublicKey, wanted: Wanted) -> Admitted:
    """What the bundle says about the wanted subject. Raises CannotDecide with the first reason not to admit it.

    Refused are: a line that is not an envelope by `key`, an unknown or repeated predicate, a needed one that is
    missing, another subject, verifier, resource, level or policy, a verdict that is not PASSED, a statement that the
    summary does not name, one that it names and that is gone, and a verdict older than `max_age`.
    """
    told = _by_predicate(bundle, key)
    for predicate in wanted.needs:
        if predicate not in told:
            refuse(f"it has no {predicate}", _WHERE, "ask the gate for the whole bundle")
    summary = read_vsa(
        told[VSA_PREDICATE],
        subject_digest=wanted.subject,
        verifier_id=wanted.verifier,
        resource_uri=wanted.resource,
        policy_digest=wanted.policy,
        level=wanted.level,
    )
    _check_named(told, summary)
    check_age(summary.time_verified, wanted.at, wanted.max_age)
    made = read_provenance(told[PROVENANCE]) if PROVENANCE in told else None
    if made is not None and not made.is_about(wanted.subject):
        refuse("the provenance is about another artefact", _WHERE)
    return Admitted(
        summary=summary,
        results=_results(told[TEST_RESULT], summary),
        properties=_properties(told[SVR], summary, wanted.verifier),
        provenance=made,
    )


def check_age(time_verified: str, now: datetime, max_age: timedelta | None) -> None:
    """Raise CannotDecide for a verdict of the future, and for one older than `max_age` where that is asked."""
    at = datetime.fromisoformat(time_verified)
    if at - now > _SKEW:
        refuse(f"the verdict is of the future: {time_verified}", _WHERE, "set the clocks right")
    if max_age is not None and now - at > max_age:
        refuse(f"the verdict has expired: it is of {time_verified}", _WHERE, "let the gate judge again")


def _by_predicate(bundle: bytes, key: PublicKey) -> Mapping[str, bytes]:
    """The payload of each predicate, once every line is signed by `key`."""
    if len(bundle) > MAX_BYTES:
        refuse(f"larger than {MAX_BYTES} bytes", _WHERE)
    told: dict[str, bytes] = {}
    for line in bundle.splitlines():
        payload = dsse.verify(line, [key])
        predicate = read_statement(payload).predicate_type
        if predicate not in KNOWN:
            refuse(f"a statement of an unknown kind, {predicate[:80]!r}", _WHERE)
        if predicate in told:
            refuse(f"two statements of the kind {predicate}", _WHERE, "one bundle holds one verdict")
        told[predicate] = payload
    return told


def _check_named(told: Mapping[str, bytes], summary: Summary) -> None:
    """The statements beside the summary are exactly those that it names."""
    named = {what for uri, what in summary.inputs if uri in KNOWN}
    beside = {digest(payload): predicate for predicate, payload in told.items() if predicate != VSA_PREDICATE}
    for what, predicate in beside.items():
        if what not in named:
            refuse(f"the {predicate} is of another verdict", _WHERE)
    if named - beside.keys():
        refuse("a statement that the verdict rests on was taken out", _WHERE)


def _results(payload: bytes, summary: Summary) -> Results:
    told = read_test_result(payload, subject_digest=summary.subject_digest)
    if told.result == FAILED:
        refuse(f"tests failed: {', '.join(told.failed[:3])}", _WHERE)
    if told.configuration.get(POLICY) != summary.policy_digest:
        refuse("the tests were judged under another policy than the verdict", _WHERE)
    return told


def _properties(payload: bytes, summary: Summary, verifier: str) -> tuple[str, ...]:
    told = read_svr(payload, subject_digest=summary.subject_digest, verifier_id=verifier)
    if told.policies != (summary.policy_digest,):
        refuse("the properties were verified under another policy than the verdict", _WHERE)
    if GATE_PASSED not in told.properties:
        refuse(f"it does not say {GATE_PASSED}", _WHERE)
    return told.properties
