"""What the runtime remembers of traffic: integer windows and late labels, in memory by the hour and in the store.

In: events, labels, the time. Out: measurements for one SLO's window. No raw value gets here; what is kept of a shadow
score until its label comes is bounded, and dropped first.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from msgspec.structs import replace

from shipworthy.contract.manifest import Decisions
from shipworthy.deploy.receipt import score_bin, score_q
from shipworthy.facts import FIXED, Digest, Event, LabelSummary, Measurement, Receipt, Scope, Slo, WindowSummary
from shipworthy.indicators import INDICATORS
from shipworthy.observe import labels as late
from shipworthy.observe import windows as seen
from shipworthy.observe.measure import from_alarms, from_windows
from shipworthy.observe.measure_labels import (
    Matured,
    auroc,
    auto_error_rate,
    block_ece,
    error_rate,
    label_coverage,
    labelled,
    pooled_ece,
)
from shipworthy.observe.minutes import minutes_in
from shipworthy.observe.repeats import Alarm
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.store.group import GroupCommit

MOST_SHADOWS = 200_000
HOUR = 60
OF_SCORES = ("decision_ece", "auroc", "error_rate")  # of probabilities: whether an answer left does not matter
SHARD = "gateway"
MOST_HEARTBEATS = 31 * 24 * 60
MOST_PAIRS = 200_000
Place = tuple[str, str, str]  # version, tenant, segment
Pair = tuple[int, float, int]  # decision minute, score, label
Bucket = Callable[[str, tuple[str, ...]], str]


class Telemetry:
    """Windows and labels of one gateway. Single thread; writes go through group commit."""

    def __init__(
        self,
        reference: Digest,
        start_minute: int,
        words: Decisions,
        commits: GroupCommit,
        abuse: AbuseLog | None = None,
    ) -> None:
        self._collector = seen.Collector(reference, start_minute)
        self._words = words
        self._commits = commits
        self._abuse = abuse
        self._batch = 0
        self._name = f"{SHARD}-{start_minute}"
        self.start_minute = start_minute
        self.rolled = start_minute
        self._cuts: list[int] = [start_minute]
        self._heartbeats: list[WindowSummary] = []
        self._forgotten = 0
        self._kept_since = start_minute  # rolling windows begin no earlier than what is kept: 31 days
        self._gaps: dict[tuple[int, int], tuple[int, ...]] = {}
        self._windows: defaultdict[Place, dict[seen.Key, WindowSummary]] = defaultdict(dict)
        self._labels: defaultdict[Place, dict[late.Key, LabelSummary]] = defaultdict(dict)
        self._shadows: OrderedDict[str, Event] = OrderedDict()
        self.pairs: dict[tuple[str, str], deque[Pair]] = {}

    def add(self, event: Event) -> None:
        """Count one decision."""
        self._collector.add(event)

    def add_shadow(self, event: Event, held: bool) -> None:
        """Count one shadow score; keep it until its label comes. `held`: an order keeps its version from answering."""
        event = replace(event, arm=seen.HELD if held else seen.SHADOW)
        self._collector.add(event)
        self._shadows[event.request] = event
        if len(self._shadows) > MOST_SHADOWS:
            self._shadows.popitem(last=False)

    def roll(self, now_minute: int) -> Future[bool] | None:
        """Close the minutes before `now_minute`, keep them by the hour, and write them to the store."""
        closed = self._collector.roll(now_minute)
        self.rolled = max(self.rolled, now_minute)
        if self._abuse is not None:
            self._abuse.roll(now_minute, self._bucket)
        if not closed:
            return None
        for window in closed:
            self._keep(window)
        self._gaps.clear()
        self._forget(now_minute - MOST_HEARTBEATS)
        self._batch += 1
        name, batch = self._name, self._batch
        return self._commits.submit(lambda store: store.add_windows(closed, name, batch))

    def _forget(self, before: int) -> None:
        """Drop what is older than any window an SLO may name; the store keeps it. Once a day is often enough."""
        if before - self._forgotten < 24 * HOUR:
            return
        self._forgotten = before
        self._kept_since = max(self._kept_since, before)
        del self._heartbeats[: bisect_left(self._heartbeats, before, key=_minute)]
        for place in list(self._windows):
            kept = {key: one for key, one in self._windows[place].items() if one.minute >= before}
            self._windows[place] = kept
            if not kept:
                del self._windows[place]
        for place in list(self._labels):
            left = {name: one for name, one in self._labels[place].items() if one.minute >= before}
            self._labels[place] = left
            if not left:
                del self._labels[place]

    def _keep(self, window: WindowSummary) -> None:
        if window.arm == seen.HEARTBEAT:
            insort(self._heartbeats, window, key=_minute)
            return
        hourly = replace(window, minute=self._bucket(window.minute))
        here, key = self._windows[_place(hourly)], seen.key_of(hourly)
        here[key] = seen.merge(here[key], hourly) if key in here else hourly

    async def add_label(self, receipt: Receipt, label: int, bucket: Bucket) -> bool:
        """Add the label of one decision, durable when this returns. False when the receipt was used before.

        `bucket(version, segments)` names the threshold bucket that a decision in these segments was made in.
        """
        told = [receipt]
        shadow = self._shadows.get(receipt.request)
        if shadow is not None:
            told.append(_receipt_of_shadow(receipt, shadow))
        summaries = [one for each in told for one in late.label_summary(each, label, self._words)]
        write = self._commits.submit(lambda store: store.add_label(receipt.request, *summaries))
        if not await asyncio.wrap_future(write):
            return False
        self._shadows.pop(receipt.request, None)
        self._take(summaries)
        for each in told:
            if 0 <= each.score_q <= FIXED:
                name = (each.version, bucket(each.version, each.segments))
                kept = self.pairs.setdefault(name, deque(maxlen=MOST_PAIRS))
                kept.append((each.minute, each.score_q / FIXED, label))
        return True

    def _take(self, summaries: Sequence[LabelSummary]) -> None:
        for one in summaries:
            hourly = replace(one, minute=self._bucket(one.minute))
            here, key = self._labels[_place(hourly)], late.key_of(hourly)
            here[key] = late.merge(here[key], hourly) if key in here else hourly

    def measure(
        self, slo: Slo, scope: Scope, live_since: int, now_minute: int, matured_after: str, alarms: Sequence[Alarm]
    ) -> tuple[Measurement, ...]:
        """Return the measurements that one SLO needs, over its own window, for one version.

        Sums are kept by the hour: a window that begins inside an hour leaves that hour out.
        """
        row = INDICATORS[slo.indicator]
        end = late.matured_before(now_minute, matured_after) if row.labels else now_minute
        start = live_since if slo.window == "rolling" else max(live_since, end - minutes_in(slo.window))
        start = max(start, self._kept_since)
        end = max(start, end)
        if slo.indicator == "abuse_rate" and self._abuse is not None:
            return (self._abuse.measured(scope, start, end, slo.level, self._silent(start, end)),)
        place = (scope.version, scope.tenant, scope.segment)
        windows = list(self._windows[place].values())
        if slo.indicator == "ood_repeats":
            return (from_alarms(alarms, windows, scope, start, end, self._silent(start, end)),)
        if not row.labels:
            return from_windows(windows, scope, start, end, slo.level, self._silent(start, end))
        asked = Matured(scope, start, end, now_minute, shadow=slo.indicator in OF_SCORES, level=slo.level)
        here = list(self._labels[place].values())
        mine = labelled(here, asked)
        made = {
            "decision_ece": lambda: block_ece(mine, asked, slo.quantile) if slo.quantile else pooled_ece(mine, asked),
            "auroc": lambda: auroc(mine, asked),
            "error_rate": lambda: error_rate(mine, asked),
            "auto_error_rate": lambda: auto_error_rate(mine, asked),
            "label_coverage": lambda: label_coverage(here, [*self._heartbeats, *windows], asked),
        }.get(slo.indicator)
        return (made(),) if made else ()

    def cut(self, minute: int) -> None:
        """Begin a new sum at this minute: what came before a restore must not be added to what comes after."""
        if minute not in self._cuts:
            insort(self._cuts, minute)

    def _bucket(self, minute: int) -> int:
        """Return the minute under which a minute is summed: its hour, or the last cut inside it."""
        hour = minute - minute % HOUR
        at = bisect_right(self._cuts, minute)
        return max(hour, self._cuts[at - 1]) if at else hour

    def _silent(self, start: int, end: int) -> tuple[int, ...]:
        """Return the minutes with a gap; worked out once for all SLOs that ask about the same interval."""
        if (start, end) not in self._gaps:
            low = bisect_left(self._heartbeats, start, key=_minute)
            high = bisect_left(self._heartbeats, end, key=_minute)
            self._gaps[start, end] = seen.gaps(self._heartbeats[low:high], start, end)
        return self._gaps[start, end]

    def labels(self, version: str) -> list[LabelSummary]:
        """Return the label summaries of a version for all tenants, by the hour."""
        return [one for place, here in self._labels.items() if place[:2] == (version, "*") for one in here.values()]

    def served(self, version: str, arm: str) -> int:
        """Return how many requests an arm of a version has had."""
        return sum(one.n for one in self._windows[version, "*", "*"].values() if one.arm == arm)


def _minute(window: WindowSummary) -> int:
    return window.minute


def _place(summary: WindowSummary | LabelSummary) -> Place:
    return (summary.version, summary.tenant, summary.segment)


def _receipt_of_shadow(receipt: Receipt, shadow: Event) -> Receipt:
    """A shadow score is labelled where its own version saw it; nobody answered by it."""
    return replace(
        receipt,
        version=shadow.version,
        segments=shadow.segments,
        arm=shadow.arm,
        score_bin=score_bin(shadow.score),
        score_q=score_q(shadow.score),
        route="person",
        decision="",
    )
