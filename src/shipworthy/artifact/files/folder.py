"""Hashing of an artefact folder.

In: a path. Out: the (relative posix name, sha256 hex) pairs that signatures and root digests are made of. Nothing is
skipped but the signature file itself at the top: `.git/`, dotfiles and a `model.sig` in a subfolder all count, since a
file a verifier does not look at is a file an attacker may write. Links and special files are refused, not followed.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from shipworthy.artifact.digests import Pair, path_order
from shipworthy.artifact.signature import SIGNATURE_FILE
from shipworthy.errors import CannotDecide

_CHUNK = 1 << 20
_BUFFER = 256 << 10
_THREADS = 4


def hash_folder(path: Path, ignore: tuple[str, ...] = (SIGNATURE_FILE,)) -> tuple[Pair, ...]:
    """(name, sha256 hex) of every file under `path`, in path order, but the files named in `ignore` in full.

    `path` itself may be a link to the folder (a `current` link); nothing below it may be one.
    Raises CannotDecide on a missing folder, a link, a special file, a name that is not UTF-8, or a read error.
    """
    names = [name for name in files_of(path) if name not in ignore]
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        # The largest begin first: a large file that begins last would be hashed while the other threads are idle.
        begun = {name: pool.submit(hash_file, path / name) for name in _largest_first(path, names)}
        return tuple((name, begun[name].result()) for name in names)


def files_of(path: Path) -> tuple[str, ...]:
    """Relative posix names of all files under `path`, in path order, once all of them are plain files."""
    try:
        return tuple(sorted(_walk(path, ""), key=path_order))
    except OSError as error:
        raise CannotDecide(f"cannot be read ({error.strerror})", str(path)) from error


def hash_file(path: Path) -> str:
    """SHA-256 hex of a plain file. One buffer is filled again and again: a new one each time costs page faults."""
    hasher, buffer = hashlib.sha256(), memoryview(bytearray(_BUFFER))
    with _opened(path) as file:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
    return hasher.hexdigest()


def pieces(path: Path) -> Iterator[bytes]:
    """The content of a plain file in pieces of at most 1 MiB."""
    with _opened(path) as file:
        while piece := file.read(_CHUNK):
            yield piece


def read_named(path: Path, most: int) -> bytes:
    """The bytes of a plain file that the caller named; a link to it is followed, as secrets are mounted that way.

    Raises CannotDecide for a pipe, a loop of links, more than `most` bytes, or a read error.
    """
    raw = bytearray()
    for piece in pieces(real(path)):
        raw += piece
        if len(raw) > most:
            raise CannotDecide(f"larger than {most} bytes", str(path))
    return bytes(raw)


def real(path: Path) -> Path:
    """The path with its links followed. One in a loop stays, for whoever opens it to refuse."""
    return Path(os.path.realpath(path))


@contextmanager
def _opened(path: Path) -> Iterator[io.FileIO]:
    """A plain file, unbuffered. What was opened is checked again: a link put there since is refused."""
    try:
        with io.FileIO(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), closefd=True) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CannotDecide("not a plain file", str(path))
            yield file
    except OSError as error:
        raise CannotDecide(f"cannot be read ({error.strerror})", str(path)) from error


def _largest_first(path: Path, names: list[str]) -> list[str]:
    try:
        sizes = {name: (path / name).lstat().st_size for name in names}
    except OSError as error:
        raise CannotDecide(f"cannot be read ({error.strerror})", str(path)) from error
    return sorted(names, key=lambda name: -sizes[name])


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if not _is_utf8(name):
                raise CannotDecide("a file name that is not UTF-8", repr(str(folder)))
            if entry.is_symlink():
                raise CannotDecide("a link inside the artefact", name, "copy the file it points to")
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name, name + "/")
            elif entry.is_file(follow_symlinks=False):
                yield name
            else:
                raise CannotDecide("a special file inside the artefact", name, "remove it")


def _is_utf8(name: str) -> bool:
    # The filesystem's undecodable bytes arrive as lone surrogates.
    return not any("\ud800" <= letter <= "\udfff" for letter in name)
