"""What an SLO shows period by period: the measures and the judge of live traffic, on windows made from a log.

In: windows and labels, SLOs, the periods. Out: a `Verdict` per SLO, version, segment and period, as the controller
would have given it at the end of that period at the SLO's own level, and the pages that follow. A gateway looks every
minute and spends an alarm budget on it; each period here is looked at once, so that no budget is applied. Labels count
with the period of their decision: what they show, a site learns `matured_after` later. A log has no heartbeats, so it
cannot show a gap.

Never green: a column that is not there, or that some rows leave empty, takes away what depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec.structs import replace

from shipworthy.decide import Place, is_judged, judge
from shipworthy.facts import LabelSummary, Measurement, Outcome, Policy, Scope, Slo, WindowSummary
from shipworthy.flows.monitor.drift import input_drift, score_drift
from shipworthy.flows.monitor.gaps import subgroup_gap
from shipworthy.flows.monitor.periods import Every
from shipworthy.flows.monitor.series import Series
from shipworthy.flows.monitor.told import Page, Verdict
from shipworthy.indicators import INDICATORS
from shipworthy.observe.frames.columns import Ints
from shipworthy.observe.frames.counts import UNTOLD
from shipworthy.observe.measure import from_windows
from shipworthy.observe.measure_labels import (
    Matured,
    auroc,
    auto_error_rate,
    block_ece,
    error_rate,
    label_coverage,
    pooled_ece,
)
from shipworthy.observe.measure_latency import latency_ms
from shipworthy.observe.minutes import minutes_in
from shipworthy.observe.over import Over
from shipworthy.profile.bins import InputBins

NEEDS = {"ood_rate": "ood", "review_rate": "route", "auto_error_rate": "route", "latency_ms": "took_ms"}
FROM_LOGS = frozenset(
    {"ood_rate", "review_rate", "drift_excess", "prediction_drift", "latency_ms", "decision_ece", "auroc", "error_rate",
     "auto_error_rate", "label_coverage", "subgroup_gap"}
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PlaceOf = tuple[str, str]  # version, segment


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is measured: series of all tenants together, by version and segment; what rows did not say, by version;
    the reference; the periods that hold a row, ascending."""

    windows: Mapping[PlaceOf, Series[WindowSummary]]
    labels: Mapping[PlaceOf, Series[LabelSummary]]
    untold: Mapping[tuple[str, int], Ints]
    bins: InputBins
    scores: tuple[int, ...]
    groups: Mapping[str, tuple[str, ...]]
    every: Every
    periods: tuple[int, ...]
    versions: tuple[str, ...]


def verdicts(policy: Policy, seen: Seen) -> tuple[Verdict, ...]:
    """Return a verdict per SLO that a log can show, version, segment and period of that version."""
    made = []
    for slo in policy.slos:
        if slo.indicator not in FROM_LOGS or not is_judged(slo, Place.RUNTIME):
            continue
        for version in seen.versions:
            for segment in slo.segments or ("*",):
                made += [_verdict(slo, seen, version, segment, period) for period in _periods(seen, version)]
    return tuple(made)


def not_from_logs(policy: Policy) -> tuple[Slo, ...]:
    """Return the SLOs of run time that no log can show: probes, drills, never events, alarms at the request."""
    return tuple(slo for slo in policy.slos if slo.indicator not in FROM_LOGS and INDICATORS[slo.indicator].online)


def pages(found: Iterable[Verdict], every: Every) -> tuple[Page, ...]:
    """Return the pages: an SLO that turns breached in a scope; what stays breached pages once."""
    made: list[Page] = []
    before: dict[tuple[str, str, str], Verdict] = {}
    for one in found:
        place = (one.slo, one.version, one.segment)
        last = before.get(place)
        if one.outcome is Outcome.BREACHED and not one.trial:
            if last is not None and last.outcome is Outcome.BREACHED and every.end(last.minute) >= one.minute:
                made[-1] = replace(made[-1], until=one.period, periods=made[-1].periods + 1)
            else:
                made.append(
                    Page(
                        slo=one.slo,
                        version=one.version,
                        segment=one.segment,
                        at=one.period,
                        until=one.period,
                        because=one.because,
                    )
                )
        before[place] = one
    return tuple(made)


def _periods(seen: Seen, version: str) -> list[int]:
    series = seen.windows.get((version, "*"))
    return [] if series is None else [one.minute for one in series.all]


