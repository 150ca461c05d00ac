"""`throttle.map`: the theoretical arrival times of tenants in memory that all gateway processes of a host share.

In: a tenant's name, the time, and a step from one arrival time to the next. Out: whether the step was taken, under a
lock, so that processes together admit exactly what one would.

Layout, in the host's byte order: `magic[8] sets[u32] ways[u32] born[f64] crc32[u32] 0[36]`, then for each set `ways`
digests of 32 bytes and `ways` times (f64, seconds since 1970). A tenant is known only by a keyed BLAKE2b digest of its
name (RFC 7693), which also names its set; a set is locked as a whole (open file description locks, fcntl(2)), so that
finding a free slot and taking it is one step. The last set is for the buckets that newcomers share. What is lost, cut
or damaged raises CannotDecide: the caller then has a part of the limit for itself, and parts never exceed the limit.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
import threading
import time
import zlib
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.store.failpoints import nothing
from shipworthy.store.safe_files import open_plain, write_whole

FILE: Final = "throttle.map"
SETS: Final = 1_024
WAYS: Final = 32
NEVER: Final = -math.inf
_MAGIC: Final = b"SHIPTAT1"
_HEAD: Final = struct.Struct("=8sIId")
_CHECK: Final = struct.Struct("=I36x")
_START: Final = _HEAD.size + _CHECK.size
_DIGEST: Final = 32
_TIME: Final = struct.Struct("=d")
_SETLK: Final = fcntl.F_OFD_SETLK
_FLOCK: Final = struct.Struct("hhqqi4x")  # struct flock of 64-bit Linux: type, whence, start, length, pid
_TRIES: Final = 100
_PAUSE_S: Final = 0.0001
_ALONE_S: Final = 1.0
_LOOK_EVERY_S: Final = 1.0
_MOST_PLACES: Final = 16_384
_forks = 0
_MEND = "it is made anew within a second; until then each process has its share of every limit"


def _forked() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_forked)


class _Place(NamedTuple):
    """Where a name lies: its digest, the first byte of its set and of the set's times, and how the set is locked."""

    digest: bytes
    start: int
    times: int
    lock: bytes
    unlock: bytes


