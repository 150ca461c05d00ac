"""One site, wired: state, store, ledger, releases, model processes, gateway and controller.

In: a workspace. Out: a started gateway. Everything the gateway is given comes from here; nothing here decides anything.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

from shipworthy.artifact.mac import tag
from shipworthy.contract.manifest import Manifest
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.wiring import ForReview, Keys, Wiring
from shipworthy.deploy.limits import Limited
from shipworthy.deploy.release import Cut, Release
from shipworthy.deploy.segments import Hide
from shipworthy.deploy.throttle import Throttles
from shipworthy.errors import CannotDecide, ShipworthyError, UsageError
from shipworthy.facts import UNSEEN, Receipt, RuntimeState, join, parse_segment
from shipworthy.observe.minutes import minute_of, minutes_in
from shipworthy.profile.groups import groups_declared
from shipworthy.profile.thresholds import SEVERAL
from shipworthy.respond.moments import moment
from shipworthy.runtime import past
from shipworthy.runtime import status as told
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.answers import take_answers
from shipworthy.runtime.api import BODY_WITHIN_S, Api
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.exports.families import Family, Labels, Shown, families
from shipworthy.runtime.hidden import keyed
from shipworthy.runtime.known import check_release
from shipworthy.runtime.learned import asked_once, calibration_cells, calibration_scores, probe_rows
from shipworthy.runtime.live import Live
from shipworthy.runtime.models import Models, ModelsLike
from shipworthy.runtime.outside.pages import Outside
from shipworthy.runtime.outside.seen import seen_of
from shipworthy.runtime.permits import Permits
from shipworthy.runtime.probed import probing_of
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.review import queue_item
from shipworthy.runtime.runs import Run
from shipworthy.runtime.standing import refuse
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.group import GroupCommit
from shipworthy.store.instants import rfc3339
from shipworthy.store.tiers import KEPT, RECEIPTS_FOR

RECEIPT_LIVES = timedelta(minutes=RECEIPTS_FOR)
AT_LEAST_EVERY_S = 1.0
_log = logging.getLogger("shipworthy.site")


class Site:
    """Everything one gateway process holds. Use from one event loop."""

    def __init__(self, workspace: Workspace, observe_only: bool = False, models: ModelsLike | None = None) -> None:
        self.workspace = workspace
        self.store = workspace.store()
        self.commits = GroupCommit(self.store)
        self.ledger = workspace.ledger(self.store)
        files = workspace.state_files()
        self.authority = Authority(files, self.ledger, self.store, workspace.clock)
        state = self.authority.begin()
        if not state.baseline:
            raise CannotDecide("no version has shipped yet: there is no baseline to serve", str(workspace.home))
        self.releases: dict[str, Loaded] = {}
        self.served: dict[str, Release] = {}
        self.models: ModelsLike = models or Models(workspace.home / "logs")
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, str] = {}
        self.permits = Permits(workspace.clock)
        self._lapsing: Future[None] | None = None
        self._site_key = workspace.site_key()
        self._recorder = ThreadPoolExecutor(1, "shipworthy-record")
        self._sweeper = ThreadPoolExecutor(1, "shipworthy-sweep")
        self._leaving = threading.Event()
        self.trouble = ""
        self._minute = -1
        self._ticked = 0.0
        first = self._admit(state.baseline)
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
        self.controller.changed(RuntimeState(), self.live.state)
        self.controller.resume(past.alarms(self.store))
        self._first = first
        self.gateway = Gateway(self._wiring(first))

    async def start(self) -> None:
        """Start the warm baseline, and the candidate of a rollout that was under way."""
        await self._serve(self._first)
        await self._follow(wait=True)

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
        self.live.epoch()
        if self.permits.due() and (self._lapsing is None or self._lapsing.done()):
            self._lapsing = self._recorder.submit(self.permits.lapse, self.authority)
        await self._follow()
        minute = minute_of(self.workspace.clock())
        try:
            await self.telemetry.mend(minute)
        except ShipworthyError:  # what could not be parted stays a gap; everything else is judged
            _log.exception("an hour that a restore went through could not be parted")
        stands, self._minute = minute == self._minute, minute
        due = time.monotonic() - self._ticked > AT_LEAST_EVERY_S
        if minute != self._judged_minute() and (stands or due):
            self.controller.tick()
            self._ticked = time.monotonic()
            await take_answers(self.store, self.workspace.host_key(), self.telemetry, self._bucket)

    async def close(self) -> None:
        """Stop everything, writing what is still in memory."""
        for task in self._loading.values():
            task.cancel()
        await asyncio.gather(*self._loading.values(), return_exceptions=True)
        await self.gateway.stop()
        await self.models.close()
        self.telemetry.finish(minute_of(self.workspace.clock()))
        self._leaving.set()
        await asyncio.to_thread(self._sweeper.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._recorder.shutdown)
        await asyncio.to_thread(self.commits.close)
        self.store.close()
        self.run.end()

    def status(self) -> dict[str, Any]:
        """Return the status page."""
        plain = told.status(self.controller, self.live, self.releases, self.models.pids())
        plain["refused"] = dict(self._refused)
        plain["trouble"] = self.trouble
        plain["overrides"] = self.permits.told()
        plain["abuse"] = self.abuse.told()
        return plain

    def quality(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return quality by segment of `version`, with shadow scores when `shadow=1`."""
        one = self.releases.get(asked.get("version", self.live.state.baseline))
        if one is None:
            raise UsageError(f"version {asked.get('version')!r} is not loaded", "/quality")
        floor, target = float(asked.get("floor", "0.7")), float(asked.get("target", "0.05"))
        return told.quality(self.controller, one, asked.get("shadow") == "1", floor, target)

    def metrics(self) -> tuple[Family, ...]:
        """Return what other monitoring systems are told."""
        judged = self.controller.judged_until
        stale_s = (self.workspace.clock() - moment(judged)).total_seconds() if judged else None
        shown = Shown(
            totals=self.telemetry.totals.by,
            judgements=self.controller.judgements,
            stage=self.controller.rolling.shown,
            beside=self.telemetry.beside.compared.counts,
            orders=self.live.state.orders,
            alarms=len(self.controller.repeats.alarms()),
            false_pages=self.controller.levels.expected,
            labels=self.telemetry.kept.labelled(),
            epoch=self.live.state.epoch,
            broken=bool(self.live.broken),
            stale_s=stale_s,
        )
        return families(shown)

    def resource(self) -> Labels:
        """Return whose metrics they are, by the names of OpenTelemetry."""
        return (("service.name", "shipworthy"), ("service.instance.id", self._first.contract.manifest.model))

    def checkpoint(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Return a fresh signed checkpoint of the ledger, for keeping elsewhere."""
        return {"checkpoint": self.ledger.checkpoint(), "key": self.ledger.verifier_key}

    def api(self, body_within_s: float = BODY_WITHIN_S) -> Api:
        """Return the API that gates elsewhere reach this site's ledger by."""
        here, model = self.workspace, self._first.contract.manifest.model
        return Api(here.home, self.ledger, self.store, model, here.clock, body_within_s, on_abuse=self.abuse)

    def outside(self) -> Outside:
        """Return the pages that other rollout controllers ask."""
        seen = partial(seen_of, self.controller, self.served)
        return Outside(self.workspace.home, seen, self.controller.rolling.end, self.abuse)

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
        wiring = Wiring(
            model=manifest.model,
            mac_key=self.workspace.host_key(),
            routes=lambda: self.permits.routes(self.live.routes),
            releases=self.served,
            upstreams=self.models.upstreams,
            posture=self.live.posture,
            closed=lambda version: self.live.closed(version) or self.permits.over(version),
            epoch=self.live.epoch,
            thresholds=self._cut,
            sink=lambda event, row: self.controller.seen(event, row),
            enqueue=self._enqueue,
            keys=Keys(
                tenant=manifest.tenant,
                unit=manifest.unit,
                segments=tuple(key.key for key in manifest.segments.keys),
                pairs=manifest.segments.pairs,
                groups=tuple(one.name for one in manifest.features if one.protected and groups_declared(one)),
                hide=self._hidden(manifest),
                bins={feature.name: feature.bins for feature in manifest.features if feature.bins},
            ),
            limits=self._limits,
            on_label=self.take_label,
            sink_shadow=lambda event, row: self.telemetry.add_shadow(
                event, self.live.held(event.version, event.tenant, event.segments), row
            ),
            shadow=self.live.shadow,
            override=self.permits.header,
            on_abuse=self.abuse,
            clock=lambda: self.workspace.clock().timestamp(),
        )
        if manifest.throttles is not None:
            wiring.throttles = Throttles(manifest.throttles.default, manifest.throttles.tenants)
        return wiring

    def _hidden(self, manifest: Manifest) -> Hide | None:
        """Return what stands for values of keys that are not public: a keyed hash, the same on every gateway."""
        public = {key.key for key in manifest.segments.keys if key.public}
        if len(public) == len(manifest.segments.keys):
            return None
        key = self.workspace.host_key()

        def hide(name: str, value: str) -> str:
            return value if name in public else f"#{tag(key, 'segment', f'{name}={value}'.encode()).hex()[:12]}"

        return hide

    def _limits(self, keys: Mapping[str, str]) -> Limited:
        """Return the scope limits of every served version: a review that trims one of them trims the request."""
        found = [self.releases[version].limits(keys) for version in self.served]
        if len(found) == 1:
            return found[0]
        names = dict.fromkeys(name for one in found for name in one.names)
        return Limited(posture=join(one.posture for one in found), names=tuple(names))

    def _cut(self, version: str, bucket: str) -> Cut | None:
        one = self.releases.get(version)
        return one.cut(bucket, self.live.state.thresholds) if one else None

    async def _enqueue(self, asked: ForReview) -> None:
        one = self.releases[asked.version]
        item = queue_item(asked, self._site_key, one.contract.manifest.retention)
        await asyncio.wrap_future(self.commits.submit(lambda store: store.enqueue(item)))

    async def take_label(self, receipt: Receipt, label: int) -> str:
        """Add one late label; returns `accepted`, `used` (its receipt was used before) or `expired`."""
        age = minute_of(self.workspace.clock()) - receipt.minute
        if age < 0 or timedelta(minutes=age) > RECEIPT_LIVES:
            return "expired"
        taken = await self.telemetry.add_label(receipt, label, self._bucket)
        return "accepted" if taken else "used"

    def _bucket(self, version: str, segments: tuple[str, ...]) -> str:
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

    def _abuse_kept(self) -> int:
        """Return for how many minutes counts of abuse are kept: the least that a served contract says."""
        served = [self.releases[version] for version in self.served] or [self._first]
        return min(minutes_in(one.contract.manifest.kept("abuse_log")) for one in served)

    def _changed(self, before: RuntimeState, after: RuntimeState) -> None:
        if hasattr(self, "controller"):
            self.controller.changed(before, after)

    async def _follow(self, wait: bool = False) -> None:
        """Load what the state wants served and is not; stop candidates that it no longer wants."""
        state = self.live.state
        wanted = {state.baseline}
        if state.rollout is not None and state.rollout.status in ("running", "held"):
            wanted.add(state.rollout.version)
        for version in sorted(wanted - set(self.served) - set(self._loading) - set(self._refused)):
            self._loading[version] = asyncio.create_task(self._load(version))
        if wait and self._loading:
            await asyncio.gather(*self._loading.values())
        for version in [version for version, task in self._loading.items() if task.done()]:
            del self._loading[version]
        self._refused = {version: why for version, why in self._refused.items() if version in wanted}
        for version in sorted(set(self.served) - wanted):
            await self._drop(version)

    async def _load(self, version: str) -> None:
        """Admit and start one version. What is refused stays off, and the status says why."""
        try:
            await self._serve(await asyncio.to_thread(self._admit, version))
        except Exception as problem:  # whatever is wrong with it, it is not served and the status says so
            self._refused[version] = str(problem) or type(problem).__name__
            _log.error(
                "version %s is not served: %s", version, problem, exc_info=not isinstance(problem, ShipworthyError)
            )
            await self.models.stop(version)

    def _admit(self, version: str) -> Loaded:
        """Load a release of this site that the gate passed and that nobody decided not to deploy."""
        refuse(self.ledger.entries(), version)
        return self.permits.load(self.workspace.releases / version, self._check)

    def _check(self, one: Loaded) -> None:
        baseline = self.authority.state().baseline
        check_release(self.ledger.entries(), baseline, one.folder, one.contract, rfc3339(self.workspace.clock()))

    async def _serve(self, one: Loaded) -> None:
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
        self.served[one.version] = one.release

    async def _drop(self, version: str) -> None:
        del self.served[version]
        self.controller.unloaded(version)
        await self.models.stop(version)

    def _judged_minute(self) -> int:
        return minute_of(moment(self.controller.judged_until)) if self.controller.judged_until else -1
