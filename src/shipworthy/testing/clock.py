"""Clocks that a test turns by hand.

In: instants set by the test. Out: callables that return an aware UTC datetime, as every `clock` argument expects.
`HandClock` lives in one process; `SharedClock` is a file of 8 bytes that several processes have mapped.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS: Final = struct.Struct("=Q")
START: Final = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)  # a Monday morning


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self, at: datetime = START) -> None:
        self._at = _aware(at)

    def __call__(self) -> datetime:
        """Return the instant it shows."""
        return self._at

    def set(self, at: datetime) -> None:
        """Turn it to an instant, forwards or backwards."""
        self._at = _aware(at)

    def advance(self, seconds: float) -> None:
        """Turn it by some seconds; negative ones turn it back."""
        self._at += timedelta(seconds=seconds)


class SharedClock:
    """A clock that all processes which open `path` see alike. With `start`, the file is made and set."""

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        flags = os.O_RDWR | (os.O_CREAT if start is not None else 0)
        self._descriptor = os.open(path, flags, 0o600)
        if start is not None:
            os.ftruncate(self._descriptor, _MICROSECONDS.size)
        self._shown = mmap.mmap(self._descriptor, _MICROSECONDS.size)
        if start is not None:
            self.set(start)

    def __call__(self) -> datetime:
        """Return the instant it shows."""
        (shown,) = _MICROSECONDS.unpack_from(self._shown)
        return _EPOCH + timedelta(microseconds=shown)

    def set(self, at: datetime) -> None:
        """Turn it to an instant, for all processes."""
        _MICROSECONDS.pack_into(self._shown, 0, _since_epoch(_aware(at)))

    def advance(self, seconds: float) -> None:
        """Turn it by some seconds, for all processes; two of them turning at once both count."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            self.set(self() + timedelta(seconds=seconds))
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        self._shown.close()
        os.close(self._descriptor)


def _since_epoch(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a clock shows aware instants: give the datetime a time zone")
    return at.astimezone(UTC)
