"""A served site whose journal holds something unreadable: people decide, other orders hold, judging goes on."""

from __future__ import annotations

import shutil
import time

from shipworthy.facts import Named
from shipworthy.flows import ledger
from shipworthy.flows.kill_local import kill_local
from tests.cli.calls import call
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, served_by, wait_until


def test_one_damaged_file_of_the_journal_stops_neither_a_kill_nor_the_judging(rolling: Tiny) -> None:
    home = rolling.workspace.home
    torn = home / "journal" / "ORD-2027-0666.json"
    with Served(rolling) as served:
        assert served.decide()["version"] == "2"
        torn.parent.mkdir(mode=0o700, exist_ok=True)
        torn.write_bytes(b"torn")
        args = ("--home", str(home), "kill", "--local", "--because", "w", "--as", "n", "--tenant", "elm")
        left = call(*args, "--wait", "0.3", clock=rolling.clock)
        assert left.code == 4
        assert "NOT ACKNOWLEDGED by gateway" in left.out
        assert "the order holds" not in left.out
        assert served.status()["broken"]
        assert served_by(served.decide())[1] == "person"  # nobody knows what the torn one stops
        assert [one["state"] for one in served.status()["replicas"]] == ["behind"]
        assert [one.order.scope.tenant for one in served.site.live.state.orders] == ["elm"]

        def recorded() -> bool:
            served.keep_up(1)
            return "respond.ordered" in rolling.kinds()

        wait_until(recorded)
        before = served.status()["judged_until"]
        served.keep_up(2)
        served.keep_up()
        wait_until(lambda: _judged(served) > before)
        torn.unlink()
        wait_until(lambda: not served.status()["broken"])
        assert [one["posture"] for one in served.orders()] == [Named.KILLED.value]
        assert served_by(served.decide())[1] == "machine"
        wait_until(lambda: [one["state"] for one in served.status()["replicas"]] == ["answers"])
    assert ledger.replay(rolling.workspace).same


def _judged(served: Served) -> str:
    served.keep_up()
    return str(served.status()["judged_until"])


def test_a_damaged_order_that_nobody_announced_is_noticed_by_the_site(rolling: Tiny) -> None:
    with Served(rolling) as served:
        served.keep_up()
        journal = rolling.workspace.home / "journal"
        journal.mkdir(mode=0o700, exist_ok=True)
        (journal / "ORD-2027-0667.json").write_bytes(b"torn")

        def noticed() -> bool:
            time.sleep(0.05)
            served.keep_up()
            return bool(served.status()["broken"])

        wait_until(noticed)
        shutil.rmtree(journal)
        held = kill_local(rolling.workspace.home, rolling.scope(version="2"), "x", "n", rolling.clock())[0]
        assert served.decide()["version"] == "1"
        assert [one["id"] for one in served.orders()] == [held.order.id]
