"""Random valid changes and nothing else: what any attack worth its queries must beat.

Each question takes a donor, some of its features, and a random share of the way to it. Where this finds cheaper flips
than attacks of the same budget, those attacks are broken (answers masked or noisy, space too odd), and what they did
not find proves nothing (the lesson of AutoAttack: Croce & Hein 2020).
"""

from __future__ import annotations

import numpy as np

from shipworthy.evaluate.attacks.attack import Attack
from shipworthy.evaluate.attacks.columns import Floats, Ints
from shipworthy.evaluate.attacks.donors import Donors

_BATCH = 50  # questions of a row at a time
_NEAREST = 10.0**-3  # the least share of the way


def run(attack: Attack, donors: Donors, rng: np.random.Generator, k: int) -> None:
    """Ask until every row's budget is spent."""
    rounds = -(-int(attack.left.max(initial=0)) // _BATCH)
    for _ in range(rounds):
        here = np.flatnonzero(attack.left > 0)
        for high in (True, False):
            rows = here[attack.target.high[here] != high]
            if rows.size and len(donors.of[high]):
                at = np.repeat(rows, _BATCH)
                attack.ask(*_once(at, _points(attack, donors.of[high], at, rng)))


def _once(at: Ints, points: Floats) -> tuple[Ints, Floats]:
    """Each point of a row once: where few things may change, chance often draws the same."""
    _, first = np.unique(np.column_stack([at, points]), axis=0, return_index=True)
    kept = np.sort(first)
    return at[kept], points[kept]


def _points(attack: Attack, donors: Floats, at: Ints, rng: np.random.Generator) -> Floats:
    start, goal = attack.start[at], donors[rng.integers(0, len(donors), len(at))]
    share = np.exp(rng.uniform(np.log(_NEAREST), 0.0, len(at)))
    chance = rng.random(len(at))
    points = start.copy()
    for block in attack.space.blocks:
        columns = list(block.columns)
        taken = (rng.random(len(at)) < chance)[:, None]
        way = np.ones((len(at), 1)) if block.switches else share[:, None]
        moved = start[:, columns] + way * (goal[:, columns] - start[:, columns])
        points[:, columns] = np.where(taken, moved, start[:, columns])
    return points
