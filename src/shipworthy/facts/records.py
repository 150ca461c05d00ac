"""Records that people and the ledger keep: pack cases, people, overrides and ledger entries."""

from __future__ import annotations

from typing import Any

import msgspec

from shipworthy.facts.base import Digest, Fact
from shipworthy.facts.evidence import Subject
from shipworthy.facts.posture import Approval


class Oracle(Fact, frozen=True, kw_only=True):
    """What a case must show: a rate `hits` among `among`, both expressions of `expr.py`, against `op target`.

    With `metric` instead of `hits`, the generator names the number itself (`feasible_flip_rate`, ...).
    """

    name: str
    hits: str | None = None
    among: str = "true"
    metric: str | None = None
    op: str
    target: float
    level: float = 0.95


class Budget(Fact, frozen=True, kw_only=True):
    """What may be spent: rows asked of the model, and seconds. None = as much as the pack as a whole may."""

    queries: int | None = None
    seconds: float | None = None


class Case(Fact, frozen=True, kw_only=True):
    """One pack case: exactly one of `input` (rows in a file) or `generator`. `severity`: `blocker major minor`."""

    id: str
    clause: str
    kind: str
    oracle: Oracle
    severity: str
    owner: str
    input: dict[str, str] | None = None
    generator: dict[str, Any] | None = None
    segment: str = "*"
    source_incident: str | None = None
    threat: str | None = None
    trial: bool = False
    reason: str = ""
    budget: Budget | None = None


class Person(Fact, frozen=True, kw_only=True):
    """A person of the contract; `key` is the text of an OpenSSH Ed25519 public key."""

    id: str
    name: str
    roles: tuple[str, ...]
    key: str


class Override(Fact, frozen=True, kw_only=True):
    """What two people may let through although the gate said no: these red rows of this verdict on this subject.

    `covers` names the rows, `verdict` is the digest they were read from. It holds from `requested_at` until `until`
    (RFC 3339, UTC, microseconds), for `tenants` (`*` = all) and at most `share_bp` basis points of their units.
    """

    id: str
    subject: Subject
    verdict: Digest
    covers: tuple[str, ...]
    tenants: tuple[str, ...]
    share_bp: int
    reason: str
    compensating_control: str
    requested_by: str
    requested_at: str
    until: str


class Granted(Fact, frozen=True, kw_only=True):
    """An override with the signatures of the people who stand for it; whether these suffice is judged each time."""

    override: Override
    approvals: tuple[Approval, ...]


class Entry(Fact, frozen=True, kw_only=True):
    """One line of the ledger: who did what when. `kind` is `room.past_participle`."""

    seq: int
    at: str
    actor: str
    kind: str
    body: dict[str, Any]
    prev: Digest

    def read(self, kind: type[Fact], key: str) -> Any:  # noqa: ANN401
        """Return `body[key]` as the fact it was written from."""
        return msgspec.convert(self.body[key], kind)
