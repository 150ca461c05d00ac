"""How far the inputs and scores of a window lie from the reference, by counts alone.

In: the cells of a window, those of the reference. Out: a `Drift` a feature, for the pictures of the report, and the two
measurements that an SLO may ask for, which are those of `observe.measure_drift`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.facts import Fact, Measurement, Scope, WindowSummary
from shipworthy.observe.known import Known, ScoreCounts
from shipworthy.observe.measure_drift import drift_excess, prediction_drift
from shipworthy.observe.over import Over
from shipworthy.profile.binned import atoms_of, in_order
from shipworthy.profile.bins import CategoryBins, InputBins, NumberBins
from shipworthy.stats.binned import js_bits, ordered_apart, psi, unordered_apart

Counts = NDArray[np.int64]


class Drift(Fact, frozen=True, kw_only=True):
    """One feature in one window: `n` rows; KS (numbers) or total variation (categories) as `seen`, its mean without
    drift (`null`), the excess and bounds. `psi` (natural) and `js_bits` are excesses as well. `empty`, `outside` or
    `unseen`: rows without a value, beyond what the reference holds, or with a category that it never had."""

    feature: str
    kind: str
    n: int
    seen: float
    null: float
    excess: float
    lo: float
    hi: float
    psi: float
    js_bits: float
    empty: int
    outside: int


def drifts(cells: Sequence[int], bins: InputBins, level: float = 0.95, full: bool = True) -> tuple[Drift, ...]:
    """Return the drift of every feature of a window that holds a row. `full` adds PSI and JS."""
    made, first = [], 0
    counts = np.array(cells, dtype=np.int64)
    for one in bins.features:
        made.append(_drift(one, counts[first : first + len(one.counts)], level, full))
        first += len(one.counts)
    return tuple(made)


def input_drift(window: WindowSummary, bins: InputBins, level: float, start: int, end: int) -> Measurement:
    """Return drift_excess of a window: the worst feature."""
    return drift_excess([window], Known(inputs=bins), _over(window, level, start, end))[0]


def score_drift(window: WindowSummary, reference: Sequence[int], level: float, start: int, end: int) -> Measurement:
    """Return prediction_drift of a window against the reference's scores by bin."""
    known = ScoreCounts(scored=tuple(reference))
    return prediction_drift([window], known, _over(window, level, start, end))


def _over(window: WindowSummary, level: float, start: int, end: int) -> Over:
    scope = Scope(model="", version=window.version, tenant=window.tenant, segment=window.segment)
    return Over(scope, start, end, level=level)


def _drift(one: NumberBins | CategoryBins, live: Counts, level: float, full: bool) -> Drift:
    reference = np.array(one.counts, dtype=np.int64)
    if isinstance(one, NumberBins):
        order = in_order(one)
        apart = ordered_apart(live[order], reference[order], atoms_of(one)[order], level)
        outside = int(live[-3] + live[-2])
    else:
        apart = unordered_apart(live, reference, level)
        outside = int(live[-2])
    told = apart.apart
    return Drift(
        feature=one.name,
        kind="category" if isinstance(one, CategoryBins) else "number",
        n=int(live.sum()),
        seen=told.seen,
        null=told.null,
        excess=told.excess,
        lo=min(told.lower, told.excess),
        hi=told.upper,
        psi=psi(live, reference).excess if full else 0.0,
        js_bits=js_bits(live, reference).excess if full else 0.0,
        empty=int(live[-1]),
        outside=outside,
    )
