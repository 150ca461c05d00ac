"""The controller: what was seen becomes judgements, judgements become orders.

In: events one by one, and the time now and then. Out: orders, incidents, rollout steps and recalibrated thresholds,
each through the authority. Alarms and never events act at the request; SLOs are judged once a minute. With
`act=False` it judges and shows, and never acts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

import msgspec

from shipworthy.decide import Place, judge
from shipworthy.errors import ShipworthyError
from shipworthy.facts import (
    Event,
    Judgement,
    Measurement,
    Outcome,
    RuntimeState,
    Scope,
    Slo,
    canonical,
)
from shipworthy.observe import probes
from shipworthy.observe.inputs import inputs_of
from shipworthy.observe.known import ScoreCounts
from shipworthy.observe.labels import matured_before
from shipworthy.observe.minutes import minute_of
from shipworthy.observe.recalibrate import CellCounts, price, recalibrate, summed
from shipworthy.observe.repeats import Alarm, Repeats
from shipworthy.respond import playbook, postures
from shipworthy.respond.lies import KEPT_AS
from shipworthy.respond.moments import moment, told
from shipworthy.runtime import past
from shipworthy.runtime.alarm_levels import AlarmLevels, held_back
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.desk import expire_reviews
from shipworthy.runtime.learned import known_of
from shipworthy.runtime.live import Live
from shipworthy.runtime.localised import Lies, Localiser, Shown, localises
from shipworthy.runtime.never import never_order
from shipworthy.runtime.orders import Later, Orders
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.review import lives_of
from shipworthy.runtime.rolling import Rolling
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.runtime.troubles import Troubles

DAY = 24 * 60
OF_DRILLS = ("kill_time_ms", "drill_age_d")
Row = probes.Row
_log = logging.getLogger("shipworthy.controller")


class Controller:
    """Judges and acts for one gateway. Single thread."""

    def __init__(
        self,
        authority: Authority,
        live: Live,
        telemetry: Telemetry,
        releases: Mapping[str, Loaded],
        clock: Callable[[], datetime],
        pages_per_week: float = 1.0,
        act: bool = True,
        later: Later = lambda work: work(),
        idly: Later = lambda work: work(),
        pause: Callable[[float], bool] = lambda seconds: False,
    ) -> None:
        """`later` runs what may wait for the store, off the request path and in order; `idly` what may take as long as
        it likes, with `pause(seconds)` between its parts, which is True when the site is leaving."""
        self.authority = authority
        self.live = live
        self.telemetry = telemetry
        self.releases = releases
        self.clock = clock
        self.act = act
        self.levels = AlarmLevels(pages_per_week)
        self.repeats = Repeats(self.levels.repeats)
        self.judgements: dict[str, tuple[Judgement, ...]] = {}
        self.lies: dict[str, tuple[Lies, ...]] = {}
        self._shown: dict[str, tuple[Lies, ...]] = {}
        self.judged_until = ""
        self.cells: dict[tuple[str, str], CellCounts] = {}
        self.since: dict[str, int] = {}
        self.probes: dict[str, list[tuple[int, probes.Round]]] = {}
        self.probe_rows: dict[str, Mapping[str, Sequence[Row]]] = {}
        self._day = self._hour = -1
        self.unproven: Callable[[str, Slo, Judgement], Judgement] = lambda version, slo, judgement: judgement
        self.doubted: Callable[[str], bool] = lambda version: False
        self._later = later
        self._idly, self._pause = idly, pause
        self.rolling = Rolling(authority, live, telemetry, later)
        self.orders = Orders(authority, live, releases, act, later)
        self.drilled: Callable[[Slo, datetime], Sequence[Measurement]] = lambda slo, now: ()

    def counted(self, events: Sequence[Event], rows: Sequence[Row | None]) -> None:
        """Count decisions, each with the row it was about, whose never events were acted on; act on alarms in the order
        of events, each before what follows it is counted among the repeats. What fails is raised when all else is done:
        one decision does not cost the others."""
        troubles = Troubles()
        with troubles:
            self.telemetry.add_many(events, rows)
        for alarm in self.repeats.add_many(events):
            with troubles:
                self._alarm(alarm)
        troubles.tell()

    def act_on(self, event: Event) -> None:
        """Act on the never events of a decision that is counted, and on the alarm that it raises."""
        for name in event.never:
            self.never(name, event)
        self._repeated(event)

    def changed(self, before: RuntimeState, after: RuntimeState) -> None:
        """Follow a new state: streams restart where people restored, and held orders explain their hits."""
        held = {one.order.id for one in after.orders}
        released = [one.order.scope for one in before.orders if one.order.id not in held]
        for scope in released:
            self.repeats.restored(scope.version, scope.tenant, scope.segment)
        if released:
            self._later(self._keep_alarms)
        for known in after.acknowledged:
            self.telemetry.kept.cut(minute_of(moment(known.up_to)) + 1)
        if after.rollout is not None and after.rollout.started_at:
            self.telemetry.kept.cut(minute_of(moment(after.rollout.started_at)))
        self.rolling.changed(after.rollout, minute_of(self.clock()))
        for one in after.orders:
            if (one.order.scope.tenant, one.order.scope.segment) != ("*", "*"):
                self.repeats.explain(one.order.scope.version, one.order.scope.tenant, one.order.scope.segment)

    def resume(self, alarms: Sequence[Alarm]) -> None:
        """Go on with the alarms of before a restart that people have not acknowledged since."""
        self.repeats.resume(alarm for alarm in alarms if not self._acknowledged(alarm))

    def judge_since(self, version: str, since: int) -> None:
        """Judge a version on what was seen from this minute on, or from the start of its present rollout."""
        rollout = self.live.state.rollout
        if rollout is not None and rollout.version == version and rollout.started_at:
            since = max(since, minute_of(moment(rollout.started_at)))
        self.since[version] = since
        self.telemetry.kept.cut(since)

    def loaded(
        self,
        one: Loaded,
        counts: Mapping[str, CellCounts],
        rows: Mapping[str, Sequence[Row]],
        scores: Mapping[str, ScoreCounts] | None = None,
    ) -> None:
        """Watch a version from now on. `counts`: its calibration rows by bucket, `scores`: by segment and score bin;
        `rows`: its probes by kind."""
        self.telemetry.keep_apart(one.version, (each for slo in one.contract.policy.slos for each in slo.segments))
        self.levels.watch(one.version, one.contract.policy)
        inputs = inputs_of(one.scorer.profile)
        if inputs is not None:
            self.telemetry.watch(one.version, inputs)
        self.telemetry.know(one.version, known_of(one, scores or {}))
        self.cells.update({(one.version, bucket): cells for bucket, cells in counts.items()})
        self.probe_rows[one.version] = rows

    def unloaded(self, version: str) -> None:
        """Judge a version no more, and give its share of the alarm budget to the others."""
        self.levels.leave(version)
        self.since.pop(version, None)
        self.probe_rows.pop(version, None)
        for told_of in (self.judgements, self.lies):
            told_of.pop(version, None)

    def tick(self) -> None:
        """Close minutes, measure, judge, and act on what is proven bad."""
        now = self.clock()
        minute = minute_of(now)
        self.telemetry.roll(minute)
        self.orders.keep_up()
        for version in sorted(self.since):
            if version in self.releases:
                self._probe(version, minute)
                self._judge(self.releases[version], now)
        self._later(partial(self._expire, told(now)))
        if minute // 60 != self._hour:
            self._hour = minute // 60
            cuts = self.telemetry.kept.cuts()
            self._idly(partial(self.telemetry.roll_up, self.authority.store, minute, cuts, self._pause))
        if self.lies != self._shown:
            self._shown = dict(self.lies)
            self._later(partial(self._show, Shown(at=told(now), versions=self._shown)))
        if minute // DAY != self._day:
            self._day = minute // DAY
            self._recalibrate(minute)
        self._roll(now)
        self.judged_until = told(now)

    def _judge(self, one: Loaded, now: datetime) -> None:
        judged = [
            (slo, self.unproven(one.version, slo, self._judged(one, slo, segment, now)))
            for slo in one.contract.policy.slos
            for segment in slo.segments
        ]
        self.judgements[one.version] = tuple(judgement for _, judgement in judged)
        lies = [self._lies(one, slo, judgement, now) for slo, judgement in judged]
        self.lies[one.version] = tuple(found for found in lies if found is not None and found.breached)
        for (slo, judgement), found in zip(judged, lies, strict=True):
            asks, tenant = (judgement, "*") if found is None else (found.asks, found.tenant)
            if asks is not None:
                scope = Scope(model=one.contract.manifest.model, version=one.version, tenant=tenant)
                proposal = playbook.on_judgement(asks, slo, scope, self.live.state, "", now, told(now))
                if proposal is not None:
                    self.orders.place(proposal)

    def _lies(self, one: Loaded, slo: Slo, judgement: Judgement, now: datetime) -> Lies | None:
        """Return where a breach lies beside what is answered; None for an SLO that is judged as a whole."""
        if not judgement.here or judgement.outcome is Outcome.NO_DATA or not localises(slo):
            return None
        scope = Scope(model=one.contract.manifest.model, version=one.version, segment=judgement.segment)
        manifest = one.contract.manifest
        interval = self.telemetry.interval(slo, self._since(scope), minute_of(now), manifest.label.matured_after)
        strict = msgspec.structs.replace(slo, level=self.levels.level(one.version, slo, judgement.segment))
        counted = Localiser(strict, one.version, manifest, self.telemetry.kept, interval, now)
        return counted.lies(judgement, self.live.state)

    def _judged(self, one: Loaded, slo: Slo, segment: str, now: datetime) -> Judgement:
        """Judge one SLO; a breach must hold at the level of the alarm budget as well, for it is looked at for ever."""
        at_own = judge(slo, segment, self._evidence(one, slo, segment, now), now, Place.RUNTIME)
        level = self.levels.level(one.version, slo, segment)
        if at_own.outcome is not Outcome.BREACHED or level <= slo.level:
            return at_own
        strict = msgspec.structs.replace(slo, level=level)
        at_budget = judge(strict, segment, self._evidence(one, strict, segment, now), now, Place.RUNTIME)
        return held_back(at_own, at_budget, level)

    def _evidence(self, one: Loaded, slo: Slo, segment: str, now: datetime) -> Sequence[Measurement]:
        minute = minute_of(now)
        if slo.indicator in ("ood_recall", "ood_recall_structural"):
            rounds = [round_ for at, round_ in self.probes.get(one.version, []) if at > minute - 7 * DAY]
            return probes.ood_recall(rounds, self.since[one.version], minute, slo.level)
        if slo.indicator in OF_DRILLS:
            return self.drilled(slo, now)
        scope = Scope(model=one.contract.manifest.model, version=one.version, segment=segment)
        after = one.contract.manifest.label.matured_after
        open_alarms = tuple(alarm for alarm in self.repeats.alarms() if not self._answered(alarm))
        return self.telemetry.measure(slo, scope, self._since(scope), minute, after, open_alarms)

    def _since(self, scope: Scope) -> int:
        """Return the minute from which a version is judged: since it went live, or since people last restored it."""
        known = postures.known_until(self.live.state, scope, self.clock())
        live = self.since[scope.version]
        return max(live, minute_of(moment(known)) + 1) if known else live

    def _answered(self, alarm: Alarm) -> bool:
        """True when an order already holds where an alarm was raised: it asks for nothing more."""
        return any(
            held.order.scope.version in ("*", alarm.version)
            and held.order.scope.tenant in ("*", alarm.tenant)
            and held.order.scope.segment in ("*", alarm.segment)
            for held in self.live.state.orders
        )

    def _acknowledged(self, alarm: Alarm) -> bool:
        place = {"version": alarm.version, "tenant": alarm.tenant, "segment": alarm.segment}
        return any(
            postures.acknowledged(self.live.state, Scope(model=known.scope.model, **place), alarm.at, self.clock())
            for known in self.live.state.acknowledged
        )

    def _keep_alarms(self) -> None:
        """Let the alarms outlast this run. What fails is tried again with the next one."""
        try:
            past.keep_alarms(self.authority.store, self.repeats.alarms(), self._acknowledged)
        except ShipworthyError:
            _log.exception("the alarms could not be kept")

    def never(self, name: str, event: Event) -> None:
        """Act on a never event that was true of a decision."""
        proposal = never_order(self.releases[event.version], name, event, self.live.state, self.clock())
        if proposal is not None:
            self.orders.place(proposal)

    def _repeated(self, event: Event) -> None:
        alarm = self.repeats.add(event)
        if alarm is not None:
            self._alarm(alarm)

    def _alarm(self, alarm: Alarm) -> None:
        self._later(self._keep_alarms)
        one = self.releases[alarm.version]
        slo = next((slo for slo in one.contract.policy.slos if slo.indicator == "ood_repeats"), None)
        now = self.clock()
        proposal = playbook.on_alarm(alarm, slo, one.contract.manifest.model, self.live.state, "", now)
        if proposal is not None:
            self.orders.place(proposal)

    def _show(self, shown: Shown) -> None:
        """Leave where breaches lie where `shipworthy status` reads it."""
        try:
            self.authority.store.put(KEPT_AS, canonical(shown))
        except ShipworthyError:
            _log.exception("where breaches lie could not be kept")

    def _expire(self, now: str) -> None:
        """Give up reviews past their deadline; their inputs go with them."""
        try:
            served = self.releases.get(self.live.state.baseline)
            retention = served.contract.manifest.retention if served is not None else {}
            expire_reviews(self.authority.store, self.authority.note, now, lives_of(retention))
        except ShipworthyError:
            _log.exception("overdue reviews could not be given up")

    def _probe(self, version: str, minute: int) -> None:
        rounds = self.probes.setdefault(version, [])
        rows = self.probe_rows.get(version)
        if rows and (not rounds or minute - rounds[-1][0] >= 60):
            rounds.append((minute, probes.replay(rows, self.releases[version].scorer)))

    def _recalibrate(self, minute: int) -> None:
        """Move thresholds inside the signed bounds, on labels older than the longest delay, once a day."""
        for (version, bucket), calibration in sorted(self.cells.items()):
            one = self.releases.get(version)
            review = one.contract.manifest.review if one else None
            if one is None or review is None or not self.act or self.doubted(version):
                continue  # nor on labels that nobody has decided to believe
            before = matured_before(minute, one.contract.manifest.label.matured_after)
            live = summed(self.telemetry.kept.cells(version, bucket, before))
            n_live = sum(live.n)
            current = next((t for t in self.live.state.thresholds if (t.version, t.bucket) == (version, bucket)), None)
            known = sum(calibration.n)
            if not n_live or (current is not None and known + n_live < current.n):
                continue  # never from less than what the present thresholds rest on
            moved = recalibrate(version, bucket, calibration, live, review, told(self.clock()), current)
            if moved is not None:
                because = f"{n_live} matured labels beside {known} calibration rows; {price(moved, current)}"
                self.authority.recalibrate(moved, because)
                self.live.refresh()

    def _roll(self, now: datetime) -> None:
        """Let the plan take the next step of a rollout from the canary's judgements; a held one may still roll back."""
        rollout = self.live.state.rollout
        if not self.act or rollout is None:
            return
        if rollout.status not in ("running", "held"):
            self.rolling.finish(rollout)
            return
        one = self.releases.get(rollout.version)
        if one is None or one.contract.manifest.rollout is None:
            return
        self.rolling.step(one, rollout, self.judgements.get(one.version, ()), now)
