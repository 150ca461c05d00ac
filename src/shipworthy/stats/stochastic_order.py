"""Is the candidate slower than the baseline anywhere, watched minute by minute.

In: histograms of both arms on one grid (whole counts by cell, smallest values first). Out: evidence that some value is
exceeded by the candidate more often than by the baseline, and where.

`update` takes minutes. "Slower than this edge" is a hit, and whether hits fall to the candidate too often is asked as
in `two_arms.py`, at every inner edge and at a few bets; the mean over edges and bets is an e-process again, whatever
the dependence between edges. The null is that at every edge, in every minute, the candidate's odds of being slower are
at most the baseline's (it is stochastically no larger); so the hour, the load and the split of the traffic may move.

`slower_by` takes counts since the start: the difference of the distributions less the errors of both (`cdf_band.py`).
It says by how much. But what it compares are means over the time since then: if an arm gets more of its traffic in slow
hours, these differ although the arms do not.

Sources: Lindon, Sanden & Shirikian, KDD 2022, arXiv 2205.14762 (sequential tests of stochastic order for canaries);
Vovk & Wang, Ann. Stat. 49 (2021) 1736-1754 (means of e-values); Howard & Ramdas, Bernoulli 28 (2022) 1704-1728.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shipworthy.stats.cdf_band import cdf_band, histogram
from shipworthy.stats.noncentral import Counts, Floats, log_likelihoods, log_sum

BETS = (1.2, 1.5, 2.0, 3.0, 6.0, 20.0)
_LOG_BETS = np.log(np.array(BETS))


@dataclass(frozen=True, slots=True)
class OrderState:
    """`log_e`: evidence by inner edge and bet, edge by edge; `log_slower`: the largest mean of them so far."""

    cells: int
    candidate_n: int
    baseline_n: int
    log_e: tuple[float, ...]
    log_slower: float = 0.0


@dataclass(frozen=True, slots=True)
class Slower:
    """P(candidate > edge) - P(baseline > edge) where it is largest, as seen and as proven. `edge` counts from 0."""

    edge: int
    seen: float
    lower: float


def start(cells: int) -> OrderState:
    """Return the state before the first minute, for histograms of so many cells. ValueError unless at least two.

    >>> len(start(3).log_e)
    12
    """
    if cells < 2:
        raise ValueError(f"at least two cells are needed, got {cells!r}")
    return OrderState(cells, 0, 0, (0.0,) * ((cells - 1) * len(BETS)))


def update(state: OrderState, candidate: ArrayLike, baseline: ArrayLike) -> OrderState:
    """Return the state after one more minute. ValueError unless whole counts >= 0, as many as the state has cells.

    >>> state = start(3)
    >>> for _ in range(20):
    ...     state = update(state, [4, 2, 4], [60, 30, 10])
    >>> is_slower(state, 0.001), worst_edge(state)
    (True, 1)
    """
    (n1, slow1), (n0, slow0) = (_slower_than_edges(counts, state.cells) for counts in (candidate, baseline))
    log_e = np.asarray(state.log_e) + log_likelihoods(n1, slow1, n0, slow0, _LOG_BETS).reshape(-1)
    largest = max(state.log_slower, _log_mean(log_e))
    return OrderState(state.cells, state.candidate_n + n1, state.baseline_n + n0, tuple(log_e.tolist()), largest)


def is_slower(state: OrderState, level: float) -> bool:
    """Is the candidate proven to be slower somewhere: at most `level` of all streams ever say so falsely.

    ValueError unless 0 < level < 1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level strictly between 0 and 1 is needed, got {level!r}")
    return state.log_slower >= -math.log(level)


def log_e_value(state: OrderState) -> float:
    """Return the evidence as it stands now: what may be averaged with others (`e_values.py`); the largest may not."""
    return _log_mean(np.asarray(state.log_e))


def worst_edge(state: OrderState) -> int:
    """Return the inner edge, counted from 0, at which there is most evidence now: where to look, not a test."""
    return int(log_sum(np.asarray(state.log_e).reshape(state.cells - 1, len(BETS))).argmax())


def slower_by(candidate: ArrayLike, baseline: ArrayLike, alpha: float) -> Slower:
    """Return by how much more often the candidate exceeds some edge, from counts since the start.

    At all looks and edges together the bound is above the truth with probability <= alpha. Below 0: nothing is proven.
    ValueError unless whole counts >= 0 of one length >= 2 and 0 < alpha < 1.

    >>> slower_by([100, 100], [1800, 200], 0.05).edge, round(slower_by([100, 100], [1800, 200], 0.05).seen, 3)
    (0, 0.4)
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"0 < alpha < 1 is needed, got {alpha!r}")
    p, q = histogram(candidate), histogram(baseline)
    (n, slow1), (m, slow0) = _slower_than_edges(p, q.size), _slower_than_edges(q, p.size)
    error = cdf_band(n, 0.5 * alpha, p.size) + cdf_band(m, 0.5 * alpha, p.size)
    if n == 0 or m == 0:
        return Slower(0, 0.0, -1.0)
    more = slow1 / n - slow0 / m
    edge = int(more.argmax())
    return Slower(edge, float(more[edge]), max(-1.0, float(more[edge]) - error))


def _log_mean(log_e: Floats) -> float:
    return float(log_sum(log_e)) - math.log(log_e.size)


def _slower_than_edges(counts: ArrayLike, cells: int) -> tuple[int, Counts]:
    """(events, events above each inner edge)."""
    by_cell = histogram(counts)
    if by_cell.size != cells:
        raise ValueError(f"counts of {cells} cells are needed, got {by_cell.size}")
    n = int(by_cell.sum())
    return n, n - np.cumsum(by_cell)[:-1]
