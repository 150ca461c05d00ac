"""How often the answer at score one half will turn out wrong, before any label has come: estimated_error_rate.

In: the score bins of live windows, and labelled calibration rows by score bin. Out: the mean over live scores of the
chance to be wrong that calibration rows of like scores had: `1 - max p` with p recalibrated, as long as recalibration
leaves a score on its side of one half. `source` is `estimated`: it may page or route to review, it never kills.

Score bins are joined to cells of at least 20 calibration rows, never across one half. The bounds are Clopper-Pearson at
the effective number of rows (Korn & Graubard, Survey Methodology 24 (1998) 193-201): estimate (1 - estimate) over the
variance, which is that of every cell's rate (two rows of each outcome added, as Agresti & Coull do) weighted by live
traffic, plus that of as many labels as there are live scores. Live scores in bins where no calibration row lies count
as right in the lower and as wrong in the upper bound. It rests on one assumption that no window can test: that a score
means what it meant in calibration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipworthy.facts import SCORE_BINS, Measurement, WindowSummary
from shipworthy.observe.known import ScoreCounts
from shipworthy.observe.measure import within
from shipworthy.observe.over import Over
from shipworthy.stats.bounds import rate_bounds

ESTIMATED = "estimated_error_rate"
LEAST_ROWS = 20
MOST_OUTSIDE = 0.5
_HALF = SCORE_BINS // 2


@dataclass(frozen=True, slots=True)
class Cell:
    """Neighbouring score bins: calibration rows, how many of them were wrong at one half, live scores."""

    rows: int
    wrong: int
    live: int


def estimated_error_rate(windows: Sequence[WindowSummary], known: ScoreCounts | None, over: Over) -> Measurement:
    """Return the estimate; None where no calibration row of the segment has a label, or half the scores lie beyond."""
    live = [0] * SCORE_BINS
    for one in within(windows, over.scope, over.start, over.end):
        live = list(map(int.__add__, live, one.scores))
    n, before = sum(live), 0 if known is None else sum(known.labelled)
    if known is None or not before or not n:
        return over.nothing(ESTIMATED, n, f"{n} live scores, {before} labelled calibration rows in this segment")
    outside = sum(count for count, rows in zip(live, known.labelled, strict=True) if not rows) / n
    found = cells(live, known)
    told = f"recalibrated on {before} calibration rows, no label seen; {outside:.1%} of scores where none of them lies"
    if outside > MOST_OUTSIDE:
        return over.nothing(ESTIMATED, n, told)
    value, lo, hi = bounds(found, over.level)
    return over.number(ESTIMATED, n, (value, max(0.0, lo - outside), min(1.0, hi + outside)), told)


def cells(live: Sequence[int], known: ScoreCounts) -> list[Cell]:
    """Return the cells of both sides of one half, lowest scores first."""
    bins = [
        (rows, ones if at < _HALF else rows - ones, count)
        for at, (rows, ones, count) in enumerate(zip(known.labelled, known.positives, live, strict=True))
    ]
    return [*_joined(bins[:_HALF]), *_joined(bins[_HALF:])]


def bounds(found: Sequence[Cell], level: float) -> tuple[float, float, float]:
    """Return (estimate, lower, upper). A side without a calibration row is told by the share of scores outside."""
    n, used = sum(one.live for one in found), [one for one in found if one.rows]
    shares = [one.live / n for one in used]
    rates = [one.wrong / one.rows for one in used]
    careful = [(one.wrong + 2.0) / (one.rows + 4.0) for one in used]
    value = sum(share * rate for share, rate in zip(shares, rates, strict=True))
    middle = sum(share * rate for share, rate in zip(shares, careful, strict=True))
    spread = sum(
        share * share * rate * (1.0 - rate) / one.rows for share, rate, one in zip(shares, careful, used, strict=True)
    )
    rows = middle * (1.0 - middle) / (spread + middle * (1.0 - middle) / n)
    lo, hi = rate_bounds(min(value, 1.0) * rows, rows, level)
    return value, lo, hi


def _joined(bins: Sequence[tuple[int, int, int]]) -> list[Cell]:
    made: list[Cell] = []
    rows = wrong = live = 0
    for at in bins:
        rows, wrong, live = rows + at[0], wrong + at[1], live + at[2]
        if rows >= LEAST_ROWS:
            made.append(Cell(rows, wrong, live))
            rows = wrong = live = 0
    if made and (rows or live):
        last = made.pop()
        rows, wrong, live = rows + last.rows, wrong + last.wrong, live + last.live
    return [*made, Cell(rows, wrong, live)] if rows or live else made
