"""The bins that one decision falls in: its score, the p-value of its inputs, the time it took.

In: one number or an array of them. Out: places, the same for a number whether it comes alone or among many. What is no
score is in no bin; what is no p-value counts as the oddest, what is no time as the longest: it must not look well.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shipworthy.facts import FIXED, LATENCY_BINS, OOD_P_BINS, SCORE_BINS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.intp]

SHORTEST_MS, LONGEST_MS = 1 / 16, 3840.0  # below the one is the first bin, from the other on the last
NONE = -1
_STEPS = 8  # of an octave


def score_bins(score: Floats) -> Places:
    """Return the bin of each score, NONE for what is none: NaN, or outside [0, 1]."""
    told = (score >= 0.0) & (score <= 1.0)
    bins = np.full(score.size, NONE, dtype=np.intp)
    bins[told] = np.minimum((score[told] * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)
    return bins


def score_sums(score: Floats) -> tuple[Ints, Ints]:
    """Return what scores in [0, 1] add to the sums of p and of p(1-p), in fixed point."""
    return np.rint(score * FIXED).astype(np.int64), np.rint(score * (1.0 - score) * FIXED).astype(np.int64)


@lru_cache(maxsize=8192)  # p-values are ranks: a few thousand of them are all there are
def p_bin(p: float) -> int:
    """Return the bin of a p-value: four a decade, from 1 downwards; what is no probability counts as the smallest.

    >>> [p_bin(p) for p in (1.0, 0.5, 0.01, 0.0, 2.0)]
    [0, 1, 8, 19, 19]
    """
    if not 0.0 < p <= 1.0:
        return OOD_P_BINS - 1
    return min(int(-4.0 * math.log10(p)), OOD_P_BINS - 1)


def p_bins(p: Floats) -> Places:
    """Return the bin of each p-value, as `p_bin` has it; p-values are few."""
    values, at = np.unique(p, return_inverse=True)
    return np.array([p_bin(value) for value in values.tolist()], dtype=np.intp)[at]


def latency_bins(took_ms: Floats) -> Places:
    """Return the bin of each time, as `latency_bin` has it; NaN is the longest."""
    bins = np.full(took_ms.size, LATENCY_BINS - 1, dtype=np.intp)
    usual = (took_ms >= 0.0) & (took_ms < LONGEST_MS)
    part, octave = np.frexp(took_ms[usual] / SHORTEST_MS)
    step = (octave - 1) * _STEPS + ((part - 0.5) * 2 * _STEPS).astype(np.intp)
    bins[usual] = np.where(took_ms[usual] < SHORTEST_MS, 0, step)
    return bins


def latency_bin(took_ms: float) -> int:
    """Return the bin of a time: 0 below 1/16 ms, then eight equal steps an octave, the last one open.

    What is no time, negative or not finite, is told as the longest: it must not look fast.

    >>> [latency_bin(ms) for ms in (0.01, 0.0625, 1.0, 1.5, 1e9, float("nan"))]
    [0, 0, 32, 36, 127, 127]
    """
    if not 0.0 <= took_ms < LONGEST_MS:
        return LATENCY_BINS - 1
    if took_ms < SHORTEST_MS:
        return 0
    part, octave = math.frexp(took_ms / SHORTEST_MS)  # part in [0.5, 1)
    return (octave - 1) * _STEPS + int((part - 0.5) * 2 * _STEPS)


def latency_edges() -> tuple[float, ...]:
    """Return where each bin begins, ms; the first one from 0."""
    steps = [SHORTEST_MS * 2.0 ** (at // _STEPS) * (1.0 + at % _STEPS / _STEPS) for at in range(LATENCY_BINS)]
    return (0.0, *steps[1:])
