"""The state files of one host: what holds now, readable with everything else dead (DECISIONS §9).

`state.map` tells every request the epoch; `state.json` is the MAC'd twin with the whole state; `journal/` holds kills
that the ledger does not know yet. Order of writes: a tightening goes map → journal → store → ledger (`journal_kill`),
a loosening ledger → store → map (`write`, after the ledger). Between two steps a reader fails safe or stays tighter.
Who reads and gets CannotDecide serves in its safe posture, joined with `journalled()`.

Two locks: `state.lock` for the short writes of these files, all that a tightening waits for; `change.lock`, taken
first, for whoever writes the ledger and then these files, which may wait for a store.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from shipworthy.errors import CannotDecide, Unreachable, UsageError
from shipworthy.facts import Held, RuntimeState, arrived, canonical, hold
from shipworthy.store.epoch_map import ANNOUNCED, EpochMap, MapHeader
from shipworthy.store.failpoints import Failpoint, nothing
from shipworthy.store.instants import utc_now
from shipworthy.store.journal import Journal
from shipworthy.store.safe_files import open_plain, private_directory, read_plain, write_whole
from shipworthy.store.sealed_json import sealed, unsealed

_KEY_BYTES = 32
CHANGE_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.01


class StateFiles:
    """The state directory `home`, under the host's MAC key (at least 32 bytes)."""

    def __init__(
        self,
        home: Path,
        mac_key: bytes,
        clock: Callable[[], datetime] = utc_now,
        failpoint: Failpoint = nothing,
    ) -> None:
        if len(mac_key) < _KEY_BYTES:
            raise UsageError(f"the host MAC key has {len(mac_key)} bytes", fix=f"use {_KEY_BYTES}")
        self.home = private_directory(home)
        self._key = mac_key
        self._clock = clock
        self._failpoint = failpoint
        self.map = EpochMap(home / "state.map", failpoint)
        self._json = home / "state.json"
        self._journal = Journal(home / "journal", mac_key, failpoint)
        self._mutex = threading.RLock()
        self._held = False
        self._changes = threading.RLock()
        self._changing = False

    def epoch(self) -> int:
        """Return the epoch of the map: cheap, for every request. Raises CannotDecide when it is missing or damaged."""
        return self.map.epoch()

    def read(self) -> RuntimeState:
        """Return what holds: the twin, and the journalled orders that it lacks.

        Raises CannotDecide when map or twin is missing or damaged, when the map is ahead (a tightening was announced
        and has not arrived), or when both name one epoch with other content. A twin ahead of the map is a loosening
        whose ledger entry is durable: the larger epoch wins.
        """
        state = self._agreed()
        for held in self._journal.unreconciled():
            state = hold(state, held)
        return state

    def _agreed(self) -> RuntimeState:
        """Return the twin where map and twin agree, as `read` says."""
        header = self.map.read()  # before the twin: a writer between the two reads can only make the twin newer
        state = self._twin()
        if header.epoch > state.epoch:
            raise CannotDecide(f"epoch {header.epoch} was announced, {state.epoch} is on disk", str(self._json))
        if header.epoch == state.epoch and not header.announced and header.content != _content(state):
            raise CannotDecide(f"epoch {state.epoch} with other content", str(self._json), "rebuild it from the ledger")
        return state

    def write(self, state: RuntimeState) -> bool:
        """Write a newer state: twin, then map. False when it is older or the same: nothing changes then.

        Raises CannotDecide when what is there is damaged, or has the same epoch with other content.
        """
        with self.locked():
            if self._is_empty():
                self._write_both(state)
                return True
            header, before = self.map.read(), self._twin()
            for epoch, content in ((before.epoch, _content(before)), (header.epoch, header.content)):
                if epoch == state.epoch and content not in (ANNOUNCED, _content(state)):
                    raise CannotDecide(f"epoch {epoch} with other content", str(self._json), "reconcile the journal")
            if state.epoch < max(header.epoch, before.epoch):
                return False
            if state == before:
                self._publish(before)  # a crash may have come between twin and map
                return False
            self._write_both(state)
        return True

    def rebuild(self, state: RuntimeState) -> None:
        """Replace damaged files by the fold of the ledger. Raises CannotDecide when a sound twin is ahead of it."""
        with self.locked():
            before = self._sound_twin()
            if before is not None and before.epoch > state.epoch:
                raise CannotDecide(
                    f"the ledger is at epoch {state.epoch}, this host at {before.epoch}",
                    str(self._json),
                    "reconcile the journal, or find out which backup the ledger came from",
                )
            self._write_both(state)

    def announce(self, epoch: int) -> None:
        """First step of a tightening: from now on readers fail safe until a state of this epoch is on disk.

        Raises CannotDecide unless the epoch grows.
        """
        with self.locked():
            if epoch < self._next_epoch():
                raise CannotDecide(f"epoch {epoch} does not grow", str(self.map.path), "take up the newer state first")
            self.map.write(epoch, ANNOUNCED, self._clock())

    def journal_kill(self, held: Held) -> bool:
        """Tighten now, with nothing but this directory: map → journal → twin → map.

        False when this order was journalled before. Works on damaged files too: then the twin stays as it is, readers
        keep failing safe, and `unreconciled()` names the order. Raises CannotDecide when another order has its id.
        """
        with self.locked():
            if self._journal.knows(held):
                return False
            before = self._sound_state()
            self.announce(self._next_epoch())
            self._journal.add(held)
            if before is not None:
                self._write_both(arrived(before, (held,)))
        return True

    def unreconciled(self) -> tuple[Held, ...]:
        """Return the journalled orders that the ledger does not have yet. Raises CannotDecide when one is damaged."""
        return self._journal.unreconciled()

    def journalled(self) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        """Return those of them that can be read, and what is wrong with the others, one line each. Raises nothing."""
        return self._journal.kept()

    def cut_off(self) -> bool:
        """True when a tightening was announced by somebody who died before its state was on disk."""
        with self.locked():  # nobody is writing now
            try:
                twin, header = self._sound_twin(), self.map.read()
            except (CannotDecide, Unreachable):
                return False
            return twin is not None and header.announced and header.epoch > twin.epoch

    def reconcile(self, order_id: str) -> bool:
        """Mark a journalled order as known to the ledger: True exactly once."""
        with self.locked():
            return self._journal.reconcile(order_id)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory's lock, across threads and processes. May be nested in one thread."""
        with self._mutex:
            if self._held:
                yield
                return
            descriptor = open_plain(self.home / "state.lock", os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._held = True
                yield
            finally:
                self._held = False
                os.close(descriptor)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep out every other change that the ledger hears of first, across threads and processes. May be nested in
        one thread; take it before `locked()`, never inside. Raises Unreachable when somebody keeps it too long."""
        until = time.monotonic() + CHANGE_WITHIN_S
        if not self._changes.acquire(timeout=CHANGE_WITHIN_S):
            raise self._kept_out()
        try:
            if self._changing:
                yield
                return
            descriptor = open_plain(self.home / "change.lock", os.O_RDWR | os.O_CREAT)
            try:
                while not _taken(descriptor):
                    if time.monotonic() > until:
                        raise self._kept_out()
                    time.sleep(_LOOK_EVERY_S)
                self._changing = True
                yield
            finally:
                self._changing = False
                os.close(descriptor)
        finally:
            self._changes.release()

    def _kept_out(self) -> Unreachable:
        return Unreachable("another change is not done yet", str(self.home / "change.lock"), "try again")

    def _twin(self) -> RuntimeState:
        return unsealed("state", RuntimeState, read_plain(self._json), self._key, str(self._json))

    def _write_both(self, state: RuntimeState) -> None:
        self._failpoint("json.before")
        write_whole(self._json, sealed("state", state, self._key), self._failpoint)
        self._failpoint("json.after")
        self._publish(state)

    def _publish(self, state: RuntimeState) -> None:
        """Last step: the map names this state, and running readers take it up."""
        self.map.write(state.epoch, _content(state), self._clock())

    def _is_empty(self) -> bool:
        return not os.path.lexists(self._json) and not os.path.lexists(self.map.path)

    def _sound_twin(self) -> RuntimeState | None:
        try:
            return self._twin()
        except CannotDecide:
            return None  # damaged: the caller's whole point is to replace it

    def _sound_state(self) -> RuntimeState | None:
        """Return the twin when map and twin agree, else None: a kill must work on damaged files too, and on the twin
        when another order of the journal cannot be read."""
        try:
            return self._agreed()
        except (CannotDecide, Unreachable):
            return None

    def _next_epoch(self) -> int:
        return max(self._epoch_of(self._twin), self._epoch_of(self.map.read)) + 1

    @staticmethod
    def _epoch_of(read: Callable[[], RuntimeState | MapHeader]) -> int:
        try:
            return read().epoch
        except (CannotDecide, Unreachable):
            return 0


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _content(state: RuntimeState) -> bytes:
    return hashlib.sha256(canonical(state)).digest()
