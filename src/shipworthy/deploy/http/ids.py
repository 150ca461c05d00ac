"""Request ids and times as text.

In: seconds since the epoch. Out: a UUIDv7 (RFC 9562, section 5.7) and RFC 3339 with microseconds. Both stand on the
path of every request: random bits serve thousands, and the text of a second is made once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

_EACH = 10
_VARIANT = "89ab" * 4
_COUNTS = [f"{count:03x}" for count in range(4096)]


def uuid7(now_s: float) -> str:
    """Return a UUIDv7: 48 bits of milliseconds, then 74 random bits."""
    random = os.urandom(_EACH).hex()
    return f"{_prefix(int(now_s * 1000))}{random[:3]}{_tail(random)}"


def uuids() -> Callable[[float], str]:
    """Return a `uuid7` for one thread: 62 random bits for 4,096 ids, told apart by a counter in the 12 bits before them
    (RFC 9562, section 6.2, method 1)."""
    counter, tail, last_ms, prefix = len(_COUNTS), "", -1, ""

    def one(now_s: float) -> str:
        nonlocal counter, tail, last_ms, prefix
        if counter == len(_COUNTS):
            counter, tail = 0, _tail(os.urandom(_EACH).hex())
        ms = int(now_s * 1000)
        if ms != last_ms:
            last_ms, prefix = ms, _prefix(ms)
        counter += 1
        return f"{prefix}{_COUNTS[counter - 1]}{tail}"

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


def _prefix(ms: int) -> str:
    text = f"{ms & 0xFFFF_FFFF_FFFF:012x}"
    return f"{text[:8]}-{text[8:]}-7"


def _tail(random: str) -> str:
    """`random`: 20 hexadecimal digits, of which 62 bits are used."""
    return f"-{_VARIANT[int(random[3], 16)]}{random[4:7]}-{random[7:19]}"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
