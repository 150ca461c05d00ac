"""Matured labels become measurements: calibration, ranking, errors of automatic answers, coverage.

In: label summaries of a scope, an interval [start, end) of decision minutes that have matured, and the minute `as_of`
in which this is said: a measurement is as fresh as its making, its labels are as old as they must be. Out:
`Measurement`s of source `online`. Labels carry their own decision, so a silent shard takes only coverage away.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from shipworthy.facts import FIXED, SCORE_BINS, LabelSummary, Measurement, Scope, WindowSummary
from shipworthy.observe.measure import LEVEL, rate, within
from shipworthy.observe.minutes import start_of
from shipworthy.observe.windows import HELD, SHADOW, gaps
from shipworthy.stats.auc import auroc_from_bins
from shipworthy.stats.calibration import (
    CalibrationBins,
    ece_bounds,
    ece_corrected,
    merge_to_15,
    percentile_or_pooled,
)

MIN_LABELS = 300
MIN_BLOCKS = 20
PROVISIONAL = 0.8  # of matured decisions: below it what labels say is marked
_HALF = SCORE_BINS // 2


@dataclass(frozen=True, slots=True)
class Matured:
    """What to measure: a scope, decision minutes [start, end) that have matured, and the minute of the measuring.

    `shadow` adds the labels of requests that the version scored without answering, where it might have answered: a
    score does not know whether it left. `held` adds those where an order keeps it from answering.
    """

    scope: Scope
    start: int
    end: int
    as_of: int
    shadow: bool = False
    held: bool = False
    level: float = LEVEL


def from_labels(
    labels: Sequence[LabelSummary], windows: Sequence[WindowSummary], asked: Matured, quantile: int = 95
) -> tuple[Measurement, ...]:
    """Return decision_ece (pooled and by blocks), auroc, error_rate, auto_error_rate and label_coverage."""
    mine = labelled(labels, asked)
    return (
        pooled_ece(mine, asked),
        block_ece(mine, asked, quantile),
        auroc(mine, asked),
        error_rate(mine, asked),
        auto_error_rate(mine, asked),
        label_coverage(labels, windows, asked),
    )


def labelled(labels: Iterable[LabelSummary], asked: Matured) -> list[LabelSummary]:
    """Return the summaries of exactly the asked scope and interval; version `*` takes all versions."""
    scope = asked.scope
    left_out = {SHADOW: not asked.shadow, HELD: not asked.held}
    return [
        one
        for one in labels
        if asked.start <= one.minute < asked.end
        and not left_out.get(one.arm, False)
        and scope.version in ("*", one.version)
        and (one.tenant, one.segment) == (scope.tenant, scope.segment)
    ]


def calibration_bins(labels: Sequence[LabelSummary]) -> CalibrationBins:
    """Return the 60 bins of the summaries added up; integer sums first, so the order does not matter."""
    n, positives, sum_p, sum_pq = (_total(labels, name) for name in ("n", "positives", "sum_p", "sum_pq"))
    return CalibrationBins(
        n=np.array(n, dtype=np.float64),
        sum_p=np.array([amount / FIXED for amount in sum_p]),
        sum_y=np.array(positives, dtype=np.float64),
        sum_pq=np.array([amount / FIXED for amount in sum_pq]),
    )


def pooled_ece(labels: Sequence[LabelSummary], asked: Matured, quantile: int | None = None) -> Measurement:
    """Return the null-corrected calibration error of all labels together; None below 300 labels."""
    bins = merge_to_15(calibration_bins(labels))
    n = round(bins.rows)
    if n < MIN_LABELS:
        return _say("decision_ece", n, None, None, None, asked, f"{MIN_LABELS} labels needed", quantile)
    lo, hi = ece_bounds(bins, asked.level)
    return _say("decision_ece", n, ece_corrected(bins), lo, hi, asked, "null-corrected, 15 bins, pooled", quantile)


def block_ece(labels: Sequence[LabelSummary], asked: Matured, quantile: int) -> Measurement:
    """Return a percentile of the calibration error over blocks of consecutive hours with 300 labels each.

    Fewer than 20 blocks: the pooled estimate, and `method` says so. Too few to bound the percentile from above (59 for
    the 95th): the pooled upper bound stands in, never below the percentile.
    """
    cut, pooled = blocks(labels), pooled_ece(labels, asked, quantile)
    if len(cut) < MIN_BLOCKS or pooled.hi is None:
        return _with(pooled, f"{pooled.method}; {len(cut)} blocks, {MIN_BLOCKS} needed for the percentile")
    values = [ece_corrected(merge_to_15(calibration_bins(block))) for block in cut]
    value, lo, hi, bounded = percentile_or_pooled(values, quantile / 100, asked.level, pooled.hi)
    told = "order statistics" if bounded else "lower by order statistics, too few for an upper: that of all pooled"
    return _say("decision_ece", pooled.n, value, lo, hi, asked, f"{len(cut)} blocks, {told}", quantile)


def blocks(labels: Sequence[LabelSummary]) -> list[list[LabelSummary]]:
    """Cut the summaries into runs of whole hours, each as short as 300 labels allow; what is left joins the last."""
    hours: dict[int, list[LabelSummary]] = defaultdict(list)
    for one in labels:
        hours[one.minute // 60].append(one)
    cut: list[list[LabelSummary]] = []
    current: list[LabelSummary] = []
    have = 0
    for hour in sorted(hours):
        current, have = current + hours[hour], have + sum(sum(one.n) for one in hours[hour])
        if have >= MIN_LABELS:
            cut, current, have = [*cut, current], [], 0
    if current and cut:
        cut[-1] = cut[-1] + current
    return cut


def auroc(labels: Sequence[LabelSummary], asked: Matured) -> Measurement:
    """Return the area under the ROC curve of the binned score; None with one class missing."""
    n, positives = _total(labels, "n"), _total(labels, "positives")
    negatives = [all_ - ones for all_, ones in zip(n, positives, strict=True)]
    value, lo, hi = auroc_from_bins(positives, negatives, asked.level)
    if math.isnan(value):
        return _say("auroc", sum(n), None, None, None, asked, "one class has no label")
    return _say("auroc", sum(n), value, lo, hi, asked, "DeLong over 60 score bins")


def error_rate(labels: Sequence[LabelSummary], asked: Matured) -> Measurement:
    """Return the rate of labels on the other side of score 0.5."""
    n, positives = _total(labels, "n"), _total(labels, "positives")
    wrong = sum(positives[:_HALF]) + sum(n[_HALF:]) - sum(positives[_HALF:])
    return _rate("error_rate", wrong, sum(n), asked)


def auto_error_rate(labels: Sequence[LabelSummary], asked: Matured) -> Measurement:
    """Return the rate of wrong ones among the labelled answers of a machine."""
    return _rate("auto_error_rate", sum(one.machine_wrong for one in labels), sum(one.machine for one in labels), asked)


def label_coverage(
    labels: Iterable[LabelSummary],
    windows: Sequence[WindowSummary],
    asked: Matured,
    silent: Sequence[int] | None = None,
) -> Measurement:
    """Return the share of matured decisions that have a label, of those with a score; None with a gap.

    `silent` names the minutes with a gap, for a caller who knows them; else they are read from the heartbeats.
    """
    have, expected = covered(labels, windows, asked)
    silent = gaps(windows, asked.start, asked.end) if silent is None else silent
    if have > expected:  # labels of decisions that no window tells of: as good as a silent shard
        silent = silent or (asked.start,)
    return _rate("label_coverage", min(have, expected), expected, asked, silent)


def covered(labels: Iterable[LabelSummary], windows: Sequence[WindowSummary], asked: Matured) -> tuple[int, int]:
    """Return how many answered decisions of the interval have a label, and how many could."""
    answered = Matured(asked.scope, asked.start, asked.end, asked.as_of, level=asked.level)
    have = sum(sum(one.n) for one in labelled(labels, answered))
    return have, sum(sum(window.scores) for window in within(windows, asked.scope, asked.start, asked.end))


def provisional(
    measured: Measurement, labels: Iterable[LabelSummary], windows: Sequence[WindowSummary], asked: Matured
) -> Measurement:
    """Return the measurement, marked in `method` where fewer than 80 % of the decisions have a label. It is judged all
    the same: which labels are missing is seldom chance, and no bound accounts for it."""
    have, expected = covered(labels, windows, asked)
    if expected and PROVISIONAL * expected <= have <= expected:
        return measured
    share = f"{100 * have / expected:.0f} %" if expected and have <= expected else "an unknown share"
    told = f"provisional: {share} of matured decisions have labels, and those that miss may differ"
    return _with(measured, f"{told}; {measured.method}")


def _rate(indicator: str, hits: int, n: int, asked: Matured, silent: Sequence[int] = ()) -> Measurement:
    made = rate(
        indicator,
        hits,
        n,
        segment=asked.scope.segment,
        start=asked.start,
        end=asked.as_of,
        silent=silent,
        level=asked.level,
    )
    return _with(made, f"{made.method}, {until(asked)}")


def _say(
    indicator: str,
    n: int,
    value: float | None,
    lo: float | None,
    hi: float | None,
    asked: Matured,
    method: str,
    quantile: int | None = None,
) -> Measurement:
    return Measurement(
        indicator=indicator,
        segment=asked.scope.segment,
        quantile=quantile,
        source="online",
        start=start_of(asked.start),
        end=start_of(asked.as_of),
        n=n,
        value=value,
        lo=lo,
        hi=hi,
        level=asked.level,
        method=f"{method}, {until(asked)}",
    )


def until(asked: Matured) -> str:
    """Return up to when labels have matured, in words."""
    return f"matured until {start_of(asked.end)}"


def _with(measurement: Measurement, method: str) -> Measurement:
    return replace(measurement, method=method)


def _total(labels: Sequence[LabelSummary], name: str) -> list[int]:
    if not labels:
        return [0] * SCORE_BINS
    total: list[int] = np.array([getattr(one, name) for one in labels], dtype=np.int64).sum(axis=0).tolist()
    return total
