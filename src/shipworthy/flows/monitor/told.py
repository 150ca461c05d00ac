"""What a report holds, as plain values: the JSON of `shipworthy monitor`, and what its page is drawn from."""

from __future__ import annotations

from shipworthy.facts import Fact, Outcome
from shipworthy.flows.monitor.drift import Drift
from shipworthy.flows.monitor.framing import Note
from shipworthy.flows.monitor.gaps import GroupRate


class Verdict(Fact, frozen=True, kw_only=True):
    """One SLO on one scope at the end of one period; `minute` begins the period, `period` is its name."""

    slo: str
    indicator: str
    version: str
    segment: str
    minute: int
    period: str
    outcome: Outcome
    because: str
    n: int
    value: float | None
    lo: float | None
    hi: float | None
    target: str
    limit: float
    trial: bool = False


class Page(Fact, frozen=True, kw_only=True):
    """An SLO that turned breached: the period it began in, the last one it held in, how many those are."""

    slo: str
    version: str
    segment: str
    at: str
    until: str
    because: str
    periods: int = 1


class Period(Fact, frozen=True, kw_only=True):
    """One period, all versions together: rows, how many were flagged, the excess of every feature, and quality."""

    minute: int
    name: str
    n: int
    n_ood: int | None
    n_review: int | None
    excess: dict[str, float]
    score_excess: float | None
    labels: int
    coverage: float | None
    auroc: tuple[float, float, float] | None
    error_rate: tuple[float, float, float] | None
    ece: tuple[float, float, float] | None
    ece_raw: float | None


class Bin(Fact, frozen=True, kw_only=True):
    """One cell of a feature: what it holds, and the shares of the reference and of the log."""

    name: str
    reference: float
    live: float


class Shape(Fact, frozen=True, kw_only=True):
    """A feature that moved: its drift over the whole log, its cells, and the period in which it lay furthest."""

    drift: Drift
    bins: tuple[Bin, ...]
    worst: str
    worst_excess: float


class Reliability(Fact, frozen=True, kw_only=True):
    """One of 15 bins of the score: labels, mean score, share of ones with bounds."""

    n: int
    score: float
    share: float
    lo: float
    hi: float


class Calibration(Fact, frozen=True, kw_only=True):
    """The calibration of all labels: raw, corrected for sampling, and its bounds (None below 300 labels)."""

    n: int
    raw: float
    corrected: float | None
    lo: float | None
    hi: float | None
    bins: tuple[Reliability, ...]


class SegmentLine(Fact, frozen=True, kw_only=True):
    """One segment over the whole log."""

    segment: str
    n: int
    n_ood: int | None
    labels: int
    error_rate: tuple[float, float, float] | None
    ece: tuple[float, float, float] | None


class Unseen(Fact, frozen=True, kw_only=True):
    """Categories that the reference never had: rows, and keyed tags of the commonest with their rows at most."""

    feature: str
    n: int
    tags: tuple[tuple[str, int], ...]


class States(Fact, frozen=True, kw_only=True):
    """One SLO under two policies over the same windows: pages, and periods in each state."""

    slo: str
    target: str
    changed_target: str
    pages: int
    changed_pages: int
    periods: dict[str, int]
    changed_periods: dict[str, int]
    sentence: str


class MonitorReport(Fact, frozen=True, kw_only=True):
    """Everything `shipworthy monitor` found. `outcome`: breached, no_data, or met where nothing was decided against."""

    model: str
    reference: str
    fingerprint: str
    every: str
    rows: int
    files: int
    versions: tuple[str, ...]
    outcome: Outcome
    policy: str
    verdicts: tuple[Verdict, ...]
    pages: tuple[Page, ...]
    periods: tuple[Period, ...]
    features: tuple[Drift, ...]
    shapes: tuple[Shape, ...]
    flagged: dict[str, int]
    calibration: Calibration | None
    groups: tuple[GroupRate, ...]
    segments: tuple[SegmentLine, ...]
    unseen: tuple[Unseen, ...]
    backtest: tuple[States, ...] = ()
    notes: tuple[Note, ...] = ()
    not_told: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 nothing was decided against, 1 an SLO was breached, 4 an SLO could not be judged in any period."""
        return {Outcome.BREACHED: 1, Outcome.NO_DATA: 4}.get(self.outcome, 0)
