"""Any history of one site over real state files: orders, people, rollouts, a dead ledger, crashes, restarts, replays.

Whatever comes, nothing loosens without its entry in the ledger, epochs never go back, and once somebody comes back the
state is the fold of the ledger plus what the journal still holds.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from shipworthy.errors import ShipworthyError, Unreachable
from shipworthy.facts import (
    Entry,
    Held,
    LiveThresholds,
    Named,
    Person,
    Posture,
    RolloutState,
    RuntimeState,
    Scope,
    hold,
    tightens,
)
from shipworthy.ledger.files.log import Ledger
from shipworthy.ledger.fold import fold
from shipworthy.respond.moments import told
from shipworthy.respond.postures import effective, orders_within
from shipworthy.runtime.authority import Authority
from shipworthy.store.failpoints import FILES
from shipworthy.store.posture import StateFiles
from shipworthy.store.protocol import Build
from shipworthy.testing.clock import HandClock
from shipworthy.testing.memory import MemoryStore
from tests.respond.made import BOTH, OPERATOR, REVIEWER, START, VISITOR, held

KEY = bytes(range(32))
TIGHT = (Named.HUMAN_REVIEW, Named.SAFE_MODE, Named.KILLED)
SCOPES = [
    {"version": version, "tenant": tenant, "segment": segment}
    for version in ("1.0", "2.0", "*")
    for tenant in ("acme", "*")
    for segment in ("supplier=P42", "*")
]
REQUESTS = [
    (version, tenant, {"supplier": supplier})
    for version in ("1.0", "2.0")
    for tenant in ("acme", "bolt")
    for supplier in ("P02", "P42")
]
PEOPLE = (OPERATOR, REVIEWER, BOTH, VISITOR)


class Died(BaseException):
    """The process ended here: nothing catches it but the test."""


class Dying:
    """A failpoint that ends the process at the n-th place from now on."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, name: str) -> None:
        assert name in FILES
        self.left -= 1
        if self.left == 0:
            raise Died


