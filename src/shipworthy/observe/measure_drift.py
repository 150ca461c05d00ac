"""Does live traffic still look like the reference: drift_excess of inputs, prediction_drift of scores.

In: windows, the cells of the reference with its own counts, the scores of the calibration rows. Out: drift_excess = the
feature that moved most, its KS distance (total variation for categories) less what sampling alone gives; one part per
feature, and one for the joint distance and for each projection, so that a broken dependence shows where no single
column moved. prediction_drift = the same of the 60 score bins, against calibration rows of the same segment.

Bounds are those of `stats.binned`, certified for what the cells hide. The judged upper bound is the largest of the
features' (valid as it stands); the lower one is the largest after Bonferroni, since it was picked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.facts import Measurement, WindowSummary
from shipworthy.observe.known import Known, ScoreCounts
from shipworthy.observe.measure import within
from shipworthy.observe.over import Over, in_full_windows
from shipworthy.profile.binned import atoms_of, in_order
from shipworthy.profile.bins import InputBins, JointBins, NumberBins
from shipworthy.stats.binned import Binned, js_bits, ordered_apart, psi, unordered_apart
from shipworthy.stats.drift import ks_error

DRIFT, SCORES = "drift_excess", "prediction_drift"
JOINT = "joint distance"
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Compared:
    """One column against its reference. `strict`: the lower bound at the level that is shared by all."""

    name: str
    seen: Binned
    strict: float
    told: str


def drift_excess(windows: Sequence[WindowSummary], known: Known, over: Over) -> tuple[Measurement, ...]:
    """Return the judged measurement and its parts; one without a number where inputs are not counted."""
    bins = known.inputs
    if not in_full_windows(over.scope):
        return (over.nothing(DRIFT, 0, "slim windows hold no inputs: only `*` and `tenant=` can be shown"),)
    if bins is None or not bins.features:
        return (over.nothing(DRIFT, 0, "the profile has no cells of inputs: build it again"),)
    mine, reference = within(windows, over.scope, over.start, over.end), bins.fingerprint()
    counted = [one for one in mine if one.cells and one.reference == reference]
    cells = _sum([one.cells for one in counted], bins.width)
    n = int(cells[: len(bins.features[0].counts)].sum())
    if not n:
        return (over.nothing(DRIFT, 0, "no inputs were counted in the cells of this reference"),)
    found = _features(bins, cells, over.level)
    joint = _joint(bins.joint, [one.joint for one in counted if one.joint], over.level)
    asked = sum(one.n for one in mine)
    told = f"{n} live rows against {bins.n} of the reference{known.hedge}"
    if n < asked:
        told += f"; inputs of {n} of {asked} requests were counted"
    parts = [over.number(DRIFT, n, _bounds(one.seen), one.told, one.name) for one in (*found, *joint)]
    return (_worst(found, joint, n, told, over), *parts)


def prediction_drift(windows: Sequence[WindowSummary], reference: ScoreCounts | None, over: Over) -> Measurement:
    """Return how far live scores lie from those of the calibration rows of the same segment."""
    live = _sum([one.scores for one in within(windows, over.scope, over.start, over.end)], len(ScoreCounts().scored))
    before = 0 if reference is None else sum(reference.scored)
    n = min(int(live.sum()), before)
    if reference is None or not n:
        why = f"{int(live.sum())} live scores, {before} of calibration rows (not trained on) in this segment"
        return over.nothing(SCORES, n, why)
    seen = ordered_apart(live, reference.scored, level=over.level)
    told = f"{_ks(seen)}; {int(live.sum())} live scores against {before} calibration rows, which were not trained on"
    return over.number(SCORES, n, _bounds(seen), told)


def _worst(found: Sequence[_Compared], joint: Sequence[_Compared], n: int, told: str, over: Over) -> Measurement:
    worst = max(found, key=lambda one: one.seen.apart.excess)
    value, lo = worst.seen.apart.excess, max(one.strict for one in found)
    hi = max(one.seen.apart.upper for one in found)
    method = f"{worst.name}, worst of {len(found)}: {worst.told}; lower bound Bonferroni; {told}"
    broken = [one for one in joint if one.strict > 0.0]
    if broken:
        first = max(broken, key=lambda one: one.seen.apart.excess)
        method += f"; dependence moved as well: {first.name} by {first.seen.apart.excess:.3g} beyond sampling"
    return over.number(DRIFT, n, (value, min(lo, value), hi), method)


def _features(bins: InputBins, cells: Ints, level: float) -> list[_Compared]:
    share = 1.0 - (1.0 - level) / len(bins.features)
    made, start = [], 0
    for one in bins.features:
        live = cells[start : start + len(one.counts)]
        start += len(one.counts)
        if isinstance(one, NumberBins):
            made.append(_number(one.name, *_in_order(one, live), level, share))
        else:
            seen = unordered_apart(live, one.counts, level)
            strict = unordered_apart(live, one.counts, share).apart.lower
            told = f"total variation {seen.apart.seen:.4g}, {seen.apart.null:.4g} by sampling"
            made.append(_Compared(one.name, seen, strict, f"{told}, {_divergences(live, one.counts)}"))
    return made


def _in_order(bins: NumberBins, live: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Counts of live rows and reference, and which are single values: empty cells first (as `stats.drift` has them),
    then below the least, the bins, above the most."""
    order = in_order(bins)
    return live[order], np.array(bins.counts, dtype=np.int64)[order], atoms_of(bins)[order]


def _joint(bins: JointBins | None, counted: Sequence[Sequence[int]], level: float) -> list[_Compared]:
    if bins is None or not counted:
        return []
    live, before = _sum(counted, len(bins.counts)), np.array(bins.counts, dtype=np.int64)
    ends = np.cumsum([len(bins.distance) + 1, *(len(cuts) + 1 for cuts in bins.cuts)])
    names = [JOINT, *(f"joint projection {at + 1}" for at in range(len(bins.cuts)))]
    share = 1.0 - (1.0 - level) / len(names)
    return [
        _number(name, live[end - size : end], before[end - size : end], None, level, share)
        for name, end, size in zip(names, ends, np.diff(ends, prepend=0), strict=True)
    ]


def _number(
    name: str, live: Ints, before: Ints, single: NDArray[np.bool_] | None, level: float, share: float
) -> _Compared:
    seen = ordered_apart(live, before, single, level)
    strict = max(0.0, seen.apart.seen - ks_error(float(live.sum()), float(before.sum()), share))
    return _Compared(name, seen, strict, f"{_ks(seen)}, {_divergences(live, before)}")


def _ks(seen: Binned) -> str:
    apart = seen.apart
    return f"KS in [{apart.seen:.4g}, {apart.seen + seen.slack:.4g}], {apart.null:.4g} by sampling"


def _divergences(live: Ints, before: Sequence[int] | Ints) -> str:
    return f"PSI {psi(live, before).excess:.3g} and JS {js_bits(live, before).excess:.3g} bits beyond sampling"


def _bounds(seen: Binned) -> tuple[float, float, float]:
    value = seen.apart.excess
    return value, min(seen.apart.lower, value), seen.apart.upper


def _sum(vectors: Sequence[Sequence[int]], width: int) -> Ints:
    return np.array(vectors, dtype=np.int64).sum(axis=0) if vectors else np.zeros(width, dtype=np.int64)
