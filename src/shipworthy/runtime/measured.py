"""Which measure of `observe` answers an SLO, and the sums it is given.

In: an SLO, its interval of decision minutes, what the site remembers and what the version knew when it shipped. Out:
measurements for the judge. An SLO on several tenants or values is measured on the sum of their windows; the answer
carries the segment as the SLO wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from shipworthy.facts import LabelSummary, Measurement, Scope, Slo, WindowSummary, parse_segment
from shipworthy.indicators import SCORED_METRICS
from shipworthy.observe.known import Known
from shipworthy.observe.measure import from_windows, within
from shipworthy.observe.measure_drift import drift_excess, prediction_drift
from shipworthy.observe.measure_estimated import estimated_error_rate
from shipworthy.observe.measure_groups import Seen, subgroup_gap
from shipworthy.observe.measure_labels import (
    Matured,
    auroc,
    auto_error_rate,
    block_ece,
    error_rate,
    label_coverage,
    labelled,
    pooled_ece,
    provisional,
)
from shipworthy.observe.measure_latency import latency_ms
from shipworthy.observe.measure_reviews import overturn_rate
from shipworthy.observe.over import Over, places
from shipworthy.runtime.remembered import Remembered, Summary

OF_SCORES = ("decision_ece", "auroc", "error_rate")  # of probabilities: whether an answer left does not matter


@dataclass(frozen=True, slots=True)
class Asked:
    """One SLO over decision minutes [start, end), measured in the minute `as_of`."""

    slo: Slo
    scope: Scope
    start: int
    end: int
    as_of: int


def from_sums(asked: Asked, kept: Remembered, known: Known) -> tuple[Measurement, ...]:
    """Return what is measured from windows, without labels."""
    slo, windows = asked.slo, windows_of(kept, asked.scope, asked.start, asked.end)
    silent = kept.silent(asked.start, asked.end)
    over = Over(asked.scope, asked.start, asked.end, silent, slo.level, slo.quantile)
    reference = known.scores.get(asked.scope.segment)
    if slo.indicator == "drift_excess":
        return drift_excess(windows, known, over)
    if slo.indicator == "prediction_drift":
        return (prediction_drift(windows, reference, over),)
    if slo.indicator == "estimated_error_rate":
        return (estimated_error_rate(windows, reference, replace(over, source="estimated")),)
    if slo.indicator == "latency_ms":
        return (latency_ms(windows, over),)
    return from_windows(windows, asked.scope, asked.start, asked.end, slo.level, silent)


def from_matured(asked: Asked, kept: Remembered, known: Known) -> tuple[Measurement, ...]:
    """Return what is measured from matured labels; provisional where few decisions have one."""
    slo, here = asked.slo, labels_of(kept, asked.scope)
    windows = windows_of(kept, asked.scope, asked.start, asked.end)
    shadow = slo.indicator in OF_SCORES
    over = Matured(asked.scope, asked.start, asked.end, asked.as_of, shadow=shadow, level=slo.level)
    silent = kept.silent(asked.start, asked.end)
    if slo.indicator == "label_coverage":
        return (label_coverage(here, windows, over, silent),)
    mine = labelled(here, over)
    if slo.indicator == "overturn_rate":
        return (overturn_rate(mine, over),)
    if slo.indicator == "subgroup_gap":
        over = replace(over, shadow=slo.metric in (None, *SCORED_METRICS))
        made = subgroup_gap(_groups(kept, known, over), known.protected, slo.metric, over)
        return (provisional(made[0], here, windows, over), *made[1:])
    by_name = {
        "decision_ece": lambda: block_ece(mine, over, slo.quantile) if slo.quantile else pooled_ece(mine, over),
        "auroc": lambda: auroc(mine, over),
        "error_rate": lambda: error_rate(mine, over),
        "auto_error_rate": lambda: auto_error_rate(mine, over),
    }.get(slo.indicator)
    return (provisional(by_name(), here, windows, over),) if by_name else ()


def windows_of(kept: Remembered, scope: Scope, start: int, end: int) -> list[WindowSummary]:
    """Return the windows of [start, end) that make up a scope, as windows of that scope; hours that are over are added
    up."""
    return [_as(scope, one) for place in places(scope) for one in kept.over((scope.version, *place), start, end)]


def labels_of(kept: Remembered, scope: Scope) -> list[LabelSummary]:
    """Return the labels that make up a scope, as labels of that scope."""
    return [_as(scope, one) for place in places(scope) for one in kept.labels((scope.version, *place))]


def _as(scope: Scope, one: Summary) -> Summary:
    if (one.tenant, one.segment) == (scope.tenant, scope.segment):
        return one
    return msgspec.structs.replace(one, tenant=scope.tenant, segment=scope.segment)


def _groups(kept: Remembered, known: Known, over: Matured) -> dict[str, Seen]:
    """The sums of every group of a protected feature, for the tenants of the scope."""
    found = dict[str, Seen]()
    tenants = sorted({tenant for tenant, segment in places(over.scope) if segment == "*"})
    version = over.scope.version
    for name in sorted({name for tenant in tenants for name in kept.places(version, tenant) if _group(name, known)}):
        here = msgspec.structs.replace(over.scope, segment=name)
        asked = [(version, tenant, name) for tenant in tenants]
        windows = [_as(here, one) for place in asked for one in kept.over(place, over.start, over.end)]
        labels = [_as(here, one) for tenant in tenants for one in kept.labels((version, tenant, name))]
        found[name] = Seen(labelled(labels, replace(over, scope=here)), within(windows, here, over.start, over.end))
    return found


def _group(segment: str, known: Known) -> bool:
    terms = parse_segment(segment)
    return len(terms) == 1 and next(iter(terms)) in known.protected
