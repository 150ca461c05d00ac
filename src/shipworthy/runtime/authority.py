"""The one place where the state of a site changes: every change is a ledger entry and a newer epoch.

In: a change, the state files, the ledger. Out: the new state. Order of writes (DECISIONS §9): a tightening goes
map → journal → twin → ledger, so that it holds even when the ledger is dead; a loosening goes ledger → twin → map, so
that nothing loosens unrecorded. Used by the gateway's controller and by the command line alike, on one state directory.

What the ledger hears of first is written under `change.lock`; `state.lock`, which a tightening needs, is held only for
the files themselves, so no order waits for a store. An order that holds by then comes after the loosening, in the state
and in the ledger alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from shipworthy.errors import CannotDecide, PolicySaysNo, ShipworthyError, Unreachable
from shipworthy.facts import DRILLER, Held, LiveThresholds, Person, RolloutState, RuntimeState, Scope, arrived
from shipworthy.ledger.files.log import Ledger
from shipworthy.ledger.fold import step
from shipworthy.respond import postures
from shipworthy.respond.playbook import local_id as local_id
from shipworthy.respond.playbook import renamed
from shipworthy.store.posture import StateFiles
from shipworthy.store.protocol import Store

MACHINE = "machine"
_TRIES = 100
_log = logging.getLogger("shipworthy.authority")


class Authority:
    """Changes the state of one site. Safe from several processes: changes take turns, and tightenings wait for none."""

    def __init__(self, files: StateFiles, ledger: Ledger, store: Store, clock: Callable[[], datetime]) -> None:
        self.files = files
        self.ledger = ledger
        self.store = store
        self.clock = clock
        self._epoch = 0

    def state(self) -> RuntimeState:
        """Return what holds now. Raises CannotDecide when the state files are damaged or missing."""
        return self._read()

    def begin(self) -> RuntimeState:
        """Make the state files of a new site, or bring those of an old one up to the ledger."""
        with self.files.changing():
            self.reconcile()
            folded = self.ledger.replay()
            with self.files.locked():
                folded = arrived(folded, self.files.unreconciled())  # since they were recorded
                try:
                    held = self._read()
                except CannotDecide:
                    self.files.rebuild(folded)
                    return folded
                if folded.epoch > held.epoch:
                    self.files.write(folded)
                    return folded
                return held

    def seen(self, epoch: int) -> None:
        """Note an epoch that was seen to hold here: no change starts from an older one."""
        self._epoch = max(self._epoch, epoch)

    def new_id(self, kind: str) -> str:
        """Return the next id of a kind, such as `ORD-2027-0001`."""
        return self.store.next_id(kind, self.clock().year)

    def hold(self, held: Held) -> None:
        """Make an order hold at once, by the state files alone. `reconcile` records it; nothing here waits for that."""
        with self.files.locked():
            postures.order(self._readable(), held)  # raises for an order that cannot be read or tightens nothing
            self.files.journal_kill(held)

    def hold_anyway(self, held: Held) -> Held:
        """As `hold`, under another id where another order has this one; return the order as it holds."""
        try:
            self.hold(held)
        except CannotDecide:
            held = renamed(held)
            self.hold(held)
        return held

    def tighten(self, held: Held) -> RuntimeState:
        """Make an order hold at once, then record it. When the ledger is dead the order holds and stays journalled."""
        self.hold(held)
        try:
            self.reconcile()
        except ShipworthyError:
            _log.warning("%s holds and is journalled; the ledger does not know it yet", held.order.id)
        return self.files.read()

    def reconcile(self) -> tuple[str, ...]:
        """Record the orders that were journalled while the ledger was dead, each exactly once."""
        if not self.files.journalled()[0]:
            return ()
        done = []
        with self.files.changing():
            for held in self.files.journalled()[0]:  # not those that cannot be read: the rest is written down
                self.ledger.append_once(f"journal/{held.order.id}", held.order.by, "respond.ordered", {"held": held})
                if self.files.reconcile(held.order.id):
                    done.append(held.order.id)
        return tuple(done)

    def record_journal(self) -> None:
        """As `reconcile`, and finish a tightening whose process died between two steps, by the fold of the ledger. What
        fails is told in the log, and holds all the same."""
        try:
            self.reconcile()
            if self.files.cut_off():
                self.begin()
        except ShipworthyError:
            _log.exception("orders of the journal hold and are not recorded yet")

    def confirm(self, order_id: str, person: Person) -> RuntimeState:
        """Record that a person has seen an order and stands by it. The posture stays."""
        with self._changing() as before:
            after = postures.confirm(before, order_id, person.id, person.roles)
            if after == before:
                return before
            return self._loosen(person.id, "respond.confirmed", {"order": order_id, "by": person.id}, before)

    def restore(
        self, orders: Sequence[str], scope: Scope, up_to: str, people: Sequence[Person], approvals: Sequence[Any]
    ) -> RuntimeState:
        """Release orders on the verified approvals of `people`; their breaches up to `up_to` are acknowledged."""
        with self._changing() as before:
            postures.restore(before, orders, scope, up_to, people, self.clock())
            body = {"orders": list(orders), "scope": scope, "up_to": up_to, "approvals": list(approvals)}
            return self._loosen(",".join(person.id for person in people), "respond.restored", body, before)

    def end_drill(self, drill: str, orders: Sequence[str]) -> RuntimeState:
        """Release the orders of a drill. Raises PolicySaysNo for an order that no drill placed over its own tenant."""
        with self._changing() as before:
            postures.end_drill(before, orders)
            return self._loosen(DRILLER, "respond.drill_released", {"drill": drill, "orders": list(orders)}, before)

    def rollout(
        self, actor: str, verb: str, rollout: RolloutState, because: str, expected: RolloutState | None
    ) -> RuntimeState:
        """Record a step of a rollout: `started`, `advanced`, `held`, `aborted` or `completed`.

        `expected` is the rollout that the step was decided on. Raises PolicySaysNo when it has moved since: an abort
        between look and step must not be overwritten.
        """
        with self._changing() as before:
            if before.rollout != expected:
                raise PolicySaysNo("the rollout has moved meanwhile", rollout.id, "look again")
            return self._loosen(actor, f"deploy.{verb}", {"rollout": rollout, "because": because}, before)

    def baseline(self, actor: str, version: str) -> RuntimeState:
        """Record which version is the warm baseline."""
        return self._change(actor, "deploy.baselined", {"version": version})

    def recalibrate(self, thresholds: LiveThresholds, because: str) -> RuntimeState:
        """Record new thresholds inside the signed bounds, before they act."""
        return self._change(MACHINE, "observe.recalibrated", {"thresholds": thresholds, "because": because})

    def note(self, actor: str, kind: str, body: dict[str, Any]) -> None:
        """Record something that changes no posture."""
        self.ledger.append(actor, kind, body)

    def _change(self, actor: str, kind: str, body: dict[str, Any]) -> RuntimeState:
        with self._changing() as before:
            return self._loosen(actor, kind, body, before)

    @contextmanager
    def _changing(self) -> Iterator[RuntimeState]:
        """Keep other changes out; yield what holds, all of it in the ledger."""
        with self.files.changing():
            for _ in range(_TRIES):
                self.reconcile()
                with self.files.locked():
                    before = None if self.files.unreconciled() else self._read()
                if before is not None:
                    yield before
                    return
            raise Unreachable("orders come faster than they are recorded", str(self.files.home), "try again")

    def _loosen(self, actor: str, kind: str, body: dict[str, Any], before: RuntimeState) -> RuntimeState:
        """Write a change down, then let it hold. Orders that came meanwhile are later in the ledger, and stay."""
        entry = self.ledger.append(actor, kind, body)
        with self.files.locked():
            self._read()  # raises when it was damaged meanwhile: the ledger has the change, and makes it anew
            after = arrived(step(before, entry), self.files.unreconciled())
            self.files.write(after)
        return after

    def _read(self) -> RuntimeState:
        """Return what holds. Raises CannotDecide for an older state than was seen before: it was played back."""
        state = self.files.read()
        if state.epoch < self._epoch:
            what = f"epoch {state.epoch} on disk is older than {self._epoch}"
            raise CannotDecide(what, str(self.files.home), "serve again: it is rebuilt from the ledger")
        self._epoch = state.epoch
        return state

    def _readable(self) -> RuntimeState:
        """Return the state, or an empty one when it cannot be read: an order must be possible then too."""
        try:
            return self.files.read()
        except (CannotDecide, Unreachable):
            return RuntimeState()