class BucketMap:
    """The table of one state directory. Open one in each process, after the process began.

    `key`: at least 16 secret bytes of the site. `longest_s`: the longest time a full burst takes of any limit: an
    arrival time further ahead was written before the clock went back, and its slot is free. `sets`, `ways`: the size.
    """

    def __init__(self, path: Path, key: bytes, longest_s: float, sets: int = SETS, ways: int = WAYS) -> None:
        self.path = path
        self.longest_s = longest_s
        self._key = blake2b(key, digest_size=32, person=b"throttle").digest()
        self._sets, self._ways = sets, ways
        self._set_bytes = ways * (_DIGEST + _TIME.size)
        self._size = _START + (sets + 1) * self._set_bytes
        self._mutex = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._mapped: mmap.mmap | None = None
        self._file = -1
        self._found = (-1, -1)
        self._forks = _forks
        self._look_at = 0.0
        self._born = NEVER
        self._alone_until = 0.0

    def make(self, born: float = NEVER) -> None:
        """Write an empty table where none is. `born`: buckets that it does not know are empty as of then.

        Of several processes one wins, and all use its table. Raises Unreachable when the disk refuses.
        """
        head = _HEAD.pack(_MAGIC, self._sets, self._ways, born)
        body = head + _CHECK.pack(zlib.crc32(head)) + bytes(self._size - _START)
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        write_whole(aside, body, nothing)
        try:
            os.link(aside, self.path)
        except FileExistsError:
            pass  # somebody else's, which is as good
        except OSError as error:
            raise Unreachable(f"cannot make the table: {error.strerror}", str(self.path)) from error
        finally:
            aside.unlink(missing_ok=True)

    def mend(self, now_s: float) -> None:
        """Make the table anew when it is lost or damaged; no bucket is full then, so a loss buys nobody a burst."""
        try:
            with self._mutex:
                self._checked(self._looked(time.monotonic()))
        except CannotDecide:
            self._drop()
            self.path.unlink(missing_ok=True)
            self.make(born=now_s)

    def exchange(self, name: str, now_s: float, burst_s: float, step: Callable[[float], float], spare: bool) -> bool:
        """Replace the arrival time of `name` by `step(time)`, alone; False when no slot is free for it.

        A name that has no slot begins at `-inf`, in a table younger than a burst with an empty bucket. `spare`: the
        name is one of the few that newcomers share. Raises CannotDecide when there is no table to be trusted.
        """
        with self._mutex:
            mapped = self._current()
            place = self._places.get(name) or self._place(name, spare)
            try:
                fcntl.fcntl(self._file, _SETLK, place.lock)
            except OSError as error:
                self._wait(place, error)
            try:
                at = mapped.find(place.digest, place.start, place.times)
                if at >= 0 and (at - place.start) % _DIGEST == 0:
                    at = place.times + (at - place.start) // _DIGEST * 8
                    before = _TIME.unpack_from(mapped, at)[0]
                else:
                    at, before = self._free(mapped, place, now_s), self._born + burst_s
                if at < 0:
                    return False
                _TIME.pack_into(mapped, at, step(before if before == before else now_s + burst_s))
                return True
            finally:
                fcntl.fcntl(self._file, _SETLK, place.unlock)

    def close(self) -> None:
        """Let the file go."""
        with self._mutex:
            self._drop()

    def _free(self, mapped: mmap.mmap, place: _Place, now_s: float) -> int:
        """Take a slot of the set for a name that has none; return where its time stands, -1 when the set is full."""
        end_s = now_s + self.longest_s + 1.0
        for way, tat in enumerate(struct.unpack_from(f"={self._ways}d", mapped, place.times)):
            # What has passed is as full as a new bucket; what is beyond the longest burst is of another clock.
            if not now_s < tat <= end_s:
                at = place.start + way * _DIGEST
                mapped[at : at + _DIGEST] = place.digest
                return place.times + way * _TIME.size
        return -1

    def _place(self, name: str, spare: bool) -> _Place:
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=self._key).digest()
        number = self._sets if spare else int.from_bytes(digest[:8], "little") % self._sets
        start = _START + number * self._set_bytes
        lock, unlock = (_FLOCK.pack(kind, os.SEEK_SET, start, 1, 0) for kind in (fcntl.F_WRLCK, fcntl.F_UNLCK))
        if len(self._places) >= _MOST_PLACES:
            self._places.clear()
        place = self._places[name] = _Place(digest, start, start + self._ways * _DIGEST, lock, unlock)
        return place

    def _wait(self, place: _Place, error: OSError) -> None:
        """Get the lock that another process holds. One that was stopped while it held it must not stop this one too."""
        for _ in range(_TRIES):
            if not isinstance(error, BlockingIOError):
                raise CannotDecide(f"cannot be locked: {error.strerror}", str(self.path)) from error
            time.sleep(_PAUSE_S)
            try:
                fcntl.fcntl(self._file, _SETLK, place.lock)
                return
            except OSError as again:
                error = again
        self._alone_until = time.monotonic() + _ALONE_S
        raise CannotDecide("a stopped process holds the table of the throttle", str(self.path))

    def _current(self) -> mmap.mmap:
        """Return the mapped table. Raises CannotDecide when it was deleted, cut, or is held by a stopped process."""
        mapped, now_s = self._mapped, time.monotonic()
        if self._alone_until > now_s:
            raise CannotDecide("a stopped process holds the table of the throttle", str(self.path))
        if mapped is None or now_s >= self._look_at or self._forks != _forks:
            return self._looked(now_s)
        found = os.fstat(self._file)
        if found.st_size != self._size or not found.st_nlink:  # reading past the end of the file would end this process
            return self._looked(now_s)
        return mapped

    def _looked(self, now_s: float) -> mmap.mmap:
        """Return the table that stands at the path, mapped anew when it is another or this is a forked process."""
        try:
            found = os.lstat(self.path)
        except OSError as error:
            raise CannotDecide("the table of the throttle is missing", str(self.path), _MEND) from error
        if found.st_size != self._size:
            raise CannotDecide("the table of the throttle has the wrong size", str(self.path), _MEND)
        if self._mapped is None or (found.st_ino, found.st_dev) != self._found or self._forks != _forks:
            self._open()
        self._look_at = now_s + _LOOK_EVERY_S
        assert self._mapped is not None
        return self._mapped

    def _open(self) -> None:
        """Map the file. A lock belongs to the opened file, so that a forked process must open its own."""
        self._drop()
        file = open_plain(self.path, os.O_RDWR)
        try:
            found = os.fstat(file)
            if found.st_size != self._size:
                raise CannotDecide("the table of the throttle has the wrong size", str(self.path), _MEND)
            mapped = mmap.mmap(file, self._size)
            self._born = self._checked(mapped)
        except BaseException:
            os.close(file)
            raise
        self._mapped, self._file, self._forks = mapped, file, _forks
        self._found = (found.st_ino, found.st_dev)

    def _checked(self, mapped: mmap.mmap) -> float:
        magic, sets, ways, born = _HEAD.unpack_from(mapped)
        (crc,) = _CHECK.unpack_from(mapped, _HEAD.size)
        if (magic, sets, ways) != (_MAGIC, self._sets, self._ways) or crc != zlib.crc32(mapped[: _HEAD.size]):
            raise CannotDecide("not a table of the throttle", str(self.path), _MEND)
        return float(born)

    def _drop(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._mapped, self._file, self._found = None, -1, (-1, -1)
