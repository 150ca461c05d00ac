"""Parts of the traffic, and what is left of one without others: exact subtraction of counts.

In: parts (tenant, segment, up to a minute) and a function that counts one. Out: integer counts of a part without
others, or None where the counts cannot tell. Two values of one key share no request; what two keys share is counted
only where their pair is declared. What cannot be taken away exactly stays in: an unknown part is never left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import combinations, product
from typing import Final, NamedTuple

from shipworthy.facts import OTHER, canonical_segment, contains, parse_segment

Counts = tuple[int, ...]
FOREVER: Final = 1 << 62
_terms = lru_cache(maxsize=16_384)(parse_segment)
_inside = lru_cache(maxsize=65_536)(contains)


class Part(NamedTuple):
    """The requests of a tenant (`*` = all) in a segment before a minute. A segment names one value a key."""

    tenant: str = "*"
    segment: str = "*"
    until: int = FOREVER


class Nowhere:
    """What two parts share when no request can lie in both."""


NOWHERE: Final = Nowhere()
Count = Callable[[Part], Counts | None]


def parts_of(tenant: str, segment: str, until: int = FOREVER) -> tuple[Part, ...]:
    """Return the parts of a scope, one for each combination of its values. Raises ValueError for no segment.

    >>> [one.segment for one in parts_of("*", "supplier=P42,P47")]
    ['supplier=P42', 'supplier=P47']
    """
    terms = parse_segment(segment)
    named = [[(key, (value,)) for value in sorted(terms[key])] for key in sorted(terms)]
    return tuple(Part(tenant, canonical_segment(dict(one)), until) for one in product(*named))


def holds_all(outer: Part, inner: Part) -> bool:
    """True when every request of `inner` is also in `outer`."""
    return outer.tenant in ("*", inner.tenant) and outer.until >= inner.until and _inside(outer.segment, inner.segment)


def shared(a: Part, b: Part) -> Part | Nowhere | None:
    """Return what two parts have in common, `NOWHERE`, or None when that has more keys than a segment may name."""
    if "*" not in (a.tenant, b.tenant) and a.tenant != b.tenant:
        return NOWHERE
    mine, other = _terms(a.segment), _terms(b.segment)
    if any(mine[key].isdisjoint(other[key]) for key in mine.keys() & other.keys()):
        return NOWHERE
    try:
        segment = canonical_segment({**mine, **other})
    except ValueError:
        return None
    return Part(b.tenant if a.tenant == "*" else a.tenant, segment, min(a.until, b.until))


def separable(whole: Part, others: Iterable[Part], count: Count) -> tuple[Part, ...]:
    """Return what can be taken away from `whole` exactly, of what it shares with the others, the widest first."""
    if count(whole) is None:
        return ()
    taken: list[Part] = []
    for other in sorted(outermost(others), key=_widest_first):
        here = shared(whole, other)
        if isinstance(here, Part) and _alone(here, taken, count) is not None:
            taken.append(here)
    return tuple(taken)


def without(part: Part, taken: Iterable[Part], count: Count) -> Counts | None:
    """Return the counts of a part without those of `taken`; None when they cannot tell.

    `count` says None for a part that is not counted on its own.
    """
    left = count(part)
    gone: list[Part] = []
    for other in taken:
        here = shared(part, other)
        if isinstance(here, Nowhere):
            continue
        more = None if here is None else _alone(here, gone, count)
        if left is None or here is None or more is None:
            return None
        left = tuple(mine - its for mine, its in zip(left, more, strict=True))
        gone.append(here)
    return left


def outermost(parts: Iterable[Part]) -> list[Part]:
    """Return the parts that lie in no other one, each once, sorted."""
    known = sorted(set(parts))
    return [one for one in known if not any(one != other and holds_all(other, one) for other in known)]


def is_other(part: Part) -> bool:
    """True for the overflow: no request carries its value, so nothing can be ordered there."""
    return part.tenant == OTHER or any(OTHER in values for values in _terms(part.segment).values())


def _alone(part: Part, taken: Sequence[Part], count: Count) -> Counts | None:
    """Return what a part adds to those already taken; None unless what it shares with them is counted, once."""
    common = [shared(part, each) for each in taken]
    inner = outermost(one for one in common if isinstance(one, Part))
    known = [count(one) for one in (part, *inner)]
    if None in common or None in known or any(shared(a, b) is not NOWHERE for a, b in combinations(inner, 2)):
        return None
    total, *gone = (one for one in known if one is not None)
    return tuple(mine - sum(its) for mine, *its in zip(total, *gone, strict=True))


def _widest_first(part: Part) -> tuple[int, Part]:
    return len(_terms(part.segment)) + (part.tenant != "*"), part