class DeadOrAlive(MemoryStore):
    """A store that does not answer while it is dead. `meanwhile` is what others do, once, at a place on the way."""

    dead = False
    meanwhile: Callable[[], object] | None = None
    place = ""

    def append_entries(self, build: Build) -> tuple[Entry, ...]:
        """Append, or do not answer."""
        if self.dead:
            raise Unreachable("the store does not answer")
        self._others("before")
        told = super().append_entries(build)
        self._others("after")
        return told

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield entries; what comes later is not among them."""
        found = list(super().entries(start, stop))
        self._others("read")
        return iter(found)

    def _others(self, place: str) -> None:
        if self.meanwhile is not None and self.place == place:
            work, self.meanwhile = self.meanwhile, None
            work()


def postures(state: RuntimeState) -> list[Posture]:
    return [effective(state, "claims", *request, "baseline", "nobody") for request in REQUESTS]


class Site(RuleBasedStateMachine):
    """One state directory, one ledger, and whoever opens them."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="site-"))
        self.clock = HandClock(START)
        self.store = DeadOrAlive()
        self.dying = Dying()
        self.epoch = 0
        self.given: list[Held] = []
        self.older: list[RuntimeState] = []
        self.open()
        self.authority.begin()
        self.authority.baseline("ana", "1.0")
        self.last = self.authority.state()

    def teardown(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "home"):
            shutil.rmtree(self.home)

    def open(self) -> None:
        """Be a new process."""
        self.dying.left = 0
        self.files = StateFiles(self.home / "state", KEY, self.clock, self.dying)
        ledger = Ledger(self.store, Ed25519PrivateKey.from_private_bytes(bytes(32)), "tests/site", self.clock)
        self.authority = Authority(self.files, ledger, self.store, self.clock)

    def kept(self) -> list[Entry]:
        """Return the entries; nobody else does anything meanwhile."""
        return list(MemoryStore.entries(self.store))

    def entries(self) -> list[str]:
        return [entry.kind for entry in self.kept()]

    def proofs(self) -> int:
        return self.entries().count("respond.restored")

    def does(self, work: Callable[[], object]) -> None:
        """Do one thing, which may be refused, or cut off by the end of its process; then somebody comes back."""
        before, proofs = self.last, self.proofs()
        died = False
        try:
            work()
        except ShipworthyError:
            pass
        except Died:
            died = True
        if died:
            self.open()
            self.comes_back()
        after = self.files.read()
        loosened = not all(tightens(a, b) for a, b in zip(postures(before), postures(after), strict=True))
        assert not loosened or self.proofs() > proofs, "it loosened without its proof"
        self.older.append(before)
        self.last = after

    def comes_back(self) -> None:
        """What whoever opens a site first does; with the store dead it cannot, and tries again when it is back."""
        dead, self.store.dead = self.store.dead, False
        self.store.meanwhile = None
        self.authority.begin()
        self.store.dead = dead

    @rule(posture=st.sampled_from(TIGHT), scope=st.sampled_from(SCOPES), by=st.sampled_from(["machine", "olu"]))
    def somebody_tightens(self, posture: Named, scope: dict[str, str], by: str) -> None:
        self.clock.advance(60)
        minute = (self.clock() - START).total_seconds() / 60
        one = held(f"ORD-{len(self.given)}", posture, minute=minute, by=by, **scope)
        self.given.append(one)
        may_die = self.dying.left > 0
        self.does(lambda: self.authority.tighten(one))
        assert may_die or one in self.last.orders

    @rule(
        posture=st.sampled_from(TIGHT),
        scope=st.sampled_from(SCOPES),
        place=st.sampled_from(["before", "after", "read"]),
    )
    def the_next_change_meets_an_order(self, posture: Named, scope: dict[str, str], place: str) -> None:
        """Another process makes it hold while the ledger is written or read: it waits for nobody, and is not lost."""
        self.clock.advance(60)
        minute = (self.clock() - START).total_seconds() / 60
        one = held(f"ORD-{len(self.given)}", posture, minute=minute, by="machine", **scope)
        self.given.append(one)

        def come() -> None:
            with (self.home / "state" / "state.lock").open("rb+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody keeps it while the store is asked
            StateFiles(self.home / "state", KEY, self.clock).journal_kill(one)

        self.store.meanwhile, self.store.place = come, place

    @rule(index=st.integers(0, 50))
    def an_old_order_comes_again(self, index: int) -> None:
        """From the journal, by any process: a replay changes nothing."""
        self.store.meanwhile = None
        if self.given:
            one = self.given[index % len(self.given)]
            known = one.order.id in {each.order.id for each in self.last.orders} or self._ordered(one)
            before = self.last
            self.does(lambda: self.authority.tighten(one))
            if known and not self.store.dead:
                assert postures(self.last) == postures(before)

    def _ordered(self, one: Held) -> bool:
        found = [entry for entry in self.kept() if entry.kind == "respond.ordered"]
        return any(entry.body["held"]["order"]["id"] == one.order.id for entry in found)

    @rule(index=st.integers(0, 50), person=st.sampled_from(PEOPLE))
    def somebody_confirms(self, index: int, person: Person) -> None:
        if self.last.orders:
            name = self.last.orders[index % len(self.last.orders)].order.id
            self.does(lambda: self.authority.confirm(name, person))

    @rule(scope=st.sampled_from(SCOPES), people=st.lists(st.sampled_from(PEOPLE), max_size=3))
    def somebody_restores(self, scope: dict[str, str], people: list[Person]) -> None:
        self.clock.advance(60)
        where = Scope(model="claims", **scope)
        names = [one.order.id for one in orders_within(self.last, where)]
        killed = any(one.order.posture is Named.KILLED for one in orders_within(self.last, where))
        before, proofs = self.last, self.proofs()
        self.does(lambda: self.authority.restore(names, where, told(self.clock()), people, []))
        if self.proofs() > proofs:
            roles = {role for person in people for role in person.roles}
            assert "operator" in roles
            assert not killed or len({person.id for person in people}) > 1
            assert set(one.order.id for one in before.orders) - set(names) <= {one.order.id for one in self.last.orders}

    @rule(share=st.sampled_from([0, 100, 5000]), verb=st.sampled_from(["started", "advanced", "aborted"]))
    def a_rollout_moves(self, share: int, verb: str) -> None:
        status = "aborted" if verb == "aborted" else "running"
        moved = RolloutState(
            id="ROL-1", version="2.0", baseline="1.0", stage=0, status=status, share_bp=share, tenants=("*",), salt="s"
        )
        self.does(lambda: self.authority.rollout("ana", verb, moved, "b", self.last.rollout))

    @rule(deny=st.sampled_from([None, 0.2, 0.3]))
    def thresholds_move(self, deny: float | None) -> None:
        moved = LiveThresholds(version="1.0", bucket="*", deny=deny, approve=None, at=told(self.clock()), n=100)
        self.does(lambda: self.authority.recalibrate(moved, "labels"))

    @rule(index=st.integers(0, 50))
    def an_older_state_is_written(self, index: int) -> None:
        """By a process that has slept: the larger epoch wins."""
        if self.older:
            one = self.older[index % len(self.older)]
            before = self.last
            self.does(lambda: self.files.write(one))
            assert self.last == before

    @rule(hours=st.integers(1, 100))
    def time_passes(self, hours: int) -> None:
        """Every `confirm_by` lies behind, and nothing is released."""
        self.store.meanwhile = None
        before = self.last
        self.clock.advance(hours * 3600)
        self.does(self.authority.record_journal)
        assert postures(self.last) == postures(before)

    @rule(dead=st.booleans())
    def the_store_dies_or_is_back(self, dead: bool) -> None:
        self.store.dead = dead

    @rule(place=st.integers(1, 12))
    def the_next_process_will_die(self, place: int) -> None:
        self.dying.left = place

    @rule()
    def somebody_else_opens_it(self) -> None:
        self.open()
        alone = self.store.meanwhile is None
        dead = self.store.dead
        self.does(self.authority.begin)
        if not dead and alone:
            assert self.last == self.authority.ledger.replay()
            assert self.files.unreconciled() == ()

    @invariant()
    def epochs_never_go_back(self) -> None:
        if hasattr(self, "last"):
            assert self.last.epoch >= self.epoch
            self.epoch = self.last.epoch

    @invariant()
    def it_is_the_ledger_and_the_journal(self) -> None:
        if hasattr(self, "last"):
            expected = fold(self.kept())
            for one in self.files.unreconciled():
                expected = hold(expected, one)
            assert replace(self.last, epoch=0) == replace(expected, epoch=0)
            recorded = self.entries().count("respond.ordered")
            assert recorded == len({entry.body["held"]["order"]["id"] for entry in self._orders()})

    def _orders(self) -> list[Entry]:
        return [entry for entry in self.kept() if entry.kind == "respond.ordered"]


TestSite = Site.TestCase
TestSite.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
