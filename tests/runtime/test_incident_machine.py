"""Laws of an incident's record, whatever happens in whatever order: kept whole, closed only by proof, told by ledger.

A machine of random orders, people, promotions, closings, cut transactions and repeated commands over a real ledger.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Incident
from shipworthy.facts.incident import Harm, RegressionCase
from shipworthy.ledger.files.log import Ledger
from shipworthy.respond import closing, incidents
from shipworthy.respond.incident_log import fold
from shipworthy.runtime import incident_book
from shipworthy.runtime.authority import Authority
from shipworthy.store.posture import StateFiles
from shipworthy.testing.clock import HandClock
from shipworthy.testing.memory import MemoryStore
from tests.runtime.incident_child import CASE, proof, proposal

WHICH = st.integers(0, 3)
STEPS = ("command", "harm", "death", "report", "stable", "promote", "task")


class Cut(Exception):
    """A transaction that is cut off after both of its writes."""


class IncidentMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = HandClock()
        store = MemoryStore()
        ledger = Ledger(store, Ed25519PrivateKey.from_private_bytes(bytes(32)), "tests/machine", self.clock)
        self.authority = Authority(StateFiles(Path(self.folder.name), bytes(32)), ledger, store, self.clock)
        self.seen: dict[str, list[Incident]] = {}
        self.orders = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(version=st.sampled_from("12"), again=st.booleans())
    def order(self, version: str, again: bool) -> None:
        self.orders += not (again and self.orders)
        asked = proposal(self.orders, version)
        before = self.authority.store.incidents()
        one, kind = incident_book.taken_up(self.authority, asked, self.clock(), "chidi")
        assert asked.held.order.id in one.orders
        assert one.status == "active" or kind == ""
        repeated, nothing = incident_book.taken_up(self.authority, asked, self.clock(), "chidi")
        assert (repeated, nothing) == (one, "")
        assert len(self.authority.store.incidents()) - len(before) == (kind == incidents.OPENED)

    @precondition(lambda self: self.authority.store.incidents())
    @rule(
        step=st.sampled_from(["command", "harm", "death", "report", "stable", "promote", "task"]),
        cut=st.booleans(),
        which=WHICH,
    )
    def lead(self, step: str, cut: bool, which: int) -> None:
        one = self.chosen(which)
        before = self.authority.store.incidents()
        size = self.authority.ledger.size()
        try:
            if cut:
                with self.authority.store.transaction():
                    self.change(step, one)
                    raise Cut
            self.change(step, one)
        except Cut:
            assert (self.authority.store.incidents(), self.authority.ledger.size()) == (before, size)
        except PolicySaysNo:
            assert one.status == "closed"

    def chosen(self, which: int) -> Incident:
        known = self.authority.store.incidents()
        return known[which % len(known)]

    def change(self, step: str, one: Incident) -> None:
        new = RegressionCase(id=f"{CASE.id}-{len(one.reopened)}", terms=CASE.terms)
        changes: dict[str, tuple[str, Any]] = {
            "command": (incidents.COMMANDED, lambda now: incidents.command(now, "ana")),
            "harm": (incidents.UPDATED, lambda now: incidents.update(now, harm=Harm(type="none", severity="none"))),
            "death": (incidents.UPDATED, lambda now: incidents.update(now, harm=Harm(type="death", severity="severe"))),
            "report": (incidents.UPDATED, lambda now: incidents.report(now, "AIA-73.5", self.clock())),
            "stable": (incidents.UPDATED, lambda now: incidents.stabilise(now, self.clock())),
            "promote": (incidents.PROMOTED, lambda now: incidents.promote(now, [new])),
            "task": (incidents.UPDATED, lambda now: incidents.update(now, links=("https://example.org",))),
        }
        kind, to = changes[step]
        incident_book.change(self.authority, "ana", kind, one.id, to)

    @precondition(lambda self: self.authority.store.incidents())
    @rule(passes=st.booleans(), told=st.booleans(), which=WHICH)
    def close(self, passes: bool, told: bool, which: int) -> None:
        one = self.chosen(which)
        shown = proof()
        before = tuple(replace(shown.before[0], case=case.id) for case in one.cases)
        after = tuple(replace(shown.after[0], case=case.id, status="pass" if passes else "fail") for case in one.cases)
        version = one.scope.version
        full = closing.Proof(
            before=before, after=after, artefact_before=shown.artefact_before, artefact_after=shown.artefact_after,
            version_before=version, version_after=f"{version}-mended",
            terms={case.id: case.terms for case in one.cases},
            trained_on=(), note=shown.note if told else "", threats="T1", unconfirmed=(),
        )  # fmt: skip
        try:
            done = closing.close(one, full, self.clock())
        except PolicySaysNo:
            assert closing.may_close(one, full, self.clock())
            return
        assert passes
        assert told
        assert one.commander
        assert one.harm is not None
        assert closing.open_cases(one)
        incident_book.replace(self.authority, "ana", incidents.CLOSED, one, done, {})
        incident_book.replace(self.authority, "ana", incidents.CLOSED, one, done, {})  # told twice is once

    @rule(minutes=st.integers(0, 20_000))
    def wait(self, minutes: int) -> None:
        self.clock.advance(60 * minutes)

    @invariant()
    def the_ledger_adds_up_to_the_store_in_any_order_and_number(self) -> None:
        entries = list(self.authority.ledger.entries())
        told = [*entries, *entries[::2]]
        random.Random(len(told)).shuffle(told)
        assert fold(told) == fold(entries) == self.authority.store.incidents()

    @invariant()
    def nothing_is_forgotten(self) -> None:
        kept = self.authority.store.incidents()
        returns = sum(entry.kind == incidents.REOPENED for entry in self.authority.ledger.entries())
        assert sum(len(one.reopened) for one in kept) == returns
        for one in kept:
            known = self.seen.setdefault(one.id, [])
            if known and known[-1] != one:
                last = known[-1]
                assert one.revision > last.revision
                assert one.orders[: len(last.orders)] == last.orders
                assert one.reopened[: len(last.reopened)] == last.reopened
                assert [case.id for case in one.cases][: len(last.cases)] == [case.id for case in last.cases]
                assert (last.status == "closed") <= bool(one.reopened)
            if one.status == "closed":
                assert all(case.fails_on and case.passes_on for case in one.cases if case.shows)
                assert one.closed_at
                assert one.commander
            known.append(one)


TestIncidents = IncidentMachine.TestCase
TestIncidents.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)


def test_a_change_of_a_record_that_has_moved_is_refused() -> None:
    machine = IncidentMachine()
    machine.order("1", False)
    (one,) = machine.authority.store.incidents()
    machine.change("command", one)
    stale = incidents.update(one, title="another")
    with pytest.raises(PolicySaysNo, match="changed meanwhile"):
        incident_book.replace(machine.authority, "ana", incidents.UPDATED, one, stale, {})
    with pytest.raises(UsageError, match="no incident"):
        incident_book.found(machine.authority.store, "INC-2027-0099")
    machine.teardown()
