"""How far the inputs and scores of a window lie from the reference, by counts alone.

In: a window with its cells, the cells of the reference. Out: a `Drift` a feature, and the two measurements an SLO may
ask for. This is the one place of the report that measures drift.

The judged value is the largest excess of a feature over sampling; its upper bound is the largest of the features'
(valid as it stands), the lower one the largest after Bonferroni, since the feature was picked, as offline.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.facts import Fact, Measurement, WindowSummary
from shipworthy.observe.minutes import start_of
from shipworthy.profile.binned import atoms_of
from shipworthy.profile.bins import OUTSIDE, CategoryBins, InputBins, NumberBins
from shipworthy.stats.binned import Binned, js_bits, ordered_apart, psi, unordered_apart

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
    if not sum(window.cells[: len(bins.features[0].counts)]):
        return _measured("drift_excess", window, 0, None, None, None, level, "no row", (start, end))
    found = drifts(window.cells, bins, level, full=False)
    strict = drifts(window.cells, bins, 1.0 - (1.0 - level) / len(found), full=False)
    worst = max(found, key=lambda one: (one.excess, one.feature))
    method = f"{worst.feature}, worst of {len(found)}: KS - sampling by counts, lower bound Bonferroni"
    lo = min(max(one.lo for one in strict), worst.excess)
    hi = max(one.hi for one in found)
    return _measured("drift_excess", window, min(worst.n, bins.n), worst.excess, lo, hi, level, method, (start, end))


def score_drift(window: WindowSummary, reference: Sequence[int], level: float, start: int, end: int) -> Measurement:
    """Return prediction_drift of a window against the reference's scores by bin."""
    n = min(sum(window.scores), sum(reference))
    if not n:
        return _measured("prediction_drift", window, 0, None, None, None, level, "no score", (start, end))
    apart = ordered_apart(window.scores, reference, level=level).apart
    method = "KS - sampling over 60 score bins, bounds certified"
    lo = min(apart.lower, apart.excess)
    return _measured("prediction_drift", window, n, apart.excess, lo, apart.upper, level, method, (start, end))


def in_order(one: NumberBins, counts: Counts) -> Counts:
    """Return the counts of a number in the order of its values: empty and below first, then the bins, then above."""
    below, above, empty = counts[-len(OUTSIDE) :].tolist()
    return np.concatenate([[empty, below], counts[: -len(OUTSIDE)], [above]])


def _drift(one: NumberBins | CategoryBins, live: Counts, level: float, full: bool) -> Drift:
    reference = np.array(one.counts, dtype=np.int64)
    if isinstance(one, NumberBins):
        alone = in_order(one, atoms_of(one).astype(np.int64)).astype(bool)
        apart: Binned = ordered_apart(in_order(one, live), in_order(one, reference), alone, level)
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


def _measured(
    indicator: str,
    window: WindowSummary,
    n: int,
    value: float | None,
    lo: float | None,
    hi: float | None,
    level: float,
    method: str,
    span: tuple[int, int],
) -> Measurement:
    return Measurement(
        indicator=indicator,
        segment=window.segment,
        source="online",
        start=start_of(span[0]),
        end=start_of(span[1]),
        n=n,
        value=value,
        lo=lo,
        hi=hi,
        level=level,
        method=method,
    )
