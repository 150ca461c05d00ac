"""The orders of one site that a machine gives: they hold at once, are recorded soon, and open an incident.

In: proposals. Out: orders in the state files before anything else happens, then ledger entries and incidents off the
request path, each tried again until it is written. With `act=False` nothing is ordered.
"""

from __future__ import annotations

import dataclasses
import logging
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from shipworthy.errors import ShipworthyError
from shipworthy.facts import Held, Severity
from shipworthy.respond.moments import moment
from shipworthy.respond.playbook import Proposal
from shipworthy.respond.postures import MACHINE
from shipworthy.respond.recurrence import orphans
from shipworthy.runtime import incident_book
from shipworthy.runtime.authority import Authority, local_id
from shipworthy.runtime.live import Live
from shipworthy.runtime.releases import Loaded

Later = Callable[[Callable[[], None]], object]
_log = logging.getLogger("shipworthy.controller")


class Orders:
    """Single thread; `later` runs what may wait for the store, off the request path and in order."""

    def __init__(
        self, authority: Authority, live: Live, releases: Mapping[str, Loaded], act: bool, later: Later
    ) -> None:
        self._authority = authority
        self._live = live
        self._releases = releases
        self._act = act
        self._later = later
        self._unrecorded: deque[Proposal] = deque()
        self._taken: set[str] = set()
        self._untold: set[str] | None = None
        self._due: frozenset[str] = frozenset()
        self._number = self._numbered() if act else ""

    def place(self, proposal: Proposal) -> None:
        """Make an order hold, then have it recorded."""
        if not self._act:
            return
        name, self._number = self._number or local_id(proposal.held), ""
        held = msgspec.structs.replace(proposal.held, order=msgspec.structs.replace(proposal.held.order, id=name))
        held = self._authority.hold_anyway(held)
        self._live.refresh()
        self._await(dataclasses.replace(proposal, held=held))

    def placed(self, held: Held, slo: str, severity: Severity) -> None:
        """Take up an order that another process of this site made to hold: record it, and open its incident."""
        self._live.refresh()
        self._await(Proposal(held, slo, severity))

    def keep_up(self) -> None:
        """Try again what could not be recorded; open incidents of orders whose process ended before it could."""
        if self._unrecorded or self._orphaned():
            self._later(self._record)

    def _await(self, proposal: Proposal) -> None:
        self._unrecorded.append(proposal)
        self._later(self._record)

    def _record(self) -> None:
        """Write what holds into the ledger and open its incident. What fails is tried again at the next tick."""
        try:
            self._authority.reconcile()
            while self._unrecorded:
                self._open(self._unrecorded[0])
                self._unrecorded.popleft()
            self._look_after()
            self._number = self._number or self._numbered()
        except ShipworthyError:
            _log.exception("%d orders hold and are not recorded yet", len(self._unrecorded))

    def _open(self, proposal: Proposal) -> None:
        held = proposal.held
        self._taken.add(held.order.id)
        one = self._releases.get(held.order.scope.version) or self._releases[self._live.state.baseline]
        incident_book.taken_up(self._authority, proposal, moment(held.at), one.contract.manifest.owner)

    def _orphaned(self) -> bool:
        """True when a machine's order holds that nobody has told of: at the start at once, later when a round has
        passed, for a worker that lives tells of its own."""
        if not self._act:
            return False
        machine = {held.order.id for held in self._live.state.orders if held.order.by == MACHINE}
        before, self._untold = self._untold, machine - self._taken
        self._due = frozenset(self._untold if before is None else self._untold & before)
        return bool(self._due)

    def _look_after(self) -> None:
        """Open the incidents that are due; whoever opened one meanwhile is not followed by a second."""
        due, self._due = self._due, frozenset()
        if due:
            found = orphans(self._live.state.orders, self._authority.store.incidents())
            for proposal in found:
                if proposal.held.order.id in due:
                    self._open(proposal)
            self._taken |= due

    def _numbered(self) -> str:
        """Return an order's number in advance: a kill must not wait for the store."""
        try:
            return self._authority.new_id("ORD")
        except ShipworthyError:
            return ""
