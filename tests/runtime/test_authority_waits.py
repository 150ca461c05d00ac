"""No order waits for a change that waits for the store, and none is lost by the change that it overtook."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import apsw
import pytest
from msgspec.structs import replace

from shipworthy.errors import ShipworthyError, Unreachable
from shipworthy.facts import Held, Named, Scope
from shipworthy.flows import keys, ledger
from shipworthy.flows.kill_local import kill_local
from shipworthy.flows.site_state import open_site
from shipworthy.runtime.authority import Authority
from shipworthy.store import posture as state_files
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.respond.made import OPERATOR
from tests.runtime.served import Served, claim, wait_until


@contextmanager
def locked_store(tiny: Tiny) -> Iterator[None]:
    """Keep the store from being written."""
    other = apsw.Connection(str(tiny.workspace.home / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def waiting(tiny: Tiny, change: Callable[[], object]) -> Iterator[threading.Thread]:
    """Keep the store locked, and run a change, which keeps others out and waits for the store, in a thread."""

    def run() -> None:
        with suppress(ShipworthyError):
            change()

    thread = threading.Thread(target=run)
    with locked_store(tiny):
        thread.start()
        wait_until(lambda: is_taken(tiny), 5.0)
        yield thread
    thread.join()


def is_taken(tiny: Tiny, name: str = "change.lock") -> bool:
    """True while somebody holds a lock of the state directory."""
    with (tiny.workspace.home / name).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def by_baseline(authority: Authority, held: Held) -> None:
    authority.baseline("machine", authority.state().baseline)


def by_confirming(authority: Authority, held: Held) -> None:
    authority.confirm(held.order.id, OPERATOR)


def by_recording(authority: Authority, held: Held) -> None:
    authority.hold(replace(held, order=replace(held.order, id="ORD-2027-0400", scope=Scope(model="*", version="8"))))
    authority.begin()


@pytest.mark.parametrize("change", [by_baseline, by_confirming, by_recording])
def test_an_order_holds_while_a_change_waits_for_the_store(
    rolling: Tiny, change: Callable[[Authority, Held], None]
) -> None:
    with open_site(rolling.workspace) as authority:
        first = kill_local(rolling.workspace.home, rolling.scope(version="7"), "y", "night", rolling.clock())[0]
        authority.reconcile()
        with waiting(rolling, lambda: change(authority, first)) as thread:
            held = kill_local(rolling.workspace.home, rolling.scope(version="1"), "stop", "night", rolling.clock())[0]
            assert held in rolling.workspace.state_files().read().orders
            assert thread.is_alive()  # the order overtook it
    assert {first.order.id, held.order.id} <= {one.order.id for one in rolling.state().orders}
    assert ledger.replay(rolling.workspace).same
    assert rolling.workspace.state_files().unreconciled() == ()


def test_a_key_is_written_down_while_no_order_waits(rolling: Tiny) -> None:
    taken = []

    def clock() -> datetime:
        taken.append(is_taken(rolling, "state.lock"))
        return rolling.clock()

    keys.make_api_key(replace(rolling.workspace, clock=clock), "acme", "1d")
    assert not any(taken)
    assert len(keys.api_keys(rolling.workspace)) == 1


def test_a_never_event_kills_while_a_change_of_the_site_waits_for_the_store(rolling: Tiny) -> None:
    with Served(rolling) as served:
        assert served.decide(age=FAULTY_AGE, speed=11)["version"] == "2"
        authority = served.site.authority
        with waiting(rolling, lambda: authority.baseline("machine", served.site.live.state.baseline)) as thread:
            served.post("/decide", {"row": claim(age=FAULTY_AGE, speed=15)})
            assert [one.order.posture for one in served.site.live.state.orders] == [Named.KILLED]
            assert served.decide(supplier="S1")["version"] == "1"
            assert thread.is_alive()
    (held,) = rolling.state().orders
    assert held.order.posture is Named.KILLED
    assert ledger.replay(rolling.workspace).same


def test_a_change_that_is_kept_out_too_long_says_so_and_changes_nothing(
    rolling: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rolling.state()
    monkeypatch.setattr(state_files, "CHANGE_WITHIN_S", 0.05)
    with open_site(rolling.workspace) as authority, rolling.workspace.state_files().changing():
        with pytest.raises(Unreachable, match="another change"):
            authority.baseline("machine", "1")
        files = authority.files
        failed: list[BaseException] = []

        def other() -> None:
            try:
                with files.changing():
                    pass
            except Unreachable as problem:
                failed.append(problem)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert failed
    assert rolling.state() == before
