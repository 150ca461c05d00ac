"""Random walks along the decision boundary, from several real rows of the other class at once, asked for classes only.

All walks of all rows take a step in one call. A step goes round the row at the same distance and a little nearer
(Brendel, Rauber & Bethge 2018), along all or along a few features; or it moves one or two changed features back, wholly
or in part. What flips and is cheaper is where the walk goes on. Each walk keeps its own length of step, which grows
where steps succeed. A model that hides its scores by rounding or masking is not asked for them: nothing is hidden here.
"""

from __future__ import annotations

import numpy as np

from shipworthy.evaluate.attacks.attack import Attack
from shipworthy.evaluate.attacks.columns import Floats, Ints
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.walks import Walks, begin, to_boundary

_WALKS = 4
_QUERIES = 300  # with fewer for each, fewer walks
_LINE_STEPS = 6
_GROWS, _SHRINKS = 1.5, 0.9
_IDLE = 10  # rounds in which no walk had a valid change to ask about: there is none left
_SWITCHED = 4  # rounds for each block where no number may change, so that there is little to walk through
_FIRST, _LEAST, _LARGEST = 0.1, 1e-3, 0.5  # length of step, as a share of the distance
_NEARER = 0.15  # how much of a step leads towards the row
_FEW = 4.0  # how many features a step along a few of them takes, on average


def run(attack: Attack, donors: Donors, rng: np.random.Generator, k: int) -> None:
    """Attack every row until its budget is spent, or no walk finds anything more to ask."""
    most = int(np.clip(int(attack.left.max(initial=0)) // _QUERIES, 1, _WALKS))
    walks = begin(attack, donors, k, most, rng)
    to_boundary(attack, walks, np.arange(len(walks.at)), _LINE_STEPS)
    length = np.full(len(walks.at), _FIRST)
    idle = 0
    most = int(attack.left.max(initial=0)) if attack.space.numbers else _SWITCHED * len(attack.space.blocks)
    for _ in range(most):
        if idle == _IDLE:
            return
        here, spent = walks.open(attack), attack.spent.sum()
        if not here.size:
            return
        length[here] = _step(attack, walks, here, length[here], rng)
        idle = idle + 1 if attack.spent.sum() == spent else 0


def _step(attack: Attack, walks: Walks, here: Ints, length: Floats, rng: np.random.Generator) -> Floats:
    """Take one step of each walk; return the lengths of the next ones."""
    round_ = (rng.random(len(here)) < 0.5) & bool(attack.space.numbers)
    points = np.where(round_[:, None], _round(attack, walks, here, length, rng), _back(attack, walks, here, rng))
    _, went = walks.move(attack, here, points)
    grown = np.where(went, length * _GROWS, length * _SHRINKS)
    return np.clip(np.where(round_, grown, length), _LEAST, _LARGEST)


def _round(attack: Attack, walks: Walks, here: Ints, length: Floats, rng: np.random.Generator) -> Floats:
    """Points beside where the walks stand: as far from the row, then a little nearer."""
    columns, start, points = list(attack.space.numbers), walks.start(attack, here), walks.points[here].copy()
    unit = attack.space.price.unit[columns]
    away = np.nan_to_num((points[:, columns] - start[:, columns]) / unit)
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    moved = away + _directed(away.shape, rng) * distance * length[:, None]
    moved *= distance * (1.0 - _NEARER * length[:, None]) / _positive(np.linalg.norm(moved, axis=1, keepdims=True))
    points[:, columns] = start[:, columns] + moved * unit
    return points


def _directed(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Random directions of length 1, half of them along a few features only."""
    noise = rng.standard_normal(shape)
    few = (rng.random((shape[0], 1)) < 0.5) & (rng.random(shape) > _FEW / max(shape[1], 1))
    noise = np.where(few, 0.0, noise)
    return np.asarray(noise / _positive(np.linalg.norm(noise, axis=1, keepdims=True)))


def _back(attack: Attack, walks: Walks, here: Ints, rng: np.random.Generator) -> Floats:
    """Points with one or two changed features moved back, half of the time wholly."""
    start, points = walks.start(attack, here), walks.points[here].copy()
    prices = attack.space.price.by_block(points, start)
    drawn = np.where(prices > 0, rng.random(prices.shape), 2.0)
    least = np.partition(drawn, min(1, drawn.shape[1] - 1), axis=1)[:, :2]
    chosen = drawn <= np.where(rng.random(len(here)) < 0.3, least[:, -1], least[:, 0])[:, None]
    share = np.where(rng.random(len(here)) < 0.5, 0.0, rng.random(len(here)))
    switches = np.array([block.switches for block in attack.space.blocks])
    members = attack.space.members
    wholly, partly = (chosen & switches) @ members, (chosen & ~switches) @ members
    points = np.where(partly, start + share[:, None] * (points - start), points)
    return np.where(wholly, start, points)


def _positive(length: Floats) -> Floats:
    return np.where(length > 0, length, 1.0)
