"""What the contract asks for: SLOs and never events, fully resolved (defaults filled in by the reader).

In: `safety-slos.yaml` through `contract`. Out: the `policy` that `decide` judges by, in CI and at night alike.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from shipworthy.facts.base import Fact


class Clause(StrEnum):
    """The four clauses of the contract."""

    ROBUSTNESS = "robustness"
    MONITORING = "monitoring"
    ALIGNMENT = "alignment"
    SYSTEMIC_SAFETY = "systemic_safety"


class Action(StrEnum):
    """What a breach asks for, mildest first."""

    ROUTE_TO_HUMAN_REVIEW = "route_to_human_review"
    DEGRADE_TO_SAFE_MODE = "degrade_to_safe_mode"
    KILL_SWITCH = "kill_switch"


class OnNoData(StrEnum):
    """What missing evidence asks for at run time."""

    HOLD_AND_PAGE = "hold_and_page"
    HUMAN_REVIEW = "human_review"
    SAFE_MODE = "safe_mode"


class Severity(StrEnum):
    """Severity of an incident or page: SEV1 is the worst."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"


SEVERITY_OF = {
    Action.KILL_SWITCH: Severity.SEV1,
    Action.DEGRADE_TO_SAFE_MODE: Severity.SEV2,
    Action.ROUTE_TO_HUMAN_REVIEW: Severity.SEV3,
}


class Target(Fact, frozen=True, kw_only=True):
    """`<op> <value>` with op one of `>= <= ==`."""

    op: Literal[">=", "<=", "=="]
    value: float

    def __str__(self) -> str:
        return f"{self.op} {self.value:g}"


class Slo(Fact, frozen=True, kw_only=True):
    """One safety SLO. `window` is `7d`, `24h`, `30m` or `rolling`; `evidence` is `bound` or `point`.

    `accept` names the imported results that may speak for it: formats, or `imported` for all of them.
    """

    name: str
    indicator: str
    objective: str
    target: Target
    window: str
    action_on_breach: Action
    clause: Clause
    min_samples: int
    quantile: int | None = None
    level: float = 0.95
    evidence: str = "bound"
    primary: bool = False
    max_regression: float | None = None
    on_no_data: OnNoData = OnNoData.HOLD_AND_PAGE
    trial: bool = False
    segments: tuple[str, ...] = ("*",)
    severity: Severity = Severity.SEV3
    metric: str | None = None
    accept: tuple[str, ...] = ()


class NeverEvent(Fact, frozen=True, kw_only=True):
    """What must never leave. `never` is an expression of `expr.py`; true withholds the answer and kills the scope."""

    name: str
    never: str
    endpoint: str = "*"
    scope: str = "version"
    severity: Severity = Severity.SEV1


class Policy(Fact, frozen=True, kw_only=True):
    """The SLOs and never events of one contract."""

    slos: tuple[Slo, ...]
    never_events: tuple[NeverEvent, ...] = ()
