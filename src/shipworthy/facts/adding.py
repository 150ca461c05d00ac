"""Adding summaries: the one sum of windows and labels, exact and the same in any order.

In: two summaries of one key. Out: their sum. Counts are added one by one; an empty vector is all zeros, so a slim
window adds to a full one.

Two kinds of sum over shards. Parts of one shard are added and the shard still counts once, so that a shard that reports
a minute in two parts cannot hide another one that is silent. Sums of several shards add up the shards that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from shipworthy.facts.traffic import LabelCells, LabelSummary, WindowSummary

Summary = TypeVar("Summary", WindowSummary, LabelSummary, LabelCells)

NAMES: Final = frozenset({"version", "arm", "tenant", "segment", "bucket", "minute", "reference"})
SHARDS: Final = frozenset({"shards_seen", "shards_expected"})
WindowKey = tuple[str, str, str, int, str, str]
LabelKey = tuple[str, str, str, int, str]


def counts_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of a summary's counts, in the order of its fields: single numbers and vectors."""
    return tuple(name for name in kind.__struct_fields__ if name not in NAMES and name not in SHARDS)


_COUNTS: Final = {kind: counts_of(kind) for kind in (WindowSummary, LabelSummary, LabelCells)}


def added(left: Summary, right: Summary) -> Summary:
    """Return `left` with the counts of both. Raises ValueError when vectors have different lengths."""
    sums: dict[str, object] = {}
    for name in _COUNTS[type(left)]:
        mine, other = getattr(left, name), getattr(right, name)
        if type(mine) is int:
            sums[name] = mine + other
        elif not other or not mine:
            sums[name] = mine or other
        elif len(mine) != len(other):
            raise ValueError(f"{name}: {len(mine)} counts and {len(other)} cannot be added")
        else:
            sums[name] = tuple(map(int.__add__, mine, other))
    return msgspec.structs.replace(left, **sums)


def window_key(window: WindowSummary) -> WindowKey:
    """Return what tells windows apart. Two reference profiles are never mixed, so the reference belongs to it."""
    return (window.version, window.tenant, window.segment, window.minute, window.arm, window.reference)


def label_key(labels: LabelSummary) -> LabelKey:
    """Return what tells label summaries apart."""
    return (labels.version, labels.tenant, labels.segment, labels.minute, labels.arm)


def same_shard(left: WindowSummary, right: WindowSummary) -> WindowSummary:
    """Add two parts of one shard's window: the shard counts once."""
    seen = max(left.shards_seen, right.shards_seen)
    return _with_shards(added(left, right), seen, max(left.shards_expected, right.shards_expected))


def other_shard(left: WindowSummary, right: WindowSummary) -> WindowSummary:
    """Add the windows of two shards: both were seen, and as many are expected as either knows of."""
    seen = left.shards_seen + right.shards_seen
    return _with_shards(added(left, right), seen, max(left.shards_expected, right.shards_expected))


def joined(parts: Iterable[WindowSummary]) -> list[WindowSummary]:
    """Return one window a key from one part a shard, sorted by key."""
    found: dict[WindowKey, WindowSummary] = {}
    for part in parts:
        key = window_key(part)
        found[key] = other_shard(found[key], part) if key in found else part
    return [found[key] for key in sorted(found)]


def _with_shards(window: WindowSummary, seen: int, expected: int) -> WindowSummary:
    return msgspec.structs.replace(window, shards_seen=seen, shards_expected=expected)
