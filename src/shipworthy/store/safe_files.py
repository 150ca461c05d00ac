"""Private files that are whole or not there: written to the side, synced, renamed; never through a link.

In: paths inside one private directory. Out: bytes. Raises CannotDecide where a link, a missing file or an oversized
one stands in the way, Unreachable when the disk refuses. What root makes inside somebody's private directory is made
theirs: else the gateway could not read what `sudo shipworthy kill` wrote.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.store.failpoints import Failpoint

_LARGEST: Final = 64 << 20
_PLAIN: Final = os.O_NOFOLLOW | os.O_CLOEXEC


def private_directory(path: Path) -> Path:
    """Make the directory (0700) when missing; close it to others when it is open. A link is refused."""
    try:
        made = not os.path.lexists(path)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = os.lstat(path).st_mode
        if not stat.S_ISDIR(mode):
            raise CannotDecide("not a plain directory", str(path), "state is never read through a link")
        if mode & 0o077:
            path.chmod(0o700)
        if made:
            _make_theirs(path, path.parent)
    except OSError as error:
        raise _told(path, error) from error
    return path


def open_plain(path: Path, flags: int) -> int:
    """Open a plain file (0600 when made) and return its descriptor. A link is refused."""
    try:
        descriptor = os.open(path, flags | _PLAIN, 0o600)
        if flags & os.O_CREAT:
            _make_theirs(descriptor, path.parent)
    except OSError as error:
        raise _told(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CannotDecide("not a plain file", str(path), "state is never read from a device or a pipe")
    return descriptor


def _make_theirs(made: Path | int, parent: Path) -> None:
    """Give what root made to the owner of the private directory it is in. `made`: a path, or a descriptor."""
    if os.geteuid() != 0:
        return
    home = os.lstat(parent)
    if home.st_uid != 0 and not home.st_mode & 0o077:
        os.chown(made, home.st_uid, home.st_gid)


def read_plain(path: Path) -> bytes:
    """Return the bytes of a plain file. Raises CannotDecide when missing, linked or larger than 64 MiB."""
    # Without O_NONBLOCK, a pipe put in place of the file would hold us for ever.
    with os.fdopen(open_plain(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        try:
            body = file.read(_LARGEST + 1)
        except OSError as error:
            raise _told(path, error) from error
    if len(body) > _LARGEST:
        raise CannotDecide("the file is too large to be ours", str(path), "rebuild the state from the ledger")
    return body


def write_whole(path: Path, body: bytes, failpoint: Failpoint) -> None:
    """Replace a file: after any crash it holds the old bytes or the new ones, and the new ones once we return."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.is_symlink():
            raise CannotDecide("a link stands in place of the file", str(path), "state is never written through a link")
        aside.unlink(missing_ok=True)  # left by an earlier process that had our number and was killed here
        _write_synced(aside, body, failpoint)
        _at(failpoint, "file.rename", lambda: os.rename(aside, path))
        _at(failpoint, "file.dirsync", lambda: sync_directory(path.parent))
    except OSError as error:
        raise _told(path, error) from error


def sync_directory(path: Path) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _PLAIN)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, body: bytes, failpoint: Failpoint) -> None:
    with os.fdopen(open_plain(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        _at(failpoint, "file.write", lambda: _write_out(file, body))
        _at(failpoint, "file.fsync", lambda: os.fsync(file.fileno()))


def _write_out(file: BinaryIO, body: bytes) -> None:
    file.write(body)
    file.flush()  # the failpoint after this one finds the bytes with the kernel


def _at(failpoint: Failpoint, place: str, write: Callable[[], object]) -> None:
    failpoint(f"{place}.before")
    write()
    failpoint(f"{place}.after")


def _told(path: Path, error: OSError) -> CannotDecide | Unreachable:
    if error.errno == errno.ENOENT:
        return CannotDecide("missing", str(path), "rebuild the state from the ledger")
    if error.errno in (errno.ELOOP, errno.EMLINK):
        return CannotDecide("a link stands in place of the file", str(path), "state is never read through a link")
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return CannotDecide("something else stands in its place", str(path), "look at what it is")
    return Unreachable(f"cannot use the file: {error.strerror}", str(path), "look at disk and permissions")
