"""What of a running site makes pages: read from memory, so that a dead store hides nothing.

In: a site. Out: the `Seen` of this moment. A tenant is shown by name only where the contract has it as a public segment
key; else a keyed hash stands for it, the same on every page of the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shipworthy.artifact.mac import tag
from shipworthy.contract.manifest import Manifest
from shipworthy.facts import OnNoData, Outcome, Scope, Severity, Slo
from shipworthy.observe.minutes import minute_of
from shipworthy.respond.moments import moment
from shipworthy.respond.pages.owed import Judged, Seen
from shipworthy.respond.postures import known_until
from shipworthy.runtime.controller import Controller


class SiteLike(Protocol):
    """What is read of a site."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def controller(self) -> Controller: ...


def seen_of(
    site: SiteLike,
    now: datetime,
    running_since: datetime,
    judged: Sequence[Judged],
    show: Callable[[str], str],
    incidents: Mapping[str, str],
) -> Seen:
    """Return what pages are made from."""
    controller, manifest = site.controller, site.manifest
    return Seen(
        model=manifest.model,
        state=controller.live.state,
        at=now,
        running_since=running_since,
        judged=judged,
        judged_until=controller.judged_until,
        broken=controller.live.broken,
        on_call=manifest.on_call,
        severities=_severities(controller),
        incidents=incidents,
        show=show,
    )


def shower(manifest: Manifest, mac_key: bytes) -> Callable[[str], str]:
    """Return what stands for a tenant on a page."""
    public = any(key.public and key.key in ("tenant", manifest.tenant) for key in manifest.segments.keys)
    return str if public else lambda tenant: f"#{tag(mac_key, 'tenant', tenant.encode()).hex()[:12]}"


def judged_of(controller: Controller) -> Iterator[Judged]:
    """Yield the judgements that may page: breaches, and what could not be judged, with the minutes that are missing."""
    for version, judgements in sorted(controller.judgements.items()):
        one = controller.releases.get(version)
        slos = {slo.name: slo for slo in one.contract.policy.slos} if one is not None else {}
        for judgement in judgements:
            slo = slos.get(judgement.slo)
            if slo is None or not judgement.here or judgement.outcome not in (Outcome.NO_DATA, Outcome.BREACHED):
                continue
            silent = judgement.outcome is Outcome.NO_DATA and slo.on_no_data is OnNoData.HOLD_AND_PAGE
            yield Judged(
                version, slo, judgement, _missing(controller, version, slo, judgement.segment) if silent else 0
            )


def _missing(controller: Controller, version: str, slo: Slo, segment: str) -> int:
    """Return how many minutes of the interval that was judged have no counts."""
    manifest = controller.releases[version].contract.manifest
    scope = Scope(model=manifest.model, version=version, segment=segment)
    known = known_until(controller.live.state, scope)
    live = controller.since.get(version)
    if live is None or not controller.judged_until:
        return 0
    since = max(live, minute_of(moment(known)) + 1) if known else live
    minute, after = minute_of(moment(controller.judged_until)), manifest.label.matured_after
    return len(controller.telemetry.kept.silent(*controller.telemetry.interval(slo, since, minute, after)))


def _severities(controller: Controller) -> dict[str, Severity]:
    """The severity of every SLO and never event by name; where versions differ, the worse."""
    found: dict[str, Severity] = {}
    order = list(Severity).index
    for one in controller.releases.values():
        policy = one.contract.policy
        named = [(each.name, each.severity) for each in policy.slos]
        named += [(each.name, each.severity) for each in policy.never_events]
        for name, severity in named:
            found[name] = min(severity, found.get(name, severity), key=order)
    return found
