"""The state files of one host: what holds now, readable with everything else dead (DECISIONS §9).

`state.map` tells every request the epoch; `state.json` is the MAC'd twin with the whole state; `journal/` holds kills
that the ledger does not know yet. Order of writes: a tightening goes map → journal → store → ledger (`journal_kill`),
a loosening ledger → store → map (`write`, after the ledger). Between two steps a reader fails safe or stays tighter.
Who reads and gets CannotDecide serves in its safe posture, joined with `unreconciled()`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Held, RuntimeState, canonical, hold
from shipworthy.store.epoch_map import ANNOUNCED, EpochMap
from shipworthy.store.failpoints import Failpoint, nothing
from shipworthy.store.instants import utc_now
from shipworthy.store.journal import Journal
from shipworthy.store.safe_files import open_plain, private_directory, read_plain, write_whole
from shipworthy.store.sealed_json import sealed, unsealed

_KEY_BYTES = 32


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

    def epoch(self) -> int:
        """Return the epoch of the map: cheap, for every request. Raises CannotDecide when it is missing or damaged."""
        return self.map.epoch()

    def read(self) -> RuntimeState:
        """Return what holds: the twin, and the journalled orders that it lacks.

        Raises CannotDecide when map or twin is missing or damaged, when the map is ahead (a tightening was announced
        and has not arrived), or when both name one epoch with other content. A twin ahead of the map is a loosening
        whose ledger entry is durable: the larger epoch wins.
        """
        header = self.map.read()  # before the twin: a writer between the two reads can only make the twin newer
        state = self._twin()
        if header.epoch > state.epoch:
            raise CannotDecide(f"epoch {header.epoch} was announced, {state.epoch} is on disk", str(self._json))
        if header.epoch == state.epoch and not header.announced and header.content != _content(state):
            raise CannotDecide(f"epoch {state.epoch} with other content", str(self._json), "rebuild it from the ledger")
        for held in self._journal.unreconciled():
            state = hold(state, held)
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
                after = hold(before, held)
                grown = before.epoch + (after != before)
                self._write_both(msgspec.structs.replace(after, epoch=grown))
        return True

    def unreconciled(self) -> tuple[Held, ...]:
        """Return the journalled orders that the ledger does not have yet. Raises CannotDecide when one is damaged."""
        return self._journal.unreconciled()

    def cut_off(self) -> bool:
        """True when a tightening was announced by somebody who died before its state was on disk."""
        with self.locked():  # nobody is writing now
            twin = self._sound_twin()
            try:
                header = self.map.read()
            except CannotDecide:
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
        """Return the twin when map and twin agree, else None: a kill must work on damaged files too."""
        try:
            self.read()
            return self._twin()
        except CannotDecide:
            return None

    def _next_epoch(self) -> int:
        twin = self._sound_twin()
        try:
            mapped = self.map.read().epoch
        except CannotDecide:
            mapped = 0
        return max(mapped, twin.epoch if twin else 0) + 1


def _content(state: RuntimeState) -> bytes:
    return hashlib.sha256(canonical(state)).digest()
