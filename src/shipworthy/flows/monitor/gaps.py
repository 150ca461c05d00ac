"""How much worse one group fares than another, from labels by score bin.

In: labels of the groups of each protected feature. Out: rates by group, and the largest difference with bounds, by the
code that measures live traffic. Groups with fewer than 20 labels are not shown: they would tell about persons.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.facts import NO_REFERENCE, Fact, LabelSummary, Measurement, Slo, WindowSummary
from shipworthy.observe.measure_groups import Seen, hits_and_n
from shipworthy.observe.measure_groups import subgroup_gap as measured_gap
from shipworthy.observe.measure_labels import Matured
from shipworthy.stats.bounds import rate_bounds

SUPPRESSED = 20
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
    """Return the largest difference of two groups of one feature, as live traffic has it (`observe.measure_groups`)."""
    metric = slo.metric or METRICS[0]
    if metric not in METRICS:
        return None, f"{metric} depends on thresholds: a log of scores does not show it"
    if not groups:
        return None, "no protected feature, or no label of its groups"
    seen = {group: _seen(labels) for by_group in groups.values() for group, labels in by_group.items()}
    judged, *_ = measured_gap(seen, list(groups), metric, asked)
    return judged, "" if judged.value is not None else judged.method


def chances(labels: LabelSummary, metric: str) -> tuple[int, int]:
    """Return (hits, chances) of a metric at score 0.5."""
    return hits_and_n(metric, _seen(labels))


def _seen(labels: LabelSummary) -> Seen:
    """What is known of a group: its labelled rows. Of a log, those alone are compared, the choices among them too."""
    window = WindowSummary(
        version=labels.version,
        arm=labels.arm,
        tenant=labels.tenant,
        segment=labels.segment,
        minute=labels.minute,
        reference=NO_REFERENCE,
        scores=labels.n,
    )
    return Seen((labels,), (window,))
