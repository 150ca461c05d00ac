"""Several attacks on the same rows under one budget, and the best of them per row.

In: a target, donors, the names of attacks, the queries one row may cost. Out: what each attack found, and for each row
the cheapest flip of any. Each attack has an equal share of what is left, so what one does not need the next may spend;
the random floor has its share and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.errors import ContractError
from shipworthy.evaluate.attacks import boundary, hop_skip_jump, nearest_flip, random_floor
from shipworthy.evaluate.attacks.attack import Attack, Target
from shipworthy.evaluate.attacks.columns import Floats, Ints
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.facts import seed_of

Run = Callable[[Attack, Donors, np.random.Generator, int], None]
RANDOM = "random"
ATTACKS: dict[str, Run] = {
    "nearest_flip": nearest_flip.run,
    "boundary": boundary.run,
    "hop_skip_jump": hop_skip_jump.run,
    RANDOM: random_floor.run,
}
_CHEAPER = 0.99  # less than this share of another cost is cheaper, not luck in the last digits


@dataclass(frozen=True)
class Found:
    """What the attacks found. `best` and `cost`: per row the cheapest flip, infinite where there is none."""

    target: Target
    parts: Mapping[str, Attack]
    best: Floats
    cost: Floats
    spent: Ints

    def flipped(self) -> Ints:
        """Return the rows that flip."""
        return np.flatnonzero(np.isfinite(self.cost))

    def beaten(self) -> str:
        """Return why the attacks prove nothing, "" where the random floor did not beat them."""
        others = [part.cost for name, part in self.parts.items() if name != RANDOM]
        if RANDOM not in self.parts or not others:
            return ""
        floor, best = self.parts[RANDOM].cost, np.min(others, axis=0)
        lost, won = int((floor < _CHEAPER * best).sum()), int((best < _CHEAPER * floor).sum())
        return f"random changes beat the attacks on {lost} rows, they beat it on {won}" if lost > won else ""


def attack_all(target: Target, donors: Donors, names: Sequence[str], queries: int, seed: int, k: int) -> Found:
    """Run the attacks. Raises ContractError for a name that is none, or for no name."""
    unknown = [name for name in names if name not in ATTACKS]
    if unknown or not names:
        told = f"no attack {unknown[0]!r}" if unknown else "no attack named"
        raise ContractError(told, "attacks", f"some of {', '.join(ATTACKS)}")
    left = np.full(len(target.rows), queries, dtype=np.int64)
    parts: dict[str, Attack] = {}
    for place, name in enumerate(dict.fromkeys(names)):
        share = left // (len(set(names)) - place)
        attack = Attack(target, np.minimum(share, queries // len(set(names))) if name == RANDOM else share)
        ATTACKS[name](attack, donors, np.random.default_rng(seed_of(seed, name)), k)
        attack.confirm()
        left -= attack.spent
        parts[name] = attack
    return best_of(target, parts, queries - left)


def best_of(target: Target, parts: Mapping[str, Attack], spent: Ints) -> Found:
    """Return the cheapest flip of each row; of several alike, that of the attack named first."""
    costs = np.array([part.cost for part in parts.values()])
    winner, every = costs.argmin(axis=0), np.arange(costs.shape[1])
    points = np.array([part.best for part in parts.values()])
    return Found(target, parts, points[winner, every], costs[winner, every], spent)
