"""What a site knew before it was stopped, from the store: so that a restart neither forgets a breach nor hides a gap.

In: the store, the run, the minute of the start. Out: heartbeats, windows, labels and alarms of the time that is kept,
and since when each version is live. Minutes in which the site was stopped in good order are told as not served on
purpose; the minutes that a run lost when it died are told as lost, whoever else spoke in them.

What begins anew: the evidence of streams of repeats that have not alarmed yet (their flags are in the windows), probe
rounds (asked again at the first tick, with the same answers), and shadow scores whose label has not come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from shipworthy.facts import Fact, LabelCells, LabelSummary, WindowSummary, canonical, heartbeat
from shipworthy.observe.repeats import Alarm
from shipworthy.runtime.runs import Run, started
from shipworthy.store.protocol import Store
from shipworthy.store.tiers import HOUR

LOST = 1 << 20  # shards expected in a minute of which counts are lost: more than can ever speak
ENDED, LIVE_SINCE, ALARMS = "telemetry/ended", "telemetry/live since/", "telemetry/alarms"
SUMS = "telemetry/sums"
MOST_ALARMS = 1000


class Past(NamedTuple):
    """What is known of one version."""

    windows: list[WindowSummary]
    labels: list[LabelSummary]
    cells: list[LabelCells]


class Sums(Fact, frozen=True, kw_only=True):
    """When the store last summed what is old, and of each cut when it last did so without knowing it (-1 = never)."""

    rolled: int = -1
    cuts: tuple[tuple[int, int], ...] = ()

    def unknown_until(self, cut: int) -> int:
        """Return the last time that sums were made across a cut."""
        return dict(self.cuts).get(cut, self.rolled)


def sums(store: Store) -> Sums:
    """Return what is known of the sums of the store."""
    known = store.get(SUMS)
    return Sums() if known is None else msgspec.json.decode(known, type=Sums)


def summing(store: Store, minute: int, cuts: Iterable[int]) -> None:
    """Write down, before the store sums what is old, which cuts it knows; one that it knows no more is new again."""
    with store.transaction():
        before = sums(store)
        after = tuple((cut, before.unknown_until(cut)) for cut in sorted(cuts))
        store.put(SUMS, canonical(Sums(rolled=max(minute, before.rolled), cuts=after)))


def begin(store: Store, run: Run, minute: int, kept: int) -> list[WindowSummary]:
    """Write down how the last runs ended; return the heartbeats of what is kept, oldest first."""
    since = minute - kept
    known = store.windows("*", since, minute + 1)
    marks = _marks(store, run, known, since, minute)
    if marks:
        store.add_windows(marks, run.name, 0)
        known = store.windows("*", since, minute + 1)
    run.settled()
    return known


def ended(store: Store, minute: int) -> None:
    """Write down that all before this minute has been told, and that nothing is served from then on."""
    store.put(ENDED, str(minute).encode())


def windows_of(store: Store, version: str, since: int, until: int) -> list[WindowSummary]:
    """Return all windows of a version, of every tenant and segment."""
    return store.windows(version, since, until, tenant=None, segment=None)


def hour_of(store: Store, versions: Sequence[str], hour: int) -> tuple[list[WindowSummary], list[LabelSummary]]:
    """Return all windows and labels of some versions in one hour."""
    windows = [one for version in versions for one in windows_of(store, version, hour, hour + HOUR)]
    labels = [one for version in versions for one in labels_of(store, version, hour, hour + HOUR)[0]]
    return windows, labels


def labels_of(store: Store, version: str, since: int, until: int) -> tuple[list[LabelSummary], list[LabelCells]]:
    """Return all labels of a version, and the cells that thresholds are proven on."""
    labels = store.labels(version, since, until, tenant=None, segment=None)
    return labels, store.label_cells(version, since, until)


def live_since(store: Store, version: str, minute: int) -> int:
    """Return the minute from which a version has been served here: this one, when it never was."""
    with store.transaction():
        known = store.get(LIVE_SINCE + version)
        if known is None:
            store.put(LIVE_SINCE + version, str(minute).encode())
    return minute if known is None else int(known)


def begun(store: Store) -> tuple[int, ...]:
    """Return the minutes at which versions went live: sums begin anew there."""
    return tuple(int(known) for key in store.keys(LIVE_SINCE) if (known := store.get(key)) is not None)


def alarms(store: Store) -> tuple[Alarm, ...]:
    """Return the alarms that were kept, oldest first."""
    known = store.get(ALARMS)
    return () if known is None else msgspec.json.decode(known, type=tuple[Alarm, ...])


def keep_alarms(store: Store, mine: Iterable[Alarm], known: Callable[[Alarm], bool]) -> None:
    """Keep these alarms beside those of other gateways, without those that people know (`known`)."""
    with store.transaction():
        every = dict.fromkeys((*alarms(store), *mine))
        unanswered = sorted((one for one in every if not known(one)), key=lambda one: one.at)
        store.put(ALARMS, canonical(tuple(unanswered[-MOST_ALARMS:])))


def _marks(store: Store, run: Run, known: list[WindowSummary], since: int, minute: int) -> list[WindowSummary]:
    spoken = {one.minute for one in known}
    last = max(spoken, default=None)
    lost = {at for name in run.lost for at in _lost_by(store, name, spoken, since, minute)}
    told = store.get(ENDED)
    in_order = told is not None and last is not None and int(told) == last + 1
    if last is None or run.others:
        return [heartbeat(at, LOST, 0) for at in sorted(lost)]
    if run.lost or not in_order:
        return [heartbeat(at, LOST, 0) for at in sorted(lost | {minute})]
    return [heartbeat(at, 0, 0) for at in range(last + 1, minute)]


def _lost_by(store: Store, name: str, spoken: set[int], since: int, minute: int) -> Iterable[int]:
    """The minutes a dead run did not tell, where somebody else spoke; elsewhere silence says it."""
    last = store.last_heartbeat(name)
    first = max(since, started(name) if last is None else last + 1)
    return (at for at in range(first, minute + 1) if at in spoken or at == minute)
