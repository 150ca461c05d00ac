"""`state.map`: 64 bytes in shared memory that say which state holds, so that every request can look.

`magic[8] epoch[u64] written_at[u64, microseconds] content[32] crc32[u32] 0[4]`, little-endian. `content` is the sha256
of the state's canonical bytes, or zeros while a tightening is announced that has not reached the disk. The file is
written in place and never replaced, so that a process that has it mapped sees the change at once.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
import zlib
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.store.failpoints import Failpoint
from shipworthy.store.safe_files import open_plain, write_whole

ANNOUNCED: Final = bytes(32)
_MAGIC: Final = b"SHIPMAP1"
_HEAD: Final = struct.Struct("<8sQQ32s")
_CHECK: Final = struct.Struct("<I4x")
_SIZE: Final = _HEAD.size + _CHECK.size
_TRIES: Final = 100
STANDS_S: Final = 0.01


class MapHeader(NamedTuple):
    """What the map says. `written_us`: microseconds since 1970, UTC."""

    epoch: int
    written_us: int
    content: bytes

    @property
    def announced(self) -> bool:
        """True while a tightening is on its way to the disk."""
        return self.content == ANNOUNCED


class EpochMap:
    """The map of one state directory."""

    def __init__(self, path: Path, failpoint: Failpoint) -> None:
        self.path = path
        self._failpoint = failpoint
        self._lock = threading.Lock()
        self._mapped: mmap.mmap | None = None
        self._inode = -1
        self._file: _Open | None = None
        self._stands_until = 0.0
        self._raw = b""
        self._epoch = -1

    def read(self) -> MapHeader:
        """Return the header. Raises CannotDecide when missing or damaged."""
        mapped = self._current()
        for _ in range(_TRIES):
            head = _parsed(mapped[:_SIZE])
            if head is not None:
                return head
            time.sleep(0.0001)  # a writer is in the middle of its 64 bytes
        raise CannotDecide("the map is damaged", str(self.path), "rebuild the state from the ledger")

    def epoch(self) -> int:
        """Return the epoch alone, in under a microsecond. Raises CannotDecide when missing or damaged.

        The 64 bytes are read, not touched through the map: of a file cut short, that would end this process. Whether
        another file stands at the path is looked up a hundred times a second.
        """
        now = time.monotonic()
        if now >= self._stands_until:
            self._reopen()
            self._stands_until = now + STANDS_S
        assert self._file is not None
        try:
            raw = os.pread(self._file.number, _SIZE, 0)
        except OSError as error:
            raise _refused(self.path, error) from error
        if raw != self._raw:
            self._raw, self._epoch = b"", self.read().epoch
            self._raw = raw if _parsed_whole(raw) is not None else b""
        return self._epoch

    def _reopen(self) -> None:
        """Have the file open that stands at the path."""
        self._current()
        with self._lock:
            if self._file is None or self._file.inode != self._inode:
                self._file, self._raw = _Open(self.path), b""

    def write(self, epoch: int, content: bytes, at: datetime) -> None:
        """Set the header in place; a missing or damaged file is made anew. Call it under the directory's lock."""
        head = _HEAD.pack(_MAGIC, epoch, int(at.timestamp() * 1_000_000), content)
        whole = head + _CHECK.pack(zlib.crc32(head))
        self._failpoint("map.before")
        if self._has_our_size():
            mapped = self._current()
            mapped[:_SIZE] = whole
            mapped.flush()
        else:
            write_whole(self.path, whole, self._failpoint)
        self._failpoint("map.after")

    def _has_our_size(self) -> bool:
        try:
            return os.lstat(self.path).st_size == _SIZE
        except FileNotFoundError:
            return False

    def _current(self) -> mmap.mmap:
        """Return the mapped file, mapped anew when another one stands at its path."""
        try:
            found = os.lstat(self.path)
        except OSError as error:
            raise CannotDecide("missing", str(self.path), "rebuild the state from the ledger") from error
        if found.st_size != _SIZE:  # reading past the end of a mapped file would end this process
            raise CannotDecide("the map has the wrong size", str(self.path), "rebuild the state from the ledger")
        with self._lock:
            if self._mapped is None or found.st_ino != self._inode:
                self._mapped, self._inode = _map(self.path)
            return self._mapped


class _Open:
    """An open file, closed when nobody holds it any more."""

    __slots__ = ("inode", "number")

    def __init__(self, path: Path) -> None:
        self.number = open_plain(path, os.O_RDONLY)
        self.inode = os.fstat(self.number).st_ino

    def __del__(self) -> None:
        os.close(self.number)


def _map(path: Path) -> tuple[mmap.mmap, int]:
    descriptor = open_plain(path, os.O_RDWR)
    try:
        return mmap.mmap(descriptor, _SIZE), os.fstat(descriptor).st_ino
    except OSError as error:  # it takes a descriptor of its own
        raise _refused(path, error) from error
    finally:
        os.close(descriptor)


def _refused(path: Path, error: OSError) -> Unreachable:
    return Unreachable(f"cannot use the file: {error.strerror}", str(path), "look at disk and permissions")


def _parsed_whole(raw: bytes) -> MapHeader | None:
    return _parsed(raw) if len(raw) == _SIZE else None


def _parsed(whole: bytes) -> MapHeader | None:
    head = whole[: _HEAD.size]
    magic, epoch, written_us, content = _HEAD.unpack(head)
    (crc,) = _CHECK.unpack(whole[_HEAD.size :])
    if magic != _MAGIC or crc != zlib.crc32(head):
        return None
    return MapHeader(epoch, written_us, content)
