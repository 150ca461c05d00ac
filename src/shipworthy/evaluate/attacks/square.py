"""Random patches on images, kept where the score moves towards the other class (after Andriushchenko et al. 2020).

In: an attack whose cost is a norm, and the largest change allowed. All rows in lock step: first stripes, then patches
that shrink as the budget is spent. Every point lies within that change. It needs scores; where they are flat or rounded
it wanders, which is why it never runs alone.
"""

from __future__ import annotations

from math import isqrt

import numpy as np

from shipworthy.evaluate.attacks.attack import Attack
from shipworthy.evaluate.attacks.columns import Floats, Ints
from shipworthy.evaluate.attacks.price import LINF

_PATCH = 0.5  # the share of the pixels that the first patches cover
_INSIDE, _LEAST = 1.0 - 1e-9, 1e-6  # the last digits of a distance must not carry a point over the edge


def run(attack: Attack, eps: float, rng: np.random.Generator) -> None:
    """Attack every row until it flips or its budget is spent."""
    if eps < _LEAST:
        return  # smaller than what is left of a pixel's digits
    columns = list(attack.space.numbers)
    change = _within(attack, _stripes(len(attack.start), len(columns), rng), eps)
    margin = np.full(len(attack.start), -np.inf)
    steps = int(attack.left.max(initial=0))
    for step in range(steps):
        here = np.flatnonzero((attack.left > 0) & ~np.isfinite(attack.cost))
        if not here.size:
            return
        patch = _patched(change[here], _PATCH * (1.0 - step / steps), eps, rng)
        tried = change[here] if step == 0 else _within(attack, patch, eps)
        gained = _margin(attack, here, tried)
        better = gained >= margin[here]
        change[here[better]], margin[here[better]] = tried[better], gained[better]


def _margin(attack: Attack, here: Ints, change: Floats) -> Floats:
    """How far the score has gone towards the other class; the least of all where there is none."""
    columns = list(attack.space.numbers)
    points = attack.start[here].copy()
    points[:, columns] += change * attack.space.price.unit[columns]
    scores = attack.ask(here, points).scores
    return np.nan_to_num(np.where(attack.target.high[here], 1.0 - scores, scores), nan=-1.0)


def _stripes(rows: int, pixels: int, rng: np.random.Generator) -> Floats:
    """A sign for each column of the image, one image a row."""
    side = _side(pixels)
    signs = rng.choice([-1.0, 1.0], size=(rows, side))
    return np.tile(signs, pixels // side)


def _patched(change: Floats, share: float, eps: float, rng: np.random.Generator) -> Floats:
    """The changes with one patch a row set to one sign, at the largest size."""
    rows, pixels = change.shape
    side = _side(pixels)
    height = pixels // side
    wide = int(np.clip(round(np.sqrt(max(share, 0.0) * pixels)), 1, side))
    tall = min(wide, height)
    left = rng.integers(0, side - wide + 1, (rows, 1, 1))
    top = rng.integers(0, height - tall + 1, (rows, 1, 1))
    across, down = np.arange(side)[None, None, :], np.arange(height)[None, :, None]
    inside = (across >= left) & (across < left + wide) & (down >= top) & (down < top + tall)
    signs = rng.choice([-1.0, 1.0], size=(rows, 1)) * eps
    return np.where(inside.reshape(rows, pixels), signs, change)


def _within(attack: Attack, change: Floats, eps: float) -> Floats:
    """The changes as large as they may be: each pixel by eps, or all together."""
    if attack.space.price.kind == LINF:
        return np.asarray(np.sign(change) * eps * _INSIDE)
    length = np.linalg.norm(change, axis=1, keepdims=True)
    return np.asarray(change / np.where(length > 0, length, 1.0) * eps * _INSIDE)


def _side(pixels: int) -> int:
    """The width of a square image; what is no square is one line."""
    return isqrt(pixels) if isqrt(pixels) ** 2 == pixels else pixels
