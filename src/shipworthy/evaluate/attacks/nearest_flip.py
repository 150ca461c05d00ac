"""The cheapest change, few fields, few queries: from real rows of the other class back towards the row itself.

The k nearest donors, projected -> those that flip -> bisection of the line to each -> each changed field put back where
the flip survives -> each remaining number bisected towards its old value; the last two once more. From the cheapest
donor first; from others as well as far as the budget goes.
"""

from __future__ import annotations

import numpy as np

from shipworthy.evaluate.attacks.attack import Attack
from shipworthy.evaluate.attacks.columns import Ints
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.walks import Walks, begin, dearest_first, put_back, to_boundary

_LINE_STEPS = 8
_FIELD_STEPS = 6
_ROUNDS = 2
_QUERIES = 150  # what one walk spends on tables of some thirty columns
_MOST = 8


def run(attack: Attack, donors: Donors, rng: np.random.Generator, k: int) -> None:
    """Attack every row."""
    most = int(np.clip(int(attack.left.max(initial=0)) // _QUERIES, 1, _MOST))
    walks = begin(attack, donors, k, most, rng)
    to_boundary(attack, walks, np.arange(len(walks.at)), _LINE_STEPS)
    for _ in range(_ROUNDS):
        put_back(attack, walks)
        _bisect_numbers(attack, walks)
    put_back(attack, walks)


def _bisect_numbers(attack: Attack, walks: Walks) -> None:
    """Move every changed number as far back as the flip survives, dearest first."""
    order, changed = dearest_first(attack, walks, [not block.switches for block in attack.space.blocks])
    columns = np.array([block.columns[0] for block in attack.space.blocks], dtype=np.int64)
    for rank in range(int(changed.max(initial=0))):
        here = np.flatnonzero(changed > rank)
        _bisect(attack, walks, here, columns[order[here, rank]])


def _bisect(attack: Attack, walks: Walks, here: Ints, column: Ints) -> None:
    """Bisect one number of each walk between where it stands and where it stood."""
    every = np.arange(len(here))
    base, near = walks.points[here].copy(), walks.start(attack, here)[every, column]
    far = base[every, column].copy()
    for _ in range(_FIELD_STEPS):
        points = base.copy()
        points[every, column] = middle = 0.5 * (far + near)
        seen, _ = walks.move(attack, here, points)
        far = np.where(seen.flips, seen.points[every, column], far)
        near = np.where(seen.flips, near, middle)
