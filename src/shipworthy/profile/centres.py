"""Cells of training rows that lie together: their means are the prototypes that a new row is compared with.

In: standardised rows. Out: the cell of each row. One cell is the plain covariance view. Several follow a reference that
is no single cloud: a row then lies far out when it is far from every cell, in units of the spread *within* cells. A
cell holds ten rows or more, and only its mean is kept: no prototype is a training row.

How many cells: the fewest among 1, 8, 32 and 128 under which rows left out are nearly as likely as under the best, a
cell being a normal cloud and all clouds of one shape.

Source: seeding by Arthur & Vassilvitskii, k-means++, SODA (2007); then a few rounds of Lloyd's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

RIDGE = 1e-2  # on the covariance within cells: keeps near copies of a feature from blowing the distance up
NUMBERS_OF_CELLS = (1, 8, 32, 128)
ROWS_A_CELL = 16  # on average, or more
LEAST_ROWS = 10
_ROUNDS = 3
_TRIED_ON = 4_000
_TRIES = 4  # where one round of trying has fewer rows than that
_NEARLY = 1.0  # nats a row


def how_many(standard: Floats, seed: int) -> int:
    """Return the number of cells worth having for rows of shape (n, d); 1 where rows are too few to tell."""
    options = [cells for cells in NUMBERS_OF_CELLS if cells * ROWS_A_CELL <= len(standard)]
    if len(options) < 2:
        return 1
    rng = np.random.default_rng(seed)
    tries = 1 if len(standard) >= 4 * _TRIED_ON else _TRIES
    likely = np.mean([_tried(standard, options, rng) for _ in range(tries)], axis=0)
    return next(cells for cells, found in zip(options, likely, strict=True) if found >= likely.max() - _NEARLY)


def settle(standard: Floats, cells: int, seed: int) -> Places:
    """Return the cell of each row, of at most `cells`, each with 10 rows or more (or all rows in one)."""
    centres = _seeds(standard, min(cells, max(1, len(standard) // LEAST_ROWS)), np.random.default_rng(seed))
    at = nearest(standard, centres)
    for _ in range(_ROUNDS):
        centres = means(standard, at)
        at = nearest(standard, centres)
    while True:
        held = np.bincount(at)
        held = held[held > 0]
        centres = means(standard, at)
        if len(held) == 1 or held.min() >= LEAST_ROWS:
            return np.unique(at, return_inverse=True)[1].astype(np.int64)
        kept = held >= LEAST_ROWS
        at = nearest(standard, centres[kept] if kept.any() else centres[:1])


def means(standard: Floats, at: Places) -> Floats:
    """Return the mean of each cell that has rows, in the order of their numbers."""
    _, place, held = np.unique(at, return_inverse=True, return_counts=True)
    sums = np.zeros((len(held), standard.shape[1]))
    np.add.at(sums, place, standard)
    return sums / held[:, None]


def whitening(standard: Floats, at: Places) -> Floats:
    """Inverse of the Cholesky factor of the ridged covariance within cells: |W z|^2 = z' (S + ridge)^-1 z."""
    within = standard - means(standard, at)[np.unique(at, return_inverse=True)[1]]
    ridged = within.T @ within / len(within) + RIDGE * np.eye(standard.shape[1])
    return np.asarray(np.linalg.inv(np.linalg.cholesky(ridged)), dtype=np.float64)


def nearest(rows: Floats, centres: Floats) -> Places:
    """Return the number of the nearest centre of each row, the first of several."""
    return np.asarray((_half_squares(centres) - rows @ centres.T).argmin(axis=1), dtype=np.int64)


def _half_squares(centres: Floats) -> Floats:
    return np.asarray((centres * centres).sum(axis=1) / 2.0, dtype=np.float64)


def _seeds(standard: Floats, cells: int, rng: np.random.Generator) -> Floats:
    """k-means++: each next seed is a row drawn by its squared distance from the nearest seed so far."""
    chosen = [standard[int(rng.integers(len(standard)))]]
    apart = ((standard - chosen[0]) ** 2).sum(axis=1)
    while len(chosen) < cells and apart.sum() > 0.0:
        upto = np.cumsum(apart)
        at = min(int(np.searchsorted(upto, rng.random() * upto[-1])), len(standard) - 1)
        chosen.append(standard[at])
        apart = np.minimum(apart, ((standard - standard[at]) ** 2).sum(axis=1))
    return np.array(chosen)


def _tried(standard: Floats, options: Sequence[int], rng: np.random.Generator) -> Floats:
    """For each number of cells the mean log-likelihood of rows left out, in nats, up to a constant."""
    order = rng.permutation(len(standard))
    left_out = min(_TRIED_ON, len(order) // 4)
    own, fitted = standard[order[:left_out]], standard[order[left_out:]]
    seed = int(rng.integers(2**32))
    return np.array([_likely(fitted, own, cells, seed) for cells in options])


def _likely(fitted: Floats, own: Floats, cells: int, seed: int) -> float:
    at = settle(fitted, cells, seed)
    white = whitening(fitted, at)
    centres = means(fitted, at) @ white.T
    share = np.bincount(at) / len(at)
    rows = own @ white.T
    of_cell = np.log(share[nearest(rows, centres)])
    return float(np.mean(of_cell - _apart(rows, centres) / 2.0) + np.log(np.diag(white)).sum())


def _apart(rows: Floats, centres: Floats) -> Floats:
    """The squared distance of each row from its nearest centre."""
    least = (_half_squares(centres) - rows @ centres.T).min(axis=1)
    return np.asarray((rows * rows).sum(axis=1) + 2.0 * least, dtype=np.float64)
