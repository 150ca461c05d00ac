"""Hashing of an artefact folder.

In: a path. Out: the (relative posix name, sha256 hex) pairs that signatures and root digests are made of. Nothing is
skipped but the signature file itself at the top: `.git/`, dotfiles and a `model.sig` in a subfolder all count, since a
file a verifier does not look at is a file an attacker may write. Links and special files are refused, not followed.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shipworthy.artifact.digests import Pair, path_order
from shipworthy.artifact.signature import SIGNATURE_FILE
from shipworthy.errors import CannotDecide

_CHUNK = 1 << 20
_THREADS = 4


def hash_folder(path: Path, ignore: tuple[str, ...] = (SIGNATURE_FILE,)) -> tuple[Pair, ...]:
    """(name, sha256 hex) of every file under `path`, in path order, but the files named in `ignore` in full.

    `path` itself may be a link to the folder (a `current` link); nothing below it may be one.
    Raises CannotDecide on a missing folder, a link, a special file, a name that is not UTF-8, or a read error.
    """
    names = [name for name in files_of(path) if name not in ignore]
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        return tuple(zip(names, pool.map(lambda name: hash_file(path / name), names), strict=True))


def files_of(path: Path) -> tuple[str, ...]:
    """Relative posix names of all files under `path`, in path order, once all of them are plain files."""
    try:
        return tuple(sorted(_walk(path, ""), key=path_order))
    except OSError as error:
        raise CannotDecide(f"cannot be read ({error.strerror})", str(path)) from error


def hash_file(path: Path) -> str:
    """SHA-256 hex of a plain file, read in pieces of 1 MiB."""
    hasher = hashlib.sha256()
    for piece in pieces(path):
        hasher.update(piece)
    return hasher.hexdigest()


def pieces(path: Path) -> Iterator[bytes]:
    """The content of a plain file in pieces. The open file is checked again: a link put there since is refused."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CannotDecide("not a plain file", str(path))
            while piece := file.read(_CHUNK):
                yield piece
    except OSError as error:
        raise CannotDecide(f"cannot be read ({error.strerror})", str(path)) from error


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
