"""The one kind of type that travels, and its canonical bytes.

In: msgspec structs. Out: deterministic JSON and a digest, so that the same fact has the same name on every machine.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import msgspec

Digest = str  # "sha256:<64 hex>"


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that travels between rooms: frozen, named fields only, unknown fields refused."""


def canonical(value: object) -> bytes:
    """Return the canonical JSON bytes of a fact or of plain builtins.

    Raises ValueError when a number in it is not finite: such a value has no place in anything hashed.
    """
    plain = msgspec.to_builtins(value, str_keys=True)
    for number in _floats(plain):
        if not math.isfinite(number):
            raise ValueError(f"not a finite number: {number}")
    return msgspec.json.encode(plain, order="deterministic")


def digest(value: object) -> Digest:
    """Return the sha256 digest of a fact's canonical bytes (or of bytes as they are)."""
    raw = value if isinstance(value, bytes) else canonical(value)
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed from the parts: sha256 over their text, so that adding one case never moves another."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _floats(plain: Any) -> Iterator[float]:  # noqa: ANN401
    if isinstance(plain, float):
        yield plain
    elif isinstance(plain, dict):
        for item in plain.values():
            yield from _floats(item)
    elif isinstance(plain, list | tuple):
        for item in plain:
            yield from _floats(item)
