"""An order that nothing here is meant by holds and is told, and one whose number is taken holds under another."""

from __future__ import annotations

import shutil

import msgspec
import pytest

from shipworthy.facts import Named, Severity
from shipworthy.flows import ledger
from shipworthy.flows.given_order import misses, unread
from shipworthy.flows.kill_local import kill_local
from shipworthy.flows.site_state import open_site
from shipworthy.flows.tighten import record, trip
from shipworthy.respond import playbook
from shipworthy.respond.playbook import Proposal
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.orders import Orders
from tests.cli.calls import Left, call, verb
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served

STORE = ("store.db", "store.db-wal", "store.db-shm")


def local(tiny: Tiny, *more: str) -> Left:
    args = ("--home", str(tiny.workspace.home), "kill", "--local", "--because", "wrong letters", "--as", "night")
    return call(*args, *more, clock=tiny.clock)


def numbers_go_back(tiny: Tiny) -> str:
    """Give an order, then put the store back to before it; return the order's id."""
    home = tiny.workspace.home
    with open_site(tiny.workspace):
        pass
    for name in STORE:
        if (home / name).exists():
            shutil.copy(home / name, tiny.at / name)
    given = trip(tiny.workspace, tiny.scope(version="9"), Named.SAFE_MODE, "x", "ana")
    assert record(tiny.workspace, given) == ""
    for name in STORE:
        (home / name).unlink(missing_ok=True)
        if (tiny.at / name).exists():
            shutil.copy(tiny.at / name, home / name)
    return given.held.order.id


def test_a_kill_whose_number_is_taken_holds_under_another_id(rolling: Tiny) -> None:
    taken = numbers_go_back(rolling)
    left = verb(rolling, "kill", "--version", "1", "--because", "stop it", "--as", "ana", "--json")
    assert left.code == 0, left.err
    name = left.json()["order"]["order"]["id"]
    assert name not in (taken, "")
    held = {one.order.id: one.order.posture for one in rolling.workspace.state_files().read().orders}
    assert held == {taken: Named.SAFE_MODE, name: Named.KILLED}


def test_a_machines_kill_whose_number_is_taken_holds_under_another_id(rolling: Tiny) -> None:
    taken = numbers_go_back(rolling)
    with Served(rolling) as served:
        controller: Controller = served.site.controller
        orders: Orders = controller.orders
        orders._number = taken
        asked = playbook.by_person("x", rolling.scope(version="2"), Named.KILLED, "never", "", rolling.clock())
        machine = msgspec.structs.replace(
            asked, order=msgspec.structs.replace(asked.order, by="machine"), confirmed_by=""
        )
        orders.place(Proposal(machine, "never_deny_fast", Severity.SEV1))
        found = {one.order.id: one.order.posture for one in served.site.live.state.orders}
        assert found.pop(taken) is Named.SAFE_MODE
        ((name, posture),) = found.items()
        assert posture is Named.KILLED
        assert served.decide()["version"] == "1"
    assert name in {one.order.id for one in rolling.state().orders}


def test_a_local_kill_is_for_its_state_directory_whatever_folder_it_is_given_in(
    rolling: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = rolling.at / "other"
    other.mkdir()
    text = (rolling.root / "shipworthy.yaml").read_text().replace(MODEL, "another-model")
    (other / "shipworthy.yaml").write_text(text)
    monkeypatch.chdir(other)
    with Served(rolling) as served:
        assert served.decide()["version"] == "2"
        left = local(rolling, "--version", "2", "--wait", "20", "--json")
        assert left.code == 0, left.err
        assert left.json()["warnings"] == []
        assert served.decide()["version"] == "1"
    assert len(rolling.state().orders) == 1
    assert ledger.replay(rolling.workspace).same


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--version", "v1"), "no version 'v1' is served here: 1 and 2"),
        (("--model", "other"), f"no model 'other' is served here: {MODEL}"),
        (("--segment", "suplier=S1"), "no segment is told by 'suplier' here: supplier"),
    ],
)
def test_what_nothing_here_has_is_told_and_holds(rolling: Tiny, given: tuple[str, ...], told: str) -> None:
    left = local(rolling, *given, "--json")
    assert left.code == 0
    assert told in left.err
    assert any(told in line for line in left.json()["warnings"])
    assert len(rolling.workspace.state_files().read().orders) == 1
    by_hand = verb(rolling, "degrade", "--version", "v7", "--because", "x", "--as", "ana")
    assert "no version 'v7' is served here" in by_hand.err


def test_what_is_here_is_not_doubted(rolling: Tiny) -> None:
    for version in ("1", "2", "*"):
        scope = rolling.scope(version=version, segment="supplier=S1;tenant=acme")
        assert misses(rolling.workspace.home, scope) == ()
    held = kill_local(rolling.workspace.home, rolling.scope(version="2"), "x", "n", rolling.clock())[0]
    assert unread(rolling.workspace.home, held) == ""


def test_an_order_that_cannot_be_read_back_is_not_said_to_hold(rolling: Tiny) -> None:
    journal = rolling.workspace.home / "journal"
    journal.mkdir(mode=0o700, exist_ok=True)
    (journal / "ORD-2027-0666.json").write_bytes(b"torn")
    left = local(rolling, "--version", "1")
    assert left.code == 0
    assert "ORD-2027-0666.json" in left.out
    assert "the order holds" not in left.out
