"""Why two pickles differ: by their opcodes alone, nothing is ever unpickled.

In: two pickle streams. Out: one line, or "". A pickle of the same value may differ in the order of a set, in what was
remembered (the memo: an object that is shared in one run and equal in the other), or in the numbers themselves.
"""

from __future__ import annotations

import pickletools
import struct
from collections import Counter
from collections.abc import Callable, Iterable

MEMO = "the same values, shared otherwise: what the pickler remembered (memo) depends on which objects are identical"
_MEMO = frozenset({"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET", "FRAME"})
_BYTES = frozenset({"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"})
_FLOATS = frozenset({"BINFLOAT", "FLOAT"})
_LITERALS = ("UNICODE", "STRING", "INT", "LONG", "FLOAT", "BYTES", "GLOBAL")
Step = tuple[str, object]
Nearly = Callable[[Iterable[float], Iterable[float]], str]


def is_pickle(raw: bytes) -> bool:
    """True for a stream of protocol 2 or later that ends where it should."""
    return raw[:1] == b"\x80" and 2 <= raw[1:2][0] <= 5 and raw.endswith(b".") if len(raw) > 2 else False


def why_pickles(first: bytes, second: bytes, nearly: Nearly, order: str) -> str:
    """Return the likely reason, "" when none fits. `nearly` compares numbers, `order` is said of another order."""
    try:
        a, b = _steps(first), _steps(second)
    except (ValueError, IndexError, struct.error, UnicodeDecodeError):
        return ""
    if [name for name, _ in a] == [name for name, _ in b]:
        told = _numbers(a, b, nearly)
        if told:
            return told
    kept_a, kept_b = _literals(a), _literals(b)
    if Counter(kept_a) == Counter(kept_b):
        return order if kept_a != kept_b else MEMO
    return MEMO if set(kept_a) == set(kept_b) else ""


def _steps(raw: bytes) -> list[Step]:
    return [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(raw) if opcode.name != "FRAME"]


def _literals(steps: Iterable[Step]) -> list[Step]:
    """What the pickle says, without what it remembers."""
    return [
        (name.removeprefix("SHORT_").removeprefix("BIN"), argument)
        for name, argument in steps
        if name not in _MEMO and any(kind in name for kind in _LITERALS)
    ]


def _numbers(first: list[Step], second: list[Step], nearly: Nearly) -> str:
    """The reason when only numbers differ: floats, or bytes of one length that hold doubles."""
    numbers: tuple[list[float], list[float]] = ([], [])
    for (name, a), (_, b) in zip(first, second, strict=True):
        if a == b:
            continue
        if name in _FLOATS and isinstance(a, float) and isinstance(b, float):
            numbers[0].append(a)
            numbers[1].append(b)
        elif name in _BYTES and isinstance(a, bytes) and isinstance(b, bytes) and _are_doubles(a, b):
            numbers[0].extend(struct.unpack(f"<{len(a) // 8}d", a))
            numbers[1].extend(struct.unpack(f"<{len(b) // 8}d", b))
        else:
            return ""
    return nearly(*numbers)


def _are_doubles(first: bytes, second: bytes) -> bool:
    """True when both hold whole doubles of ordinary size; other bytes read as doubles are mostly not."""
    if len(first) != len(second) or not first or len(first) % 8:
        return False
    values = struct.unpack(f"<{len(first) // 8}d", first) + struct.unpack(f"<{len(second) // 8}d", second)
    return all(value == 0.0 or 1e-12 < abs(value) < 1e12 for value in values)
