"""How much worse one group fares than another, from labels by score bin.

In: labels of the groups of each protected feature. Out: rates by group, and the largest difference with bounds. Groups
with fewer than 20 labels are not shown: they would tell about persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from shipworthy.facts import SCORE_BINS, Fact, LabelSummary, Measurement, Slo
from shipworthy.observe.measure_labels import Matured
from shipworthy.observe.minutes import start_of
from shipworthy.stats.bounds import newcombe_difference, rate_bounds

SUPPRESSED = 20
_HALF = SCORE_BINS // 2
METRICS = ("error_rate", "false_negative_rate", "false_positive_rate", "selection_rate")
ByGroup = Mapping[str, Mapping[str, LabelSummary]]


class GroupRate(Fact, frozen=True, kw_only=True):
    """One rate of one group: `hits` of `n`, with bounds; all None under 20 labels."""

    feature: str
    group: str
    metric: str
    n: int | None
    value: float | None
    lo: float | None
    hi: float | None


def group_rates(groups: ByGroup, level: float = 0.95) -> tuple[GroupRate, ...]:
    """Return the four rates of every group at score 0.5."""
    made = []
    for feature, by_group in groups.items():
        for group, labels in by_group.items():
            for metric in METRICS:
                hits, n = chances(labels, metric)
                told = n >= SUPPRESSED
                lo, hi = rate_bounds(hits, n, level) if told else (None, None)
                made.append(
                    GroupRate(
                        feature=feature,
                        group=group,
                        metric=metric,
                        n=n if told else None,
                        value=hits / n if told else None,
                        lo=lo,
                        hi=hi,
                    )
                )
    return tuple(made)


def subgroup_gap(slo: Slo, groups: ByGroup, asked: Matured) -> tuple[Measurement | None, str]:
    """Return the largest difference of two groups of one feature; bounds by Newcombe after Bonferroni."""
    metric = slo.metric or "error_rate"
    if metric not in METRICS:
        return None, f"{metric} depends on thresholds: a log of scores does not show it"
    if not groups:
        return None, "no protected feature, or no label of its groups"
    pairs = []
    for by_group in groups.values():
        told = [(name, *chances(labels, metric)) for name, labels in sorted(by_group.items())]
        enough = [one for one in told if one[2] >= slo.min_samples]
        pairs += list(combinations(enough, 2))
    if not pairs:
        return None, f"fewer than two groups with {slo.min_samples} labels"
    strict = 1.0 - (1.0 - slo.level) / (2 * len(pairs))
    worst, value, lo, hi = "", -1.0, 0.0, 0.0
    for (a, hits, n), (b, others, m) in pairs:
        low, high = newcombe_difference(hits, n, others, m, strict)
        gap = abs(hits / n - others / m)
        lo, hi = max(lo, low, -high), max(hi, high, -low)
        if gap > value:
            worst, value = f"{a} against {b}", gap
    n = min(min(one[2] for one in pair) for pair in pairs)
    return Measurement(
        indicator="subgroup_gap",
        segment=asked.scope.segment,
        source="online",
        start=start_of(asked.start),
        end=start_of(asked.end),
        n=n,
        value=value,
        lo=min(lo, value),
        hi=hi,
        level=slo.level,
        method=f"{metric}, {worst}; Newcombe over {len(pairs)} pairs, Bonferroni",
    ), ""


def chances(labels: LabelSummary, metric: str) -> tuple[int, int]:
    """Return (hits, chances) of a metric at score 0.5."""
    negatives = [n - positive for n, positive in zip(labels.n, labels.positives, strict=True)]
    if metric == "false_negative_rate":
        return sum(labels.positives[:_HALF]), sum(labels.positives)
    if metric == "false_positive_rate":
        return sum(negatives[_HALF:]), sum(negatives)
    if metric == "selection_rate":
        return sum(labels.n[_HALF:]), sum(labels.n)
    return sum(labels.positives[:_HALF]) + sum(negatives[_HALF:]), sum(labels.n)
