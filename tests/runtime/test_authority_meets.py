"""Orders that come at one exact moment of a change: each is recorded once, and the state is the fold of the ledger."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.facts import Held, Named, Scope
from shipworthy.ledger.files.log import Ledger
from shipworthy.respond.moments import told
from shipworthy.runtime.authority import Authority
from shipworthy.store.posture import StateFiles
from shipworthy.testing.clock import HandClock
from tests.respond.made import OPERATOR, REVIEWER, START, held
from tests.runtime.test_authority_machine import KEY, DeadOrAlive


def opened(home: Path) -> tuple[Authority, DeadOrAlive, HandClock]:
    clock, store = HandClock(START), DeadOrAlive()
    ledger = Ledger(store, Ed25519PrivateKey.from_private_bytes(bytes(32)), "tests/site", clock)
    authority = Authority(StateFiles(home, KEY, clock), ledger, store, clock)
    authority.begin()
    return authority, store, clock


def comes(home: Path, store: DeadOrAlive, place: str, one: Held) -> None:
    store.place = place
    store.meanwhile = lambda: StateFiles(home, KEY).journal_kill(one)


FIRST, SECOND = held("ORD-1", Named.KILLED, version="1.0"), held("ORD-2", Named.SAFE_MODE, version="2.0")


def test_a_restore_is_written_down_and_releases(tmp_path: Path) -> None:
    authority, _, clock = opened(tmp_path)
    authority.tighten(FIRST)
    clock.advance(3600)
    where = Scope(model="claims", version="1.0")
    authority.restore(["ORD-1"], where, told(clock()), [OPERATOR, REVIEWER], [])
    assert authority.state().orders == ()
    assert [one.kind for one in authority.ledger.entries()][-1] == "respond.restored"


def test_an_order_that_comes_while_others_are_recorded_is_recorded_before_the_change(tmp_path: Path) -> None:
    authority, store, _ = opened(tmp_path)
    authority.hold(FIRST)
    comes(tmp_path, store, "after", SECOND)
    after = authority.confirm("ORD-2", OPERATOR)
    assert {one.order.id: one.confirmed_by for one in after.orders}["ORD-2"] == OPERATOR.id
    assert authority.state() == authority.ledger.replay()


def test_an_order_that_comes_while_the_ledger_is_read_stays(tmp_path: Path) -> None:
    authority, store, _ = opened(tmp_path)
    for version in ("1.0", "1.1"):  # of somebody who died before the state was written
        authority.ledger.append("ana", "deploy.baselined", {"version": version})
    comes(tmp_path, store, "read", SECOND)
    assert authority.begin().orders == (SECOND,)
    authority.reconcile()
    assert authority.state() == authority.ledger.replay()
    assert authority.state().orders == (SECOND,)
