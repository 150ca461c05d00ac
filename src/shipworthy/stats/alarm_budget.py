"""From "at most one false page a week" to the level of every stream that is watched.

In: a budget of false pages a week, and streams (signal x feature x segment) with a weight and the looks they take in a
week. Out: a level for each, and the number of false pages to expect, for the status page.

What is promised: from the start on, over any number of weeks, the expected number of false pages is at most the sum of
level x looks, which is at most budget x weeks, whatever the streams have to do with each other, as expectations add up.
It is a mean over weeks, not "never": with a budget of 1 most weeks can have one. It counts pages that come though the
null of their stream holds ("the rate is at most 1 %"); a page on a change that is true and unimportant is none of them.
A look is whatever costs one level: a window with something in it for `change.py`, an event for `sequential.py`, a start
for tests that are valid for ever (`two_arms.py`, `stochastic_order.py`, `cdf_band.py`): begun three times a week, they
take three looks.

Streams that come later sit in a reserve. Seat j (1, 2, …) holds 1 / (j (j + 1)) of it: these add up to 1 over any
number of seats, so the budget holds however many come; a seat that is left is free for the next. To deal anew, call
`allocate` with all of them: detectors of `change.py` go on with other levels from their next look on, tests valid for
ever keep the level they began with.

Source: linearity of expectation (Bonferroni); the seats are the spending sequence of online testing (Foster & Stine,
JRSS-B 70 (2008) 429-444), given back when a stream ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

RESERVE = 0.2


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream to be watched: its name, the looks it takes in a week, and its weight among the declared ones."""

    name: str
    looks_per_week: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """What one stream got. `pages_per_week` = level x looks; `seat` in the reserve, 0 for a declared stream."""

    name: str
    level: float
    looks_per_week: float
    seat: int = 0

    @property
    def pages_per_week(self) -> float:
        """Return the false pages that this stream may bring in a week."""
        return self.level * self.looks_per_week


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who has what, by name in order."""

    false_pages_per_week: float
    reserve: float
    shares: tuple[Share, ...]

    @property
    def levels(self) -> dict[str, float]:
        """Return the level by stream. A stream without one is not watched."""
        return {share.name: share.level for share in self.shares}

    @property
    def expected(self) -> float:
        """Return the false pages a week to expect at most, if every stream takes the looks it said."""
        return math.fsum(share.pages_per_week for share in self.shares)


def crossed(looks_per_week: float, *parts: Mapping[str, float]) -> tuple[Stream, ...]:
    """Return one stream for each choice of one name from every part (signals, features, segments); weights multiply.

    >>> [(one.name, one.weight) for one in crossed(168, {"drift": 2.0}, {"age": 1.0, "speed": 1.0}, {"*": 3.0})]
    [('drift/age/*', 6.0), ('drift/speed/*', 6.0)]
    """
    return tuple(
        Stream("/".join(name for name, _ in chosen), looks_per_week, math.prod(weight for _, weight in chosen))
        for chosen in product(*(part.items() for part in parts))
    )


def allocate(false_pages_per_week: float, streams: Iterable[Stream], reserve: float = RESERVE) -> Allocation:
    """Return the shares of declared streams: by weight, of the budget less the reserve.

    ValueError unless the budget is positive and finite, 0 <= reserve < 1, names differ, and looks and weights are
    positive and finite: a stream that may cost nothing can never speak.

    >>> allocate(1.0, [Stream("errors", 10_080.0, 3.0), Stream("drift", 168.0)], reserve=0.0).levels["errors"]
    7.440476190476191e-05
    """
    declared = tuple(streams)
    if not (0.0 < false_pages_per_week < math.inf and 0.0 <= reserve < 1.0):
        raise ValueError(
            f"a positive budget and 0 <= reserve < 1 are needed, got {false_pages_per_week!r}, {reserve!r}"
        )
    for one in declared:
        _check(one)
    if len({one.name for one in declared}) < len(declared):
        raise ValueError("two streams have one name")
    whole, weights = false_pages_per_week * (1.0 - reserve), math.fsum(one.weight for one in declared)
    shares = (Share(one.name, _level(whole * (one.weight / weights), one), one.looks_per_week) for one in declared)
    return Allocation(false_pages_per_week, reserve, _ordered(shares))


def admit(held: Allocation, stream: Stream) -> Allocation:
    """Return the allocation with a newcomer in the first free seat of the reserve. ValueError if it is there already.

    Nobody else's level changes. ValueError too if there is no reserve.

    >>> held = admit(admit(allocate(1.0, [], reserve=0.2), Stream("a", 100.0)), Stream("b", 100.0))
    >>> [(share.name, round(share.pages_per_week, 4)) for share in held.shares]
    [('a', 0.1), ('b', 0.0333)]
    """
    _check(stream)
    if stream.name in held.levels:
        raise ValueError(f"{stream.name!r} has a share already")
    if held.reserve <= 0.0:
        raise ValueError("there is no reserve for streams that come later")
    taken = {share.seat for share in held.shares}
    seat = next(at for at in range(1, len(taken) + 2) if at not in taken)
    pages = held.false_pages_per_week * held.reserve / (seat * (seat + 1))
    return replace(
        held, shares=_ordered([*held.shares, Share(stream.name, _level(pages, stream), stream.looks_per_week, seat)])
    )


def leave(held: Allocation, name: str) -> Allocation:
    """Return the allocation without a stream that is watched no more; its seat is free. KeyError if it has no share."""
    if name not in held.levels:
        raise KeyError(name)
    return replace(held, shares=tuple(share for share in held.shares if share.name != name))


def expected_false_pages(levels: Mapping[str, float], looks: Mapping[str, float]) -> float:
    """Return the false pages to expect at most from so many looks of each stream at its level.

    With looks that were really taken it is the number for the status page; more looks than were declared show here.
    ValueError unless both have the same names, 0 <= level <= 1 and looks are finite and at least 0.

    >>> expected_false_pages({"a": 1e-4, "b": 0.01}, {"a": 10_080, "b": 7})
    1.078
    """
    if levels.keys() != looks.keys():
        raise ValueError(f"levels and looks of other streams: {sorted(levels.keys() ^ looks.keys())}")
    for name, level in levels.items():
        if not (0.0 <= level <= 1.0 and 0.0 <= looks[name] < math.inf):
            raise ValueError(f"{name}: 0 <= level <= 1 and looks >= 0 are needed, got {level!r}, {looks[name]!r}")
    return math.fsum(level * looks[name] for name, level in levels.items())


def told(expected: float, false_pages_per_week: float) -> str:
    """Return the line of the status page, rounded up. ValueError on a negative number or NaN.

    >>> told(0.7401, 1.0)
    'at most 0.8 false pages a week expected'
    >>> told(1.31, 1.0)
    'at most 1.4 false pages a week expected, above the budget of 1'
    """
    if not 0.0 <= expected < math.inf:
        raise ValueError(f"an expected number is at least 0, got {expected!r}")
    over = f", above the budget of {false_pages_per_week:g}" if expected > false_pages_per_week * (1 + 1e-9) else ""
    return f"at most {math.ceil(expected * 10.0 - 1e-6) / 10.0:g} false pages a week expected{over}"


def _level(pages_per_week: float, stream: Stream) -> float:
    return min(1.0, pages_per_week / stream.looks_per_week)


def _check(stream: Stream) -> None:
    if not (0.0 < stream.looks_per_week < math.inf and 0.0 < stream.weight < math.inf):
        raise ValueError(f"{stream.name}: looks and a weight above 0 are needed, got {stream!r}")


def _ordered(shares: Iterable[Share]) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda share: share.name))
