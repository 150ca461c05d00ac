"""`journal/`: kills made while the store or the ledger could not be reached, one MAC'd file an order.

In: orders that hold now. Out: those that the ledger does not have yet. A reconciled order keeps its file under another
name, so the same order is never taken up twice.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from shipworthy.errors import CannotDecide, Unreachable, UsageError
from shipworthy.facts import Held
from shipworthy.store.failpoints import Failpoint
from shipworthy.store.safe_files import private_directory, read_plain, sync_directory, write_whole
from shipworthy.store.sealed_json import sealed, unsealed

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_OPEN, _DONE = ".json", ".done"


class Journal:
    """The journal of one state directory. Its writers hold that directory's lock."""

    def __init__(self, folder: Path, mac_key: bytes, failpoint: Failpoint) -> None:
        self._folder = folder
        self._key = mac_key
        self._failpoint = failpoint

    def knows(self, held: Held) -> bool:
        """True when this order is kept or reconciled already. Raises CannotDecide when another order has its id."""
        path = self._path(held.order.id, _OPEN)
        found = [kept for kept in (path, path.with_suffix(_DONE)) if os.path.lexists(kept)]
        for kept in found:
            if self._read(kept).order != held.order:
                raise CannotDecide("another order has this id", str(kept), "give the order a new id")
        return bool(found)

    def add(self, held: Held) -> None:
        """Keep an order, durably."""
        private_directory(self._folder)
        self._failpoint("journal.before")
        path = self._path(held.order.id, _OPEN)
        write_whole(path, sealed("held", held, self._key), self._failpoint)
        self._failpoint("journal.after")

    def unreconciled(self) -> tuple[Held, ...]:
        """Return the orders that wait for the ledger, oldest first. Raises CannotDecide when one cannot be read."""
        found, faults = self.kept()
        if faults:
            raise CannotDecide(faults[0], fix="find out what it ordered, then move it away")
        return found

    def kept(self) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        """Return the orders that wait for the ledger, oldest first, and what is wrong with the unreadable."""
        found: list[Held] = []
        faults: list[str] = []
        try:
            paths = self._waiting()
        except (CannotDecide, Unreachable) as problem:
            return (), (str(problem),)
        for path in paths:
            try:
                found.append(self._read(path))
            except (CannotDecide, Unreachable) as problem:
                if os.path.lexists(path):  # else it was taken up between two looks
                    faults.append(str(problem))
        return tuple(sorted(found, key=lambda held: (held.at, held.order.id))), tuple(faults)

    def _waiting(self) -> list[Path]:
        """Return the files of orders that wait. What cannot be listed is never an empty list."""
        try:
            os.lstat(self._folder)
            private_directory(self._folder)
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unreachable(f"cannot list it: {error.strerror}", str(self._folder)) from error
        return [self._folder / name for name in sorted(names) if name.endswith(_OPEN) and not name.startswith(".")]

    def reconcile(self, order_id: str) -> bool:
        """Mark an order as taken up by the ledger: True the first time, False after. Raises UsageError if unknown."""
        path = self._path(order_id, _OPEN)
        if path.with_suffix(_DONE).exists():
            return False
        if not path.exists():
            raise UsageError("no such order in the journal", where=str(path))
        self._failpoint("journal.before")
        path.rename(path.with_suffix(_DONE))
        sync_directory(self._folder)
        self._failpoint("journal.after")
        return True

    def _path(self, order_id: str, suffix: str) -> Path:
        if not _ID.fullmatch(order_id):
            raise UsageError(f"not an order id: {order_id!r}", fix="use letters, digits, - and _")
        return self._folder / f"{order_id}{suffix}"

    def _read(self, path: Path) -> Held:
        held = unsealed("held", Held, read_plain(path), self._key, str(path))
        if held.order.id != path.stem:
            raise CannotDecide("the file has another order's name", str(path), "rename it back")
        return held
