"""What one decision leaves behind: an event (memory only), a receipt for the caller, and summaries made of integers.

Windows hold no raw values; every number is an integer, so merging is exact and byte-identical in any order.
"""

from __future__ import annotations

from shipworthy.facts.base import Digest, Fact

SCORE_BINS = 60  # equal width; four of them make one of the 15 bins of the calibration error
FIXED = 1 << 32  # fixed point of sums: round(x * 2**32)


class Event(Fact, frozen=True, kw_only=True):
    """One decision, in memory only.

    `minute` counts from the epoch. `decision` is what left; `route` is `machine`, `person` or `refused`.
    `ood_p` is the smallest conformal p-value, `unseen` names features with an unknown category.
    `never` and `unknown` name never events that were true or could not be told; `leaked` is True if one left.
    """

    request: str
    at: str
    minute: int
    version: str
    arm: str
    tenant: str
    segments: tuple[str, ...]
    score: float | None
    decision: str
    route: str
    ood_p: float
    ood_view: str
    ood_flag: bool
    unseen: tuple[str, ...] = ()
    uncertainty: float | None = None
    never: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    leaked: bool = False
    replayed: bool = False
    failed: bool = False
    probe: str | None = None


class Receipt(Fact, frozen=True, kw_only=True):
    """What finds a decision again when its label comes: stateless, MAC'd, no raw value."""

    request: str
    version: str
    tenant: str
    segments: tuple[str, ...]
    minute: int
    score_bin: int
    score_q: int
    arm: str
    route: str
    decision: str


class WindowSummary(Fact, frozen=True, kw_only=True):
    """Counts of one (version, arm, tenant, segment, minute). `scores` has 60 counts; `sum_p` is fixed point."""

    version: str
    arm: str
    tenant: str
    segment: str
    minute: int
    reference: Digest
    shards_seen: int = 1
    shards_expected: int = 1
    n: int = 0
    n_ood: int = 0
    n_unseen: int = 0
    n_review: int = 0
    n_machine: int = 0
    n_failed: int = 0
    n_replayed: int = 0
    n_never: int = 0
    n_leaked: int = 0
    n_unknown: int = 0
    scores: tuple[int, ...] = (0,) * SCORE_BINS
    ood_p: tuple[int, ...] = (0,) * 20


class LabelSummary(Fact, frozen=True, kw_only=True):
    """Labels of the decisions of one (version, arm, tenant, segment, minute), by score bin; fixed-point sums."""

    version: str
    arm: str
    tenant: str
    segment: str
    minute: int
    n: tuple[int, ...] = (0,) * SCORE_BINS
    positives: tuple[int, ...] = (0,) * SCORE_BINS
    sum_p: tuple[int, ...] = (0,) * SCORE_BINS
    sum_pq: tuple[int, ...] = (0,) * SCORE_BINS
    machine: int = 0
    machine_wrong: int = 0
