"""Request ids of a batch: UUIDv7 (RFC 9562, section 5.7), made and spelled in columns.

In: a time and how many. Out: 16 bytes a row, and their text of 36.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
WIDTH = 36
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_DASHES = (8, 13, 18, 23)
_DIGITS = np.array([at for at in range(WIDTH) if at not in _DASHES])


def uuid7s(now_s: float, n: int) -> Bytes:
    """Return `n` ids, (n, 16): 48 bits of milliseconds, then 74 random bits."""
    made = np.empty((n, 16), dtype=np.uint8)
    made[:, :6] = np.frombuffer(int(now_s * 1000).to_bytes(6, "big"), dtype=np.uint8)
    made[:, 6:] = np.frombuffer(os.urandom(10 * n), dtype=np.uint8).reshape(n, 10)
    made[:, 6] = made[:, 6] & 0x0F | 0x70
    made[:, 8] = made[:, 8] & 0x3F | 0x80
    return made


def spelled(ids: Bytes) -> Bytes:
    """Return their text as bytes, (n, 36)."""
    made = np.full((len(ids), WIDTH), ord("-"), dtype=np.uint8)
    nibbles = np.stack([ids >> 4, ids & 15], axis=2).reshape(len(ids), 32)
    made[:, _DIGITS] = _HEX[nibbles]
    return made


def texts(ids: Bytes) -> list[str]:
    """Return their text."""
    told = spelled(ids).tobytes().decode("ascii")
    return [told[at : at + WIDTH] for at in range(0, len(told), WIDTH)]
