"""Request ids and times as text.

In: seconds since the epoch. Out: a UUIDv7 (RFC 9562, section 5.7) and RFC 3339 with microseconds. Both stand on the
path of every request: random bytes are drawn by the thousand, and the text of a second is made once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

_DRAWN = 4_000  # bytes at once
_EACH = 10
_VARIANT = "89ab" * 4


def uuid7(now_s: float) -> str:
    """Return a UUIDv7: 48 bits of milliseconds, then 74 random bits."""
    return _uuid7(now_s, os.urandom(_EACH).hex())


def uuids() -> Callable[[float], str]:
    """Return a `uuid7` with random bytes of its own in stock, for one thread."""
    stock: list[str] = []

    def one(now_s: float) -> str:
        if not stock:
            drawn = os.urandom(_DRAWN).hex()
            stock.extend(drawn[at : at + 2 * _EACH] for at in range(0, 2 * _DRAWN, 2 * _EACH))
        return _uuid7(now_s, stock.pop())

    return one


def rfc3339(now_s: float) -> str:
    """Return the time in UTC with microseconds and `Z`.

    >>> rfc3339(0.25)
    '1970-01-01T00:00:00.250000Z'
    """
    second = int(now_s // 1)
    micro = round((now_s - second) * 1e6)  # as datetime rounds: half to even
    if micro == 1_000_000:
        second, micro = second + 1, 0
    return f"{_second(second)}.{micro:06d}Z"


def _uuid7(now_s: float, random: str) -> str:
    """`random`: 20 hexadecimal digits, of which 74 bits are used."""
    ms = f"{int(now_s * 1000) & 0xFFFF_FFFF_FFFF:012x}"
    variant = _VARIANT[int(random[3], 16)]
    return f"{ms[:8]}-{ms[8:]}-7{random[:3]}-{variant}{random[4:7]}-{random[7:19]}"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
