"""Which windows an event counts in, while there is room: the places of one minute and what spills over.

In: a place. Out: the place that takes its counts: itself, or the `__other__` of its kind. At most `MOST_LIVE_KEYS` have
room until the next restart, so that a flood of tenants or of segments costs no more memory and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.facts import OTHER
from shipworthy.observe.windows import MOST_LIVE_KEYS, MOST_OF_TENANTS, Place, other_of


class Slots:
    """The live places of one collector. Single thread."""

    def __init__(self) -> None:
        self._live: set[Place] = set()
        self._of_tenants = 0
        self._apart: set[tuple[str, str]] = set()

    def __contains__(self, place: Place) -> bool:
        return place in self._live

    def keep_apart(self, version: str, segments: Iterable[str]) -> None:
        """Never let these segments of all tenants spill over."""
        self._apart |= {(version, segment) for segment in segments}

    def find(self, version: str, arm: str, tenant: str, segment: str) -> Place:
        """Return the place that counts for this one, and keep it."""
        place = (version, arm, tenant, segment)
        if place in self._live:
            return place
        if self._is_full(version, tenant, segment):
            tenant = tenant if tenant == "*" else OTHER
            place = (version, arm, tenant, other_of(segment))
        self._of_tenants += place not in self._live and tenant != "*"
        self._live.add(place)
        return place

    def restart(self, live: Iterable[Place]) -> None:
        """Make room: only these places are live."""
        self._live = set(live)
        self._of_tenants = sum(place[2] != "*" for place in self._live)

    def _is_full(self, version: str, tenant: str, segment: str) -> bool:
        """True when there is no room for another place of this kind."""
        if tenant == "*" and (segment == "*" or (version, segment) in self._apart):
            return False
        return len(self._live) >= MOST_LIVE_KEYS or (tenant != "*" and self._of_tenants >= MOST_OF_TENANTS)
