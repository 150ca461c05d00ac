"""One slot of shared memory a worker: what it has counted, and which epoch it has seen.

In: a file in the run's private directory. Out: for each worker `counted[u64] epoch[u64] seen_at[u64, microseconds]
pid[u64]`, little-endian. A worker writes its own slot before an answer leaves, so that the control process knows what
a dead worker had not told, and how soon each worker took an order up.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

_SLOT: Final = struct.Struct("<4Q")
_COUNTED: Final = struct.Struct("<Q")
_SEEN: Final = struct.Struct("<2Q")


class Slot(NamedTuple):
    """What one worker has written. `seen_us`: when it first saw `epoch`, microseconds since 1970."""

    counted: int
    epoch: int
    seen_us: int
    pid: int


class Slots:
    """The slots of `n` workers. A worker uses `mine` and its own number only."""

    def __init__(self, path: Path, n: int) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(descriptor, n * _SLOT.size)
            self._mapped = mmap.mmap(descriptor, n * _SLOT.size)
        finally:
            os.close(descriptor)
        self.n = n

    def read(self, number: int) -> Slot:
        """Return the slot of a worker."""
        return Slot(*_SLOT.unpack_from(self._mapped, number * _SLOT.size))

    def begin(self, number: int, pid: int) -> None:
        """Begin anew: nothing counted, nothing seen."""
        _SLOT.pack_into(self._mapped, number * _SLOT.size, 0, 0, 0, pid)

    def count(self, number: int, counted: int) -> None:
        """Write how many decisions this worker has made since it began."""
        _COUNTED.pack_into(self._mapped, number * _SLOT.size, counted)

    def saw(self, number: int, epoch: int, at_us: int) -> None:
        """Write that this worker answers by `epoch` since `at_us`."""
        _SEEN.pack_into(self._mapped, number * _SLOT.size + _COUNTED.size, epoch, at_us)
