"""The pages of one site: its status, quality by segment, and what other monitoring systems are told.

In: a running site. Out: plain values. Read-only; what was seen and not yet counted is counted first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipworthy.errors import CannotDecide, Unreachable, UsageError
from shipworthy.respond.moments import moment
from shipworthy.runtime import status as told
from shipworthy.runtime.exports.families import Family, Shown, families
from shipworthy.runtime.replica import replicas

if TYPE_CHECKING:
    from shipworthy.runtime.site import Site


def status(site: Site) -> dict[str, Any]:
    """Return the status page."""
    site.flush()
    plain = told.status(site.controller, site.live, site.releases, site.models.pids())
    plain["refused"] = dict(site.versions.refused)
    plain["trouble"] = site.trouble or site.unpublished
    plain["uncounted"] = site.counting.told()
    plain["paging"] = site.paging.told()
    plain["overrides"] = site.permits.told()
    plain["abuse"] = site.abuse.told()
    plain["reviews"] = site.reviews.told()
    plain["failures"] = dict(site.failures)
    plain["workers"] = dict(site.workers())
    plain["replicas"] = replicas(site.workspace.home, _epoch(site))
    plain["connections"] = site.doors.told() if site.doors is not None else {}
    plain["keys"] = site.keys.told()
    plain["drills"] = site.drills.told()
    plain["throttle"] = site.gateway.wiring.throttles.trouble
    plain["upstreams"] = site.models.told()
    plain["warm"] = site.gateway.warm.told()
    plain["shed"] = site.gateway.decider.shed.told()
    plain["circuits"] = site.gateway.decider.circuits.told()
    return plain


def _epoch(site: Site) -> int:
    """Return the epoch that every replica should answer by: the map's, not the one that this process has taken up.
    Where it cannot be read, one that nobody has."""
    try:
        return site.authority.files.epoch()
    except (CannotDecide, Unreachable):
        return site.live.state.epoch + 1


def quality(site: Site, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return quality by segment of `version`, with shadow scores when `shadow=1`."""
    one = site.releases.get(asked.get("version", site.live.state.baseline))
    if one is None:
        raise UsageError(f"version {asked.get('version')!r} is not loaded", "/quality")
    floor, target = float(asked.get("floor", "0.7")), float(asked.get("target", "0.05"))
    return told.quality(site.controller, one, asked.get("shadow") == "1", floor, target)


def metrics(site: Site) -> tuple[Family, ...]:
    """Return what other monitoring systems are told."""
    site.flush()
    judged = site.controller.judged_until
    stale_s = (site.workspace.clock() - moment(judged)).total_seconds() if judged else None
    shown = Shown(
        totals=site.telemetry.totals.by,
        judgements=site.controller.judgements,
        stage=site.controller.rolling.shown,
        beside=site.telemetry.beside.compared.counts,
        orders=site.live.state.orders,
        alarms=len(site.controller.repeats.alarms()),
        false_pages=site.controller.levels.expected,
        labels=site.telemetry.kept.labelled(),
        epoch=site.live.state.epoch,
        broken=bool(site.live.broken),
        stale_s=stale_s,
        reviews=site.reviews.depth(),
    )
    return (*families(shown), *site.paging.families())
