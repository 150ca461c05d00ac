"""Putting pieces of evidence together: means, products, many segments at once, and p-values.

In and out: natural logarithms of e-values, since an e-value is soon beyond what a float holds: 0.0 is no evidence, -inf
an e-value of 0, +inf is allowed. An e-value is what a bet against the null is worth; under the null its mean is at most
1, so it reaches 1 / a with probability <= a (Markov). NaN is refused everywhere: evidence that is unknown is not none.

Sources: Vovk & Wang, Ann. Stat. 49 (2021) 1736-1754 (means, products, calibrators); Wang & Ramdas, JRSS-B 84 (2022)
822-852 (e-BH); Shafer et al., Stat. Sci. 26 (2011) 84-101 (the calibrator without a parameter).
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean(log_es: Sequence[float], weights: Sequence[float] | None = None) -> float:
    """Return the log of the mean e-value, equal weights by default: valid under any dependence.

    The weights are fixed before the evidence is seen; they are scaled to sum to 1. ValueError if there is nothing to
    average, on NaN, or unless the weights are >= 0 and not all 0.

    >>> round(math.exp(mean([math.log(30.0), math.log(2.0), -math.inf])), 6)
    10.666667
    """
    _check(log_es)
    shares = [1.0] * len(log_es) if weights is None else list(weights)
    total = math.fsum(shares) if all(0.0 <= share < math.inf for share in shares) else 0.0
    if not log_es or len(shares) != len(log_es) or not total > 0.0:
        raise ValueError(f"e-values with as many weights >= 0 are needed, got {len(log_es)} and {shares!r}")
    held = [(log_e, share / total) for log_e, share in zip(log_es, shares, strict=True) if share > 0.0]
    top = max(log_e for log_e, _ in held)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(share * math.exp(log_e - top) for log_e, share in held))


def product(log_es: Sequence[float]) -> float:
    """Return the log of the product: for e-values that are independent, or each one valid given those before it.

    None of them: 0.0. ValueError on NaN, and on 0 times infinity.

    >>> round(math.exp(product([math.log(4.0), math.log(5.0)])), 6)
    20.0
    """
    _check(log_es)
    if math.inf in log_es and -math.inf in log_es:
        raise ValueError("an e-value of 0 and an infinite one have no product")
    return math.fsum(log_es)


def discoveries(log_es: Sequence[float], fdr: float) -> tuple[int, ...]:
    """Return the places of the nulls that e-BH rejects, in increasing order.

    Rejected are the k largest, for the largest k with k * e_(k) >= K / fdr. Of those rejected on average at most a
    share `fdr` is true, whatever the dependence; for e-processes looked at together, at any one time of stopping.
    ValueError on NaN or unless 0 < fdr < 1.

    >>> discoveries([math.log(e) for e in (50.0, 1.0, 300.0, 20.0)], 0.05)
    (0, 2)
    """
    _check(log_es)
    if not 0.0 < fdr < 1.0:
        raise ValueError(f"a false discovery rate strictly between 0 and 1 is needed, got {fdr!r}")
    order = sorted(range(len(log_es)), key=lambda at: (-log_es[at], at))
    needed = math.log(len(log_es) / fdr) if log_es else 0.0
    enough = [k for k, at in enumerate(order, start=1) if log_es[at] + math.log(k) >= needed - 1e-12]
    return tuple(sorted(order[: enough[-1]])) if enough else ()


def from_p(p: float, power: float | None = None) -> float:
    """Return the log e-value that a p-value is worth. ValueError unless 0 <= p <= 1 and 0 < power < 1.

    With a power k, fixed beforehand: k p^(k - 1). Without: the mean over all k, (1 - p + p ln p) / (p ln(p)^2).

    >>> round(math.exp(from_p(0.01, 0.5)), 6), round(math.exp(from_p(0.01)), 2)
    (5.0, 4.45)
    """
    if not 0.0 <= p <= 1.0 or not (power is None or 0.0 < power < 1.0):
        raise ValueError(f"0 <= p <= 1 and 0 < power < 1 are needed, got {p!r} and {power!r}")
    if p == 0.0:
        return math.inf
    if power is not None:
        return math.log(power) + (power - 1.0) * math.log(p)
    log_p = math.log(p)
    if log_p > -1e-3:  # the quotient of two small numbers: its series
        return math.log(0.5 - log_p / 6.0 + log_p * log_p / 24.0)
    return math.log(-math.expm1(log_p) + p * log_p) - log_p - 2.0 * math.log(-log_p)


def to_p(log_e: float) -> float:
    """Return the p-value that evidence is worth, min(1, 1 / e). ValueError on NaN.

    >>> round(to_p(math.log(20.0)), 12), to_p(-3.0)
    (0.05, 1.0)
    """
    _check([log_e])
    return math.exp(-log_e) if log_e > 0.0 else 1.0


def _check(log_es: Sequence[float]) -> None:
    if any(math.isnan(log_e) for log_e in log_es):
        raise ValueError("evidence that is not a number is unknown, not none")
