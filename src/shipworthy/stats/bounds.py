"""Exact one-sided bounds for rates: what n trials prove, and how many more it takes.

In: hits and trials (whole counts; real-valued once divided by a design effect). Out: a lower and an upper bound, each
holding with probability >= `level` on its own. Nothing here rounds in anybody's favour, and no trials prove nothing:
n = 0 gives (0, 1). Standard library only, because the judge recomputes these bounds at start-up without numpy.

Sources: Clopper & Pearson, Biometrika 26 (1934) 404-413, as beta quantiles; Newcombe, Stat. Med. 17 (1998) 873-890,
method 10, for the difference of two independent rates. Rows that cluster count as n / design_effect trials
(Korn & Graubard, Survey Methodology 24 (1998) 193-201).
"""

from __future__ import annotations

import math
from typing import Literal

from shipworthy.stats import normal
from shipworthy.stats.beta import beta_quantile

MOST_TRIALS = 10**9
"""`n_to_meet` looks no further: a distance that takes more trials than this is answered with None."""


def rate_lower(hits: float, n: float, level: float = 0.95, design_effect: float = 1.0) -> float:
    """The largest rate excluded from below: P(bound <= true rate) >= level. ValueError on impossible counts.

    >>> round(rate_lower(300, 300), 4)
    0.9901
    """
    k, trials = effective_counts(hits, n, level, design_effect)
    if k == 0.0:
        return 0.0
    if k == trials:
        return math.exp(math.log1p(-level) / trials)
    return beta_quantile(k, trials - k + 1.0, 1.0 - level)


def rate_upper(hits: float, n: float, level: float = 0.95, design_effect: float = 1.0) -> float:
    """The smallest rate excluded from above: P(bound >= true rate) >= level. ValueError on impossible counts.

    >>> round(rate_upper(0, 19), 3), round(rate_upper(5, 100), 4)
    (0.146, 0.1023)
    """
    k, trials = effective_counts(hits, n, level, design_effect)
    if k == trials:
        return 1.0
    if k == 0.0:
        return -math.expm1(math.log1p(-level) / trials)
    return beta_quantile(k + 1.0, trials - k, level)


def rate_bounds(hits: float, n: float, level: float = 0.95, design_effect: float = 1.0) -> tuple[float, float]:
    """(lower, upper), each one-sided at `level`: together they hold with probability >= 2 * level - 1."""
    return rate_lower(hits, n, level, design_effect), rate_upper(hits, n, level, design_effect)


def zero_event_bound(n: float, level: float = 0.95) -> float:
    """The rate that 0 events in n trials exclude; printed beside every `== 0`.

    >>> [round(zero_event_bound(n), 4) for n in (0, 19, 59, 300)]
    [1.0, 0.1459, 0.0495, 0.0099]
    """
    return rate_upper(0.0, n, level)


def n_to_meet(
    op: Literal["<=", ">="], target: float, rate: float, level: float = 0.95, design_effect: float = 1.0
) -> int | None:
    """The smallest n >= 1 at which an observed `rate` (rate * n hits, not rounded) proves `op target`.

    None = never, because the rate is not strictly on the good side, or not within MOST_TRIALS.

    >>> n_to_meet("<=", 0.05, 0.0), n_to_meet(">=", 0.95, 1.0), n_to_meet("<=", 0.05, 0.05)
    (59, 59, None)
    """
    if op not in ("<=", ">=") or not (math.isfinite(target) and 0.0 <= rate <= 1.0):
        raise ValueError(f"'<=' or '>=', a finite target and a rate in [0, 1] are needed: {op!r} {target!r} {rate!r}")
    trivial = target >= 1.0 if op == "<=" else target <= 0.0
    if not trivial and (rate >= target if op == "<=" else rate <= target):
        effective_counts(0, 1, level, design_effect)  # a nonsense level is an error here too
        return None
    return _smallest_proof(op, target, rate, level, design_effect)


def _smallest_proof(op: str, target: float, rate: float, level: float, design_effect: float) -> int | None:
    """Doubling, then bisection: at a fixed rate the bounds close in on it as n grows."""

    def proven(n: int) -> bool:
        if op == "<=":
            return rate_upper(rate * n, n, level, design_effect) <= target
        return rate_lower(rate * n, n, level, design_effect) >= target

    enough = 1
    while not proven(enough):
        enough *= 2
        if enough > MOST_TRIALS:
            return None
    short = enough // 2
    while enough - short > 1:
        middle = (short + enough) // 2
        short, enough = (short, middle) if proven(middle) else (middle, enough)
    return enough


def n_for_interval(n: int, value: float, limit: float, bound: float) -> int | None:
    """About the n at which a bound that shrinks like 1 / sqrt(n) reaches `limit`, if the value stays.

    `bound` is the one that faces the limit, made from `n` samples. None = never (the value is not strictly on the good
    side of the limit), or not within MOST_TRIALS.

    >>> n_for_interval(400, 0.80, 0.78, 0.76), n_for_interval(400, 0.80, 0.81, 0.76)
    (1600, None)
    """
    away, half = limit - value, bound - value
    if not (n > 0 and math.isfinite(half) and away * half > 0.0):
        return None
    total = n * (half / away) ** 2
    return math.ceil(total - 1e-9) if total <= MOST_TRIALS else None


def newcombe_difference(
    h1: float, n1: float, h2: float, n2: float, level: float = 0.95, design_effect: float = 1.0
) -> tuple[float, float]:
    """(lower, upper), each one-sided at `level`, for p1 - p2 of two independent samples; (-1, 1) if either is empty.

    The hybrid score interval (Newcombe 1998, method 10): not exact, but within about a point of its level from 20
    rows a side on.

    >>> [round(v, 4) for v in newcombe_difference(56, 70, 48, 80, level=0.975)]
    [0.0524, 0.3339]
    """
    k1, m1 = effective_counts(h1, n1, level, design_effect)
    k2, m2 = effective_counts(h2, n2, level, design_effect)
    if m1 == 0.0 or m2 == 0.0:
        return -1.0, 1.0
    z = normal.quantile(level)
    (low1, p1, high1), (low2, p2, high2) = wilson(k1, m1, z), wilson(k2, m2, z)
    lower = p1 - p2 - math.copysign(math.hypot(p1 - low1, high2 - p2), z)
    upper = p1 - p2 + math.copysign(math.hypot(high1 - p1, p2 - low2), z)
    return max(-1.0, lower), min(1.0, upper)


def wilson(k: float, n: float, z: float) -> tuple[float, float, float]:
    """(lower, rate, upper) of the Wilson score interval."""
    middle, spread = k + 0.5 * z * z, z * math.sqrt(k * (n - k) / n + 0.25 * z * z)
    return (middle - spread) / (n + z * z), k / n, (middle + spread) / (n + z * z)


def effective_counts(hits: float, n: float, level: float, design_effect: float) -> tuple[float, float]:
    """(hits, n) / design_effect, or ValueError: NaN, negative, hits > n, infinite, a level outside (0, 1), deff < 1."""
    if not (0.0 <= hits <= n < math.inf):
        raise ValueError(f"0 <= hits <= n < inf is needed, got hits={hits!r}, n={n!r}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level strictly between 0 and 1 is needed, got {level!r}")
    if not 1.0 <= design_effect < math.inf:
        raise ValueError(f"a design effect is at least 1, got {design_effect!r}")
    return (hits / design_effect, n / design_effect)
