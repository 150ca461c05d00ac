"""How long answers take, from counts in bins: a quantile with bounds that hold whatever the distribution.

In: full windows. Out: latency_ms at a percentile. The bounds are ranks of order statistics (`stats.quantiles`), then
the edges of their bins outward: eight bins an octave, so that binning costs at most an eighth. The value is the upper
edge of the bin of the nearest rank. The last bin is open: what lies there took at least 3.84 s.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from shipworthy.facts import LATENCY_BINS, Measurement, WindowSummary
from shipworthy.indicators import LONGEST
from shipworthy.observe.bins import latency_edges
from shipworthy.observe.measure import within
from shipworthy.observe.over import Over, in_full_windows
from shipworthy.stats.quantiles import nearest_rank, quantile_ranks

LATENCY = "latency_ms"
NO_BOUND_MS = 1000.0 * LONGEST  # a hundred years: no answer takes longer, and the number stays finite
_EDGES = (*latency_edges(), NO_BOUND_MS)


def latency_ms(windows: Sequence[WindowSummary], over: Over) -> Measurement:
    """Return the percentile that `over.quantile` names."""
    if not in_full_windows(over.scope):
        return over.nothing(LATENCY, 0, "slim windows hold no times: only `*` and `tenant=` can be shown")
    if over.quantile is None:
        return over.nothing(LATENCY, 0, "a percentile is needed, such as latency_ms_p99_24h")
    counted = [one.latency for one in within(windows, over.scope, over.start, over.end) if one.latency]
    counts = [sum(column) for column in zip(*counted, strict=True)] or [0] * LATENCY_BINS
    n = sum(counts)
    if not n:
        return over.nothing(LATENCY, 0, "no times were counted")
    q, below = over.quantile / 100.0, list(accumulate(counts))
    low, high = quantile_ranks(n, q, over.level)
    at = bisect_left(below, nearest_rank(n, q))
    open_end = at == LATENCY_BINS - 1
    value = _EDGES[at] if open_end else _EDGES[at + 1]
    lo = 0.0 if low is None else _EDGES[bisect_left(below, low)]
    hi = NO_BOUND_MS if high is None else _EDGES[bisect_left(below, high) + 1]
    method = "order statistics, then bin edges outward; requests taken as independent"
    method += "; at least this, the last bin is open" if open_end else ""
    return over.number(LATENCY, n, (value, lo, hi), method + ("" if hi < NO_BOUND_MS else "; no upper bound"))
