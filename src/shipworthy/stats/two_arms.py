"""Is the candidate worse than the baseline, watched minute by minute for as long as one likes.

In: per minute the requests and hits of both arms (whole counts). Out: a small state with evidence in both directions,
"proven worse" and "proven not worse than the margin", and bounds of the odds ratio, all of them valid at every look.

Given the hits of a minute in all, how many of them fell to the candidate follows Fisher's noncentral hypergeometric law
(`noncentral.py`): exactly, for any number of hits, any rate and any split of the traffic. It depends on the odds ratio
w = p1 (1 - p0) / (p0 (1 - p1)) alone. So the rates may move from minute to minute, together, and the shares too, even
by what earlier minutes have shown: nothing is pooled over minutes but the evidence. Needed is that within a minute the
requests of an arm are alike and independent (or, where the arms are equal, that they were drawn at random). Traffic in
clumps, one retry after another, is neither.
Binomial conditioning, P(a hit is the candidate's) = n1 / (n1 + n0), is the limit of low rates. At w = 1 it is valid, as
the hypergeometric law is smaller in convex order (Hoeffding, JASA 58 (1963) 13-30, theorem 4), but it sees less at high
rates; at another w it is not exact.

The evidence against w <= m is the mean over bets w' > m of prod P(k; w') / P(k; m). Each ratio grows with k and k with
w, so each factor has mean <= 1 for every w <= m, and by Ville it ever reaches 1 / a with probability <= a. What counts
is the largest evidence so far: an alarm stays.

The margin is one of odds. For m >= 1 what is proven holds for the ratio of rates too: odds ratio <= m implies
p1 <= m p0. For m = 1 both say p1 <= p0.

Sources: Robbins, Ann. Math. Stat. 41 (1970) 1397-1409 (mixtures); Lindon & Malek, arXiv 2011.03567 (counts in
a canary); Ramdas, Grünwald, Vovk & Shafer, Stat. Sci. 38 (2023) 576-601 (e-processes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.noncentral import log_likelihoods, log_sum

Floats = NDArray[np.float64]

GRID = tuple(math.log(2.0) / 6.0 * at for at in range(-24, 25))
"""The bets, as logarithms of odds ratios: from 1/16 to 16, six to each doubling."""
MEAN_BET = 0.5
"""Mean of the exponential prior over log(bet / margin). From .4 to 1.5 the median delays move by a fifth."""
_LARGEST_MARGIN = 8.0


@dataclass(frozen=True, slots=True)
class ArmsState:
    """Two arms so far. `log_likelihood`: at each bet, then at both margins, against equal odds; minutes add up.

    `log_worse` and `log_within` are the largest evidence so far, as logarithms, against "odds ratio <= worse_than" and
    against "odds ratio >= within".
    """

    worse_than: float = 1.0
    within: float = 1.25
    candidate_n: int = 0
    candidate_hits: int = 0
    baseline_n: int = 0
    baseline_hits: int = 0
    log_likelihood: tuple[float, ...] = (0.0,) * (len(GRID) + 2)
    log_worse: float = 0.0
    log_within: float = 0.0


def update(state: ArmsState, candidate_n: int, candidate_hits: int, baseline_n: int, baseline_hits: int) -> ArmsState:
    """Return the state after one more minute. ValueError unless whole numbers with 0 <= hits <= n in both arms.

    A minute in which one arm had no request, or nobody a hit, or everybody, says nothing.

    >>> state = ArmsState()
    >>> for _ in range(60):
    ...     state = update(state, 20, 2, 180, 4)
    >>> is_worse(state, 0.05), is_within(state, 0.05), round(odds_ratio_bounds(state)[0], 2)
    (True, False, 3.17)
    """
    at = points(state.worse_than, state.within)
    more = log_likelihoods(candidate_n, candidate_hits, baseline_n, baseline_hits, at)
    total = np.asarray(state.log_likelihood) + more
    worse, within = evidence(total, state.worse_than, state.within)
    return ArmsState(
        state.worse_than,
        state.within,
        state.candidate_n + int(candidate_n),
        state.candidate_hits + int(candidate_hits),
        state.baseline_n + int(baseline_n),
        state.baseline_hits + int(baseline_hits),
        tuple(total.tolist()),
        max(state.log_worse, float(worse)),
        max(state.log_within, float(within)),
    )


def is_worse(state: ArmsState, level: float) -> bool:
    """Is the odds ratio proven to be above `worse_than`: at most `level` of all streams ever say so falsely.

    ValueError unless 0 < level < 1.
    """
    return state.log_worse >= _threshold(level)


def is_within(state: ArmsState, level: float) -> bool:
    """Is the odds ratio proven to be below the margin `within`. ValueError unless 0 < level < 1."""
    return state.log_within >= _threshold(level)


def log_e_values(state: ArmsState) -> tuple[float, float]:
    """Return (worse, within) as they stand now: what may be averaged with others (`e_values.py`).

    The largest so far may not: under the null its mean is above 1. `e_values.to_p` of it is a p-value, though.
    """
    worse, within = evidence(np.asarray(state.log_likelihood), state.worse_than, state.within)
    return float(worse), float(within)


def odds_ratio_bounds(state: ArmsState, level: float = 0.95) -> tuple[float, float]:
    """(lower, upper) of the odds ratio, each holding at all looks together with probability >= `level`.

    They lie on the grid of bets; 0 and infinity where the data reach beyond it. A bound is the last of an unbroken row
    of rejected margins, so that the one e-process of the margin next to the true ratio answers for it.
    """
    rejected = _threshold(1.0 - level)
    at_bets = np.asarray(state.log_likelihood)[: len(GRID)]
    above, below = (log_sum(priors + at_bets) - at_bets >= rejected for priors in _priors_of_all_bets())
    low, high = int(np.cumprod(above).sum()), int(np.cumprod(below[::-1]).sum())
    return (math.exp(GRID[low - 1]) if low else 0.0, math.exp(GRID[len(GRID) - high]) if high else math.inf)


@lru_cache(maxsize=64)
def points(worse_than: float, within: float) -> Floats:
    """Return where the likelihood is kept: all bets, then both margins. ValueError unless 1/8 <= margin <= 8."""
    for margin in (worse_than, within):
        if not 1.0 / _LARGEST_MARGIN <= margin <= _LARGEST_MARGIN:
            raise ValueError(f"a margin of the odds ratio between 1/8 and 8 is needed, got {margin!r}")
    return np.array([*GRID, math.log(worse_than), math.log(within)])


def evidence(log_likelihood: Floats, worse_than: float, within: float) -> tuple[Floats, Floats]:
    """Return log e-values (worse, within) as they stand now; the last axis of the likelihoods is that of points(…)."""
    bets, at_worse_than, at_within = log_likelihood[..., :-2], log_likelihood[..., -2], log_likelihood[..., -1]
    worse = _mixed(bets, log_prior(math.log(worse_than), 1)) - at_worse_than
    return worse, _mixed(bets, log_prior(math.log(within), -1)) - at_within


def _mixed(bets: Floats, prior: Floats) -> Floats:
    held = np.isfinite(prior)
    return log_sum(bets[..., held] + prior[held])


@lru_cache(maxsize=256)
def log_prior(log_margin: float, way: int) -> Floats:
    """Return the log weights of the bets above (way 1) or below (way -1) a margin; -inf on the other side."""
    away = way * (np.array(GRID) - log_margin)
    weights = np.where(away > 1e-9, np.exp(-np.abs(away) / MEAN_BET), 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(weights / max(float(weights.sum()), 1e-300)))


@lru_cache(maxsize=1)
def _priors_of_all_bets() -> tuple[Floats, Floats]:
    above, below = (np.stack([log_prior(margin, way) for margin in GRID]) for way in (1, -1))
    return above, below


def _threshold(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level strictly between 0 and 1 is needed, got {level!r}")
    return -math.log(level)
