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
from shipworthy.facts import Event, LabelCells, LabelSummary, Measurement, Receipt, Scope, Slo
from shipworthy.indicators import INDICATORS
from shipworthy.observe import labels as late
from shipworthy.observe import windows as seen
from shipworthy.observe.inputs import Hashed, Inputs
from shipworthy.observe.known import Known
from shipworthy.observe.measure import from_alarms
from shipworthy.observe.minutes import minutes_in
from shipworthy.observe.repeats import Alarm
from shipworthy.profile.rows import Row
from shipworthy.runtime.measured import Asked, from_matured, from_sums, windows_of
from shipworthy.runtime.remembered import KEPT, Remembered
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueItem

MOST_SHADOWS = 200_000
SHARD = "gateway"
REVIEW = "review:"  # beside the request: that its review was counted, whatever its label
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
        self._known: dict[str, Known] = {}

    def watch(self, version: str, inputs: Inputs) -> None:
        """Count the inputs of a version from now on."""
        self._collector.watch(version, inputs)

    def know(self, version: str, known: Known) -> None:
        """Compare the live numbers of a version with what it knew when it shipped."""
        self._known[version] = known

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
        summaries, cells = self._labelled(receipt, label, bucket)
        write = self._commits.submit(lambda store: store.add_label(receipt.request, *summaries, cells=cells))
        if not await asyncio.wrap_future(write):
            return False
        self._shadows.pop(receipt.request, None)
        self.kept.take_labels(summaries, cells)
        return True

    async def add_answer(self, item: QueueItem, receipt: Receipt | None, bucket: Bucket) -> None:
        """Count a person's answer, all or nothing: as a review of its decision, and as its label if there is none yet.

        Without a receipt it is only noted as counted.
        """
        summaries, cells, reviews = list[LabelSummary](), list[LabelCells](), tuple[LabelSummary, ...]()
        if receipt is not None and item.label is not None:
            summaries, cells = self._labelled(receipt, item.label, bucket)
        if receipt is not None and item.changed is not None:
            reviews = late.review_summary(receipt, item.changed)

        def write(store: Store) -> tuple[bool, bool]:
            fresh = bool(summaries) and store.add_label(item.request, *summaries, cells=cells)
            counted = bool(reviews) and store.add_label(f"{REVIEW}{item.request}", *reviews)
            store.counted(item.id)
            return fresh, counted

        fresh, counted = await asyncio.wrap_future(self._commits.submit(write))
        if fresh:
            self._shadows.pop(item.request, None)
            self.kept.take_labels(summaries, cells)
        if counted:
            self.kept.take_labels(reviews)

    def _labelled(self, receipt: Receipt, label: int, bucket: Bucket) -> tuple[list[LabelSummary], list[LabelCells]]:
        """What one label adds: to the version that answered, and to the one that only scored."""
        told = [receipt]
        shadow = self._shadows.get(receipt.request)
        if shadow is not None:
            told.append(_receipt_of_shadow(receipt, shadow))
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
        end = late.matured_before(now_minute, matured_after) if row.labels else now_minute
        start = live_since if slo.window == "rolling" else max(live_since, end - minutes_in(slo.window))
        start = max(start, self.kept.kept_since)
        end = max(start, end)
        if slo.indicator == "ood_repeats":
            silent = self.kept.silent(start, end)
            return (from_alarms(alarms, windows_of(self.kept, scope), scope, start, end, silent),)
        asked = Asked(slo, scope, start, end, now_minute)
        return (from_matured if row.labels else from_sums)(asked, self.kept, self._known.get(scope.version, Known()))

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
