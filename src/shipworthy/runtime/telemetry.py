"""What the runtime remembers of traffic: integer windows and late labels, in memory by the hour and in the store.

In: events, labels, the time. Out: measurements for one SLO's window. No raw value gets here; what is kept of a shadow
score until its label comes is bounded, and dropped first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.contract.manifest import Decisions
from shipworthy.deploy.receipt import receipt_of_shadow
from shipworthy.errors import CannotDecide, ShipworthyError
from shipworthy.facts import Event, LabelCells, LabelSummary, Measurement, Receipt, Scope, Slo, WindowSummary, heartbeat
from shipworthy.indicators import INDICATORS
from shipworthy.observe import labels as late
from shipworthy.observe import windows as seen
from shipworthy.observe.collector import Collector
from shipworthy.observe.frames.columns import Frame
from shipworthy.observe.frames.inputs import FrameInputs
from shipworthy.observe.frames.live import Decided, add_decided
from shipworthy.observe.inputs import Hashed, Inputs
from shipworthy.observe.known import Known
from shipworthy.observe.measure import from_alarms
from shipworthy.observe.minutes import minutes_in
from shipworthy.observe.repeats import Alarm
from shipworthy.profile.rows import Row
from shipworthy.runtime import past
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.beside import Beside
from shipworthy.runtime.exports.totals import Totals
from shipworthy.runtime.label_watch import Watched
from shipworthy.runtime.measured import Asked, from_matured, from_sums, windows_of
from shipworthy.runtime.remembered import Blurred, Remembered, still_blurred
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueItem
from shipworthy.store.suspect import Suspect
from shipworthy.store.tiers import HOUR, KEPT

MOST_SHADOWS = 200_000
MOST_UNWRITTEN = 24 * 60  # batches that wait for a store that does not answer
_log = logging.getLogger("shipworthy.telemetry")

REVIEW = "review:"  # beside the request: that its review was counted, whatever its label
Bucket = Callable[[str, tuple[str, ...]], str]


class Said(NamedTuple):
    """What a person said of a decision: the label (None: none), and whether it changed what was suggested."""

    request: str
    receipt: Receipt | None
    label: int | None
    changed: bool | None


class Telemetry:
    """Windows and labels of one gateway. Single thread; writes go through group commit."""

    def __init__(
        self,
        start_minute: int,
        words: Decisions,
        commits: GroupCommit,
        hashed: Callable[[str, int], Hashed],
        run: str,
        kept_for: int = KEPT,
        abuse: AbuseLog | None = None,
    ) -> None:
        """`hashed(tenant, minute)` gives the keyed hash that unseen values are told by; `run` names this run alone.

        `kept_for`: minutes of what is remembered, the longest window and the time labels take to mature together.
        """
        self._collector = Collector(start_minute, hashed=hashed)
        self._words = words
        self._commits = commits
        self._abuse = abuse
        self._batch = 0
        self._name = run
        self._unwritten: dict[int, list[WindowSummary]] = {}
        self._taken_back: set[str] = set()
        self._writes: list[Future[bool]] = []
        self._labelling = 0
        self._open = asyncio.Event()
        self._open.set()
        self.kept_for = kept_for
        self.start_minute = start_minute
        self.rolled = start_minute
        self.kept = Remembered(start_minute)
        self.totals = Totals()
        self.beside = Beside()
        self._shadows: OrderedDict[str, Event] = OrderedDict()
        self._known: dict[str, Known] = {}

    def watch(self, version: str, inputs: Inputs) -> None:
        """Count the inputs of a version from now on."""
        self._collector.watch(version, inputs)

    def keep_apart(self, version: str, segments: Iterable[str]) -> None:
        """Never add these segments to `__other__`, whatever comes: an SLO asks about them."""
        named = frozenset(segments)
        self._collector.keep_apart(version, named)
        self.kept.watch(version, named)

    def know(self, version: str, known: Known) -> None:
        """Compare the live numbers of a version with what it knew when it shipped."""
        self._known[version] = known

    def add(self, event: Event, row: Row | None = None) -> None:
        """Count one decision, and its inputs."""
        self._collector.add(event, row)
        self.totals.add(event)

    def add_many(self, events: Sequence[Event], rows: Sequence[Row | None]) -> None:
        """Count decisions, each with its inputs: the same as one after the other. When that fails their minutes are
        gaps, for nobody can tell how much of them was counted."""
        with self._whole({event.minute for event in events}):
            self._collector.add_many(events, rows)
            self.totals.add_many(events)

    def add_decided(self, rows: Decided, inputs: FrameInputs | None, frame: Frame | None) -> None:
        """Count many decisions of one version at once, and their inputs. They have no time to answer."""
        add_decided(self._collector, rows, inputs, frame)
        self.totals.of(rows.version, rows.arm).add(rows.place.size, rows.says)

    def add_shadow(self, event: Event, held: bool, row: Row | None = None) -> None:
        """Count one shadow score; keep it until its label comes. `held`: an order keeps its version from answering."""
        event = replace(event, arm=seen.HELD if held else seen.SHADOW)
        with self._whole({event.minute}):
            self._collector.add(event, row)
        self._shadows[event.request] = event
        if len(self._shadows) > MOST_SHADOWS:
            self._shadows.popitem(last=False)

    def roll(self, now_minute: int) -> Future[bool] | None:
        """Close the minutes before `now_minute`, keep them by the hour, and write them to the store."""
        closed = self._collector.roll(now_minute)
        self.rolled = max(self.rolled, now_minute)
        if self._abuse is not None:
            self._abuse.roll(now_minute, self.kept.bucket)
        if not closed:
            return None
        self.kept.take_windows(closed)
        self.beside.take(closed)
        self.kept.forget(now_minute - self.kept_for)
        for batch in sorted(self._unwritten):
            self._write(batch, self._unwritten.pop(batch))
        self._batch += 1
        return self._write(self._batch, closed)

    def _write(self, batch: int, windows: list[WindowSummary]) -> Future[bool]:
        name = self._name
        write = self._commits.submit(lambda store: store.add_windows(windows, name, batch))
        write.add_done_callback(partial(self._written, batch, windows))
        self._writes = [*(one for one in self._writes if not one.done()), write]
        return write

    def _written(self, batch: int, windows: list[WindowSummary], write: Future[bool]) -> None:
        """Keep what the store did not take for the next minute; what is given up is a gap after a restart."""
        problem = write.exception()
        if problem is None:
            return
        _log.error("the counts of batch %d are not written: %s", batch, problem)
        if not isinstance(problem, CannotDecide) and len(self._unwritten) < MOST_UNWRITTEN:
            self._unwritten[batch] = windows

    def finish(self, minute: int) -> None:
        """Write what is still open, this minute included, and that nothing is served after it."""
        self.roll(minute + 1)
        self._commits.submit(lambda store: past.ended(store, minute + 1))

    def lost(self, minutes: Iterable[int]) -> None:
        """Mark minutes as gaps: counts of theirs will not come any more."""
        marks = [heartbeat(minute, past.LOST, 0) for minute in sorted(set(minutes))]
        if marks:
            self.kept.take_windows(marks)
            self._batch += 1
            self._write(self._batch, marks)

    @contextmanager
    def _whole(self, minutes: Iterable[int]) -> Iterator[None]:
        """Mark the minutes as gaps when what is inside fails."""
        try:
            yield
        except Exception:
            self.lost(minutes)
            raise

    def bounds_met(self) -> dict[str, int]:
        """Return how often a bound was met: places added to `__other__` in a minute and in memory, events of a wrong
        clock, and batches that wait for the store."""
        return {
            "spilled": self._collector.spilled,
            "folded": self.kept.folded,
            "skewed": self._collector.skewed,
            "unwritten": len(self._unwritten),
        }

    def roll_up(self, store: Store, minute: int, cuts: Sequence[int], pause: Callable[[float], bool]) -> None:
        """Let the store sum what is old and forget what nobody asks for any more. What fails is tried again."""
        try:
            past.summing(store, minute, cuts)
            store.roll_up(minute, cuts, self.kept_for, pause=pause)
        except ShipworthyError:
            _log.exception("old windows could not be rolled up")

    async def take_back(self, version: str, now_minute: int, store: Store) -> None:
        """Remember again what the store knows of a version; once a run.

        Its labels are read between two commits and taken before anything else happens here: none is lost or doubled.
        """
        if version in self._taken_back:
            return
        self._taken_back.add(version)
        since = now_minute - self.kept_for
        windows = await asyncio.to_thread(past.windows_of, store, version, since, now_minute + 1)
        asked = self._commits.submit(lambda store: past.labels_of(store, version, since, now_minute + 1))
        labels, cells = await asyncio.wrap_future(asked)
        self.kept.replace(version, windows, labels, cells)
        self.beside.take(windows)
        minutes = [*(one.minute for one in windows), *(one.minute for one in labels)]
        self._lose(minutes, since, await asyncio.to_thread(past.sums, store))

    def _lose(self, rows: Sequence[int], since: int, sums: past.Sums) -> None:
        """Leave a gap after every cut that the store made sums across before it knew the cut, where there are any:
        what came after it lies in sums that begin before it. `rows`: the first minute of each that was taken back."""
        cuts = self.kept.cuts()
        for at, cut in enumerate(cuts):
            hour = cut - cut % HOUR
            blurred = Blurred(cut, min((hour + HOUR, *cuts[at + 1 : at + 2])))
            lost = still_blurred(blurred, hour, sums.unknown_until(cut))
            if cut >= since and lost is not None and any(hour <= minute < cut for minute in rows):
                self.kept.lose(lost)

    async def mend(self, now_minute: int) -> None:
        """Part the hour that a late cut goes through, from the minutes that the store still has.

        What is older than its minutes stays a gap as far as its sums reach across the cut. While a batch waits for the
        store, all of it does.
        """
        if self.kept.blurred() is None:
            return
        self._open.clear()  # labels wait: one that is on its way to the store must not come twice, nor be lost
        try:
            await self._settled()
            await self._part(now_minute)
        finally:
            self._open.set()

    async def _settled(self) -> None:
        """Wait until every label and window that was handed to the store is there, or was refused."""
        while self._labelling:
            await asyncio.sleep(0.001)
        writes = [asyncio.wrap_future(one) for one in self._writes if not one.done()]
        await asyncio.gather(*writes, return_exceptions=True)

    async def _part(self, now_minute: int) -> None:
        while (blurred := self.kept.blurred()) is not None and not self._unwritten:
            hour = blurred.start - blurred.start % HOUR
            self.kept.set_aside(hour)
            asked = self._commits.submit(partial(past.hour_of, versions=self.kept.versions(), hour=hour))
            windows, labels = await asyncio.wrap_future(asked)
            self.kept.mended(windows, labels, still_blurred(blurred, hour, now_minute))

    async def add_label(self, receipt: Receipt, label: int, bucket: Bucket, watched: Watched | None = None) -> bool:
        """Add the label of one decision, durable when this returns. False when the receipt was used before, or when the
        label is kept apart (`watched.apart`).

        `bucket(version, segments)` names the threshold bucket that a decision in these segments was made in.
        """
        await self._open.wait()
        self._labelling += 1
        try:
            summaries, cells = self._labelled(receipt, label, bucket)

            def write(store: Store) -> bool:
                if watched is not None and watched.held(store):
                    return False
                fresh = store.add_label(receipt.request, *summaries, cells=cells)
                if fresh and watched is not None:
                    watched.counted(store)
                return fresh

            if not await asyncio.wrap_future(self._commits.submit(write)):
                return False
            self._shadows.pop(receipt.request, None)
            self.kept.take_labels(summaries, cells)
            return True
        finally:
            self._labelling -= 1

    async def add_answer(
        self, item: QueueItem, receipt: Receipt | None, bucket: Bucket, watched: Watched | None = None
    ) -> None:
        """Count a person's answer, all or nothing: as a review of its decision, and as its label if there is none yet.

        Without a receipt it is only noted as counted, and so it is when it is kept apart.
        """
        told = Said(item.request, receipt, item.label, item.changed)
        await self._said(told, bucket, lambda store: store.counted(item.id), watched)

    async def add_released(self, one: Suspect, bucket: Bucket) -> None:
        """Count a label that a person has let out of quarantine, and take it out there."""
        told = Said(one.receipt.request, one.receipt, one.label, one.changed)
        await self._said(told, bucket, lambda store: store.let_go(one))

    async def _said(
        self, told: Said, bucket: Bucket, done: Callable[[Store], None], watched: Watched | None = None
    ) -> None:
        await self._open.wait()
        self._labelling += 1
        try:
            await self._answered(told, bucket, done, watched)
        finally:
            self._labelling -= 1

    async def _answered(
        self, told: Said, bucket: Bucket, done: Callable[[Store], None], watched: Watched | None
    ) -> None:
        summaries, cells, reviews = list[LabelSummary](), list[LabelCells](), tuple[LabelSummary, ...]()
        if told.receipt is not None and told.label is not None:
            summaries, cells = self._labelled(told.receipt, told.label, bucket)
        if told.receipt is not None and told.changed is not None:
            reviews = late.review_summary(told.receipt, told.changed)

        def write(store: Store) -> tuple[bool, bool]:
            held = watched is not None and watched.held(store)
            fresh = not held and bool(summaries) and store.add_label(told.request, *summaries, cells=cells)
            heard = bool(reviews) or (watched is not None and watched.tells)
            counted = not held and heard and store.add_label(f"{REVIEW}{told.request}", *reviews)
            done(store)
            if counted and watched is not None:
                watched.counted(store)
            return fresh, counted

        fresh, counted = await asyncio.wrap_future(self._commits.submit(write))
        if fresh:
            self._shadows.pop(told.request, None)
            self.kept.take_labels(summaries, cells)
        if counted:
            self.kept.take_labels(reviews)

    def _labelled(self, receipt: Receipt, label: int, bucket: Bucket) -> tuple[list[LabelSummary], list[LabelCells]]:
        """What one label adds: to the version that answered, and to the one that only scored."""
        told = [receipt]
        shadow = self._shadows.get(receipt.request)
        if shadow is not None:
            told.append(receipt_of_shadow(receipt, shadow))
        lag = max(0, self.rolled - receipt.minute)
        summaries = [one for each in told for one in late.label_summary(each, label, self._words, lag=lag)]
        cells = [one for each in told for one in late.label_cells(each, label, bucket(each.version, each.segments))]
        return summaries, cells

    def measure(
        self, slo: Slo, scope: Scope, live_since: int, now_minute: int, matured_after: str, alarms: Sequence[Alarm]
    ) -> tuple[Measurement, ...]:
        """Return the measurements that one SLO needs, over its own window, for one version.

        Sums are kept by the hour: a window that begins inside an hour leaves that hour out.
        """
        row = INDICATORS[slo.indicator]
        start, end = self.interval(slo, live_since, now_minute, matured_after)
        if slo.indicator == "abuse_rate" and self._abuse is not None:
            before = (start,) if start < self.start_minute < end else ()  # what was counted before this run is gone
            silent = self.kept.silent(start, end) or before
            return (self._abuse.measured(scope, start, end, slo.level, silent),)
        if slo.indicator == "ood_repeats":
            silent = self.kept.silent(start, end)
            return (from_alarms(alarms, windows_of(self.kept, scope, start, end), scope, start, end, silent),)
        asked = Asked(slo, scope, start, end, now_minute)
        return (from_matured if row.labels else from_sums)(asked, self.kept, self._known.get(scope.version, Known()))

    def interval(self, slo: Slo, live_since: int, now_minute: int, matured_after: str) -> tuple[int, int]:
        """Return the minutes [start, end) that an SLO is measured over."""
        labels = INDICATORS[slo.indicator].labels
        end = late.matured_before(now_minute, matured_after) if labels else now_minute
        start = live_since if slo.window == "rolling" else max(live_since, end - minutes_in(slo.window))
        start = max(start, self.kept.kept_since)
        return start, max(start, end)

    def labels(self, version: str) -> list[LabelSummary]:
        """Return the label summaries of a version for all tenants, by the hour."""
        return [one for segment in self.kept.places(version) for one in self.kept.labels((version, "*", segment))]
