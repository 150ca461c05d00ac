"""The pair of groups that is furthest apart, with bounds that allow for its having been picked.

In: pairs, each with its bounds at any level. Out: one number. Of gaps the largest is judged, of ratios the smallest.
The bound that faces away from harm is the most harmful of all pairs and valid as it stands: it fails only if that of
the truly worst pair fails. The other one comes from whichever looks worst, so each is taken at 1 - (1 - level) / k.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shipworthy.evaluate.by_group import LEAST_ROWS

Bounds = tuple[float, float, float]
"""Value, lower, upper."""


@dataclass(frozen=True)
class Pair:
    """Two groups: how the pair is called, what it is one of (`split`), rows in the smaller one, its bounds by level."""

    name: str
    split: str
    n: int
    bounds: Callable[[float], Bounds]

    @property
    def thin(self) -> bool:
        """True when one side is a handful."""
        return self.n < LEAST_ROWS


@dataclass(frozen=True)
class Worst:
    """What is judged. `pairs` = how many were compared, `n` = rows in the smallest group of them."""

    value: float
    lo: float
    hi: float
    n: int
    pairs: int
    pair: Pair


def worst(pairs: Sequence[Pair], level: float, smallest: bool = False) -> Worst | None:
    """Return the worst of the pairs that are not thin, None without one. `smallest`: of ratios, where less is worse."""
    kept = [pair for pair in pairs if not pair.thin]
    if not kept:
        return None
    strict = 1.0 - (1.0 - level) / len(kept)
    own, careful = [pair.bounds(level) for pair in kept], [pair.bounds(strict) for pair in kept]
    if smallest:
        at = min(range(len(kept)), key=lambda place: own[place][0])
        lo, hi = min(one[1] for one in own), min(one[2] for one in careful)
    else:
        at = max(range(len(kept)), key=lambda place: own[place][0])
        lo, hi = max(one[1] for one in careful), max(one[2] for one in own)
    return Worst(own[at][0], lo, hi, min(pair.n for pair in kept), len(kept), kept[at])


def unjudged(pairs: Sequence[Pair], splits: Sequence[str]) -> list[str]:
    """Return the splits of which no pair was judged: what nobody looked at is not fair."""
    seen = {pair.split for pair in pairs if not pair.thin}
    return [name for name in splits if name not in seen]
