"""An order by hand holds first; who answers by it is asked, told and written down."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import apsw
import pytest

from shipworthy.errors import UsageError
from shipworthy.facts import Decider, Named, Source
from shipworthy.flows import ledger
from shipworthy.flows.tighten import ACKNOWLEDGED, record, trip
from shipworthy.runtime.live import Live
from shipworthy.store.posture import StateFiles
from shipworthy.store.replicas import acknowledged
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.runtime.many import Many
from tests.runtime.served import Served, wait_until


def test_the_verb_names_each_replica_with_its_time_and_the_ledger_keeps_it(rolling: Tiny) -> None:
    with Many(rolling) as many:
        left = verb(rolling, "kill", "--version", "2", "--because", "odd", "--as", "ana", "--wait", "20", "--json")
        assert left.code == 0, left.err
        told = left.json()
        assert told["acknowledged"] is True
        assert told["recorded"] is True
        assert [one["name"] for one in told["replicas"]] == ["worker-0", "worker-1"]
        assert all(one["took_ms"] > 0 for one in told["replicas"])
        assert [many.decide(visit=f"v-{i}")["version"] for i in range(20)] == ["1"] * 20
        os.kill(many.supervisor.children["worker-1"].pid, signal.SIGSTOP)
        left = verb(rolling, "degrade", "--tenant", "birch", "--because", "odd", "--as", "ana", "--wait", "0.3")
        assert left.code == 4
        assert "NOT ACKNOWLEDGED by worker-1; the order holds" in left.out
        assert "STOPPED" in left.out
        assert len(rolling.state().orders) == 2
        os.kill(many.supervisor.children["worker-1"].pid, signal.SIGCONT)
    kept = [entry.body for entry in rolling.entries() if entry.kind == ACKNOWLEDGED]
    assert [one["order"] for one in kept] == [entry["order"]["id"] for entry in _ordered(rolling)]
    assert kept[0]["replicas"] == told["replicas"]
    assert kept[0]["epoch"] == told["epoch"]
    assert [one["state"] for one in kept[1]["replicas"]] == ["answers", "stopped"]
    assert ledger.replay(rolling.workspace).same


def _ordered(tiny: Tiny) -> list[dict[str, dict[str, str]]]:
    return [entry.body["held"] for entry in tiny.entries() if entry.kind == "respond.ordered"]


def test_a_store_that_hangs_does_not_keep_an_order_from_holding(rolling: Tiny) -> None:
    other = apsw.Connection(str(rolling.workspace.home / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    try:
        tripped = trip(rolling.workspace, rolling.scope(version="2"), Named.KILLED, "odd", "ana")
        assert rolling.workspace.state_files().read().orders == (tripped.held,)
        assert len(tripped.held.order.id) > len("ORD-2027-0001")  # named after what it orders: no store gave a number
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert record(rolling.workspace, tripped, ()) == ""
    assert [entry["order"]["id"] for entry in _ordered(rolling)] == [tripped.held.order.id]


def test_only_the_manifest_is_read_to_kill(rolling: Tiny) -> None:
    (rolling.root / "safety-slos.yaml").write_text("slos: [")
    (rolling.root / "data/rows.csv").unlink()
    left = verb(rolling, "kill", "--version", "2", "--because", "odd", "--as", "chidi")
    assert left.code == 0, left.err
    with pytest.raises(UsageError, match="they are ana"):
        trip(rolling.workspace, rolling.scope(), Named.KILLED, "odd", "mallory")


def test_a_local_kill_of_the_baseline_holds_while_the_twin_is_damaged(rolling: Tiny, tmp_path: Path) -> None:
    """Closing candidates is not enough when it is the baseline that people stop."""
    files = rolling.workspace.state_files()
    live = Live(files, "tiny-triage", "human_review", "human_review", lambda before, after: None)
    assert live.posture("1", "acme", {}).source is Source.CANDIDATE
    (rolling.workspace.home / "state.json").write_bytes(b"{}")
    trip(rolling.workspace, rolling.scope(version="1"), Named.KILLED, "odd", "ana")
    live.epoch()
    assert live.broken
    held = live.posture("1", "acme", {})
    assert (held.source, held.decider) == (Source.NONE, Decider.PERSON)
    live.epoch()
    assert len(live.state.orders) == 1


def test_a_kill_cut_off_between_two_steps_is_finished_by_the_site_that_serves(rolling: Tiny) -> None:
    with Many(rolling) as many:
        held = trip(rolling.workspace, rolling.scope(version="1"), Named.SAFE_MODE, "odd", "ana").held
        files = StateFiles(rolling.workspace.home, rolling.workspace.host_key())
        since = time.monotonic_ns()
        files.announce(files.epoch() + 1)  # somebody died just after saying that something tighter comes
        wait_until(lambda: not files.cut_off())
        wait_until(lambda: not many.status()["broken"])
        assert [one.order.id for one in files.read().orders] == [held.order.id]
        found = acknowledged(rolling.workspace.home, files.epoch(), since, 20.0)
        assert [one.state for one in found] == ["answers", "answers"]
    assert ledger.replay(rolling.workspace).same


def test_a_site_that_serves_alone_acknowledges_by_itself(rolling: Tiny) -> None:
    with Served(rolling):
        left = verb(rolling, "kill", "--version", "2", "--because", "odd", "--as", "ana", "--wait", "20")
        assert left.code == 0, left.err
        assert "the one replica answered by epoch" in left.out
