"""Postures and orders: who computes, who decides, and the join of all orders that hold (DECISIONS §6).

Joining can only tighten, in any order and any number of times: it is commutative, associative and idempotent.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from shipworthy.facts.base import Digest, Fact

_SOURCES = ("candidate", "baseline", "none")
_DECIDERS = ("machine", "person", "nobody")


class Source(StrEnum):
    """Who computes, loosest first."""

    CANDIDATE = "candidate"
    BASELINE = "baseline"
    NONE = "none"


class Decider(StrEnum):
    """Who decides, loosest first."""

    MACHINE = "machine"
    PERSON = "person"
    NOBODY = "nobody"


class Named(StrEnum):
    """The postures people speak of."""

    NORMAL = "normal"
    HUMAN_REVIEW = "human_review"
    SAFE_MODE = "safe_mode"
    KILLED = "killed"


class Posture(Fact, frozen=True, kw_only=True):
    """A point on both axes."""

    source: Source = Source.CANDIDATE
    decider: Decider = Decider.MACHINE


NORMAL = Posture()
_POSTURES = [[Posture(source=source, decider=decider) for decider in Decider] for source in Source]
_POSTURES[0][0] = NORMAL


def join(postures: Iterable[Posture]) -> Posture:
    """Return the tightest of both axes; of nothing, `NORMAL`."""
    source, decider = 0, 0
    for posture in postures:
        source = max(source, _SOURCES.index(posture.source))
        decider = max(decider, _DECIDERS.index(posture.decider))
    return _POSTURES[source][decider]


def tightens(before: Posture, after: Posture) -> bool:
    """True when `after` is nowhere looser than `before`."""
    return join((before, after)) == after


def resolve(named: Named, fallback: str, kill_fallback: str | None) -> Posture:
    """Return the axes of a named posture. `fallback` is `baseline`, `human_review` or `refuse` (from the manifest)."""
    if named is Named.NORMAL:
        return NORMAL
    if named is Named.HUMAN_REVIEW:
        return Posture(source=Source.CANDIDATE, decider=Decider.PERSON)
    if named is Named.KILLED:
        decider = Decider.PERSON if kill_fallback == "human_review" else Decider.NOBODY
        return Posture(source=Source.NONE, decider=decider)
    by_fallback = {
        "baseline": Posture(source=Source.BASELINE, decider=Decider.MACHINE),
        "human_review": Posture(source=Source.NONE, decider=Decider.PERSON),
        "refuse": Posture(source=Source.NONE, decider=Decider.NOBODY),
    }
    return by_fallback[fallback]


class Scope(Fact, frozen=True, kw_only=True):
    """Where an order holds. `*` is everything; `segment` is the canonical text of `facts.segments`."""

    model: str
    version: str = "*"
    tenant: str = "*"
    segment: str = "*"


class Order(Fact, frozen=True, kw_only=True):
    """A tightening that holds until people loosen it. `by` is `machine` or a person's id; `confirm_by` is RFC 3339."""

    id: str
    scope: Scope
    posture: Named
    cause: Digest
    confirm_by: str
    by: str


class Approval(Fact, frozen=True, kw_only=True):
    """A person's signature over the digest of exactly one change."""

    person: str
    role: str
    what: Digest
    proof: str
