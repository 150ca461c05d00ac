"""Request ids and times as text.

In: seconds since the epoch. Out: a UUIDv7 (RFC 9562, section 5.7) and RFC 3339 with microseconds.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime


def uuid7(now_s: float) -> str:
    """Return a UUIDv7: 48 bits of milliseconds, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (int(now_s * 1000) & 0xFFFF_FFFF_FFFF) << 80 | random & 0xFFFF_FFFF_FFFF_FFFF_FFFF
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def rfc3339(now_s: float) -> str:
    """Return the time in UTC with microseconds and `Z`.

    >>> rfc3339(0.25)
    '1970-01-01T00:00:00.250000Z'
    """
    return datetime.fromtimestamp(now_s, UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
