"""The regularised incomplete beta function and its inverse, from the standard library only.

In: the two shape parameters (positive reals) and x or a probability. Out: the probability or the quantile.
Every exact binomial statement of this package (bounds, McNemar, order statistics) is one call of these two.
"""

from __future__ import annotations

import math

_TINY = 1e-300
_MOST_TERMS = 200_000
_FAR = 700.0


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), the distribution function of Beta(a, b) at x. ValueError unless a, b > 0 and 0 <= x <= 1.

    For whole numbers, P(Bin(n, x) >= k) = I_x(k, n - k + 1).

    >>> round(incomplete_beta(1.0, 1.0, 0.3), 12)
    0.3
    """
    if not (0.0 < a < math.inf and 0.0 < b < math.inf and 0.0 <= x <= 1.0):
        raise ValueError(f"incomplete beta needs a, b > 0 and 0 <= x <= 1, got a={a!r}, b={b!r}, x={x!r}")
    if x in (0.0, 1.0):
        return x
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b))
    return _below(a, b, x, 1.0 - x, front)


def log_incomplete_beta(a: float, b: float, x: float) -> float:
    """log I_x(a, b) for 0 < x < 1, also where I itself is too small for a float. ValueError outside.

    >>> round(log_incomplete_beta(400.0, 1.0, 0.01) / math.log(0.01), 12)
    400.0
    """
    if not (0.0 < a < math.inf and 0.0 < b < math.inf and 0.0 < x < 1.0):
        raise ValueError(f"log incomplete beta needs a, b > 0 and 0 < x < 1, got a={a!r}, b={b!r}, x={x!r}")
    log_front = a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b)
    if x < (a + 1.0) / (a + b + 2.0):
        return log_front + math.log(_fraction(a, b, x) / a)
    return math.log1p(-math.exp(log_front) * _fraction(b, a, 1.0 - x) / b)


def beta_quantile(a: float, b: float, p: float) -> float:
    """The x with I_x(a, b) = p, for 0 < p < 1. ValueError on anything else.

    Halley's method on the log-odds of x (where the derivative is the factor already needed for I itself), kept inside
    a shrinking bracket, so it cannot run away. Relative error about 1e-11; about four evaluations. Below e**-700 the
    answer is 0 for every purpose.

    >>> round(beta_quantile(1.0, 1.0, 0.3), 12)
    0.3
    """
    if not (0.0 < a < math.inf and 0.0 < b < math.inf and 0.0 < p < 1.0):
        raise ValueError(f"a beta quantile needs a, b > 0 and 0 < p < 1, got a={a!r}, b={b!r}, p={p!r}")
    log_beta = _log_beta(a, b)
    low, high, t = -_FAR, _FAR, _start(a, b, p)
    for _ in range(300):
        x, y = 1.0 / (1.0 + math.exp(-t)), 1.0 / (1.0 + math.exp(t))
        front = math.exp(a * _log_logistic(t) + b * _log_logistic(-t) - log_beta)
        excess = _below(a, b, x, y, front) - p
        low, high = (low, t) if excess > 0.0 else (t, high)
        step = excess / front if front > _TINY else math.inf
        step /= max(0.5, min(2.0, 1.0 - 0.5 * step * (a * y - b * x)))
        if abs(step) <= 1e-12 * max(1.0, abs(t)):
            return 1.0 / (1.0 + math.exp(step - t))
        t = t - step if low < t - step < high else 0.5 * (low + high)
        if high - low <= 1e-13 * max(1.0, abs(t)):
            break
    return 1.0 / (1.0 + math.exp(-t))


def _start(a: float, b: float, p: float) -> float:
    """Log-odds near the quantile: they are about normal with variance 1/a + 1/b; below 1 the power law rules."""
    if a < 1.0 or b < 1.0:
        low = (math.log(p * a) + _log_beta(a, b)) / a
        high = (math.log((1.0 - p) * b) + _log_beta(a, b)) / b
        guess = low if low < high else -high
    else:
        z = math.copysign(math.sqrt(max(0.0, -2.0 * math.log(2.0 * min(p, 1.0 - p)))), p - 0.5)
        guess = math.log((a - 0.4) / (b - 0.4)) + 0.87 * z * math.sqrt(1.0 / a + 1.0 / b)
    return max(-0.9 * _FAR, min(0.9 * _FAR, guess))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_logistic(t: float) -> float:
    return -math.log1p(math.exp(-t)) if t > -30.0 else t - math.exp(t)


def _below(a: float, b: float, x: float, y: float, front: float) -> float:
    """I_x(a, b), y = 1 - x: from the side on which the continued fraction converges fast."""
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, y) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction DLMF 8.17.22, by the modified Lentz method; about sqrt(a + b) terms at worst."""
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _MOST_TERMS):
        at = a + 2 * m
        even = m * (b - m) * x / ((at - 1.0) * at)
        d = 1.0 / _away_from_zero(1.0 + even * d)
        c = _away_from_zero(1.0 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / (at * (at + 1.0))
        d = 1.0 / _away_from_zero(1.0 + odd * d)
        c = _away_from_zero(1.0 + odd / c)
        turn = d * c
        value *= turn
        if -3e-15 < turn - 1.0 < 3e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at a={a!r}, b={b!r}, x={x!r}")


def _away_from_zero(value: float) -> float:
    return value if value > _TINY or value < -_TINY else _TINY
