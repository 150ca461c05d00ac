"""Protocol buffers read by a schema, and nothing beyond it.

In: bytes, a schema and the name of a message. Out: its fields, or `BadMessage`. A parser keeps unknown fields and takes
the last of two values; a scanner must not, since another parser may know the field or take the first. Source: protocol
buffers, encoding (wire types 0, 1, 2 and 5; groups are refused).
"""

from __future__ import annotations

from collections.abc import Mapping

_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5
_WIRE = {"int": _VARINT, "f8": _EIGHT, "f4": _FOUR, "text": _SIZED, "bytes": _SIZED}
_WIDTHS = {"f8": 8, "f4": 4}
_LONGEST_VARINT = 10

# number → (name, kind, may repeat). A kind is one of those above or the name of a message of the schema.
Message = Mapping[int, tuple[str, str, bool]]
Schema = Mapping[str, Message]
Span = tuple[int, int]
Fields = dict[str, list[int | Span]]


class BadMessage(Exception):
    """Not a message of this schema. `at` is the byte where that shows."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what = what
        self.at = at


def message(**fields: str) -> Message:
    """A message from `name="number kind"`, with `*` behind what may repeat."""
    made: dict[int, tuple[str, str, bool]] = {}
    for name, told in fields.items():
        number, kind = told.split()
        made[int(number)] = (name, kind.rstrip("*"), kind.endswith("*"))
    return made


def read_fields(blob: bytes, span: Span, known: Message) -> Fields:
    """The fields between two places: numbers as they are, everything sized as the span of its content."""
    at, end = span
    found: Fields = {}
    while at < end:
        start = at
        tag, at = _varint(blob, at, end)
        if tag >> 3 not in known:
            raise BadMessage(f"a field {tag >> 3} that the format does not have", start)
        name, kind, repeats = known[tag >> 3]
        value, at = _value(blob, at, end, tag & 7, kind, repeats)
        if name in found and not repeats:
            raise BadMessage(f"{name} twice", start)
        found.setdefault(name, []).append(value)
    return found


def _value(blob: bytes, at: int, end: int, wire: int, kind: str, repeats: bool) -> tuple[int | Span, int]:
    """One value and the place behind it. Repeated numbers may come packed; then the span is checked to hold them."""
    expected = _WIRE.get(kind, _SIZED)
    if wire == _SIZED:
        size, at = _varint(blob, at, end)
        if size > end - at:
            raise BadMessage("a field longer than what it is in", at)
        if expected != _SIZED:
            _check_packed(blob, (at, at + size), kind, repeats)
        return (at, at + size), at + size
    if wire != expected:
        raise BadMessage(f"a field of wire type {wire}", at)
    if wire == _VARINT:
        return _varint(blob, at, end)
    width = _WIDTHS[kind]
    if width > end - at:
        raise BadMessage("a number cut off", at)
    return (at, at + width), at + width


def _check_packed(blob: bytes, span: Span, kind: str, repeats: bool) -> None:
    at, end = span
    if not repeats:
        raise BadMessage("several numbers where one belongs", at)
    if kind in _WIDTHS:
        if (end - at) % _WIDTHS[kind]:
            raise BadMessage("packed numbers of another size", at)
        return
    while at < end:
        _, at = _varint(blob, at, end)


def _varint(blob: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    for place in range(at, min(end, at + _LONGEST_VARINT)):
        byte = blob[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise BadMessage("a number that does not end", at)
