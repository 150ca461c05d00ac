"""SLSA Verification Summary Attestations: the gate's answer in a form other servers can check.

In: what was judged, by whom, under which policy, with which inputs. Out: an in-toto statement with predicate
https://slsa.dev/verification_summary/v1, and a reader that takes the consumer's steps. Source: SLSA v1.0, VSA.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from shipworthy.artifact.digests import hex_of
from shipworthy.artifact.statement import Statement, read_statement, statement
from shipworthy.artifact.strict import fields, hex_digest, refuse, sequence, text

VSA_PREDICATE = "https://slsa.dev/verification_summary/v1"
_WHERE = "verdict attestation"
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]+", re.IGNORECASE)
_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z")
_REQUIRED = ("verifier", "resourceUri", "policy", "verificationResult", "verifiedLevels")
_OPTIONAL = ("timeVerified", "inputAttestations", "dependencyLevels", "slsaVersion")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A verified summary: the subject by name and digest, when it was judged, the levels, the inputs, our fields."""

    subject_name: str
    subject_digest: str
    time_verified: str
    levels: tuple[str, ...]
    inputs: tuple[str, ...]
    extension: Mapping[str, object]


def vsa(
    subject_name: str,
    subject_digest: str,
    resource_uri: str,
    verifier_id: str,
    verifier_version: str,
    policy_uri: str,
    policy_digest: str,
    time_verified: str,
    passed: bool,
    levels: Iterable[str],
    inputs: Iterable[str],
    extension: Mapping[str, object],
) -> dict[str, object]:
    """The statement as a JSON value. Digests are `sha256:<hex>`, the time is RFC 3339 in UTC with `Z`.

    A verdict that did not pass carries the level FAILED and no other. Raises CannotDecide when a field of
    `extension` is not named by a URI (the standard's rule), or when a digest, a URI or the time is not one.
    """
    named = tuple(levels)
    if passed and not named:
        refuse("a passed verdict names at least one level", _WHERE)
    predicate: dict[str, object] = {
        "verifier": {"id": _uri(verifier_id), "version": {"shipworthy": verifier_version}},
        "timeVerified": _utc(time_verified),
        "resourceUri": _uri(resource_uri),
        "policy": {"uri": _uri(policy_uri), "digest": {"sha256": hex_of(policy_digest)}},
        "inputAttestations": [{"digest": {"sha256": hex_of(one)}} for one in inputs],
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": list(named) if passed else ["FAILED"],
    }
    for key in extension:
        _uri(key)
    return statement([(subject_name, subject_digest)], VSA_PREDICATE, {**predicate, **extension})


def read_vsa(
    payload: bytes,
    *,
    subject_digest: str,
    verifier_id: str,
    resource_uri: str,
    policy_digest: str,
    level: str | None = None,
) -> Summary:
    """The summary in a payload whose signature holds, when it says PASSED about exactly what is expected.

    The consumer's steps of the standard: predicate type, subject digest, verifier, resource, result, level; and the
    digest of the policy, which the standard leaves open. Raises CannotDecide at the first that does not match.
    """
    told = read_statement(payload)
    if told.predicate_type != VSA_PREDICATE:
        refuse(f"the predicate type is {told.predicate_type[:80]!r}", _WHERE, f"{VSA_PREDICATE} is expected")
    if [what for _, what in told.subjects] != [subject_digest]:
        refuse("it is about another artefact", _WHERE)
    ours = {key: value for key, value in told.predicate.items() if _URI.fullmatch(key)}
    standard = {key: value for key, value in told.predicate.items() if key not in ours}
    predicate = fields(standard, _WHERE, _REQUIRED, _OPTIONAL)
    _check_parties(predicate, verifier_id, resource_uri, policy_digest)
    return _summary(told, predicate, ours, level)


def _check_parties(predicate: Mapping[str, object], verifier_id: str, resource_uri: str, policy_digest: str) -> None:
    verifier = fields(predicate["verifier"], _WHERE, ("id",), ("version",))
    if verifier["id"] != verifier_id:
        refuse(f"the verifier is {str(verifier['id'])[:80]!r}", _WHERE, f"{verifier_id} is expected")
    if predicate["resourceUri"] != resource_uri:
        refuse(f"it is for {str(predicate['resourceUri'])[:80]!r}", _WHERE, f"{resource_uri} is expected")
    policy = fields(predicate["policy"], _WHERE, ("uri", "digest"))
    sums = fields(policy["digest"], _WHERE, ("sha256",))
    if "sha256:" + hex_digest(sums["sha256"], _WHERE) != policy_digest:
        refuse("it was judged under another policy", _WHERE)


def _summary(
    told: Statement, predicate: Mapping[str, object], ours: Mapping[str, object], level: str | None
) -> Summary:
    levels = tuple(text(one, _WHERE) for one in sequence(predicate["verifiedLevels"], _WHERE))
    if predicate["verificationResult"] != "PASSED" or not levels or "FAILED" in levels:
        refuse("the verdict is not PASSED", _WHERE)
    if level is not None and level not in levels:
        refuse(f"the level {level!r} was not verified", _WHERE)
    return Summary(
        subject_name=told.subjects[0][0],
        subject_digest=told.subjects[0][1],
        time_verified=_utc(predicate.get("timeVerified")),
        levels=levels,
        inputs=tuple(_input(one) for one in sequence(predicate.get("inputAttestations", []), _WHERE)),
        extension=ours,
    )


def _input(value: object) -> str:
    read = fields(value, _WHERE, ("digest",), ("uri",))
    return "sha256:" + hex_digest(fields(read["digest"], _WHERE, ("sha256",))["sha256"], _WHERE)


def _uri(value: str) -> str:
    return value if _URI.fullmatch(value) else refuse(f"{value[:80]!r} is not a URI", _WHERE)


def _utc(value: object) -> str:
    if not isinstance(value, str) or not _UTC.fullmatch(value):
        refuse("the time of the verdict is not RFC 3339 in UTC", _WHERE)
    return value
