"""One SQLite file: one writer connection behind a lock, one reader, transactions that nest.

SQLite in WAL mode with synchronous=FULL: what was committed survives kill -9 and power loss (sqlite.org/pragma.html).
Several processes may open the same file; BEGIN IMMEDIATE makes them wait for each other, up to `busy_s`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.store.failpoints import Failpoint
from shipworthy.store.safe_files import sync_directory
from shipworthy.store.schema import migrate

_DAMAGED: Final = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError)


class Database:
    """The connections of one process to one store file. Every method may be called from any thread."""

    def __init__(self, path: Path, failpoint: Failpoint, busy_s: float = 10.0) -> None:
        self.path = path
        self.failpoint = failpoint
        self._write_lock = threading.RLock()
        self._read_lock = threading.Lock()
        self._depth = 0
        self._owner: int | None = None
        _create(path)
        with self._told():
            self._writer = _open(path, busy_s)
            migrate(self._writer, str(path))
            self._reader = _open(path, busy_s)
            self._reader.execute("PRAGMA query_only = ON")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes in the block or none, durable at its end; a nested block undoes only itself."""
        with self._write_lock, self._told(), self._nested() if self._depth else self._outermost():
            yield

    def write(self, place: str, sql: str, values: Sequence[object] = ()) -> None:
        """Run one write of the current transaction, with the failpoints of its place around it."""
        self.failpoint(f"{place}.before")
        self._writer.execute(sql, tuple(values))
        self.failpoint(f"{place}.after")

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows. Inside a transaction of this thread its own writes are seen; elsewhere committed ones."""
        with self._told():
            if self._owner == threading.get_ident():
                return self._writer.execute(sql, tuple(values)).fetchall()
            with self._read_lock:
                return self._reader.execute(sql, tuple(values)).fetchall()

    def close(self) -> None:
        """Close both connections. Waits for a running transaction."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    @contextmanager
    def _outermost(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        self._depth, self._owner = 1, threading.get_ident()
        try:
            yield
            self.failpoint("commit.before")
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        finally:
            self._depth, self._owner = 0, None
        self.failpoint("commit.after")

    @contextmanager
    def _nested(self) -> Iterator[None]:
        # A full disk makes SQLite roll back the whole transaction; a savepoint would then quietly start a new one.
        if not self._writer.in_transaction:
            raise Unreachable("the transaction was lost", str(self.path), "free disk space and try again")
        name = f"nested_{self._depth}"
        self._writer.execute(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
            self._writer.execute(f"RELEASE {name}")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute(f"ROLLBACK TO {name}")
                self._writer.execute(f"RELEASE {name}")
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say SQLite's errors in our words."""
        try:
            yield
        except _DAMAGED as error:
            raise CannotDecide(f"the store is damaged: {error}", str(self.path), "restore a backup") from error
        except apsw.Error as error:
            raise Unreachable(f"the store did not answer: {error}", str(self.path), "look at disk and locks") from error


def _create(path: Path) -> None:
    """Make the folder (0700) and the file (0600) when missing. A link in place of the file is refused."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        sync_directory(path.parent)
    except OSError as error:
        raise Unreachable(f"cannot open the store: {error.strerror}", str(path), "it must be a plain file") from error


def _open(path: Path, busy_s: float) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(int(busy_s * 1000))
    # secure_delete: what has expired is overwritten, not only forgotten.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "trusted_schema = OFF", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection
