"""How many labels are wrong, told from expectations that have not seen them.

In: labels (0/1), the expected label of each row across folds. Out: an estimated share of wrong labels with bounds.

`confident`: confident learning (Northcutt, Jiang & Chuang, JAIR 70 (2021) 1373-1411, eq. 1-3). A row counts for class j
when its probability of j reaches the mean probability of j among the rows labelled j; the counts of (label i, class j)
are scaled to the number of rows labelled i; the share off the diagonal is noise. Where the world itself is uncertain,
that uncertainty counts as noise as well: it is an upper estimate.

`excess`: against trusted rows. A share e of wrong labels turns a disagreement d into D = d (1 - e) + (1 - d) e,
so e = (D - d) / (1 - 2 d): what the world leaves open is in both and cancels.
"""

from __future__ import annotations

import math

import numpy as np

from shipworthy.evaluate.poison.table import Floats
from shipworthy.stats.bounds import newcombe_difference, rate_bounds

Told = tuple[float, float, float]


def confident(labels: Floats, expected: Floats, level: float, design_effect: float = 1.0) -> Told:
    """Return (share, lower, upper) of wrong labels by confident learning; NaN where a class is never confident."""
    classes = confident_classes(labels, expected)
    each = 1.0 - (1.0 - level) / 2.0
    share = lower = upper = 0.0
    for label in (0, 1):
        of = labels == label
        n = int((of & (classes >= 0)).sum())
        if n == 0:
            return math.nan, 0.0, 1.0
        wrong = int((of & (classes == 1 - label)).sum())
        lo, hi = rate_bounds(wrong, n, each, design_effect)
        weight = float(of.mean())
        share, lower, upper = share + weight * wrong / n, lower + weight * lo, upper + weight * hi
    return share, lower, upper


def confident_classes(labels: Floats, expected: Floats) -> Floats:
    """Return the class of each row whose probability reaches that class' mean, -1 for no class; of two the likelier."""
    if not 0.0 < labels.mean() < 1.0:
        return np.full(len(labels), -1.0)
    is_one = expected >= expected[labels == 1].mean()
    is_zero = 1.0 - expected >= (1.0 - expected[labels == 0]).mean()
    likelier = (expected >= 0.5).astype(np.float64)
    return np.where(is_one & is_zero, likelier, np.where(is_one, 1.0, np.where(is_zero, 0.0, -1.0)))


def excess(disagrees: tuple[int, int], trusted: tuple[int, int], level: float, design_effect: float = 1.0) -> Told:
    """Return (share, lower, upper) of wrong labels beyond those of trusted rows, from (disagreements, rows) of each.

    >>> [round(v, 3) for v in excess((260, 1000), (200, 1000), 0.95)]
    [0.1, 0.048, 0.151]
    """
    (hits, n), (known_hits, known_n) = disagrees, trusted
    if n == 0 or known_n == 0 or 2 * known_hits >= known_n:
        return math.nan, 0.0, 1.0
    low, high = newcombe_difference(hits, n, known_hits, known_n, level, design_effect)
    scale = 1.0 - 2.0 * known_hits / known_n
    return (hits / n - known_hits / known_n) / scale, low / scale, high / scale
