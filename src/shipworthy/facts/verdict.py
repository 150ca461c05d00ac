"""What the evidence shows: a judgement per SLO and segment, and the verdict on a release."""

from __future__ import annotations

from enum import StrEnum

from shipworthy.facts.base import Digest, Fact
from shipworthy.facts.evidence import Subject


class Outcome(StrEnum):
    """What the evidence shows of one SLO. Only `met` is ever green."""

    MET = "met"
    UNDECIDED = "undecided"
    NO_DATA = "no_data"
    BREACHED = "breached"


class Decision(StrEnum):
    """The gate's answer."""

    SHIP = "ship"
    BLOCKED = "blocked"
    UNDECIDED = "undecided"


class Judgement(Fact, frozen=True, kw_only=True):
    """One SLO on one segment. `needs_n` = samples that would decide it if the rate stays, or None.

    `proves` is the strictest limit that these samples prove, whatever was asked (against a baseline: the margin).
    `here` is False when the SLO's indicator has no source in this place: listed, never deciding.
    """

    slo: str
    segment: str
    outcome: Outcome
    because: str
    needs_n: int | None = None
    proves: float | None = None
    trial: bool = False
    here: bool = True


class Block(Fact, frozen=True, kw_only=True):
    """A hard block that no measurement can outweigh: what, and what would mend it. `exit_code` is 1, 3 or 4."""

    name: str
    because: str
    fix: str
    exit_code: int


class Verdict(Fact, frozen=True, kw_only=True):
    """The gate's answer on one subject; every report is derived from this one value.

    `overrides` has one line per override of the model that holds now; none of them changes the decision.
    """

    subject: Subject
    baseline: Digest | None
    judgements: tuple[Judgement, ...]
    decision: Decision
    first: bool
    policy_changes: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    warnings: tuple[str, ...] = ()
    not_claimed: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
