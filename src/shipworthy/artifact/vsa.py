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
    """A verified summary: the subject by name and digest, when it was judged, under which policy, the levels, our
    fields. `inputs` are (URI, digest) of every attestation and file the verdict rests on; a URI may be empty."""

    subject_name: str
    subject_digest: str
    resource_uri: str
    policy_digest: str
    time_verified: str
    levels: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
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
    inputs: Iterable[tuple[str, str]],
    extension: Mapping[str, object],
) -> dict[str, object]:
    """The statement as a JSON value. Digests are `sha256:<hex>`, the time is RFC 3339 in UTC with `Z`.

    `inputs` are (URI, digest) of everything the verdict rests on: the standard asks for all of them or none.
    A verdict that did not pass carries the level FAILED and no other. Raises CannotDecide when a field of
    `extension` is not named by a URI (the standard's rule), or when a digest, a URI or the time is not one.
    """
    named = tuple(levels)
    if passed and not named:
        refuse("a passed verdict names at least one level", _WHERE)
    predicate: dict[str, object] = {
        "verifier": {"id": _uri(verifier_id), "version": {"shipworthy": verifier_version}},
        "timeVerified": utc(time_verified, _WHERE),
        "resourceUri": _uri(resource_uri),
        "policy": {"uri": _uri(policy_uri), "digest": {"sha256": hex_of(policy_digest)}},
        "inputAttestations": [{"uri": _uri(uri), "digest": {"sha256": hex_of(one)}} for uri, one in inputs],
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
    resource_uri: str | None,
    policy_digest: str | None,
    level: str | None = None,
) -> Summary:
    """The summary in a payload whose signature holds, when it says PASSED about exactly what is expected.

    The consumer's steps of the standard: predicate type, subject digest, verifier, resource, result, level; and the
    digest of the policy, which the standard leaves open. None for resource or policy says that the caller does not
    know it and looks at the summary's own. Raises CannotDecide at the first that does not match.
    """
    told = read_statement(payload)
    if told.predicate_type != VSA_PREDICATE:
        refuse(f"the predicate type is {told.predicate_type[:80]!r}", _WHERE, f"{VSA_PREDICATE} is expected")
    if [what for _, what in told.subjects] != [subject_digest]:
        refuse("it is about another artefact", _WHERE)
    ours = {key: value for key, value in told.predicate.items() if _URI.fullmatch(key)}
    standard = {key: value for key, value in told.predicate.items() if key not in ours}
    predicate = fields(standard, _WHERE, _REQUIRED, _OPTIONAL)
    policy = _check_parties(predicate, verifier_id, resource_uri, policy_digest)
    return _summary(told, predicate, ours, level, policy)


def _check_parties(
    predicate: Mapping[str, object], verifier_id: str, resource_uri: str | None, policy_digest: str | None
) -> str:
    """The digest of the policy, once verifier, resource and policy are the expected ones."""
    verifier = fields(predicate["verifier"], _WHERE, ("id",), ("version",))
    if verifier["id"] != verifier_id:
        refuse(f"the verifier is {str(verifier['id'])[:80]!r}", _WHERE, f"{verifier_id} is expected")
    if resource_uri is not None and predicate["resourceUri"] != resource_uri:
        refuse(f"it is for {str(predicate['resourceUri'])[:80]!r}", _WHERE, f"{resource_uri} is expected")
    policy = fields(predicate["policy"], _WHERE, ("uri", "digest"))
    sums = fields(policy["digest"], _WHERE, ("sha256",))
    judged = "sha256:" + hex_digest(sums["sha256"], _WHERE)
    if policy_digest is not None and judged != policy_digest:
        refuse("it was judged under another policy", _WHERE)
    return judged


def _summary(
    told: Statement, predicate: Mapping[str, object], ours: Mapping[str, object], level: str | None, policy: str
) -> Summary:
    levels = tuple(text(one, _WHERE) for one in sequence(predicate["verifiedLevels"], _WHERE))
    if predicate["verificationResult"] != "PASSED" or not levels or "FAILED" in levels:
        refuse("the verdict is not PASSED", _WHERE)
    if level is not None and level not in levels:
        refuse(f"the level {level!r} was not verified", _WHERE)
    return Summary(
        subject_name=told.subjects[0][0],
        subject_digest=told.subjects[0][1],
        resource_uri=text(predicate["resourceUri"], _WHERE),
        policy_digest=policy,
        time_verified=utc(predicate.get("timeVerified"), _WHERE),
        levels=levels,
        inputs=tuple(_input(one) for one in sequence(predicate.get("inputAttestations", []), _WHERE)),
        extension=ours,
    )


def _input(value: object) -> tuple[str, str]:
    read = fields(value, _WHERE, ("digest",), ("uri",))
    sums = fields(read["digest"], _WHERE, ("sha256",))
    return text(read.get("uri", ""), _WHERE), "sha256:" + hex_digest(sums["sha256"], _WHERE)


def is_uri(value: str) -> bool:
    """Whether `value` has a scheme and no blank in it."""
    return _URI.fullmatch(value) is not None


def utc(value: object, where: str) -> str:
    """`value`, when it is a time in RFC 3339 in UTC with `Z`."""
    if not isinstance(value, str) or not _UTC.fullmatch(value):
        refuse("a time that is not RFC 3339 in UTC", where)
    return value


def _uri(value: str) -> str:
    return value if is_uri(value) else refuse(f"{value[:80]!r} is not a URI", _WHERE)
