"""Both arms of a rollout, from windows: what a stage's comparison counts, and whose every attempt is.

In: windows of the candidate and the baseline, of the stage's tenants. Out: `Counts` of one minute (or of the sums that
a store has made of old minutes), added up over tenants. A request that the candidate failed and the baseline rescued is
the candidate's: its failed attempt, and the time until the rescue. The baseline is left with what it was first asked.
Shadow scores are counted beside, and their time nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shipworthy.facts import LATENCY_BINS, WindowSummary
from shipworthy.observe.windows import HELD, RESCUED, SHADOW

CANDIDATE, BASELINE = "candidate", "baseline"
ARMS = (CANDIDATE, BASELINE, RESCUED, SHADOW, HELD)
_WIDE = 4  # bins of a window in one cell: half an octave
CELLS = LATENCY_BINS // _WIDE


@dataclass(slots=True)
class Arm:
    """One arm: requests first sent to it, its failed attempts, those it answered, of them to a person, and times."""

    n: int = 0
    failed: int = 0
    answered: int = 0
    review: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * CELLS)


@dataclass(slots=True)
class Counts:
    """Both arms side by side; shadow scores, and those that disagree with what left."""

    candidate: Arm = field(default_factory=Arm)
    baseline: Arm = field(default_factory=Arm)
    shadowed: int = 0
    disagreed: int = 0


@dataclass(frozen=True, slots=True)
class Between:
    """Which windows are compared: two versions, over the tenants of the stage (`*` = all)."""

    candidate: str
    baseline: str
    tenants: tuple[str, ...]


def by_minute(windows: Iterable[WindowSummary], between: Between) -> list[tuple[int, Counts]]:
    """Return the counts of each minute, oldest first. Windows of other versions, tenants and arms are left out."""
    tenants = ("*",) if "*" in between.tenants else between.tenants
    found: defaultdict[int, Counts] = defaultdict(Counts)
    for window in windows:
        if window.segment == "*" and window.tenant in tenants:
            _add(found[window.minute], window, between)
    return sorted(found.items())


def total(counts: Sequence[Counts]) -> Counts:
    """Return the sum."""
    whole = Counts()
    for one in counts:
        for mine, more in ((whole.candidate, one.candidate), (whole.baseline, one.baseline)):
            _add_arm(mine, more)
        whole.shadowed += one.shadowed
        whole.disagreed += one.disagreed
    return whole


def _add(counts: Counts, window: WindowSummary, between: Between) -> None:
    if window.version == between.candidate and window.arm == CANDIDATE:
        _add_arm(counts.candidate, _arm_of(window))
    elif window.version == between.candidate and window.arm in (SHADOW, HELD):
        counts.shadowed += window.n
        counts.disagreed += window.n_disagreed
    elif window.version == between.baseline and window.arm == BASELINE:
        _add_arm(counts.baseline, _arm_of(window))
    elif window.version == between.baseline and window.arm == RESCUED:
        _add_arm(counts.candidate, Arm(window.n, window.n, 0, 0, _cells(window)))


def _arm_of(window: WindowSummary) -> Arm:
    return Arm(window.n, window.n_failed, window.n, window.n_review, _cells(window))


def _add_arm(mine: Arm, more: Arm) -> None:
    mine.n += more.n
    mine.failed += more.failed
    mine.answered += more.answered
    mine.review += more.review
    mine.latency = list(map(int.__add__, mine.latency, more.latency))


def _cells(window: WindowSummary) -> list[int]:
    if not window.latency:
        return [0] * CELLS
    return [sum(window.latency[at : at + _WIDE]) for at in range(0, LATENCY_BINS, _WIDE)]
