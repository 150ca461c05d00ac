"""A request as one version sees it: its OOD score, its segments, and the postures that hold for it.

In: the wiring, a version and a row. Out: a `View`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shipworthy.deploy.http.places import Place, Row
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.limits import Limited, bound_of
from shipworthy.deploy.release import Ood, Release
from shipworthy.errors import Unreachable
from shipworthy.facts import NORMAL, Decider, Posture, Source, join

# Orders close a version; here it only must not compute. Who decides is for the order to say, a person at the least.
CLOSED = Posture(source=Source.NONE, decider=Decider.PERSON)


class View(NamedTuple):
    """One version's view of one request. `posture`: orders; `limited`: scope limits."""

    release: Release
    arm: str
    ood: Ood
    place: Place
    posture: Posture
    limited: Limited

    @property
    def bound(self) -> Posture:
        """The join of orders and limits."""
        return bound_of(self.posture, self.limited)


def view_of(w: Wiring, version: str, arm: str, tenant: str, row: Row, carried: View | None = None) -> View:
    """Return the view of `version`. `carried`: a view already taken, whose postures go on holding.

    Raises Unreachable when the version is not loaded here.
    """
    release = w.releases.get(version)
    if release is None:
        raise Unreachable(f"version {version or '(none)'} is not loaded", "gateway", "start it, or roll back")
    ood = release.scorer.score(row)
    place = w.places.of(tenant, row, ood.unseen)
    # the machine orders by what it may know, a hidden value; a person may order by the value's own name: both hold
    readings = place.orders if w.keys.hide is None else (*place.orders, *place.plain)
    if len(readings) == 1 and carried is None:
        posture, limited = w.posture(version, tenant, readings[0]), w.limits(place.plain[0])
        if w.closed(version):
            posture = join((posture, CLOSED))
        return View(release, arm, ood, place, posture, limited)
    postures = [w.posture(version, tenant, reading) for reading in readings]
    limits = [w.limits(reading) for reading in place.plain]
    if carried is not None:
        postures.append(carried.posture)
        limits.append(carried.limited)
    if w.closed(version):
        postures.append(CLOSED)
    return View(release, arm, ood, place, _joined(postures), _limited(limits))


def _joined(postures: list[Posture]) -> Posture:
    return NORMAL if all(posture == NORMAL for posture in postures) else join(postures)


def _limited(limits: list[Limited]) -> Limited:
    if len(limits) == 1:
        return limits[0]
    names: Mapping[str, None] = dict.fromkeys(name for limit in limits for name in limit.names)
    return Limited(posture=_joined([limit.posture for limit in limits]), names=tuple(names))
