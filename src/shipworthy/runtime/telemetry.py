"""What the runtime remembers of traffic: integer windows and late labels, in memory by the hour and in the store.

In: events, labels, the time. Out: measurements for one SLO's window. No raw value gets here; what is kept of a shadow
score until its label comes is bounded, and dropped first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from msgspec.structs import replace

from shipworthy.contract.manifest import Decisions
from shipworthy.deploy.receipt import score_bin, score_q
from shipworthy.facts import Event, LabelSummary, Measurement, Receipt, Scope, Slo
from shipworthy.indicators import INDICATORS
from shipworthy.observe import labels as late
from shipworthy.observe import windows as seen
from shipworthy.observe.inputs import Hashed, Inputs
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
from shipworthy.profile.rows import Row
from shipworthy.runtime.remembered import KEPT, Remembered
from shipworthy.store.group import GroupCommit

MOST_SHADOWS = 200_000
OF_SCORES = ("decision_ece", "auroc", "error_rate")  # of probabilities: whether an answer left does not matter
SHARD = "gateway"
Bucket = Callable[[str, tuple[str, ...]], str]


class Telemetry:
    """Windows and labels of one gateway. Single thread; writes go through group commit."""

    def __init__(
        self, start_minute: int, words: Decisions, commits: GroupCommit, hashed: Callable[[str, int], Hashed]
    ) -> None:
        """`hashed(tenant, minute)` gives the keyed hash that unseen values are told by."""
        self._collector = seen.Collector(start_minute, hashed=hashed)
        self._words = words
        self._commits = commits
        self._batch = 0
        self._name = f"{SHARD}-{start_minute}"
        self.start_minute = start_minute
        self.rolled = start_minute
        self.kept = Remembered(start_minute)
        self._shadows: OrderedDict[str, Event] = OrderedDict()

    def watch(self, version: str, inputs: Inputs) -> None:
        """Count the inputs of a version from now on."""
        self._collector.watch(version, inputs)

    def add(self, event: Event, row: Row | None = None) -> None:
        """Count one decision, and its inputs."""
        self._collector.add(event, row)

    def add_shadow(self, event: Event, held: bool, row: Row | None = None) -> None:
        """Count one shadow score; keep it until its label comes. `held`: an order keeps its version from answering."""
        event = replace(event, arm=seen.HELD if held else seen.SHADOW)
        self._collector.add(event, row)
        self._shadows[event.request] = event
        if len(self._shadows) > MOST_SHADOWS:
            self._shadows.popitem(last=False)

    def roll(self, now_minute: int) -> Future[bool] | None:
        """Close the minutes before `now_minute`, keep them by the hour, and write them to the store."""
        closed = self._collector.roll(now_minute)
        self.rolled = max(self.rolled, now_minute)
        if not closed:
            return None
        self.kept.take_windows(closed)
        self.kept.forget(now_minute - KEPT)
        self._batch += 1
        name, batch = self._name, self._batch
        return self._commits.submit(lambda store: store.add_windows(closed, name, batch))

    async def add_label(self, receipt: Receipt, label: int, bucket: Bucket) -> bool:
        """Add the label of one decision, durable when this returns. False when the receipt was used before.

        `bucket(version, segments)` names the threshold bucket that a decision in these segments was made in.
        """
        told = [receipt]
        shadow = self._shadows.get(receipt.request)
        if shadow is not None:
            told.append(_receipt_of_shadow(receipt, shadow))
        lag = max(0, self.rolled - receipt.minute)
        summaries = [one for each in told for one in late.label_summary(each, label, self._words, lag=lag)]
        cells = [one for each in told for one in late.label_cells(each, label, bucket(each.version, each.segments))]
        write = self._commits.submit(lambda store: store.add_label(receipt.request, *summaries, cells=cells))
        if not await asyncio.wrap_future(write):
            return False
        self._shadows.pop(receipt.request, None)
        self.kept.take_labels(summaries, cells)
        return True

    def measure(
        self, slo: Slo, scope: Scope, live_since: int, now_minute: int, matured_after: str, alarms: Sequence[Alarm]
    ) -> tuple[Measurement, ...]:
        """Return the measurements that one SLO needs, over its own window, for one version.

        Sums are kept by the hour: a window that begins inside an hour leaves that hour out.
        """
        row = INDICATORS[slo.indicator]
        start, end = self.interval(slo, live_since, now_minute, matured_after)
        place = (scope.version, scope.tenant, scope.segment)
        windows = self.kept.windows(place)
        if slo.indicator == "ood_repeats":
            return (from_alarms(alarms, windows, scope, start, end, self.kept.silent(start, end)),)
        if not row.labels:
            return from_windows(windows, scope, start, end, slo.level, self.kept.silent(start, end))
        asked = Matured(scope, start, end, now_minute, shadow=slo.indicator in OF_SCORES, level=slo.level)
        here = self.kept.labels(place)
        mine = labelled(here, asked)
        made = {
            "decision_ece": lambda: block_ece(mine, asked, slo.quantile) if slo.quantile else pooled_ece(mine, asked),
            "auroc": lambda: auroc(mine, asked),
            "error_rate": lambda: error_rate(mine, asked),
            "auto_error_rate": lambda: auto_error_rate(mine, asked),
            "label_coverage": lambda: label_coverage(here, [*self.kept.heartbeats(), *windows], asked),
        }.get(slo.indicator)
        return (made(),) if made else ()

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

    def served(self, version: str, arm: str) -> int:
        """Return how many requests an arm of a version has had."""
        return sum(one.n for one in self.kept.windows((version, "*", "*")) if one.arm == arm)


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
