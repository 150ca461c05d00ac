"""A dead store, damaged state files, a restart: what holds goes on holding, and nothing opens by itself."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import msgspec
import pytest

from shipworthy.errors import ShipworthyError
from shipworthy.facts import Held, Named
from shipworthy.flows import ledger, posture
from shipworthy.flows.site_state import open_site
from shipworthy.respond import playbook
from shipworthy.runtime.authority import Authority
from shipworthy.testing.clock import START, SharedClock
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.served import Served, ask, claim, free_port, served_by, wait_until

pytestmark = pytest.mark.slow


def by_machine(tiny: Tiny, name: str = "ORD-2027-0777", version: str = "2") -> Held:
    """Return a kill as the controller gives it."""
    held = playbook.by_person("x", tiny.scope(version=version), Named.KILLED, "never event", name, tiny.clock())
    order = msgspec.structs.replace(held.order, by="machine")
    return msgspec.structs.replace(held, order=order, confirmed_by="")


def break_store(tiny: Tiny) -> Path:
    """Make the store unreadable; return where the sound copy is."""
    home = tiny.workspace.home
    kept = tiny.at / "sound.db"
    shutil.copy(home / "store.db", kept)
    for name in ("store.db-wal", "store.db-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "store.db").write_bytes(b"not a database" * 500)
    return kept


def mend_store(tiny: Tiny, kept: Path) -> None:
    """Put the sound copy back."""
    shutil.copy(kept, tiny.workspace.home / "store.db")


def test_with_the_store_dead_an_order_holds_by_the_journal_and_is_recorded_once_when_it_is_back(rolling: Tiny) -> None:
    held = by_machine(rolling)
    store = rolling.workspace.store()
    authority = Authority(rolling.workspace.state_files(), rolling.workspace.ledger(store), store, rolling.clock)
    authority.begin()
    store.close()
    kept = break_store(rolling)
    with pytest.raises(ShipworthyError):
        rolling.workspace.store()
    authority.tighten(held)
    assert [one.order.id for one in authority.state().orders] == [held.order.id]
    assert [one.order.id for one in rolling.workspace.state_files().unreconciled()] == [held.order.id]
    mend_store(rolling, kept)
    assert "respond.ordered" not in [entry.kind for entry in ledger.show(rolling.workspace)]
    for _ in range(2):
        with open_site(rolling.workspace) as again:
            assert [one.order.id for one in again.state().orders] == [held.order.id]
    assert rolling.kinds().count("respond.ordered") == 1
    assert rolling.workspace.state_files().unreconciled() == ()
    assert ledger.replay(rolling.workspace).same


def test_a_journalled_kill_reaches_a_gateway_whose_ledger_knows_nothing_of_it(rolling: Tiny) -> None:
    with Served(rolling) as served:
        assert served.decide()["version"] == "2"
        rolling.workspace.state_files().journal_kill(by_machine(rolling))
        assert served.decide()["version"] == "1"
        assert "respond.ordered" not in rolling.kinds()[:-1]


def test_a_loosening_does_not_happen_without_the_ledger(rolling: Tiny) -> None:
    posture.tighten(rolling.workspace, rolling.scope(), Named.SAFE_MODE, "odd", "ana")
    rolling.clock.advance(60)
    before = rolling.workspace.state_files().read()
    break_store(rolling)
    with pytest.raises(ShipworthyError):
        posture.restore(rolling.workspace, rolling.scope(), "ana", "operator")
    assert rolling.workspace.state_files().read() == before


@pytest.mark.parametrize("raw", [b"", b"{}", b"\x00" * 200])
@pytest.mark.parametrize("name", ["state.json", "state.map"])
def test_damaged_state_closes_the_candidate_and_the_baseline_goes_on(rolling: Tiny, name: str, raw: bytes) -> None:
    with Served(rolling) as served:
        assert served.decide()["version"] == "2"
        path = rolling.workspace.home / name
        path.write_bytes(raw)
        _announce(rolling, name)
        assert served_by(served.decide()) == ("1", "machine")
        assert served.status()["broken"]


def _announce(tiny: Tiny, name: str) -> None:
    """A damaged twin is read when the map moves: let another process kill something, which works nevertheless."""
    if name == "state.json":
        tiny.workspace.state_files().journal_kill(by_machine(tiny))
        with pytest.raises(ShipworthyError):
            tiny.workspace.state_files().read()


def test_a_restart_keeps_orders_rollout_and_receipts(rolling: Tiny) -> None:
    with Served(rolling) as served:
        receipt = served.decide()["receipt"]
        served.decide(age=FAULTY_AGE, speed=15)
        before = served.status()["state"]
        assert before["orders"]
    with Served(rolling) as served:
        assert served.status()["state"] == before
        assert served.decide()["version"] == "1"
        rolling.clock.advance(7200)
        assert served.post("/labels", {"receipt": receipt, "label": 1})[1] == {"status": "accepted"}
        assert served.post("/labels", {"receipt": receipt, "label": 1})[1] == {"status": "used"}
    with Served(rolling) as served:
        assert served.post("/labels", {"receipt": receipt, "label": 0})[1] == {"status": "used"}


def test_the_real_server_comes_back_as_it_was_after_sigterm_and_sigkill(rolling: Tiny) -> None:
    clock = SharedClock(rolling.at / "clock", START)
    clock.set(rolling.clock())
    first = _serve(rolling)
    assert ask(first[1], "POST", "/decide", {"row": claim()})[1]["version"] == "2"
    assert ask(first[1], "POST", "/decide", {"row": claim(age=FAULTY_AGE, speed=15)})[1]["decision"] == "review"
    _stop(first)
    second = _serve(rolling)
    told = ask(second[1], "GET", "/status")[1]
    assert [one["order"]["posture"] for one in told["state"]["orders"]] == ["killed"]
    assert ask(second[1], "POST", "/decide", {"row": claim()})[1]["version"] == "1"
    clock.advance(120)
    wait_until(lambda: ask(second[1], "GET", "/status")[1]["judged_until"] >= clock().isoformat()[:16])
    second[0].send_signal(signal.SIGKILL)  # no goodbye
    second[0].wait(10)
    third = _serve(rolling)
    assert ask(third[1], "POST", "/decide", {"row": claim()})[1]["version"] == "1"
    _stop(third)
    clock.close()
    assert ledger.replay(rolling.workspace).same


def _serve(tiny: Tiny) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    where = [str(tiny.at / "clock"), str(tiny.root), str(tiny.workspace.home), str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.runtime.child", *where],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: process.poll() is not None or _ready(port))
    assert process.poll() is None
    return process, port


def _ready(port: int) -> bool:
    try:
        return ask(port, "GET", "/v2/health/ready")[0] == 200
    except OSError:
        return False


def _stop(served: tuple[subprocess.Popen[bytes], int]) -> None:
    served[0].send_signal(signal.SIGTERM)
    served[0].wait(30)


def test_a_never_event_kills_at_once_while_another_process_keeps_the_store_locked(rolling: Tiny) -> None:
    with Served(rolling) as served:
        assert served.decide(age=FAULTY_AGE, speed=11)["version"] == "2"
        other = apsw.Connection(str(rolling.workspace.home / "store.db"))
        other.execute("BEGIN IMMEDIATE")
        try:
            status, told = served.post("/decide", {"row": claim(age=FAULTY_AGE, speed=15)})
            assert (status, told.get("decision")) == (503, None)  # nobody could be asked, and nothing else left
            assert [order["posture"] for order in served.orders()] == ["killed"]
            status, told = served.post("/decide", {"row": claim(age=FAULTY_AGE, speed=11)})
            assert told.get("version", "1") != "2"
        finally:
            other.execute("ROLLBACK")
            other.close()

        def recorded() -> bool:
            served.keep_up(minutes=1)
            return "respond.ordered" in rolling.kinds()

        wait_until(recorded)
        assert rolling.kinds().count("respond.ordered") == 1
