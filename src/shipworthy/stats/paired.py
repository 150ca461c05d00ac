"""Two systems judged on the same rows: is the candidate worse, by how much at most, and how many rows would settle it.

In: the discordant counts of a paired comparison, b = candidate wrong where the baseline was right, c = the reverse,
and n = all paired rows. Out: p-values, and one-sided bounds of (candidate error rate - baseline error rate), so
positive is worse. Concordant rows carry no sign and enter through n only. Standard library only.

Sources: McNemar's exact test as a sign test of b against c; Tango, Stat. Med. 17 (1998) 891-908, for the score
interval of a paired difference; Holm, Scand. J. Stat. 6 (1979) 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shipworthy.stats import normal
from shipworthy.stats.beta import incomplete_beta
from shipworthy.stats.bounds import MOST_TRIALS, effective_counts


def mcnemar_exact(b: int, c: int, design_effect: float = 1.0) -> float:
    """One-sided exact p-value that the candidate is worse: P(Bin(b + c, 1/2) >= b). No discordance gives 1.

    Discordant rows that cluster count as b / design_effect and c / design_effect, as in the bounds.

    >>> round(mcnemar_exact(5, 0), 12), mcnemar_exact(0, 0)
    (0.03125, 1.0)
    """
    if b < 0 or c < 0 or b != int(b) or c != int(c):
        raise ValueError(f"discordant counts are whole numbers >= 0, got b={b!r}, c={c!r}")
    if not 1.0 <= design_effect < math.inf:
        raise ValueError(f"a design effect is at least 1, got {design_effect!r}")
    return 1.0 if b == 0 else incomplete_beta(b / design_effect, c / design_effect + 1, 0.5)


def paired_difference(
    b: float, c: float, n: float, level: float = 0.95, design_effect: float = 1.0
) -> tuple[float, float, float]:
    """(delta, lower, upper) for delta = (b - c) / n, each bound one-sided at `level`. n = 0 gives (0, -1, 1).

    Tango's score interval: the variance is taken at the difference under test, so b = c = 0 still leaves an interval.
    Its true error, enumerated over every outcome for n = 100 to 500 at level .95: the upper bound lies below a true
    difference >= 0 with probability <= .06; a bound can miss in .085 where fewer than ten discordant rows are expected.

    >>> [round(v, 3) for v in paired_difference(0, 1, 44, level=0.975)]
    [-0.023, -0.118, 0.059]
    """
    total, trials = effective_counts(b + c, n, level, design_effect)
    if not (b >= 0 and c >= 0):
        raise ValueError(f"discordant counts are >= 0, got b={b!r}, c={c!r}")
    if trials == 0.0:
        return 0.0, -1.0, 1.0
    worse, z = b / design_effect, normal.quantile(level)
    better = total - worse
    delta = (worse - better) / trials
    lower = _where(worse, better, trials, z, -1.0, delta)
    upper = _where(worse, better, trials, -z, delta, 1.0)
    return delta, lower, upper


def n_to_show_non_inferior(
    b: float, c: float, n: float, margin: float, level: float = 0.95, design_effect: float = 1.0
) -> int | None:
    """The smallest n at which the observed discordance would prove a difference < margin; None = never.

    `b / n` and `c / n` are kept; a difference at or beyond the margin is never proven by more rows.

    >>> n_to_show_non_inferior(6, 6, 200, margin=0.03)
    214
    """
    if not (n > 0 and 0.0 < margin <= 1.0):
        raise ValueError(f"n > 0 and a margin in (0, 1] are needed, got n={n!r}, margin={margin!r}")
    if (b - c) / n >= margin:
        return None

    def proven(rows: int) -> bool:
        return paired_difference(b / n * rows, c / n * rows, rows, level, design_effect)[2] < margin

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


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's adjusted p-values, in the order given: reject those <= alpha and the chance of one error is <= alpha.

    >>> holm((0.01, 0.04, 0.03))
    (0.03, 0.06, 0.06)
    """
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError("p-values lie in [0, 1]")
    count, largest = len(p_values), 0.0
    adjusted = [1.0] * count
    for rank, index in enumerate(sorted(range(count), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


def _where(b: float, c: float, n: float, z: float, low: float, high: float) -> float:
    """The difference in [low, high] whose score statistic is z; the statistic falls as the difference grows."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _score(b, c, n, middle) > z:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _score(b: float, c: float, n: float, difference: float) -> float:
    """Tango's statistic for p_b - p_c = difference, p_c being its maximum-likelihood value under that difference."""
    gap = b - c - n * difference
    linear = (2.0 * n - b + c) * difference - b - c
    root = math.sqrt(max(0.0, linear * linear + 8.0 * n * c * difference * (1.0 - difference)))
    p_c = (root - linear) / (4.0 * n)
    variance = n * (2.0 * p_c + difference * (1.0 - difference))
    if variance > 0.0:
        return gap / math.sqrt(variance)
    return math.copysign(math.inf, gap) if gap else 0.0
