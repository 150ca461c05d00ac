"""Counters that only grow while the process lives, as monitoring systems want them.

In: events. Out: totals by version and arm. Probes are no traffic. A restart begins at 0, which readers of counters know
how to handle; what SLOs are judged by is not kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shipworthy.facts import LATENCY_BINS, Event
from shipworthy.observe.bins import latency_bin
from shipworthy.observe.frames.columns import Marks

ROUTES = ("machine", "person", "refused")


@dataclass(slots=True)
class Total:
    """Of one version and arm. `latency` counts by the bins of windows, `took_ms` is the sum of all times, ms."""

    routes: dict[str, int] = field(default_factory=dict)
    flagged: int = 0
    unseen: int = 0
    failed: int = 0
    replayed: int = 0
    degraded: int = 0
    never: int = 0
    leaked: int = 0
    latency: list[int] = field(default_factory=lambda: [0] * LATENCY_BINS)
    took_ms: float = 0.0

    def add(self, n: int, says: Mapping[str, Marks]) -> None:
        """Count `n` decisions at once; `says` by the names of windows which of them were what."""
        told = {name: int(marks.sum()) for name, marks in says.items()}
        machine, person = told.get("n_machine", 0), told.get("n_review", 0)
        for route, times in zip(ROUTES, (machine, person, n - machine - person), strict=True):
            if times:
                self.routes[route] = self.routes.get(route, 0) + times
        self.flagged += told.get("n_ood", 0)
        self.unseen += told.get("n_unseen", 0)
        self.failed += told.get("n_failed", 0)
        self.replayed += told.get("n_replayed", 0)
        self.degraded += told.get("n_degraded", 0)
        self.never += told.get("n_never", 0)
        self.leaked += told.get("n_leaked", 0)


class Totals:
    """All totals of one process. Single thread."""

    def __init__(self) -> None:
        self.by: dict[tuple[str, str], Total] = {}

    def add_many(self, events: Iterable[Event]) -> None:
        """Count events in their order: sums of times depend on it."""
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Count one event."""
        if event.probe is not None:
            return
        total = self.of(event.version, event.arm)
        total.routes[event.route] = total.routes.get(event.route, 0) + 1
        total.flagged += event.ood_flag
        total.unseen += bool(event.unseen)
        total.failed += event.failed
        total.replayed += event.replayed
        total.degraded += event.degraded
        total.never += bool(event.never)
        total.leaked += event.leaked
        if event.took_ms is not None:
            total.latency[latency_bin(event.took_ms)] += 1
            total.took_ms += event.took_ms

    def of(self, version: str, arm: str) -> Total:
        """Return the totals of one version and arm."""
        total = self.by.get((version, arm))
        if total is None:
            total = self.by[version, arm] = Total()
        return total
