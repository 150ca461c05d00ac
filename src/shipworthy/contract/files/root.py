"""A model repository on disk, read without ever leaving it.

In: the folder. Out: names, bytes and digests of its files. Symbolic links and paths that leave the folder are refused:
what is judged must be what is there. Caches, environments and `.shipworthy/` are not part of a repository.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from shipworthy.contract.manifest_reader import inside
from shipworthy.contract.problems import Findings, Problem
from shipworthy.contract.strict_yaml import MAX_BYTES
from shipworthy.facts import Digest

_NOT_OURS = frozenset(
    {
        ".git", ".hg", ".shipworthy", ".venv", "venv", "__pycache__", "node_modules", ".tox", ".nox", ".idea",
        ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints",
    }
)  # fmt: skip
_PRIVATE = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_KEY_SIZE = 1 << 16  # a private key is small: larger files are not searched for one
_HEADER_SIZE = 1 << 16


class Root:
    """The folder of one contract. Nothing here raises for what stands in the folder: faults go to `Findings`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def names(self) -> tuple[str, ...]:
        """Return the relative paths (`/`) of all files and links, sorted."""
        return tuple(sorted(self._walk()))

    def exists(self, name: str) -> bool:
        """True when something stands at that path, whatever it is."""
        return inside(name) and os.path.lexists(self.folder / name)

    def read(self, name: str, found: Findings, limit: int = MAX_BYTES) -> bytes | None:
        """Return the bytes of a file of at most `limit` bytes, or None after noting why not."""
        try:
            with self._open(name) as stream:
                raw = stream.read(limit + 1)
        except OSError as fault:
            found.at(1, f"cannot be read: {_why(fault)}", "make it a plain, readable file of the repository")
            return None
        if len(raw) > limit:
            found.at(1, f"larger than {limit} bytes", "make it smaller")
            return None
        return raw

    def digest(self, name: str, found: Findings) -> Digest | None:
        """Return the digest of a file of any size, or None after noting why not."""
        total = hashlib.sha256()
        try:
            with self._open(name) as stream:
                while part := stream.read(1 << 20):
                    total.update(part)
        except OSError as fault:
            found.at(1, f"cannot be read: {_why(fault)}", "make it a plain, readable file of the repository")
            return None
        return f"sha256:{total.hexdigest()}"

    def columns(self, name: str, found: Findings) -> tuple[str, ...] | None:
        """Return the column names of a CSV (optionally .gz) file, or None after noting why not."""
        try:
            with self._open(name) as raw:
                packed = gzip.GzipFile(fileobj=raw) if name.endswith(".gz") else None
                line = (packed or raw).readline(_HEADER_SIZE).decode()
            columns = tuple(column.strip() for column in next(csv.reader([line.removeprefix("\ufeff")])))
        except (OSError, EOFError, zlib.error, UnicodeError, csv.Error, StopIteration) as fault:
            found.at(1, f"no header line can be read: {fault}", "save it as CSV (or .csv.gz) in UTF-8 with a header")
            return None
        if not any(columns) or len(set(columns)) < len(columns):
            found.at(1, "the header line is empty or names a column twice", "give every column its own name")
            return None
        return columns

    def private_keys(self, names: tuple[str, ...]) -> tuple[Problem, ...]:
        """Return a problem for each file that holds a private key: what is in a repository is known to everyone."""
        problems = []
        for name in names:
            raw = self._small(name)
            if match := _PRIVATE.search(raw):
                line = raw.count(b"\n", 0, match.start()) + 1
                fix = "remove it from the history, make a new key, and keep it outside the repository"
                problems.append(Problem(name, line, 1, "holds a private key", fix))
        return tuple(problems)

    def _small(self, name: str) -> bytes:
        try:
            if os.lstat(self.folder / name).st_size > _KEY_SIZE:
                return b""
            with self._open(name) as stream:
                return stream.read(_KEY_SIZE)
        except OSError:
            return b""  # a link or an unreadable file: whoever needs it says so

    def _open(self, name: str) -> IO[bytes]:
        """Open a plain file. Raises OSError when a part of the path is a link, or when it is not a file."""
        if not inside(name):
            raise OSError("the path leaves the repository")
        place = self.folder
        for part in name.split("/"):
            place = place / part
            if place.is_symlink():
                raise OSError("a symbolic link")
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise OSError("not a plain file")
        return os.fdopen(handle, "rb")

    def _walk(self) -> Iterator[str]:
        """Yield files, links, and folders that cannot be listed: whoever needs one of these is told that it is not."""
        closed: list[str] = []
        for folder, folders, files in os.walk(self.folder, onerror=lambda fault: closed.append(str(fault.filename))):
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            folders[:] = sorted(name for name in folders if name not in _NOT_OURS and name not in links)
            for name in files + [link for link in links if link not in _NOT_OURS]:
                yield self._name(os.path.join(folder, name))
        yield from (self._name(folder) for folder in closed)

    def _name(self, path: str) -> str:
        """Return the relative path as text; bytes that are not UTF-8 are shown as the replacement character."""
        relative = Path(path).relative_to(self.folder).as_posix()
        return relative.encode(errors="surrogateescape").decode(errors="replace")


def _why(fault: OSError) -> str:
    return fault.strerror or str(fault)
