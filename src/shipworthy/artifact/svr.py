"""Simple Verification Results: the properties that truly hold of a subject, and nothing else.

In: subject, verifier, its policy, the time and passing properties. Out: an in-toto statement with predicate
https://in-toto.io/attestation/svr/v0.2, and back. Source: in-toto attestation framework, spec/predicates/svr.md. There
is no way to say that a property fails: it is left out. Properties carry our prefix, as the standard asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from shipworthy.artifact.digests import hex_of
from shipworthy.artifact.statement import read_statement, statement
from shipworthy.artifact.strict import fields, hex_digest, refuse, sequence, text
from shipworthy.artifact.vsa import is_uri, utc

SVR: Final = "https://in-toto.io/attestation/svr/v0.2"
PREFIX: Final = "SHIPWORTHY_"
_WHERE = "SVR attestation"
_PROPERTY = re.compile(r"SHIPWORTHY_[A-Z0-9]+(?:_[A-Z0-9]+)*")


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A read SVR: who verified the subject, under which policies, when, and what holds."""

    subject_digest: str
    verifier_id: str
    policies: tuple[str, ...]
    time_created: str
    properties: tuple[str, ...]


def svr(
    subject_name: str,
    subject_digest: str,
    verifier_id: str,
    policy_uri: str,
    policy_digest: str,
    time_created: str,
    properties: Iterable[str],
) -> dict[str, object]:
    """The statement as a JSON value, properties sorted. Raises CannotDecide on a property without our prefix."""
    held = sorted(set(properties))
    for one in held:
        if not _PROPERTY.fullmatch(one):
            refuse(f"{one[:80]!r} is not a property of ours", _WHERE, f"name it {PREFIX}…")
    if not is_uri(verifier_id) or not is_uri(policy_uri):
        refuse("verifier and policy are named by URIs", _WHERE)
    predicate = {
        "verifier": {"id": verifier_id, "policies": [{"uri": policy_uri, "digest": {"sha256": hex_of(policy_digest)}}]},
        "timeCreated": utc(time_created, _WHERE),
        "properties": held,
    }
    return statement([(subject_name, subject_digest)], SVR, predicate)


def read_svr(payload: bytes, *, subject_digest: str, verifier_id: str) -> Verified:
    """The result in a payload whose signature holds, when it is about this subject and by this verifier."""
    told = read_statement(payload)
    if told.predicate_type != SVR:
        refuse(f"the predicate type is {told.predicate_type[:80]!r}", _WHERE, f"{SVR} is expected")
    if [what for _, what in told.subjects] != [subject_digest]:
        refuse("it is about another artefact", _WHERE)
    predicate = fields(told.predicate, _WHERE, ("verifier", "timeCreated", "properties"))
    verifier = fields(predicate["verifier"], _WHERE, ("id", "policies"))
    if verifier["id"] != verifier_id:
        refuse(f"the verifier is {str(verifier['id'])[:80]!r}", _WHERE, f"{verifier_id} is expected")
    return Verified(
        subject_digest=subject_digest,
        verifier_id=verifier_id,
        policies=tuple(_policy(one) for one in sequence(verifier["policies"], _WHERE)),
        time_created=utc(predicate["timeCreated"], _WHERE),
        properties=tuple(text(one, _WHERE) for one in sequence(predicate["properties"], _WHERE)),
    )


def _policy(value: object) -> str:
    read = fields(value, _WHERE, ("uri", "digest"))
    return "sha256:" + hex_digest(fields(read["digest"], _WHERE, ("sha256",))["sha256"], _WHERE)
