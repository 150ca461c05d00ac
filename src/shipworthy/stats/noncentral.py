"""Fisher's noncentral hypergeometric law: given the hits of two arms together, how many fell to the first.

In: requests and hits of two arms (whole counts of one shape) and logarithms of odds ratios. Out: log-likelihoods.
P(k) ~ C(n1, k) C(n0, h - k) w^k for two binomials whose odds differ by the factor w, whatever their rates: exact for
any number of hits. Terms are built from the ratio of neighbours, so no factorial is taken.

Source: Fisher, J. R. Stat. Soc. 98 (1935) 39-82; McCullagh & Nelder, Generalized Linear Models (1989), 7.3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_AT_ONCE = 2_000_000  # numbers in memory at a time


def log_likelihoods(n1: ArrayLike, hits1: ArrayLike, n0: ArrayLike, hits0: ArrayLike, log_odds: Floats) -> Floats:
    """Return log P(hits1 | hits1 + hits0) at each log odds ratio, less the same at equal odds.

    Counts of any one shape -> that shape plus one axis as long as `log_odds`. A table in which one arm had no request,
    or nobody a hit, or everybody, gives zeros. ValueError unless whole numbers with 0 <= hits <= n.

    >>> log_likelihoods(1, 1, 1, 0, np.log([1.0, 3.0])).round(6).tolist()  # P = w / (1 + w)
    [0.0, 0.405465]
    """
    columns = np.broadcast_arrays(*_arm(n1, hits1), *_arm(n0, hits0))
    ours, our_hits, theirs, their_hits = (column.reshape(-1) for column in columns)
    widest = np.minimum(our_hits + their_hits, ours) + 1
    out, done = np.empty((widest.size, log_odds.size)), 0
    while done < widest.size:
        rows = max(1, _AT_ONCE // (int(widest[done:].max()) * log_odds.size))
        at = slice(done, done + rows)
        out[at] = _of_tables(ours[at], our_hits[at], theirs[at], their_hits[at], log_odds)
        done += rows
    return out.reshape(*columns[0].shape, log_odds.size)


def log_sum(logs: Floats) -> Floats:
    """Return log(sum(exp(.))) over the last axis; -inf where all are."""
    top = np.maximum(logs.max(axis=-1), -1e300)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(np.exp(logs - top[..., None]).sum(axis=-1)))


def _of_tables(n1: Counts, hits1: Counts, n0: Counts, hits0: Counts, log_odds: Floats) -> Floats:
    """One row a table. Its support is least, least + 1, …, as far as the widest row needs; beyond its own, -inf."""
    hits = hits1 + hits0
    least, most = np.maximum(0, hits - n0), np.minimum(hits, n1)
    more = np.arange(int((most - least).max()) + 1)
    k = least[:, None] + more[None, :-1]
    up = (n1[:, None] - k) * (hits[:, None] - k) / ((k + 1.0) * np.maximum(1, n0[:, None] - hits[:, None] + k + 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(k < most[:, None], np.log(up), -np.inf)
    law = np.concatenate([np.zeros((hits.size, 1)), np.cumsum(steps, axis=1)], axis=1)
    law -= log_sum(law)[:, None]
    pieces = np.array_split(log_odds, min(log_odds.size, 1 + law.size * log_odds.size // _AT_ONCE))
    norms = [log_sum(law[:, None, :] + piece[:, None] * more) for piece in pieces]
    return np.asarray((hits1 - least)[:, None] * log_odds - np.concatenate(norms, axis=1))


def _arm(n: ArrayLike, hits: ArrayLike) -> tuple[Counts, Counts]:
    given = np.asarray(n), np.asarray(hits)
    if any(one.dtype.kind not in "iu" for one in given):
        raise ValueError(f"whole counts are needed, got n={n!r}, hits={hits!r}")
    whole, found = (one.astype(np.int64) for one in given)
    if not bool(np.all((found >= 0) & (found <= whole))):
        raise ValueError(f"0 <= hits <= n is needed, got n={n!r}, hits={hits!r}")
    return whole, found