def _verdict(slo: Slo, seen: Seen, version: str, segment: str, period: int) -> Verdict:
    end = seen.every.end(period)
    start = _start(slo, seen.every, period, end)
    found, reason = _measured(slo, seen, version, segment, start, end)
    judged = judge(slo, segment, () if found is None else (found,), _EPOCH + timedelta(minutes=end), Place.RUNTIME)
    known = found is not None and judged.outcome is not Outcome.NO_DATA
    return Verdict(
        slo=slo.name,
        indicator=slo.indicator,
        version=version,
        segment=segment,
        minute=period,
        period=seen.every.name(period),
        outcome=judged.outcome,
        because=reason or judged.because,
        n=0 if found is None else found.n,
        value=found.value if known and found is not None else None,
        lo=found.lo if known and found is not None else None,
        hi=found.hi if known and found is not None else None,
        target=str(slo.target),
        limit=slo.target.value,
        trial=slo.trial,
    )


def _start(slo: Slo, every: Every, period: int, end: int) -> int:
    """Where the SLO's window begins: never inside a period, and a window shorter than one takes it whole."""
    if slo.window == "rolling":
        return -1
    if not every.by_time:
        return period
    return min(period, end - minutes_in(slo.window))


def _measured(slo: Slo, seen: Seen, version: str, segment: str, start: int, end: int) -> tuple[Measurement | None, str]:
    """(the measurement, or None and why there is none)."""
    series = seen.windows.get((version, segment))
    window = None if series is None else series.total(start, end)
    if window is None or series is None:
        return None, "no row in the window"
    first = series.within(start, end)[0].minute
    scope = Scope(model="", version=version, segment=segment)
    reason = _untold(slo, seen, version, start, end, window)
    if reason:
        return None, reason
    if slo.indicator in ("ood_rate", "review_rate"):
        return next(
            one for one in from_windows([window], scope, first, end, slo.level, ()) if one.indicator == slo.indicator
        ), ""
    if slo.indicator == "drift_excess":
        if segment != "*":
            return None, "inputs are counted for all requests together, not by segment"
        return input_drift(window, seen.bins, slo.level, first, end), ""
    if slo.indicator == "prediction_drift":
        if not seen.scores:
            return None, "the reference holds no scores: name a log of them with --reference"
        return score_drift(window, seen.scores, slo.level, first, end), ""
    if slo.indicator == "latency_ms":
        over = Over(scope, first, end, level=slo.level, quantile=slo.quantile)
        return latency_ms([window], over), ""
    return _of_labels(slo, seen, Matured(scope, first, end, end, level=slo.level), window)


def _untold(slo: Slo, seen: Seen, version: str, start: int, end: int, window: WindowSummary) -> str:
    need = NEEDS.get(slo.indicator)
    if need is None:
        return ""
    rows = [counts for (of, minute), counts in seen.untold.items() if of == version and start <= minute < end]
    missing = int(np.sum([counts[UNTOLD.index(need)] for counts in rows])) if rows else 0
    if not missing:
        return ""
    if need == "ood":
        return "rows were not scored against the reference (--no-ood)"
    return f"{missing} of the rows have no {need}"


def _of_labels(slo: Slo, seen: Seen, asked: Matured, window: WindowSummary) -> tuple[Measurement | None, str]:
    place = (asked.scope.version, asked.scope.segment)
    series = seen.labels.get(place)
    total = None if series is None else series.total(asked.start, asked.end)
    if slo.indicator == "label_coverage":
        return label_coverage([] if total is None else [total], [window], asked, silent=()), ""
    if total is None or series is None:
        return None, "no label"
    if slo.indicator == "decision_ece":
        if slo.quantile is None:
            return pooled_ece([total], asked), ""
        return block_ece(series.within(asked.start, asked.end), asked, slo.quantile), ""
    if slo.indicator == "subgroup_gap":
        return subgroup_gap(slo, _by_group(seen, asked), asked)
    made: Callable[[Sequence[LabelSummary], Matured], Measurement] = {
        "auroc": auroc, "error_rate": error_rate, "auto_error_rate": auto_error_rate,
    }[slo.indicator]  # fmt: skip
    return made([total], asked), ""


def _by_group(seen: Seen, asked: Matured) -> dict[str, dict[str, LabelSummary]]:
    """Labels by protected feature and group."""
    made: dict[str, dict[str, LabelSummary]] = {}
    for feature, segments in seen.groups.items():
        for segment in segments:
            series = seen.labels.get((asked.scope.version, segment))
            total = None if series is None else series.total(asked.start, asked.end)
            if total is not None:
                made.setdefault(feature, {})[segment] = total
    return made
