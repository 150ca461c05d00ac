"""Windows and labels as the store keeps them: checked, and packed without what their row tells already.

In: a summary. Out: bytes, the same for the same counts. A body is one byte for its form, one for the length of its
head, the head (the single numbers in the order of the fields, msgpack) and, unless nothing is in them, the vectors,
deflated. So a number is read without inflating a vector: an indicator over many segments and hours reads heads alone.
Bodies written before this form, deflated JSON with its own key, stay readable. Sums: `facts.adding`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import LabelCells, LabelSummary, WindowSummary
from shipworthy.facts.adding import NAMES

Summary = TypeVar("Summary", WindowSummary, LabelSummary, LabelCells)
Kind = type[WindowSummary] | type[LabelSummary] | type[LabelCells]

FORM: Final = 1
_DEFLATED: Final = 0x78  # how zlib begins: a body of deflated JSON
_LEVEL: Final = 6
_KINDS: Final = (WindowSummary, LabelSummary, LabelCells)
_PACK: Final = msgspec.msgpack.Encoder()
_NUMBERS: Final = msgspec.msgpack.Decoder(tuple[int, ...])
_VECTORS: Final = msgspec.msgpack.Decoder(tuple[tuple[int, ...], ...])


def _defaults(kind: Kind) -> dict[str, Any]:
    """Return what is counted, in the order of the fields, with its default; names come from the row."""
    fields = msgspec.structs.fields(kind)
    return {field.name: field.default for field in fields if field.name not in NAMES}


_DEFAULTS: Final = {kind: _defaults(kind) for kind in _KINDS}
_HEAD: Final = {
    kind: tuple(name for name, default in _DEFAULTS[kind].items() if type(default) is int) for kind in _KINDS
}
_TAIL: Final = {
    kind: tuple(name for name, default in _DEFAULTS[kind].items() if type(default) is tuple) for kind in _KINDS
}
_NOTHING: Final = {kind: [_DEFAULTS[kind][name] for name in _TAIL[kind]] for kind in _KINDS}


def packed(summary: WindowSummary | LabelSummary | LabelCells) -> bytes:
    """Return a checked summary as it is stored, without its key."""
    kind = type(summary)
    head = _PACK.encode([getattr(summary, name) for name in _HEAD[kind]])
    vectors = [getattr(summary, name) for name in _TAIL[kind]]
    plain = bytes((FORM, len(head))) + head
    return plain if vectors == _NOTHING[kind] else plain + zlib.compress(_PACK.encode(vectors), _LEVEL)


def unpacked(body: bytes, kind: type[Summary], key: Mapping[str, Any]) -> Summary:
    """Return the summary that was stored under a key. Raises CannotDecide when nothing can be made of the body."""
    if body[:1] == bytes((_DEFLATED,)):
        return msgspec.json.decode(zlib.decompress(body), type=kind)
    numbers = _head(body, len(_HEAD[kind]))
    rest = body[2 + body[1] :]
    vectors = _VECTORS.decode(zlib.decompress(rest)) if rest else ()
    names = _TAIL[kind] if rest else ()
    counts: dict[str, Any] = dict(zip(_HEAD[kind], numbers, strict=False))
    counts.update(zip(names, vectors, strict=True))
    return kind(**key, **counts)


def numbers_of(body: bytes, names: Sequence[str]) -> list[int]:
    """Return some single numbers of a stored window, by name: no vector is inflated."""
    if body[:1] == bytes((_DEFLATED,)):
        old = msgspec.json.decode(zlib.decompress(body), type=WindowSummary)
        return [getattr(old, name) for name in names]
    numbers = _head(body, len(_PLACES))
    return [numbers[_PLACES[name]] if _PLACES[name] < len(numbers) else 0 for name in names]


_PLACES: Final = {name: place for place, name in enumerate(_HEAD[WindowSummary])}


def countable(names: Sequence[str]) -> Sequence[str]:
    """Return the names when windows count each as a single number. Raises UsageError otherwise."""
    unknown = [name for name in names if name not in _PLACES]
    if unknown:
        raise UsageError(f"windows have no single number {unknown[0]!r}", fix=f"name some of {', '.join(_PLACES)}")
    return names


def checked(summary: Summary) -> Summary:
    """Return the summary when all its counts are integers from 0 and its vectors have the declared length.

    Raises UsageError otherwise: one bad part would spoil every sum it is added to.
    """
    for name, default in _DEFAULTS[type(summary)].items():
        counts = getattr(summary, name)
        single = type(default) is int
        given = (counts,) if single else counts
        fits = single or not default or len(given) == len(default)
        if not fits or not all(type(count) is int and 0 <= count < _TOO_MANY for count in given):
            raise UsageError(
                f"{name} is not made of {len(default) if default else 1} counts", f"minute {summary.minute}"
            )
    return summary


_TOO_MANY: Final = 1 << 63  # what msgpack and SQLite still hold


def _head(body: bytes, most: int) -> tuple[int, ...]:
    """Return the single numbers. Fields that came later stand behind: a body of before them is the shorter one."""
    numbers = _NUMBERS.decode(body[2 : 2 + body[1]]) if len(body) > 1 and body[0] == FORM else None
    if numbers is None or len(numbers) > most:
        raise CannotDecide("a summary is stored in a form that is not known", "the store", "use the newer Shipworthy")
    return numbers
