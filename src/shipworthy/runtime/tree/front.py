"""What answers requests in a worker: the state of this host, the loaded versions, and the gateway over them.

In: a workspace, where the models are, and the feed to the control process. Out: a gateway that goes on deciding when
the control process is dead. A never event closes its scope here, before the answer leaves; reviews are made durable
here; everything else that was seen is told to the control process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

import msgspec

from shipworthy.deploy.body import Cell
from shipworthy.deploy.http.drills import with_drills
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.places import Row
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.release import Cut
from shipworthy.deploy.throttle import Part
from shipworthy.errors import CannotDecide
from shipworthy.facts import Event, Receipt, RuntimeState
from shipworthy.ledger.files.log import Ledger
from shipworthy.runtime.api_keys import Keyring
from shipworthy.runtime.authority import Authority, local_id
from shipworthy.runtime.enqueue import Enqueue
from shipworthy.runtime.learned import warm_rows
from shipworthy.runtime.live import Live
from shipworthy.runtime.never import never_order
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.replica import Answering
from shipworthy.runtime.review import review_of
from shipworthy.runtime.tree.feed import Feed
from shipworthy.runtime.tree.hosted import HostedModels
from shipworthy.runtime.versions import Versions
from shipworthy.runtime.wired import keys_of, shared_throttles
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.api_keys import KeyFile
from shipworthy.store.group import GroupCommit
from shipworthy.store.posture import StateFiles

_log = logging.getLogger("shipworthy.front")


class Front:
    """Everything one worker holds. Use from one event loop."""

    def __init__(self, workspace: Workspace, models: HostedModels, feed: Feed, observe_only: bool, part: Part) -> None:
        self.workspace = workspace
        self.models = models
        self.feed = feed
        self._act = not observe_only
        self._warm_rows: dict[str, Row] = {}
        self._part = part
        self._store = workspace.store()
        self._commits = GroupCommit(self._store)
        self._site_key = workspace.site_key()
        ledger = workspace.ledger(self._store)
        files = workspace.state_files()
        self._authority = Authority(files, ledger, self._store, workspace.clock)
        self.versions = Versions(workspace, ledger, files, self._come, self._go)
        self._first = self.versions.admit(_newest(files, ledger).baseline)
        manifest = self._first.contract.manifest
        self.keys = Keyring(KeyFile(workspace.home, workspace.host_key()), workspace.now)
        self._answering = Answering(workspace.home, f"worker-{part.number}", workspace.clock)
        self.live = Live(files, manifest.model, manifest.fallback, manifest.kill_fallback, self._took_up)
        self.gateway = Gateway(self._wiring(self._first))

    async def start(self) -> None:
        """Serve the warm baseline, and the candidate of a rollout that is under way."""
        self._answering.begin(self.live)
        await self.versions.serve(self._first)
        await self.versions.follow(self.live.state, wait=True)
        await self.gateway.warm.begin()

    async def keep_up(self) -> None:
        """Follow the state."""
        self.live.epoch()
        await self.versions.follow(self.live.state)

    async def close(self) -> None:
        """Stop, everything that was promised being durable."""
        await self.versions.stop()
        await self.gateway.stop()
        await asyncio.to_thread(self._commits.close)
        self._store.close()
        self._answering.close()

    def seen(self, event: Event, row: Mapping[str, Cell], peer: str = "") -> None:
        """Take one decision in, just before its answer leaves."""
        for name in event.never:
            self._never(name, event)
        self.feed.seen(event, row, peer)

    def _took_up(self, before: RuntimeState, after: RuntimeState) -> None:
        """Nothing else here follows a new state: it is asked for at each request."""
        self._answering.took_up(after.epoch)

    def _never(self, name: str, event: Event) -> None:
        now = self.workspace.clock()
        proposal = never_order(self.versions.releases[event.version], name, event, self.live.state, now)
        if proposal is None or not self._act:
            return
        order = msgspec.structs.replace(proposal.held.order, id=local_id(proposal.held))
        held = msgspec.structs.replace(proposal.held, order=order)
        held = self._authority.hold_anyway(held)
        self.live.refresh()
        self.feed.placed(held, proposal.slo, proposal.severity)

    def _wiring(self, first: Loaded) -> Wiring:
        manifest = first.contract.manifest
        mac_key = self.workspace.host_key()
        permits = self.versions.permits
        return Wiring(
            model=manifest.model,
            mac_key=mac_key,
            routes=lambda: permits.routes(self.live.routes),
            releases=self.versions.served,
            upstreams=self.models.upstreams,
            posture=self.live.posture,
            closed=lambda version: self.live.closed(version) or permits.over(version),
            epoch=self.live.epoch,
            thresholds=self._cut,
            sink=self.seen,
            sink_drill=self.feed.drilled,
            enqueue=Enqueue(self._commits, self._site_key, self.versions.releases),
            keys=keys_of(manifest, mac_key),
            throttles=shared_throttles(manifest, self.workspace.home, mac_key, self._part),
            limits=self.versions.limits,
            may_hold=self.live.may_hold,
            warm_row=self._warm_rows.get,
            on_label=_not_here,
            sink_shadow=self._shadowed,
            shadow=self.live.shadow,
            caller=with_drills(self.keys.caller, mac_key, lambda: self.workspace.clock().timestamp()),
            review=partial(review_of, self._store, self.workspace.clock),
            override=permits.header,
            on_abuse=self.feed,
            clock=lambda: self.workspace.clock().timestamp(),
        )

    def _cut(self, version: str, bucket: str) -> Cut | None:
        return self.versions.cut(version, bucket, self.live.state.thresholds)

    def _shadowed(self, event: Event, row: Mapping[str, Cell]) -> None:
        self.feed.shadowed(event, self.live.held(event.version, event.tenant, event.segments), row)

    async def _come(self, one: Loaded) -> None:
        await self.models.start(one)
        self._warm_rows |= await asyncio.to_thread(warm_rows, one)
        self.versions.releases[one.version] = one

    async def _go(self, version: str) -> None:
        await self.models.stop(version)


def _newest(files: StateFiles, ledger: Ledger) -> RuntimeState:
    """Return what holds. Raises CannotDecide when the files are behind the ledger: an older state was played back, or
    the control process has not begun yet, which brings them up to it."""
    state = files.read()
    known = ledger.replay().epoch
    if state.epoch < known:
        raise CannotDecide(f"epoch {state.epoch} on disk is older than {known} in the ledger", str(files.home))
    return state


async def _not_here(receipt: Receipt, label: int, source: str) -> str:
    raise RuntimeError("labels go to the control process")
