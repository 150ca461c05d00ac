"""in-toto Statement v1: what an attestation is about, and which predicate it carries.

In: subjects as (name, digest) and a predicate. Out: a JSON value and its canonical bytes, and back.
Source: in-toto attestation framework v1, spec/v1/statement.md and resource_descriptor.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shipworthy.artifact.digests import hex_of
from shipworthy.artifact.strict import dumps, fields, hex_digest, loads, refuse, sequence, text

STATEMENT = "https://in-toto.io/Statement/v1"
_WHERE = "in-toto statement"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A read statement: subjects as (name, `sha256:<hex>`), the predicate type and the predicate as JSON values."""

    subjects: tuple[tuple[str, str], ...]
    predicate_type: str
    predicate: Mapping[str, object]


def statement(
    subjects: Iterable[tuple[str, str]], predicate_type: str, predicate: Mapping[str, object]
) -> dict[str, object]:
    """The JSON value of a statement over `subjects`, each (name, `sha256:<hex>`)."""
    named = [{"name": name, "digest": {"sha256": hex_of(what)}} for name, what in subjects]
    if not named:
        refuse("a statement about nothing", _WHERE)
    return {"_type": STATEMENT, "subject": named, "predicateType": predicate_type, "predicate": dict(predicate)}


def statement_bytes(value: Mapping[str, object]) -> bytes:
    """Canonical bytes of a statement: the payload that is signed."""
    return dumps(value)


def read_statement(payload: bytes) -> Statement:
    """The statement in `payload`. Raises CannotDecide on another type, no subject, a subject without a SHA-256."""
    whole = fields(loads(payload, _WHERE), _WHERE, ("_type", "subject", "predicateType", "predicate"))
    if whole["_type"] != STATEMENT:
        refuse(f"the type is {str(whole['_type'])[:80]!r}", _WHERE, f"{STATEMENT} is expected")
    subjects = tuple(_subject(one) for one in sequence(whole["subject"], _WHERE))
    if not subjects:
        refuse("a statement about nothing", _WHERE)
    predicate = whole["predicate"]
    if not isinstance(predicate, dict):
        refuse("the predicate is not an object", _WHERE)
    return Statement(subjects=subjects, predicate_type=text(whole["predicateType"], _WHERE), predicate=predicate)


def _subject(value: object) -> tuple[str, str]:
    """(name, digest) of one resource descriptor; a subject is named by its SHA-256 here and by nothing else."""
    read = fields(value, _WHERE, ("digest",), ("name",))
    sums = fields(read["digest"], _WHERE, ("sha256",))
    return text(read.get("name", ""), _WHERE), "sha256:" + hex_digest(sums["sha256"], _WHERE)
