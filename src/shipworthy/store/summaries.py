"""Adding windows and labels. Pure; all numbers are integers, so any order of adding gives the same bytes.

Two kinds of sum. Parts of one shard are added and the shard still counts once, so that a shard that reports a minute
in two parts cannot hide another one that is silent. Sums of several shards add up the shards that were seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from shipworthy.errors import UsageError
from shipworthy.facts import LabelSummary, WindowSummary

_KEY: Final = frozenset({"version", "arm", "tenant", "segment", "minute", "reference"})
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_SHARDS: Final = frozenset({"shards_seen", "shards_expected"})

WindowKey = tuple[str, str, str, int, str, str]
LabelKey = tuple[str, str, str, int, str]
Summary = TypeVar("Summary", WindowSummary, LabelSummary)


def _lengths(kind: type[WindowSummary] | type[LabelSummary]) -> dict[str, int]:
    """Return the counts of a summary: the length of a vector, 0 for a plain count."""
    fields = msgspec.structs.fields(kind)
    return {
        field.name: len(field.default) if isinstance(field.default, tuple) else 0
        for field in fields
        if not field.required
    }


_LENGTHS: Final = {kind: _lengths(kind) for kind in (WindowSummary, LabelSummary)}


def window_key(window: WindowSummary) -> WindowKey:
    """Return what tells windows apart. Two reference profiles are never mixed, so the reference belongs to it."""
    return (window.version, window.tenant, window.segment, window.minute, window.arm, window.reference)


def label_key(labels: LabelSummary) -> LabelKey:
    """Return what tells label summaries apart."""
    return (labels.version, labels.tenant, labels.segment, labels.minute, labels.arm)


def packed(summary: WindowSummary | LabelSummary) -> bytes:
    """Return a checked summary as it is stored: deterministic JSON, deflated, since most counts are zero."""
    return zlib.compress(_ENCODER.encode(summary), 1)


def unpacked(body: bytes, kind: type[Summary]) -> Summary:
    """Return the summary that was stored."""
    return msgspec.json.decode(zlib.decompress(body), type=kind)


def same_shard(left: WindowSummary, right: WindowSummary) -> WindowSummary:
    """Add two parts of one shard's window: the shard counts once."""
    seen = max(left.shards_seen, right.shards_seen)
    return _with_shards(_added(left, right), seen, max(left.shards_expected, right.shards_expected))


def other_shard(left: WindowSummary, right: WindowSummary) -> WindowSummary:
    """Add the windows of two shards: both were seen, and as many are expected as either knows of."""
    seen = left.shards_seen + right.shards_seen
    return _with_shards(_added(left, right), seen, max(left.shards_expected, right.shards_expected))


def add_labels(left: LabelSummary, right: LabelSummary) -> LabelSummary:
    """Add two label summaries of the same key."""
    return _added(left, right)


def joined(parts: Iterable[WindowSummary]) -> list[WindowSummary]:
    """Return one window a key from one part a shard, sorted by key."""
    found: dict[WindowKey, WindowSummary] = {}
    for part in parts:
        key = window_key(part)
        found[key] = other_shard(found[key], part) if key in found else part
    return [found[key] for key in sorted(found)]


def checked(summary: Summary) -> Summary:
    """Return the summary when all its counts are integers from 0 and its vectors have the declared length.

    Raises UsageError otherwise: one bad part would spoil every sum it is added to.
    """
    for name, length in _LENGTHS[type(summary)].items():
        counts = getattr(summary, name)
        given = counts if length else (counts,)
        if len(given) != max(length, 1) or not all(type(count) is int and count >= 0 for count in given):
            raise UsageError(f"{name} is not made of {max(length, 1)} counts", where=f"minute {summary.minute}")
    return summary


def _added(left: Summary, right: Summary) -> Summary:
    sums: dict[str, object] = {}
    for name in left.__struct_fields__:
        if name in _KEY or name in _SHARDS:
            continue
        mine, other = getattr(left, name), getattr(right, name)
        if isinstance(mine, tuple):
            sums[name] = tuple(a + b for a, b in zip(mine, other, strict=True))
        else:
            sums[name] = mine + other
    return msgspec.structs.replace(left, **sums)


def _with_shards(window: WindowSummary, seen: int, expected: int) -> WindowSummary:
    return msgspec.structs.replace(window, shards_seen=seen, shards_expected=expected)
