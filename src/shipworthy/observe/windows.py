"""Windows of many shards become one: sums of integers, gaps where a shard was silent.

In: `WindowSummary`s of the collectors of all shards, in batches. Out: one summary a key. Sums do not depend on order or
on how the traffic was split, and a batch that comes twice counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from shipworthy.facts import (
    HEARTBEAT,
    OTHER,
    Digest,
    Event,
    Fact,
    WindowSummary,
    canonical_segment,
    parse_segment,
)
from shipworthy.facts.adding import other_shard

MOST_LIVE_KEYS = 2000
MOST_OF_TENANTS = 1500  # of them in single tenants: a flood of tenants leaves room for the segments of all
PROBE = "probe"
SHADOW = "shadow"  # scored without answering, where this version might have answered
HELD = "shadow_held"  # scored without answering, where an order keeps this version from answering
RESCUED = "rescued"  # answered by the baseline after the candidate had failed: not what the baseline's own share shows
Place = tuple[str, str, str, str]  # version, arm, tenant, segment
Key = tuple[str, str, str, str, int]  # version, arm, tenant, segment, minute
COUNTS = (
    "n", "n_ood", "n_unseen", "n_review", "n_machine", "n_failed", "n_replayed", "n_never", "n_leaked", "n_unknown",
    "n_degraded", "n_disagreed",
)  # fmt: skip


class Batch(Fact, frozen=True, kw_only=True):
    """What one shard sent at once. (`shard`, `seq`) is its name: the same batch may come twice."""

    shard: str
    seq: int
    windows: tuple[WindowSummary, ...]


def merge(a: WindowSummary, b: WindowSummary) -> WindowSummary:
    """Return the sum of two summaries of one key: counts are added, the expected shards are the larger number.

    Raises ValueError when they are not of one key and one reference.
    """
    if key_of(a) != key_of(b) or a.reference != b.reference:
        raise ValueError(f"not one window: {key_of(a)} of {a.reference} and {key_of(b)} of {b.reference}")
    return other_shard(a, b)


def merged(windows: Iterable[WindowSummary]) -> tuple[WindowSummary, ...]:
    """Return one summary per key and reference, sorted: the same bytes in whatever order they came."""
    sums: dict[tuple[Key, Digest], WindowSummary] = {}
    for window in windows:
        name = (key_of(window), window.reference)
        sums[name] = merge(sums[name], window) if name in sums else window
    return tuple(sums[name] for name in sorted(sums))


def combine(batches: Iterable[Batch]) -> tuple[WindowSummary, ...]:
    """Return the sum of all batches, each counted once. Raises ValueError when one name has two contents."""
    seen: dict[tuple[str, int], Batch] = {}
    for batch in batches:
        if seen.setdefault((batch.shard, batch.seq), batch) != batch:
            raise ValueError(f"two different batches are called {batch.shard} {batch.seq}")
    return merged(window for batch in seen.values() for window in batch.windows)


def gaps(windows: Iterable[WindowSummary], start: int, end: int) -> tuple[int, ...]:
    """Return the minutes of [start, end) in which fewer shards spoke than were expected, or none at all."""
    seen: dict[int, int] = defaultdict(int)
    expected: dict[int, int] = defaultdict(int)
    for window in windows:
        if window.arm == HEARTBEAT and start <= window.minute < end:
            seen[window.minute] += window.shards_seen
            expected[window.minute] = max(expected[window.minute], window.shards_expected)
    return tuple(minute for minute in range(start, end) if minute not in expected or seen[minute] < expected[minute])


def key_of(window: WindowSummary) -> Key:
    """Return what a summary is of."""
    return window.version, window.arm, window.tenant, window.segment, window.minute


@lru_cache(maxsize=16_384)
def other_of(segment: str) -> str:
    """Return the segment that takes the overflow of this one: the same keys, every value `__other__`.

    >>> other_of("supplier=P42")
    'supplier=__other__'
    """
    return canonical_segment({key: (OTHER,) for key in parse_segment(segment)})


def arm_of(event: Event) -> str:
    """Return the arm that a decision counts for: what the baseline answered for a failed candidate is its own."""
    if event.probe is not None:
        return PROBE
    return RESCUED if event.replayed and event.arm not in (SHADOW, HELD) else event.arm
