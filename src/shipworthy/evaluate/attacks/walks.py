"""Several walks per row, each from a flipping point towards the row: what the attacks move.

In: an attack and starts. Out: walks in lock step. A walk goes on only where the class stays flipped and the cost falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.evaluate.attacks.attack import Attack, Seen
from shipworthy.evaluate.attacks.columns import Bools, Floats, Ints
from shipworthy.evaluate.attacks.donors import Donors, starts


@dataclass
class Walks:
    """Where each walk stands: its row, its point (which flips) and the cost of it."""

    at: Ints
    points: Floats
    cost: Floats

    def start(self, attack: Attack, here: Ints) -> Floats:
        """Return where the rows of these walks stand themselves."""
        return np.asarray(attack.start[self.at[here]])

    def open(self, attack: Attack) -> Ints:
        """Return the walks whose row can still pay."""
        return np.flatnonzero(attack.left[self.at] > 0)

    def move(self, attack: Attack, here: Ints, points: Floats) -> tuple[Seen, Bools]:
        """Ask one point for each of these walks and go where it flips and is cheaper. Return what was seen and which
        walks went."""
        seen = attack.ask(self.at[here], points)
        went = seen.flips & (seen.costs < self.cost[here])
        self.points[here[went]], self.cost[here[went]] = seen.points[went], seen.costs[went]
        return seen, went


def begin(attack: Attack, donors: Donors, k: int, most: int, rng: np.random.Generator) -> Walks:
    """Ask the `k` nearest donors of each row; return walks from the cheapest that flips and from at most `most` - 1
    others of it, drawn at random."""
    at, points = starts(attack, donors, k)
    first = np.searchsorted(at, at, side="left")
    places = np.arange(len(at))
    drawn = np.where(places == first, -1.0, rng.random(len(at)))
    order = np.lexsort((drawn, at))
    kept = np.sort(order[places - first < most])
    return Walks(at[kept], points[kept], attack.space.cost(points[kept], attack.start[at[kept]]))


def to_boundary(attack: Attack, walks: Walks, here: Ints, steps: int) -> None:
    """Bisect the line from each row to where these walks stand."""
    far, near = np.ones(len(here)), np.zeros(len(here))
    start, goal = walks.start(attack, here), walks.points[here].copy()
    for _ in range(steps):
        middle = 0.5 * (far + near)
        seen, _ = walks.move(attack, here, attack.space.between(start, goal, middle))
        far, near = np.where(seen.flips, middle, far), np.where(seen.flips, near, middle)


def put_back(attack: Attack, walks: Walks, which: Sequence[bool] = ()) -> None:
    """Put changed blocks back one by one, dearest first, where the row still flips without them. `which`: one truth a
    block, all by default."""
    order, changed = dearest_first(attack, walks, which)
    for rank in range(int(changed.max(initial=0))):
        here = np.flatnonzero(changed > rank)
        members = attack.space.members[order[here, rank]]
        walks.move(attack, here, np.where(members, walks.start(attack, here), walks.points[here]))


def dearest_first(attack: Attack, walks: Walks, which: Sequence[bool] = ()) -> tuple[Ints, Ints]:
    """Return the places of each walk's blocks with the dearest change first, and how many blocks it changed."""
    prices: Floats = attack.space.price.by_block(walks.points, attack.start[walks.at])
    if which:
        prices[:, [not one for one in which]] = 0.0
    return np.argsort(-prices, axis=1, kind="stable"), (prices > 0).sum(axis=1)
