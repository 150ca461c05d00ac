"""HopSkipJump (Chen, Jordan & Wainwright 2020), all rows in lock step: for smooth models, asked for classes only.

From a real row of the other class: bisect to the boundary, estimate the direction of the gradient there from random
points around, step along it, bisect again. The steps are bounded where the original halves without limit, the best
point seen is kept where the original returns the last, and where the answers around are all alike or a direction has no
length the walk stays where it is. Only numbers move; categories and groups are put back to what they were in the row
where the class stays flipped without them.
"""

from __future__ import annotations

import numpy as np

from shipworthy.evaluate.attacks.attack import Attack
from shipworthy.evaluate.attacks.columns import Floats, Ints
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.price import LINF
from shipworthy.evaluate.attacks.walks import Walks, begin, put_back, to_boundary

_ITERATIONS = 64
_LINE_STEPS = 8
_HALVINGS = 8
_SHARE = 25  # the first estimate takes this part of the budget, later ones grow with the square root of their number
_LEAST_POINTS, _MOST_POINTS = 10, 100
_RADIUS = 0.3  # of the first cloud of points, as a share of the distance


def run(attack: Attack, donors: Donors, rng: np.random.Generator, k: int) -> None:
    """Attack every row until its budget is spent."""
    first = int(np.clip(int(attack.left.max(initial=0)) // _SHARE, _LEAST_POINTS, _MOST_POINTS))
    walks = begin(attack, donors, max(k // 4, 1), 1, rng)
    to_boundary(attack, walks, np.arange(len(walks.at)), _LINE_STEPS)
    put_back(attack, walks, [block.switches for block in attack.space.blocks])
    if not attack.space.numbers:
        return
    for number in range(1, _ITERATIONS + 1):
        here = walks.open(attack)
        if not here.size:
            return
        _iterate(attack, walks, here, number, int(first * np.sqrt(number)), rng)


def _iterate(attack: Attack, walks: Walks, here: Ints, number: int, points: int, rng: np.random.Generator) -> None:
    columns = list(attack.space.numbers)
    unit = attack.space.price.unit[columns]
    away = np.nan_to_num((walks.points[here] - walks.start(attack, here))[:, columns] / unit)
    size = np.abs(away).max(axis=1) if attack.space.price.kind == LINF else np.linalg.norm(away, axis=1)
    direction = _gradient(attack, walks, here, size * _RADIUS / np.sqrt(number), points, rng)
    jump = size / np.sqrt(number)
    tried = walks.points[here].copy()
    waits = np.ones(len(here), dtype=bool)
    for _ in range(_HALVINGS):
        tried[waits] = walks.points[here[waits]]
        tried[:, columns] += np.where(waits[:, None], direction * jump[:, None] * unit, 0.0)
        seen = attack.ask(walks.at[here[waits]], tried[waits])
        tried[waits] = seen.points
        jump[waits] /= 2.0
        waits[np.flatnonzero(waits)[seen.flips]] = False
        if not waits.any():
            break
    landed = ~waits
    _approach(attack, walks, here[landed], tried[landed])


def _approach(attack: Attack, walks: Walks, here: Ints, points: Floats) -> None:
    """Bisect between each row and where a step landed; the walk goes on where that is cheaper."""
    start = walks.start(attack, here)
    far, near = np.ones(len(here)), np.zeros(len(here))
    for _ in range(_LINE_STEPS):
        middle = 0.5 * (far + near)
        seen, _ = walks.move(attack, here, _nearer(attack, start, points, middle))
        far, near = np.where(seen.flips, middle, far), np.where(seen.flips, near, middle)


def _nearer(attack: Attack, start: Floats, points: Floats, share: Floats) -> Floats:
    """Points at that share of the way; for the largest difference, with every difference cut to that share of it."""
    if attack.space.price.kind != LINF:
        return attack.space.between(start, points, share)
    reach = (attack.space.cost(points, start) * share)[:, None] * attack.space.price.unit
    return np.clip(points, start - reach, start + reach)


def _gradient(
    attack: Attack, walks: Walks, here: Ints, radius: Floats, points: int, rng: np.random.Generator
) -> Floats:
    """Directions of length 1 in which the class stays flipped, one per walk, over the numbers; zero where the answers
    tell none. A point counts by the way it really went, after projection, not by the way it was sent."""
    columns = list(attack.space.numbers)
    unit = attack.space.price.unit[columns]
    noise = _noise((len(here), points, len(columns)), attack.space.price.kind == LINF, rng)
    base = np.repeat(walks.points[here], points, axis=0)
    around = base.copy()
    around[:, columns] += (noise * radius[:, None, None]).reshape(-1, len(columns)) * unit
    seen = attack.ask(np.repeat(walks.at[here], points), around)
    went = np.nan_to_num((seen.points - base)[:, columns] / unit).reshape(noise.shape)
    asked = ~np.isnan(seen.scores).reshape(len(here), points)
    signs = np.where(asked, np.where(seen.flips.reshape(asked.shape), 1.0, -1.0), 0.0)
    mean = signs.sum(axis=1, keepdims=True) / np.maximum(asked.sum(axis=1, keepdims=True), 1)
    alike = np.abs(mean) > 1.0 - 1e-9
    weight = np.where(alike, signs, np.where(asked, signs - mean, 0.0))
    direction = (weight[:, :, None] * went).sum(axis=1)
    if attack.space.price.kind == LINF:
        return np.asarray(np.sign(direction))
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    return np.asarray(np.where(length > 0, direction / np.where(length > 0, length, 1.0), 0.0))


def _noise(shape: tuple[int, int, int], largest: bool, rng: np.random.Generator) -> Floats:
    """Random ways of length 1: by the largest of their parts, or by their Euclidean length."""
    if largest:
        return rng.uniform(-1.0, 1.0, shape)
    noise = rng.standard_normal(shape)
    return np.asarray(noise / np.linalg.norm(noise, axis=2, keepdims=True))
