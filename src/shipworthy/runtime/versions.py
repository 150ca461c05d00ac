"""The versions that one process serves: admitted, loaded, and kept to what the state wants.

In: a workspace, its ledger, and what to do when a version comes or goes. Out: loaded releases by name, and what a
request asks of all of them. Nothing is served here that the gate has not passed, whoever asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from shipworthy.deploy.limits import UNLIMITED, Limited
from shipworthy.deploy.release import Cut, Release
from shipworthy.errors import ShipworthyError
from shipworthy.facts import UNSEEN, LiveThresholds, RuntimeState, join, parse_segment
from shipworthy.ledger.files.log import Ledger
from shipworthy.profile.thresholds import SEVERAL
from shipworthy.runtime.known import check_release
from shipworthy.runtime.permits import Permits
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.standing import refuse
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.instants import rfc3339
from shipworthy.store.posture import StateFiles

_log = logging.getLogger("shipworthy.versions")
MOST_CUTS = 1_000
Come = Callable[[Loaded], Awaitable[None]]
Go = Callable[[str], Awaitable[None]]


def wanted_of(state: RuntimeState) -> set[str]:
    """Return the versions that a state wants served: the baseline, and the candidate of a rollout under way."""
    wanted = {state.baseline}
    if state.rollout is not None and state.rollout.status in ("running", "held"):
        wanted.add(state.rollout.version)
    return wanted


class Versions:
    """Loaded and served versions of one process. `come` makes a loaded version ready, `go` lets one go."""

    def __init__(self, workspace: Workspace, ledger: Ledger, files: StateFiles, come: Come, go: Go) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._files = files
        self._come, self._go = come, go
        self.permits = Permits(workspace.clock)
        self.releases: dict[str, Loaded] = {}
        self.served: dict[str, Release] = {}
        self.refused: dict[str, str] = {}
        self._cuts: dict[tuple[str, str], Cut] = {}
        self._cuts_of: tuple[LiveThresholds, ...] = ()
        self._loading: dict[str, asyncio.Task[None]] = {}

    def admit(self, version: str) -> Loaded:
        """Load a release of this site that the gate passed and that nobody decided not to deploy."""
        refuse(self._ledger.entries(), version)
        return self.permits.load(self._workspace.releases / version, self._check)

    async def serve(self, one: Loaded) -> None:
        """Make an admitted version ready, and serve it from then on."""
        await self._come(one)
        self.served[one.version] = one.release

    async def follow(self, state: RuntimeState, wait: bool = False) -> None:
        """Load what the state wants served and is not; let candidates go that it no longer wants."""
        wanted = wanted_of(state)
        for version in sorted(wanted - set(self.served) - set(self._loading) - set(self.refused)):
            self._loading[version] = asyncio.create_task(self._load(version))
        if wait and self._loading:
            await asyncio.gather(*self._loading.values())
        for version in [version for version, task in self._loading.items() if task.done()]:
            del self._loading[version]
        self.refused = {version: why for version, why in self.refused.items() if version in wanted}
        for version in sorted(set(self.served) - wanted):
            del self.served[version]
            await self._go(version)

    async def stop(self) -> None:
        """Load nothing more."""
        for task in self._loading.values():
            task.cancel()
        await asyncio.gather(*self._loading.values(), return_exceptions=True)

    def limits(self, keys: Mapping[str, str]) -> Limited:
        """Return the scope limits of every served version: a review that trims one of them trims the request."""
        each = [self.releases[version].limits(keys) for version in self.served]
        found = [one for one in each if one is not UNLIMITED]
        if len(found) < 2:
            return found[0] if found else UNLIMITED
        names = dict.fromkeys(name for one in found for name in one.names)
        return Limited(posture=join(one.posture for one in found), names=tuple(names))

    def cut(self, version: str, bucket: str, live: tuple[LiveThresholds, ...]) -> Cut | None:
        """Return the thresholds of a bucket; None where the version is not loaded."""
        if live is not self._cuts_of:
            self._cuts, self._cuts_of = {}, live
        known = self._cuts.get((version, bucket))
        if known is None:
            one = self.releases.get(version)
            known = one.cut(bucket, live) if one else None
            if known is not None and len(self._cuts) < MOST_CUTS:
                self._cuts[version, bucket] = known
        return known

    def bucket(self, version: str, segments: tuple[str, ...]) -> str:
        """Return the threshold bucket a decision was made in, from the segments its receipt names."""
        one = self.releases.get(version)
        if one is None:
            return "*"
        terms = [parse_segment(segment) for segment in segments]
        unseen = {key for each in terms for key, values in each.items() if UNSEEN in values}
        accepted = {
            feature.name
            for feature in one.contract.manifest.features
            for each in terms
            if set(feature.accepted) & each.get(feature.name, frozenset())
        }
        if len(one.thresholds.buckets) == 1 and unseen:
            return SEVERAL  # it has no thresholds of its own for what it has not seen: such labels move nothing
        return one.thresholds.bucket_of(sorted(unseen | accepted))

    async def _load(self, version: str) -> None:
        """Admit and start one version. What is refused stays off, and the status says why."""
        try:
            await self.serve(await asyncio.to_thread(self.admit, version))
        except Exception as problem:  # whatever is wrong with it, it is not served and the status says so
            self.refused[version] = str(problem) or type(problem).__name__
            expected = isinstance(problem, ShipworthyError)
            _log.error("version %s is not served: %s", version, problem, exc_info=not expected)
            await self._go(version)

    def _check(self, one: Loaded) -> None:
        baseline = self._files.read().baseline
        now = rfc3339(self._workspace.clock())
        check_release(self._ledger.entries(), baseline, one.folder, one.contract, now)
