"""Scope limits of the safety review: which requests get at most which posture, whatever the evidence says.

In: the manifest's limits and its fallback. Out: a function from a request's key values to a posture and the names of
the limits that hold. A request that lacks a key of a limited segment cannot be shown to be outside: it is limited too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from shipworthy.facts import MISSING, NORMAL, Fact, Named, Posture, join, parse_segment, resolve


class LimitLike(Protocol):
    """What the manifest's scope limit shows."""

    @property
    def name(self) -> str: ...
    @property
    def segment(self) -> str: ...
    @property
    def posture(self) -> str: ...


class Limited(Fact, frozen=True, kw_only=True):
    """The join of the limits that hold, and their names."""

    posture: Posture = NORMAL
    names: tuple[str, ...] = ()


UNLIMITED = Limited()
Limits = Callable[[Mapping[str, str]], Limited]


def bound_of(posture: Posture, limited: Limited) -> Posture:
    """Return the join of orders and limits; on most requests neither holds, and that is found out at once."""
    if limited is UNLIMITED:
        return posture
    return join((posture, limited.posture))


def compile_limits(limits: Iterable[LimitLike], fallback: str, kill_fallback: str | None = None) -> Limits:
    """Return the function. Raises ValueError for a segment that is not canonical or a posture without that name."""
    compiled = [
        (limit.name, parse_segment(limit.segment), resolve(Named(limit.posture), fallback, kill_fallback))
        for limit in limits
    ]

    if not compiled:
        return lambda keys: UNLIMITED

    def limited(keys: Mapping[str, str]) -> Limited:
        held = [(name, posture) for name, terms, posture in compiled if _may_hold(terms, keys)]
        if not held:
            return UNLIMITED
        return Limited(posture=join(posture for _, posture in held), names=tuple(name for name, _ in held))

    return limited


def _may_hold(terms: Mapping[str, frozenset[str]], keys: Mapping[str, str]) -> bool:
    return all(keys.get(key, MISSING) in values or keys.get(key, MISSING) == MISSING for key, values in terms.items())
