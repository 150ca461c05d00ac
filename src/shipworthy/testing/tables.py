"""What the store in memory holds: one container a table of the durable ones."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, fields

from shipworthy.facts import AbuseCount, Incident, LabelCells, LabelSummary, WindowSummary
from shipworthy.facts.adding import LabelKey, WindowKey
from shipworthy.store import abuse as abuse_log
from shipworthy.store.review import QueueItem
from shipworthy.store.suspect import LabelSource, Suspect


@dataclass
class Tables:
    """All tables. A snapshot is undone by putting it back."""

    bodies: list[bytes] = field(default_factory=list)
    counters: dict[tuple[str, int], int] = field(default_factory=dict)
    kv: dict[str, bytes] = field(default_factory=dict)
    batches: dict[tuple[str, int], tuple[str, int | None]] = field(default_factory=dict)
    forgotten: list[int] = field(default_factory=lambda: [0])
    windows: dict[tuple[WindowKey, str], WindowSummary] = field(default_factory=dict)
    rolled: dict[WindowKey, WindowSummary] = field(default_factory=dict)
    receipts: dict[str, int | None] = field(default_factory=dict)
    labels: dict[LabelKey, LabelSummary] = field(default_factory=dict)
    cells: dict[tuple[str, str, int], LabelCells] = field(default_factory=dict)
    queue: dict[str, QueueItem] = field(default_factory=dict)
    overflow: dict[str, int] = field(default_factory=dict)
    sources: dict[tuple[str, str, str], LabelSource] = field(default_factory=dict)
    quarantine: dict[tuple[str, str, str], Suspect] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    abuse: dict[tuple[abuse_log.Key, str], AbuseCount] = field(default_factory=dict)
    abuse_keys: dict[int, bytes] = field(default_factory=dict)

    def snapshot(self) -> Tables:
        """Return a copy whose containers are its own; what they hold never changes."""
        return Tables(**{column.name: copy.copy(getattr(self, column.name)) for column in fields(self)})
