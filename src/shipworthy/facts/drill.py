"""Drills: what was practised on the synthetic tenant, how long it took, and whether it passed.

`__drill__` is nobody's tenant: callers cannot send it, nothing counts it, and the only orders that a machine may take
back are those that a drill placed over exactly this tenant.
"""

from __future__ import annotations

from typing import Final

from shipworthy.facts.base import Fact
from shipworthy.facts.posture import Scope
from shipworthy.facts.state import Held

DRILL_TENANT: Final = "__drill__"
DRILLER: Final = "machine/drill"  # no person's id has a slash
DRILL_KINDS: Final = ("kill", "rollback", "degrade", "gameday")
PASSED, FAILED = "passed", "failed"


class ReplicaTime(Fact, frozen=True, kw_only=True):
    """How long one replica took from the trip until it answered by it; None: it never did."""

    name: str
    took_ms: float | None


class Drill(Fact, frozen=True, kw_only=True):
    """One drill. `version`, `arm`: what answered the synthetic tenant before the trip; `order`: what was placed last.

    `p50_ms`, `p99_ms`, `max_ms`: of the replicas over all trips, None when one was silent. `last_candidate_ms`: from
    the trip until the last answer that was not safe yet had left, 0 when there was none. `answers`: probe answers
    before and after the trip; `errors`: of them, those that were no answer. `expires`: until when it counts.
    `fault`, `detect_ms`, `degrade_ms`, `confirm_ms`: of a game day.
    """

    id: str
    kind: str
    model: str
    version: str
    tenant: str
    at: str
    by: str
    arm: str = ""
    segment: str = "*"
    order: str = ""
    trips: int = 0
    replicas: tuple[ReplicaTime, ...] = ()
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    last_candidate_ms: float | None = None
    answers: tuple[int, int] = (0, 0)
    errors: int = 0
    target_ms: float
    verdict: str
    because: str
    expires: str
    fault: str = ""
    detect_ms: float | None = None
    degrade_ms: float | None = None
    confirm_ms: float | None = None


def of_drill(held: Held) -> bool:
    """True for an order that a drill placed over its own tenant alone: the one kind that may end by itself."""
    return held.order.by == DRILLER and held.order.scope.tenant == DRILL_TENANT


def drill_scope(model: str, version: str = "*", segment: str = "*") -> Scope:
    """Return the scope of a drill's order."""
    return Scope(model=model, version=version, tenant=DRILL_TENANT, segment=segment)
