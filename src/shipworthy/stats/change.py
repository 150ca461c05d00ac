"""Has a rate or a mean risen, whenever that was: an e-detector that a long quiet time does not slow down.

In: window after window, (n, hits) or (n, sum, sum of squares), and the chance of a false alarm that this look may cost
(`level`). Out: a small state that says whether it has alarmed since it was started. Null: hits come at a rate of at
most `null_rate` given the past (or: values >= 0 have a mean of at most `null_mean`).

For each of several bets a window multiplies by L, of mean <= 1 under the null. An e-detector sums the evidence of all
starts, M <- L (M + level) (Shiryaev-Roberts), or keeps that of the best, M <- L max(M, level) (CUSUM), never above the
sum; `M` here is the mean over bets, and it alarms at M >= 1. With one level throughout that is the textbook's
R >= 1 / level, R = M / level, with a mean run length of at least 1 / level looks. Since M + alarms - levels spent is a
supermartingale under the null, started anew after each alarm and whatever the streams have to do with each other:
expected false alarms <= the sum of the levels spent. So a level may change from look to look, as long as it is chosen
before the window is seen, and `spent` is what a page of the budget shows.

Rates: L = (b / p0)^hits ((1 - b) / (1 - p0))^(n - hits). It is convex in each value, so sums of values in [0, 1] with a
mean of at most p0 may stand for the hits (Hoeffding, JASA 58 (1963) 13-30).
Means: y = (x - m0) / m0 >= -1, L = exp(s sum(y) - (-ln(1 - s) - s) sum(y^2)), 0 < s < 1, whose mean is at most 1 as
exp(s y - (-ln(1 - s) - s) y^2) <= 1 + s y (Fan, Grama & Liu, Electron. J. Probab. 20 (2015) 1): it uses the spread that
there is, and values need no upper end.

Sources: Shin, Ramdas & Rinaldo, NEJSDS 2 (2024) 229-260 (e-detectors, mixtures of bets); Shekhar & Ramdas, arXiv
2309.09111; `sequential.py` is the same with one large bet, event by event, for what should hardly ever happen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shipworthy.stats.noncentral import log_sum

Floats = NDArray[np.float64]
Kind = Literal["sum", "max"]

ODDS = (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""The bets on a rate: its odds are so many times those of the null rate."""
STAKES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""The bets on a mean."""
NOTHING = -1e9
"""The logarithm of no evidence at all; finite, so that a state can be written as JSON."""


@dataclass(frozen=True, slots=True)
class ChangeState:
    """`log_m`: log evidence by bet. `log_largest`: the largest mean of them so far, 0 or more is an alarm.

    `looks` counts windows with something in them, `spent` adds up the levels of these looks.
    """

    log_m: tuple[float, ...] = (NOTHING,) * len(ODDS)
    log_largest: float = NOTHING
    looks: int = 0
    n: int = 0
    spent: float = 0.0


def update_rate(
    state: ChangeState, n: int, hits: float, null_rate: float, level: float, kind: Kind = "sum"
) -> ChangeState:
    """Return the state after one more window of n events, `hits` of them hits. An empty one changes nothing.

    ValueError unless 0 <= hits <= n, 0 < null_rate < 1 and 0 < level <= 1.

    >>> state = ChangeState()
    >>> for hits in [1] * 1000 + [3] * 40:
    ...     state = update_rate(state, 100, hits, 0.01, level=1e-4)
    >>> has_alarmed(state), round(state.spent, 6)
    (True, 0.104)
    """
    _check(n, hits)
    if hits > n:
        raise ValueError(f"0 <= hits <= n is needed, got hits={hits!r}, n={n!r}")
    return _stepped(state, n, rate_steps(n, hits, null_rate), level, kind)


def update_mean(
    state: ChangeState, n: int, total: float, squares: float, null_mean: float, level: float, kind: Kind = "sum"
) -> ChangeState:
    """Return the state after one more window of n values >= 0, their sum and the sum of their squares.

    ValueError unless these can be (total^2 <= n squares, up to rounding), 0 < null_mean < inf and 0 < level <= 1.

    >>> state = ChangeState()
    >>> for _ in range(40):
    ...     state = update_mean(state, 10, total=3.0, squares=1.0, null_mean=0.2, level=1e-4)
    >>> has_alarmed(state)
    True
    """
    _check(n, total, squares)
    if total * total > n * squares * (1.0 + 1e-9):
        raise ValueError(f"no {n!r} values have the sum {total!r} and the sum of squares {squares!r}")
    return _stepped(state, n, mean_steps(n, total, squares, null_mean), level, kind)


def has_alarmed(state: ChangeState) -> bool:
    """Has the evidence ever reached what the budget asks; it stays so until a new state is begun."""
    return state.log_largest >= 0.0


def rate_steps(n: ArrayLike, hits: ArrayLike, null_rate: float) -> Floats:
    """Return log L by bet: counts of any one shape -> that shape plus one axis of ODDS."""
    per_hit, per_miss = _rate_bets(null_rate)
    n_, hits_ = np.asarray(n, dtype=np.float64)[..., None], np.asarray(hits, dtype=np.float64)[..., None]
    return np.asarray(hits_ * per_hit + (n_ - hits_) * per_miss)


def mean_steps(n: ArrayLike, total: ArrayLike, squares: ArrayLike, null_mean: float) -> Floats:
    """Return log L by bet: sums of any one shape -> that shape plus one axis of STAKES."""
    if not 0.0 < null_mean < math.inf:
        raise ValueError(f"0 < null_mean < inf is needed, got {null_mean!r}")
    n_, total_, squares_ = (np.asarray(one, dtype=np.float64) for one in (n, total, squares))
    y = total_ / null_mean - n_
    y_squares = np.maximum(0.0, squares_ / null_mean**2 - 2.0 * total_ / null_mean + n_)
    stakes = np.array(STAKES)
    return np.asarray(y[..., None] * stakes + y_squares[..., None] * (np.log1p(-stakes) + stakes))


def stepped(log_m: Floats, steps: Floats, level: float | Floats, kind: Kind = "sum") -> Floats:
    """Return log M by bet after one window: the rule itself, for one stream or for an array of them."""
    entering = np.log(level)
    return (np.logaddexp(log_m, entering) if kind == "sum" else np.maximum(log_m, entering)) + steps


def over_bets(log_m: Floats) -> Floats:
    """Return the log of the mean evidence over bets, the last axis."""
    return log_sum(log_m) - math.log(log_m.shape[-1])


def _stepped(state: ChangeState, n: int, steps: Floats, level: float, kind: Kind) -> ChangeState:
    if not 0.0 < level <= 1.0:
        raise ValueError(f"0 < level <= 1 is needed, got {level!r}")
    if n == 0:
        return state
    log_m = stepped(np.array(state.log_m), steps, level, kind)
    largest = max(state.log_largest, float(over_bets(log_m)))
    return ChangeState(tuple(log_m.tolist()), largest, state.looks + 1, state.n + int(n), state.spent + level)


@lru_cache(maxsize=256)
def _rate_bets(null_rate: float) -> tuple[Floats, Floats]:
    """log(b / p0) and log((1 - b) / (1 - p0)) of bets b with odds o times those of p0: 1 - p0 + o p0 divides both."""
    if not 0.0 < null_rate < 1.0:
        raise ValueError(f"0 < null_rate < 1 is needed, got {null_rate!r}")
    odds = np.array(ODDS)
    per_miss = -np.log1p((odds - 1.0) * null_rate)
    return np.log(odds) + per_miss, per_miss


def _check(n: float, *sums: float) -> None:
    if not all(0.0 <= one < math.inf for one in (n, *sums)):
        raise ValueError(f"counts and sums are finite and at least 0, got {(n, *sums)!r}")
