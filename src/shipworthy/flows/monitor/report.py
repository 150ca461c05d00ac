"""Counts become a report: verdicts and pages, and everything that explains them.

In: what was counted of a log, the lens it was read with, a policy and perhaps a changed one. Out: a `MonitorReport`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

from shipworthy.facts import LabelSummary, Measurement, Outcome, Policy, Scope, WindowSummary
from shipworthy.facts.adding import added
from shipworthy.flows.monitor.backtest import states
from shipworthy.flows.monitor.count import Counted
from shipworthy.flows.monitor.drift import Counts, Drift, drifts, score_drift
from shipworthy.flows.monitor.gaps import group_rates
from shipworthy.flows.monitor.judged import Seen, not_from_logs, pages, verdicts
from shipworthy.flows.monitor.lens import Lens
from shipworthy.flows.monitor.reference import Reference
from shipworthy.flows.monitor.series import Series
from shipworthy.flows.monitor.told import (
    Bin,
    Calibration,
    MonitorReport,
    Period,
    Reliability,
    SegmentLine,
    Shape,
    Unseen,
    Verdict,
)
from shipworthy.observe import hitters
from shipworthy.observe.frames.counts import UNTOLD
from shipworthy.observe.frames.summaries import Reference as Cells
from shipworthy.observe.frames.summaries import Summaries, summaries
from shipworthy.observe.measure_labels import Matured, auroc, calibration_bins, error_rate, pooled_ece
from shipworthy.profile.binned import in_order, lower_edges
from shipworthy.profile.bins import CategoryBins, InputBins, NumberBins
from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.calibration import ece_raw, merge_to_15

MOST_SHAPES = 6
MOST_SEGMENTS = 200
MOST_TAGS = 5
MOST_NAMED = 20  # categories of a shape; the others stand together
Interval = tuple[float, float, float]
Summary = TypeVar("Summary", WindowSummary, LabelSummary)


def report_of(
    model: str,
    counted: Counted,
    lens: Lens,
    reference: Reference,
    policy: Policy,
    told: str,
    files: int,
    changed: Policy | None = None,
) -> MonitorReport:
    """Return the report. `told`: where the policy comes from."""
    bins = reference.profile.bins
    assert bins is not None
    made = summaries(counted.counts, Cells(bins.fingerprint(), len(bins.features), bins.width))
    seen = _seen(made, counted, lens, reference, bins)
    found = verdicts(policy, seen)
    everybody = _everybody(made.windows)
    total = _total(everybody.values())
    labels = _everybody(made.labels)
    ood = lens.ood
    periods = tuple(_period(one, labels.get(one.minute), seen, ood) for one in everybody.values())
    features = drifts(total.cells, bins) if total is not None and total.cells else ()
    return MonitorReport(
        model=model,
        reference=reference.told,
        fingerprint=bins.fingerprint(),
        every=_every(lens),
        rows=counted.rows,
        files=files,
        versions=seen.versions,
        outcome=_outcome(policy, found),
        policy=told,
        verdicts=found,
        pages=pages(found, lens.every),
        periods=periods,
        features=features,
        shapes=_shapes(features, total, periods, bins),
        flagged={} if total is None or not ood else _flagged(total, bins),
        calibration=_calibration(_total(labels.values())),
        groups=group_rates(_groups(made.labels, seen.groups)),
        segments=_segments(made, ood),
        unseen=_unseen(made.windows, bins),
        backtest=() if changed is None else states(policy, changed, seen),
        notes=counted.notes.told(),
        not_told=tuple(_not_told(policy, counted, lens, reference, made)),
    )


def _seen(made: Summaries, counted: Counted, lens: Lens, reference: Reference, bins: InputBins) -> Seen:
    windows, labels = _by_place(made.windows), _by_place(made.labels)
    segments = sorted({segment for _, segment in windows})
    groups = {
        key: tuple(one for one in segments if one.startswith(f"{key}=") and ";" not in one) for key in lens.groups
    }
    return Seen(
        windows={place: Series(given) for place, given in windows.items()},
        labels={place: Series(given) for place, given in labels.items()},
        untold=counted.counts.untold,
        bins=bins,
        scores=reference.scores,
        groups={key: names for key, names in groups.items() if names},
        every=lens.every,
        periods=tuple(sorted({one.minute for one in made.windows})),
        versions=tuple(sorted({one.version for one in made.windows})),
    )


def _by_place(given: Iterable[Summary]) -> dict[tuple[str, str], list[Summary]]:
    held: defaultdict[tuple[str, str], list[Summary]] = defaultdict(list)
    for one in given:
        if one.tenant == "*":
            held[one.version, one.segment].append(one)
    return held


def _outcome(policy: Policy, found: Sequence[Verdict]) -> Outcome:
    """Breached if anything was; no data if an SLO that a log can show never got an answer, or there is none."""
    deciding = [one for one in found if not one.trial]
    if any(one.outcome is Outcome.BREACHED for one in deciding):
        return Outcome.BREACHED
    by_slo: defaultdict[tuple[str, str], set[Outcome]] = defaultdict(set)
    for one in deciding:
        by_slo[one.slo, one.segment].add(one.outcome)
    if not by_slo or any(outcomes == {Outcome.NO_DATA} for outcomes in by_slo.values()):
        return Outcome.NO_DATA
    return Outcome.MET if all(Outcome.MET in outcomes for outcomes in by_slo.values()) else Outcome.UNDECIDED


def _everybody(given: Iterable[Summary]) -> dict[int, Summary]:
    """All versions and tenants together, by period."""
    sums: dict[int, Summary] = {}
    for one in given:
        if (one.tenant, one.segment) == ("*", "*"):
            sums[one.minute] = added(sums[one.minute], one) if one.minute in sums else one
    return dict(sorted(sums.items()))


def _total(given: Iterable[Summary]) -> Summary | None:
    listed = list(given)
    return Series(listed).total(-1, listed[-1].minute + 1) if listed else None


def _period(window: WindowSummary, labels: LabelSummary | None, seen: Seen, ood: bool) -> Period:
    asked = _asked(window.minute)
    told = [] if labels is None else [labels]
    n, scored = 0 if labels is None else sum(labels.n), sum(window.scores)
    error = error_rate(told, asked)
    return Period(
        minute=window.minute,
        name=seen.every.name(window.minute),
        n=window.n,
        n_ood=window.n_ood if ood else None,
        n_review=window.n_review if window.n_review + window.n_machine else None,
        excess={one.feature: one.excess for one in drifts(window.cells, seen.bins, full=False)} if window.cells else {},
        score_excess=score_drift(window, seen.scores, 0.95, window.minute, window.minute + 1).value
        if seen.scores
        else None,
        labels=n,
        coverage=n / scored if scored else None,
        auroc=_interval(auroc(told, asked)) if n else None,
        error_rate=_interval(error) if n else None,
        ece=_interval(pooled_ece(told, asked)) if n else None,
        ece_raw=ece_raw(merge_to_15(calibration_bins(told))) if n else None,
    )


def _asked(minute: int) -> Matured:
    return Matured(Scope(model=""), max(minute, 0), max(minute, 0) + 1, max(minute, 0) + 1)


def _interval(one: Measurement) -> Interval | None:
    if one.value is None or one.lo is None or one.hi is None:
        return None
    return one.value, one.lo, one.hi


def _shapes(
    features: Sequence[Drift], total: WindowSummary | None, periods: Sequence[Period], bins: InputBins
) -> tuple[Shape, ...]:
    """The features that moved furthest, over the whole log or in one period."""
    if total is None or not total.cells:
        return ()
    furthest = {
        one.feature: max(((p.excess.get(one.feature, 0.0), p.name) for p in periods), default=(0.0, ""))
        for one in features
    }
    ranked = sorted(features, key=lambda one: (-max(one.excess, furthest[one.feature][0]), one.feature))
    made, at = [], _places(bins)
    for drift in ranked[:MOST_SHAPES]:
        one, first = at[drift.feature]
        live = np.array(total.cells[first : first + len(one.counts)], dtype=np.int64)
        excess, worst = furthest[drift.feature]
        made.append(Shape(drift=drift, bins=_bins(one, live), worst=worst, worst_excess=excess))
    return tuple(made)


def _places(bins: InputBins) -> dict[str, tuple[NumberBins | CategoryBins, int]]:
    made, first = {}, 0
    for one in bins.features:
        made[one.name] = (one, first)
        first += len(one.counts)
    return made


def _bins(one: NumberBins | CategoryBins, live: Counts) -> tuple[Bin, ...]:
    reference = np.array(one.counts, dtype=np.int64)
    p, q = live / max(1, live.sum()), reference / max(1, reference.sum())
    if isinstance(one, CategoryBins):
        names = [*one.values, "other known", "unseen", "empty"]
        ranked = sorted(range(len(one.values)), key=lambda at: -max(p[at], q[at]))
        kept = sorted(ranked[:MOST_NAMED]) + list(range(len(one.values), len(names)))
        rest = ranked[MOST_NAMED:]
        made = [Bin(name=names[at], reference=float(q[at]), live=float(p[at])) for at in kept]
        if rest:
            made.append(Bin(name=f"{len(rest)} more", reference=float(q[rest].sum()), live=float(p[rest].sum())))
        return tuple(one for one in made if one.reference or one.live)
    edges = lower_edges(one)
    names = ["empty", f"below {one.least:.4g}", *(_cell(a, b) for a, b in pairwise((*edges, one.most)))]
    names.append(f"above {one.most:.4g}")
    order = in_order(one)
    p, q = live[order] / max(1, live.sum()), reference[order] / max(1, reference.sum())
    return tuple(
        Bin(name=name, reference=float(b), live=float(a)) for name, a, b in zip(names, p, q, strict=True) if a or b
    )


def _cell(start: float, end: float) -> str:
    return f"{start:.4g}" if start == end else f"{start:.4g} to {end:.4g}"


def _flagged(total: WindowSummary, bins: InputBins) -> dict[str, int]:
    told = Counter({one.name: n for one, n in zip(bins.features, total.worst, strict=True) if n})
    return dict(told.most_common(10))


def _calibration(labels: LabelSummary | None) -> Calibration | None:
    if labels is None or not sum(labels.n):
        return None
    asked = _asked(0)
    bins = merge_to_15(calibration_bins([labels]))
    pooled = pooled_ece([labels], asked)
    made = []
    for n, sum_p, sum_y in zip(bins.n.tolist(), bins.sum_p.tolist(), bins.sum_y.tolist(), strict=True):
        if n:
            lo, hi = rate_bounds(sum_y, n)
            made.append(Reliability(n=round(n), score=sum_p / n, share=sum_y / n, lo=lo, hi=hi))
    return Calibration(
        n=sum(labels.n), raw=ece_raw(bins), corrected=pooled.value, lo=pooled.lo, hi=pooled.hi, bins=tuple(made)
    )


def _groups(labels: Iterable[LabelSummary], groups: Mapping[str, Sequence[str]]) -> dict[str, dict[str, LabelSummary]]:
    feature = {segment: key for key, segments in groups.items() for segment in segments}
    made: dict[str, dict[str, LabelSummary]] = {}
    for one in labels:
        if one.tenant == "*" and one.segment in feature:
            held = made.setdefault(feature[one.segment], {})
            held[one.segment] = added(held[one.segment], one) if one.segment in held else one
    return made


def _segments(made: Summaries, ood: bool) -> tuple[SegmentLine, ...]:
    windows, labels = _by_segment(made.windows), _by_segment(made.labels)
    asked = _asked(0)
    lines = []
    for segment, given in sorted(windows.items(), key=lambda one: -one[1].n):
        told = [labels[segment]] if segment in labels else []
        n = sum(told[0].n) if told else 0
        lines.append(
            SegmentLine(
                segment=segment,
                n=given.n,
                n_ood=given.n_ood if ood else None,
                labels=n,
                error_rate=_interval(error_rate(told, asked)) if n >= 20 else None,
                ece=_interval(pooled_ece(told, asked)) if n else None,
            )
        )
    return tuple(lines[:MOST_SEGMENTS])


def _by_segment(given: Iterable[Summary]) -> dict[str, Summary]:
    sums: dict[str, Summary] = {}
    for one in given:
        if one.tenant == "*":
            sums[one.segment] = added(sums[one.segment], one) if one.segment in sums else one
    return sums


def _unseen(windows: Iterable[WindowSummary], bins: InputBins) -> tuple[Unseen, ...]:
    """Tags are told by tenant and key period; here the commonest of each category."""
    listed = [one for one in windows if one.segment == "*"]
    everybody = [one for one in listed if one.tenant == "*"]
    at, made = _places(bins), []
    for place, category in enumerate(bins.categories):
        _, first = at[category.name]
        unseen = first + len(category.counts) - 2
        n = sum(one.cells[unseen] for one in everybody if one.cells)
        tags: Counter[str] = Counter()
        for one in listed:
            tags.update(dict(hitters.heavy(one.hitters, place)) if one.hitters else {})
        if n:
            made.append(Unseen(feature=category.name, n=n, tags=tuple(tags.most_common(MOST_TAGS))))
    return tuple(made)


def _not_told(policy: Policy, counted: Counted, lens: Lens, reference: Reference, made: Summaries) -> Iterable[str]:
    total = np.sum(list(counted.counts.untold.values()), axis=0) if counted.counts.untold else np.zeros(len(UNTOLD))
    n = sum(one.n for one in made.windows if (one.tenant, one.segment) == ("*", "*"))
    for name, missing in zip(UNTOLD, total.tolist(), strict=True):
        if missing and name != "ood":
            column = getattr(lens.names, name)
            yield f"{missing} of {n} rows tell no {name} (column {column})"
    if not lens.ood:
        yield "how unlike the reference each row is: --no-ood was asked for"
    for slo in not_from_logs(policy):
        yield f"{slo.name}: comes from probes, alarms, drills or never events of a running site, not from a log"
    if not reference.scores:
        yield "whether the scores moved: the reference holds none (--reference names a log with scores)"
    if reference.left_out:
        yield f"words that never repeat, taken for names of rows and not for inputs: {', '.join(reference.left_out)}"
    if made.folded:
        yield f"{made.folded} of the smallest tenants and segments are counted together as __other__"
    yield "whether requests are missing: a log has no heartbeats, so a gap in it looks like a quiet hour"


def _every(lens: Lens) -> str:
    every = lens.every
    if every.kind in ("month", "year"):
        return every.kind
    if every.kind == "rows":
        return f"{every.length} rows"
    for length, unit in ((1440, "d"), (60, "h")):
        if every.length % length == 0:
            return f"{every.length // length}{unit}"
    return f"{every.length}m"
