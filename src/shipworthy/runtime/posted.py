"""What a gate elsewhere may write into this ledger: that it decided, and that it shipped. Nothing else.

In: the bytes of `POST /api/entries` and the model of this site. Out: the entry's kind and body, and the key under which
it is appended once; or `Unfit` with one line. The body becomes exactly the fields that are named here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shipworthy.artifact.digests import is_digest
from shipworthy.artifact.strict import loads
from shipworthy.contract.words import is_version
from shipworthy.errors import CannotDecide
from shipworthy.facts import Decision, Digest, Fact, Subject, digest

DECIDED, SHIPPED = "gate.decided", "gate.shipped"
FACTS, ENTRIES = "/api/facts", "/api/entries"
MAX_BYTES = 16 << 10


class Unfit(ValueError):
    """An entry that is not taken; `str()` says why."""


class Decided(Fact, frozen=True, kw_only=True):
    """The gate decided on a subject; `verdict` is the digest of what it said."""

    subject: Subject
    decision: Decision
    verdict: Digest


class Shipped(Fact, frozen=True, kw_only=True):
    """The gate shipped a subject; `first` when nothing had shipped before."""

    subject: Subject
    first: bool


class Posted(Fact, frozen=True, kw_only=True):
    """One entry as a gate sends it."""

    kind: str
    body: dict[str, Any]


_BODIES: dict[str, type[Decided | Shipped]] = {DECIDED: Decided, SHIPPED: Shipped}


def read_posted(raw: bytes, model: str) -> tuple[str, Decided | Shipped, str]:
    """Return kind, body and the key of its digest. Raises Unfit unless it is an entry of a gate about this model."""
    if len(raw) > MAX_BYTES:
        raise Unfit(f"over {MAX_BYTES} bytes")
    try:
        posted = msgspec.convert(loads(raw, "entry"), Posted, strict=True)
        kind = _BODIES.get(posted.kind)
        if kind is None:
            raise Unfit(f"only {' and '.join(_BODIES)} are taken")
        body = msgspec.convert(posted.body, kind, strict=True)
    except (CannotDecide, msgspec.ValidationError) as problem:
        raise Unfit(str(problem)[:200]) from problem
    _check_subject(body.subject, model)
    if isinstance(body, Decided) and not is_digest(body.verdict):
        raise Unfit("`verdict` is not a digest")
    return posted.kind, body, f"api/{digest({'kind': posted.kind, 'body': body})}"


def _check_subject(subject: Subject, model: str) -> None:
    if subject.model != model:
        raise Unfit("another model")
    if not is_version(subject.version):
        raise Unfit("`version` is not a name")
    for field in ("artefact", "change", "policy", "pack", "data", "profile"):
        if not is_digest(getattr(subject, field)):
            raise Unfit(f"`{field}` is not a digest")
