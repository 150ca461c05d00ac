"""Windows and labels as the store keeps them: checked, packed, and what tells them apart. Sums: `facts.adding`."""

from __future__ import annotations

import zlib
from typing import Final, TypeVar

import msgspec

from shipworthy.errors import UsageError
from shipworthy.facts import LabelCells, LabelSummary, WindowSummary

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")

Summary = TypeVar("Summary", WindowSummary, LabelSummary, LabelCells)


def _lengths(kind: type[WindowSummary] | type[LabelSummary] | type[LabelCells]) -> dict[str, int]:
    """Return the counts of a summary: the length of a vector, 0 for a plain count, -1 for a vector of any length."""
    fields = msgspec.structs.fields(kind)
    return {
        field.name: (len(field.default) or -1) if isinstance(field.default, tuple) else 0
        for field in fields
        if not field.required
    }


_LENGTHS: Final = {kind: _lengths(kind) for kind in (WindowSummary, LabelSummary, LabelCells)}


def packed(summary: WindowSummary | LabelSummary | LabelCells) -> bytes:
    """Return a checked summary as it is stored: deterministic JSON, deflated, since most counts are zero."""
    return zlib.compress(_ENCODER.encode(summary), 1)


def unpacked(body: bytes, kind: type[Summary]) -> Summary:
    """Return the summary that was stored."""
    return msgspec.json.decode(zlib.decompress(body), type=kind)


def checked(summary: Summary) -> Summary:
    """Return the summary when all its counts are integers from 0 and its vectors have the declared length.

    Raises UsageError otherwise: one bad part would spoil every sum it is added to.
    """
    for name, length in _LENGTHS[type(summary)].items():
        counts = getattr(summary, name)
        given = counts if length else (counts,)
        fits = length < 0 or len(given) == max(length, 1)
        if not fits or not all(type(count) is int and count >= 0 for count in given):
            raise UsageError(f"{name} is not made of {abs(length) or 1} counts", where=f"minute {summary.minute}")
    return summary
