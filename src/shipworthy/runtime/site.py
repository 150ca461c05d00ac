"""One site, wired: state, store, ledger, releases, model processes, gateway and controller.

In: a workspace. Out: a started gateway. Everything the gateway is given comes from here; nothing here decides anything.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from shipworthy.contract.contract import Contract
from shipworthy.contract.manifest import Manifest
from shipworthy.deploy.http.drills import with_drills
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.places import Row
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.release import Cut
from shipworthy.errors import CannotDecide, ShipworthyError
from shipworthy.facts import Receipt, RuntimeState
from shipworthy.observe.minutes import minute_of, minutes_in
from shipworthy.respond.moments import moment
from shipworthy.runtime import past, site_pages
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.api import BODY_WITHIN_S, Api, Rate
from shipworthy.runtime.api_keys import Keyring
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.counting import Counting
from shipworthy.runtime.desk import Desk
from shipworthy.runtime.drill_watch import DrillWatch
from shipworthy.runtime.enqueue import Enqueue
from shipworthy.runtime.exports.families import Family, Labels
from shipworthy.runtime.flag_file import FlagFile
from shipworthy.runtime.hidden import keyed
from shipworthy.runtime.label_watch import LabelWatch
from shipworthy.runtime.late_labels import LateLabels
from shipworthy.runtime.learned import asked_once, calibration_cells, calibration_scores, probe_rows, warm_rows
from shipworthy.runtime.live import Live
from shipworthy.runtime.models import Models, ModelsLike
from shipworthy.runtime.outside.pages import Outside
from shipworthy.runtime.outside.seen import seen_of
from shipworthy.runtime.outside.triggered import triggered
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.paging import Paging
from shipworthy.runtime.probed import probing_of
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.replica import Answering
from shipworthy.runtime.review import review_of
from shipworthy.runtime.reviews_api import ReviewsApi
from shipworthy.runtime.reviews_shown import Reviews
from shipworthy.runtime.runs import Run
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.runtime.versions import Versions
from shipworthy.runtime.wired import keys_of, throttles_of
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.api_keys import KeyFile
from shipworthy.store.group import GroupCommit
from shipworthy.store.posture import StateFiles
from shipworthy.store.tiers import KEPT, RECEIPTS_FOR

if TYPE_CHECKING:
    from shipworthy.deploy.http.door import Doors

AT_LEAST_EVERY_S = 1.0
_log = logging.getLogger("shipworthy.site")


class Site:
    """Everything one gateway process holds. Use from one event loop."""

    def __init__(
        self,
        workspace: Workspace,
        observe_only: bool = False,
        models: ModelsLike | None = None,
        pagers: Sequence[Pager] = (),
    ) -> None:
        self.workspace = workspace
        self.store = workspace.store()
        self.commits = GroupCommit(self.store)
        self.ledger = workspace.ledger(self.store)
        files = workspace.state_files()
        self.authority = Authority(files, self.ledger, self.store, workspace.clock)
        state = self.authority.begin()
        if not state.baseline:
            raise CannotDecide("no version has shipped yet: there is no baseline to serve", str(workspace.home))
        self.models: ModelsLike = models or Models(workspace.home / "logs")
        self.versions = self._versions(files)
        self.releases, self.served = self.versions.releases, self.versions.served
        self.permits = self.versions.permits
        self.reviews = Reviews(self.store, workspace.clock)
        self.enqueue = Enqueue(self.commits, workspace.site_key(), self.releases)
        self.keys = Keyring(KeyFile(workspace.home, workspace.host_key()), workspace.now)
        self._warm_rows: dict[str, Row] = {}
        self._lapsing: Future[None] | None = None
        self._reconciling: Future[None] | None = None
        self._looked_s = 0.0
        self._site_key = workspace.site_key()
        self._recorder = ThreadPoolExecutor(1, "shipworthy-record")
        self._sweeper = ThreadPoolExecutor(1, "shipworthy-sweep")
        self._leaving = threading.Event()
        self.trouble = self.unpublished = ""
        self.failures: Counter[str] = Counter()
        self._until: Callable[[], int] | None = None
        self.workers: Callable[[], Mapping[str, object]] = dict
        self.doors: Doors | None = None
        self._answering: Answering | None = None
        self._minute = -1
        self._ticked = 0.0
        first = self.versions.admit(state.baseline)
        manifest = first.contract.manifest
        minute = minute_of(workspace.clock())
        self.run = Run(workspace.home, minute)
        self.abuse = AbuseLog(self.store, self.commits, self._site_key, minute, self._abuse_kept)
        self.telemetry = self._begin(manifest)
        self.live = Live(files, manifest.model, manifest.fallback, manifest.kill_fallback, self._changed)
        self.controller = Controller(
            self.authority,
            self.live,
            self.telemetry,
            self.releases,
            workspace.clock,
            manifest.alarms.get("false_pages_per_week", 1.0),
            act=not observe_only,
            later=self._recorder.submit,
            idly=self._sweeper.submit,
            pause=self._leaving.wait,
        )
        watch = LabelWatch(self.authority.note, workspace.clock, manifest.decisions)
        self.controller.unproven, self.controller.doubted = watch.judged, watch.doubts
        key, bucket = workspace.host_key(), self.versions.bucket
        self.late = LateLabels(self.store, key, self.telemetry, bucket, watch, workspace.clock)
        self.drills = DrillWatch(workspace, self.controller, self._recorder.submit, self._sweeper.submit)
        self.counting = Counting(self.controller, self.abuse)
        self.controller.changed(RuntimeState(), self.live.state)
        self.controller.resume(past.alarms(self.store))
        self._first = first
        self.gateway = Gateway(self._wiring(first))
        self.paging = Paging(self, self.store, workspace.clock, workspace.host_key(), pagers)
        self.flags = FlagFile(workspace.home, manifest, self.live, self.permits.routes, self.gateway.decider.may_serve)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the baseline that this run began with."""
        return self._first.contract.manifest

    async def start(self) -> None:
        """Start the warm baseline, and the candidate of a rollout that was under way."""
        await self.versions.serve(self._first)
        await self.versions.follow(self.live.state, wait=True)
        await self.gateway.warm.begin()
        self._publish()
        if self._until is None:  # no workers answer for it
            self._answering = Answering(self.workspace.home, "gateway", self.workspace.clock)
            self._answering.begin(self.live)

    def follow(self, until: Callable[[], int], workers: Callable[[], Mapping[str, object]]) -> None:
        """Count for workers: `until()` is the minute before which all of them have told everything, `workers()` what
        the status shows of them. A minute is judged when all of it is told."""
        self._until, self.workers = until, workers

    def flush(self) -> None:
        """Count what was seen."""
        self.counting.flush()

    async def watch(self, every_s: float) -> None:
        """Keep up until cancelled. A round that fails is told in the log and the status; the next one tries again."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.keep_up()
                self.trouble = ""
            except Exception as problem:  # whatever it is, a watch that ends unnoticed watches nothing
                self.trouble = f"{type(problem).__name__}: {problem}"
                _log.exception("the controller could not finish its round; what holds goes on holding")

    async def keep_up(self) -> None:
        """Follow the state; judge when the minute has moved and stands still again, or after a while."""
        self.flush()
        self.live.epoch()
        if self.permits.due() and (self._lapsing is None or self._lapsing.done()):
            self._lapsing = self._recorder.submit(self.permits.lapse, self.authority)
        self._take_up()
        await self.versions.follow(self.live.state)
        self._publish()
        minute = minute_of(self.workspace.clock())
        try:
            await self.telemetry.mend(minute)
        except ShipworthyError:  # what could not be parted stays a gap; everything else is judged
            _log.exception("an hour that a restore went through could not be parted")
        stands, self._minute = minute == self._minute, minute
        due = time.monotonic() - self._ticked > AT_LEAST_EVERY_S
        told = self._until is None or self._until() >= minute
        if told and minute != self._judged_minute() and (stands or due):
            self.late.look()
            self.controller.tick()
            self._ticked = time.monotonic()
            await self.late.take_rest()

    def _publish(self) -> None:
        """Write the flags for other systems. What cannot be written is tried again; nothing waits for it."""
        try:
            self.flags.keep_up()
            self.unpublished = ""
        except ShipworthyError as problem:
            self.unpublished = str(problem)
            _log.error("the flags could not be written: %s", problem)

    def _take_up(self) -> None:
        """Once a second: hold and record what another process journalled here, which may have escaped the epoch."""
        now = time.monotonic()
        if now - self._looked_s < AT_LEAST_EVERY_S or not (self._reconciling is None or self._reconciling.done()):
            return
        self._looked_s = now
        self._reconciling = self._recorder.submit(self.drills.keep_up)
        waiting, faults = self.authority.files.journalled()
        if waiting or faults or self.live.broken:
            if faults or {one.order.id for one in waiting} - {held.order.id for held in self.live.state.orders}:
                self.live.refresh()
            self._reconciling = self._recorder.submit(self.authority.record_journal)

    async def close(self) -> None:
        """Stop everything, writing what is still in memory."""
        await self.versions.stop()
        await self.gateway.stop()
        if self._answering is not None:
            self._answering.close()
        await self.models.close()
        self.flush()
        self.telemetry.finish(minute_of(self.workspace.clock()))
        self._leaving.set()
        await asyncio.to_thread(self._sweeper.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._recorder.shutdown)
        await asyncio.to_thread(self.commits.close)
        self.store.close()
        self.run.end()

    def status(self) -> dict[str, Any]:
        """Return the status page."""
        return site_pages.status(self)

    def quality(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return quality by segment of `version`, with shadow scores when `shadow=1`."""
        return site_pages.quality(self, asked)

    def metrics(self) -> tuple[Family, ...]:
        """Return what other monitoring systems are told."""
        return site_pages.metrics(self)

    def resource(self) -> Labels:
        """Return whose metrics they are, by the names of OpenTelemetry."""
        return (("service.name", "shipworthy"), ("service.instance.id", self._first.contract.manifest.model))

    def checkpoint(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Return a fresh signed checkpoint of the ledger, for keeping elsewhere."""
        return {"checkpoint": self.ledger.checkpoint(), "key": self.ledger.verifier_key}

    def api(self, body_within_s: float = BODY_WITHIN_S) -> Api:
        """Return the API that gates elsewhere reach this site's ledger by."""
        here, model = self.workspace, self._first.contract.manifest.model
        desk = Desk(self.store, self.authority.note, self._contract, here.site_key(), here.clock)
        reviews = ReviewsApi(desk)
        return Api(here.home, self.ledger, self.store, model, here.clock, body_within_s, Rate(), self.abuse, reviews)

    def _versions(self, files: StateFiles) -> Versions:
        return Versions(self.workspace, self.ledger, files, self._come, self._go)

    def outside(self) -> Outside:
        """Return the pages that other rollout controllers ask."""
        seen = partial(seen_of, self.controller, self.served)
        alerts = triggered(self, self._recorder.submit)
        return Outside(self.workspace.home, seen, self.controller.rolling.end, self.abuse, self.keys.caller, alerts)

    def _begin(self, manifest: Manifest) -> Telemetry:
        """Return the telemetry of this run, which knows how the last one ended and where sums begin anew."""
        now = minute_of(self.workspace.clock())
        kept_for = min(KEPT + minutes_in(manifest.label.matured_after), RECEIPTS_FOR)
        hashed = keyed(self.workspace.host_key())
        telemetry = Telemetry(now, manifest.decisions, self.commits, hashed, self.run.name, kept_for, self.abuse)
        telemetry.kept.take_windows(past.begin(self.store, self.run, now, kept_for))
        telemetry.kept.kept_since = now - kept_for
        for since in past.begun(self.store):
            telemetry.kept.cut(since)
        return telemetry

    def _wiring(self, first: Loaded) -> Wiring:
        manifest = first.contract.manifest
        return Wiring(
            model=manifest.model,
            mac_key=self.workspace.host_key(),
            routes=lambda: self.permits.routes(self.live.routes),
            releases=self.served,
            upstreams=self.models.upstreams,
            posture=self.live.posture,
            closed=lambda version: self.live.closed(version) or self.permits.over(version),
            epoch=self.live.epoch,
            thresholds=self._cut,
            sink=self.counting.add,
            sink_drill=self.drills.seen,
            enqueue=self.enqueue,
            keys=keys_of(manifest, self.workspace.host_key()),
            throttles=throttles_of(manifest),
            limits=self.versions.limits,
            may_hold=self.live.may_hold,
            on_label=self.take_label,
            sink_shadow=lambda event, row: self.counting.shadow(
                event, self.live.held(event.version, event.tenant, event.segments), row
            ),
            shadow=self.live.shadow,
            override=self.permits.header,
            on_failure=lambda version, reason: self.failures.update([version]),
            caller=with_drills(self.keys.caller, self.workspace.host_key(), lambda: self.workspace.clock().timestamp()),
            warm_row=self._warm_rows.get,
            on_abuse=self.abuse,
            review=partial(review_of, self.store, self.workspace.clock),
            clock=lambda: self.workspace.clock().timestamp(),
        )

    def _cut(self, version: str, bucket: str) -> Cut | None:
        return self.versions.cut(version, bucket, self.live.state.thresholds)

    def _contract(self) -> Contract:
        """The contract of the baseline that is served now: it says who may do what."""
        return self.releases.get(self.live.state.baseline, self._first).contract

    async def take_label(self, receipt: Receipt, label: int, source: str = "") -> str:
        """Add one late label; returns a word: see `LateLabels.take`."""
        return await self.late.take(receipt, label, source)

    def _abuse_kept(self) -> int:
        """Return for how many minutes counts of abuse are kept: the least that a served contract says."""
        served = [self.releases[version] for version in self.served] or [self._first]
        return min(minutes_in(one.contract.manifest.kept("abuse_log")) for one in served)

    def _changed(self, before: RuntimeState, after: RuntimeState) -> None:
        if self._answering is not None:
            self._answering.took_up(after.epoch)
        self.authority.seen(after.epoch)
        if hasattr(self, "controller"):
            self.controller.changed(before, after)

    async def _come(self, one: Loaded) -> None:
        rows = await asyncio.to_thread(probe_rows, one)
        await self.models.start(one)
        ask = asked_once(partial(self.models.ask, one.version))
        counts = await asyncio.to_thread(calibration_cells, one, ask)
        scores = await asyncio.to_thread(calibration_scores, one, ask)
        minute = minute_of(self.workspace.clock())
        since = await asyncio.to_thread(past.live_since, self.store, one.version, minute)
        self.controller.judge_since(one.version, since)
        await self.telemetry.take_back(one.version, minute, self.store)
        self.abuse.watch(one.version, one.release.columns, await asyncio.to_thread(probing_of, one, self.abuse.salt))
        self.releases[one.version] = one
        self.controller.loaded(one, counts, rows, scores)
        self._warm_rows |= await asyncio.to_thread(warm_rows, one)

    async def _go(self, version: str) -> None:
        self._warm_rows.pop(version, None)
        self.controller.unloaded(version)
        await self.models.stop(version)

    def _judged_minute(self) -> int:
        return minute_of(moment(self.controller.judged_until)) if self.controller.judged_until else -1
