"""`replicas/`: which processes of this host answer requests, and since when by which epoch.

In: a state directory; from each gateway process, the epochs it has taken up. Out: for one epoch, every process by name
with what it took. A process keeps one file, `<pid>-<start>.slot`, little-endian:

`magic[8] pid[u64] start[u64] began_ns[u64] name[32] crc32[u32] 0[4]`, then 32 times
`epoch[u64] seen_us[u64] seen_ns[u64] crc32[u32] 0[4]`, a ring of the epochs it answered by first at that moment.

`start` is the process's start time in /proc (ticks since boot; 0 where there is none), `seen_us` the site's clock,
`*_ns` the monotonic clock, which all processes of one Linux host share. The file is locked while its process lives: the
system lets go of it however the process ends, and who ends well takes it away. It is written, never mapped: a file cut
short by somebody would end a process that had it mapped.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.facts import Fact
from shipworthy.store.safe_files import open_plain, private_directory

FOLDER: Final = "replicas"
KEPT: Final = 32
LOOK_EVERY_S: Final = 0.002
_MAGIC: Final = b"SHIPREP1"
_HEAD: Final = struct.Struct("<8s3Q32s")
_SEEN: Final = struct.Struct("<3Q")
_CHECK: Final = struct.Struct("<I4x")
_FIRST: Final = _HEAD.size + _CHECK.size
_ENTRY: Final = _SEEN.size + _CHECK.size
_SIZE: Final = _FIRST + KEPT * _ENTRY
_SUFFIX: Final = ".slot"

State = Literal["answers", "behind", "stopped", "ended"]


class Replica(Fact, frozen=True, kw_only=True):
    """One process and one epoch. `state`: it `answers` by that epoch or a newer one, is `behind` (it runs and has not
    taken it up), is `stopped` (by a signal), or `ended` without a word and answers nobody.

    `epoch` is the newest it took up. `seen_at`, RFC 3339, and `took_ms`, since the moment asked about, are of its first
    answer by the epoch; both None when it has none, `took_ms` alone when it began later, `seen_at` too when that was so
    long ago that it is not kept.
    """

    name: str
    pid: int
    alive: bool
    state: State
    epoch: int
    seen_at: str | None = None
    took_ms: float | None = None

    @property
    def silent(self) -> bool:
        """True when it may still answer by an older epoch."""
        return self.state in ("behind", "stopped")


class Seen(NamedTuple):
    """From when a process answered by an epoch: microseconds since 1970, and nanoseconds of the monotonic clock."""

    epoch: int
    us: int
    ns: int


class ReplicaSlot:
    """The file of this process. `name`: what people call it, at most 32 bytes. Use from one thread."""

    def __init__(self, home: Path, name: str) -> None:
        """Begin, and take away the files of processes that are gone. Raises Unreachable when it cannot be written."""
        self._folder = home / FOLDER
        self._head = _HEAD.pack(_MAGIC, os.getpid(), _started(os.getpid()), time.monotonic_ns(), name.encode()[:32])
        self.path = self._folder / f"{os.getpid()}-{time.monotonic_ns():x}{_SUFFIX}"
        self._file = -1
        self._seen: list[Seen] = []
        self._n = 0
        try:
            self._begin()
            _sweep(self._folder)
        except OSError as error:
            raise Unreachable(f"cannot mark this process: {error.strerror}", str(self._folder)) from error

    def saw(self, epoch: int, at: datetime) -> None:
        """Write that this process answers by `epoch` from now on. Raises Unreachable when it cannot be written."""
        if self._seen and self._seen[-1].epoch == epoch:
            return
        one = Seen(epoch, int(at.timestamp() * 1_000_000), time.monotonic_ns())
        self._write(self._n, one)
        self._seen = [*self._seen, one][-KEPT:]  # only what was written: what was not is told again
        self._n += 1

    def keep(self) -> None:
        """Be there again when somebody took the file away. Raises Unreachable when it cannot be written."""
        try:
            if self._file >= 0 and os.lstat(self.path).st_ino == os.fstat(self._file).st_ino:
                return
        except FileNotFoundError:
            pass
        self.end()
        try:
            self._begin()
        except OSError as error:
            raise Unreachable(f"cannot mark this process: {error.strerror}", str(self.path)) from error
        for number, one in enumerate(self._seen):
            self._write(number, one)
        self._n = len(self._seen)

    def end(self) -> None:
        """End well. Twice is once."""
        if self._file >= 0:
            if os.path.lexists(self.path) and os.lstat(self.path).st_ino == os.fstat(self._file).st_ino:
                self.path.unlink()
            os.close(self._file)
            self._file = -1

    def _begin(self) -> None:
        """Lock the file before it has its name, so that nobody finds it free."""
        private_directory(self._folder)
        unnamed = self.path.with_suffix(".new")
        unnamed.unlink(missing_ok=True)
        self._file = open_plain(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(self._file, self._head + _check(self._head) + bytes(KEPT * _ENTRY), 0)
        unnamed.rename(self.path)

    def _write(self, number: int, one: Seen) -> None:
        entry = _SEEN.pack(*one)
        try:
            os.pwrite(self._file, entry + _check(entry), _FIRST + number % KEPT * _ENTRY)
        except OSError as error:
            raise Unreachable(f"cannot tell the epoch: {error.strerror}", str(self.path)) from error


def acknowledged(
    home: Path,
    epoch: int,
    since_ns: int,
    within_s: float = 0.0,
    pause: Callable[[float], object] = time.sleep,
) -> tuple[Replica, ...]:
    """Return every replica of this host, by name: whether it answers by `epoch`, and after how long.

    `since_ns`: the moment asked about, of the monotonic clock (`time.monotonic_ns()` just before the order). Waits
    until none is silent, at most `within_s`. Empty when no gateway runs here. A file that is not what a replica writes
    is named, and is `behind`: nobody knows by what its process answers.
    """
    until = time.monotonic() + within_s
    while True:
        found = tuple(one for path in _slots(home) if (one := _look(path, epoch, since_ns)) is not None)
        if not any(one.silent for one in found) or time.monotonic() >= until:
            return tuple(sorted(found, key=lambda one: (one.name, one.pid)))
        pause(LOOK_EVERY_S)


def _slots(home: Path) -> list[Path]:
    folder = home / FOLDER
    return sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []


def _look(path: Path, epoch: int, since_ns: int) -> Replica | None:
    """Return what one file says; None when its process has ended well meanwhile."""
    try:
        file = open_plain(path, os.O_RDONLY | os.O_NONBLOCK)
    except (CannotDecide, Unreachable):
        return _unreadable(path, True) if os.path.lexists(path) else None
    try:
        alive = not _is_free(file)
        raw = os.pread(file, _SIZE, 0)
    finally:
        os.close(file)
    if not alive and not path.exists():
        return None
    return _read(path, raw, alive, epoch, since_ns)


def _unreadable(path: Path, alive: bool) -> Replica:
    return Replica(name=path.name, pid=0, alive=alive, state="behind" if alive else "ended", epoch=0)


def _read(path: Path, raw: bytes, alive: bool, epoch: int, since_ns: int) -> Replica:
    head = raw[: _HEAD.size]
    if len(raw) < _SIZE or raw[_HEAD.size : _FIRST] != _check(head) or not head.startswith(_MAGIC):
        return _unreadable(path, alive)
    _, pid, started, began_ns, name = _HEAD.unpack(head)
    ring = _ring(raw)
    later = sorted(one for one in ring if one.epoch >= epoch)
    state: State = "ended" if not alive else "answers" if later else "stopped" if _stands(pid, started) else "behind"
    # A full ring without anything older has gone on since: when it took the epoch up is not kept.
    known = bool(later) and (len(ring) < KEPT or len(later) < len(ring))
    return Replica(
        name=name.rstrip(b"\0").decode(errors="replace"),
        pid=pid,
        alive=alive,
        state=state,
        epoch=max((one.epoch for one in ring), default=0),
        seen_at=_text(later[0].us) if known else None,
        took_ms=round((later[0].ns - since_ns) / 1e6, 3) if known and began_ns < since_ns else None,
    )


def _ring(raw: bytes) -> list[Seen]:
    """Return what can be read; an entry that is being written cannot."""
    found = []
    for at in range(_FIRST, len(raw) - _ENTRY + 1, _ENTRY):
        entry = raw[at : at + _SEEN.size]
        if raw[at + _SEEN.size : at + _ENTRY] == _check(entry):
            found.append(Seen(*_SEEN.unpack(entry)))
    return found


def _is_free(file: int) -> bool:
    """True when the process of an open file has ended."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(folder: Path) -> None:
    """Take away the files of processes that are gone."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with suppress(CannotDecide):  # gone meanwhile, or no plain file: whoever reads says so
            file = open_plain(path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                if _is_free(file):
                    path.unlink(missing_ok=True)
            finally:
                os.close(file)


def _check(raw: bytes) -> bytes:
    return _CHECK.pack(zlib.crc32(raw, zlib.crc32(_MAGIC)))  # so that zeros are not a sound entry


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name (proc(5)); empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _started(pid: int) -> int:
    """Return when a process began: ticks since boot."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def _stands(pid: int, started: int) -> bool:
    """True when that very process is stopped by a signal or a debugger."""
    fields = _stat(pid)
    return bool(fields) and int(fields[19]) == started and fields[0] in "tT"


def _text(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
