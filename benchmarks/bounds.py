"""Claim: an exact rate bound costs less than scipy's beta quantile, in plain Python and without importing scipy.

Both give the one-sided Clopper-Pearson bounds at 95 %: ours `stats.bounds.rate_bounds`, the peer two calls of
`scipy.stats.beta.ppf`. The bare special function `scipy.special.betaincinv` is shown as well: compiled, it is the
faster one once scipy is loaded.
"""

from __future__ import annotations

import math

from scipy.special import betaincinv
from scipy.stats import beta

from benchmarks.harness import Result, compare
from shipworthy.stats.bounds import rate_bounds

LEVEL = 0.95
CASES = ((1, 59), (5, 100), (28, 652), (300, 1859), (4999, 5000))


def run() -> list[Result]:
    """Return the time of one pair of bounds."""
    for k, n in CASES:  # the same job, or the comparison means nothing
        for ours, theirs in zip(rate_bounds(k, n, LEVEL), _ppf(k, n), strict=True):
            if not math.isclose(ours, theirs, rel_tol=1e-9):
                raise ArithmeticError(f"{k} of {n}: {ours} is not {theirs}")
    return [
        compare("bounds of a rate", "scipy.stats.beta.ppf", _ours, _theirs, calls=20, jobs=len(CASES)),
        compare("bounds of a rate", "scipy.special.betaincinv", _ours, _bare, calls=20, jobs=len(CASES)),
    ]


def _ours() -> None:
    for k, n in CASES:
        rate_bounds(k, n, LEVEL)


def _theirs() -> None:
    for k, n in CASES:
        _ppf(k, n)


def _ppf(k: int, n: int) -> tuple[float, float]:
    return float(beta.ppf(1 - LEVEL, k, n - k + 1)), float(beta.ppf(LEVEL, k + 1, n - k))


def _bare() -> None:
    for k, n in CASES:
        betaincinv(k, n - k + 1, 1 - LEVEL), betaincinv(k + 1, n - k, LEVEL)
