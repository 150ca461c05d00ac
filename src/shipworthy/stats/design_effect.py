"""How much less clustered rows prove: the variance of an error rate over what independent rows would give.

In: one 0/1 error per row and the cluster of each row (a crash, a customer). Out: a factor >= 1 by which counts are
divided before an exact bound is taken (`bounds`, `design_effect=`).

Source: the linearised between-cluster variance of a ratio mean (Cochran, Sampling Techniques, 1977, 9A), over the
binomial p(1-p)/n (Kish, Survey Sampling, 1965, 8.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def design_effect(errors: ArrayLike, clusters: ArrayLike) -> float:
    """Cluster-robust variance / binomial variance, at least 1.

    If no error rate can be told from the clusters (no errors, only errors, one cluster) a cluster counts as one row:
    the mean cluster size. ValueError on no rows, on errors other than 0 or 1, or on unequal lengths.

    >>> design_effect([1, 1, 0, 0, 1, 1, 0, 0], ["a", "a", "b", "b", "c", "c", "d", "d"]) > 2
    True
    >>> design_effect([0, 0, 0, 0], ["a", "a", "b", "b"])
    2.0
    """
    wrong, names = np.asarray(errors, dtype=np.float64), np.asarray(clusters)
    if wrong.ndim != 1 or wrong.shape != names.shape or wrong.size == 0:
        raise ValueError(f"one cluster per row and at least one row are needed: {wrong.shape}, {names.shape}")
    if not np.isin(wrong, (0.0, 1.0)).all():
        raise ValueError("errors are 0 or 1")
    of = np.unique(names, return_inverse=True)[1]
    groups, rate = int(of.max()) + 1, float(wrong.mean())
    if groups == 1 or rate in (0.0, 1.0):
        return wrong.size / groups
    sums = np.bincount(of, weights=wrong - rate)
    robust = groups / (groups - 1.0) * float(sums @ sums)
    return max(1.0, robust / (wrong.size * rate * (1.0 - rate)))
