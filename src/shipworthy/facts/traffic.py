"""What one decision leaves behind: an event (memory only), a receipt for the caller, and summaries made of integers.

Windows hold no raw values; every number is an integer, so merging is exact and byte-identical in any order. A *full*
window (segment `*`, of all tenants and of each) also counts inputs and times; a *slim* one has empty vectors there.
"""

from __future__ import annotations

from shipworthy.facts.base import Digest, Fact, digest

SCORE_BINS = 60  # equal width; four of them make one of the 15 bins of the calibration error
FIXED = 1 << 32  # fixed point of sums: round(x * 2**32)
OOD_P_BINS = 20  # four a decade of the p-value
LATENCY_BINS = 128  # eight an octave from 1/16 ms; the last one is everything from 3.84 s
LAG_BINS = 24  # of a label: bin k holds 2**(k-1) to 2**k - 1 minutes, bin 0 the same minute
LABEL_CELLS = 100  # of the score, 0.01 each: what thresholds are proven on
HEARTBEAT = "heartbeat"  # the arm of a shard's sign of life
NO_REFERENCE = digest(b"no reference")  # of heartbeats, and of versions whose inputs are not counted


class Event(Fact, frozen=True, kw_only=True):
    """One decision, in memory only.

    `minute` counts from the epoch. `decision` is what left; `route` is `machine`, `person` or `refused`.
    `ood_p` is the smallest conformal p-value, `unseen` names features with an unknown category.
    `never` and `unknown` name never events that were true or could not be told; `leaked` is True if one left.
    `groups` are the texts of declared groups (`sex=F`), `ood_feature` the most surprising input, `took_ms` the time
    from the row to the answer, `degraded` that an order kept the candidate from answering as it would have, `disagrees`
    (of a shadow score) that it would have answered otherwise than what left.
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
    groups: tuple[str, ...] = ()
    ood_feature: str = ""
    took_ms: float | None = None
    degraded: bool = False
    disagrees: bool = False


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
    groups: tuple[str, ...] = ()


class WindowSummary(Fact, frozen=True, kw_only=True):
    """Counts of one (version, arm, tenant, segment, minute). `reference` is the fingerprint of the cells they lie in.

    `scores` has 60 counts, `ood_p` 20. Of a full window only: `sum_p` and `sum_pq` (fixed point, by score bin),
    `latency` (128), `cells` (every feature in the order of the reference), `worst` (by feature: how often it explained
    a flag), `joint` (distance and projections), `hitters` (a sketch of unseen categories by keyed hash).
    """

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
    n_degraded: int = 0
    n_disagreed: int = 0
    scores: tuple[int, ...] = (0,) * SCORE_BINS
    ood_p: tuple[int, ...] = (0,) * OOD_P_BINS
    sum_p: tuple[int, ...] = ()
    sum_pq: tuple[int, ...] = ()
    latency: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()
    worst: tuple[int, ...] = ()
    joint: tuple[int, ...] = ()
    hitters: tuple[int, ...] = ()


class LabelSummary(Fact, frozen=True, kw_only=True):
    """Labels of the decisions of one (version, arm, tenant, segment, minute), by score bin; fixed-point sums.

    `lag`: how long they took to come. `reviewed` and `overturned` count answers of people, and those that changed the
    suggestion of the model.
    """

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
    reviewed: int = 0
    overturned: int = 0
    lag: tuple[int, ...] = (0,) * LAG_BINS


class LabelCells(Fact, frozen=True, kw_only=True):
    """Labelled scores of one version in one threshold bucket and hour (`minute` is its first), by cell of 0.01."""

    version: str
    bucket: str
    minute: int
    n: tuple[int, ...] = (0,) * LABEL_CELLS
    positives: tuple[int, ...] = (0,) * LABEL_CELLS


def heartbeat(minute: int, shards_expected: int, shards_seen: int = 1) -> WindowSummary:
    """Return the sign of life of a shard. With 0 seen and 0 expected it says that nothing was served on purpose."""
    return WindowSummary(
        version="*",
        arm=HEARTBEAT,
        tenant="*",
        segment="*",
        minute=minute,
        reference=NO_REFERENCE,
        shards_seen=shards_seen,
        shards_expected=shards_expected,
    )
