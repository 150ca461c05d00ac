"""What the runtime remembers of traffic: integer windows and late labels, in memory by the hour and in the store.

In: events, labels, the time. Out: measurements for one SLO's window. No raw value gets here; what is kept of a shadow
score until its label comes is bounded, and dropped first.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right, insort
from collections import OrderedDict
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
from shipworthy.store.group import GroupCommit

MOST_SHADOWS = 200_000
HOUR = 60
OF_SCORES = ("decision_ece", "auroc", "error_rate")  # of probabilities: whether an answer left does not matter
SHARD = "gateway"
Pair = tuple[int, float, int]  # decision minute, score, label
Bucket = Callable[[str, tuple[str, ...]], str]


class Telemetry:
    """Windows and labels of one gateway. Single thread; writes go through group commit."""

    def __init__(self, reference: Digest, start_minute: int, words: Decisions, commits: GroupCommit) -> None:
        self._collector = seen.Collector(reference, start_minute)
        self._words = words
        self._commits = commits
        self._batch = 0
        self._name = f"{SHARD}-{start_minute}"
        self.start_minute = start_minute
        self.rolled = start_minute
        self._cuts: list[int] = [start_minute]
        self._windows: dict[seen.Key, WindowSummary] = {}
        self._labels: dict[late.Key, LabelSummary] = {}
        self._shadows: OrderedDict[str, Event] = OrderedDict()
        self.pairs: dict[tuple[str, str], list[Pair]] = {}

    def add(self, event: Event) -> None:
        """Count one decision."""
        self._collector.add(event)

    def add_shadow(self, event: Event, held: bool) -> None:
        """Count one shadow score and keep it until its label comes. `held`: an order keeps its version from answering."""
        event = replace(event, arm=seen.HELD if held else seen.SHADOW)
        self._collector.add(event)
        self._shadows[event.request] = event
        if len(self._shadows) > MOST_SHADOWS:
            self._shadows.popitem(last=False)

    def roll(self, now_minute: int) -> Future[bool] | None:
        """Close the minutes before `now_minute`, keep them by the hour, and write them to the store."""
        closed = self._collector.roll(now_minute)
        self.rolled = max(self.rolled, now_minute)
        if not closed:
            return None
        for window in closed:
            self._keep(window)
        self._batch += 1
        name, batch = self._name, self._batch
        return self._commits.submit(lambda store: store.add_windows(closed, name, batch))

    def _keep(self, window: WindowSummary) -> None:
        if window.arm == seen.HEARTBEAT:
            self._windows[seen.key_of(window)] = window
            return
        hourly = replace(window, minute=self._bucket(window.minute))
        key = seen.key_of(hourly)
        before = self._windows.get(key)
        self._windows[key] = hourly if before is None else seen.merge(before, hourly)

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
                self.pairs.setdefault(name, []).append((each.minute, each.score_q / FIXED, label))
        return True

    def _take(self, summaries: Sequence[LabelSummary]) -> None:
        for one in summaries:
            hourly = replace(one, minute=self._bucket(one.minute))
            key = late.key_of(hourly)
            before = self._labels.get(key)
            self._labels[key] = hourly if before is None else late.merge(before, hourly)

    def measure(
        self, slo: Slo, scope: Scope, live_since: int, now_minute: int, matured_after: str, alarms: Sequence[Alarm]
    ) -> tuple[Measurement, ...]:
        """Return the measurements that one SLO needs, over its own window, for one version.

        Sums are kept by the hour: a window that begins inside an hour leaves that hour out.
        """
        row = INDICATORS[slo.indicator]
        end = late.matured_before(now_minute, matured_after) if row.labels else now_minute
        start = live_since if slo.window == "rolling" else max(live_since, end - minutes_in(slo.window))
        windows = list(self._windows.values())
        if slo.indicator == "ood_repeats":
            return (from_alarms(alarms, windows, scope, start, max(start, end)),)
        if not row.labels:
            return from_windows(windows, scope, start, max(start, end))
        asked = Matured(scope, start, max(start, end), now_minute, shadow=slo.indicator in OF_SCORES)
        mine = labelled(self._labels.values(), asked)
        made = {
            "decision_ece": lambda: block_ece(mine, asked, slo.quantile) if slo.quantile else pooled_ece(mine, asked),
            "auroc": lambda: auroc(mine, asked),
            "error_rate": lambda: error_rate(mine, asked),
            "auto_error_rate": lambda: auto_error_rate(mine, asked),
            "label_coverage": lambda: label_coverage(list(self._labels.values()), windows, asked),
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

    def labels(self) -> list[LabelSummary]:
        """Return all label summaries, by the hour."""
        return list(self._labels.values())

    def windows(self) -> list[WindowSummary]:
        """Return all windows, by the hour, with the heartbeats of each minute."""
        return list(self._windows.values())


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
