"""Every process that answers says by which epoch, whether or not anybody asks it anything."""

from __future__ import annotations

import os
import signal
import time

import pytest

from shipworthy.facts import Held, Named
from shipworthy.respond import playbook
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.replicas import Replica, acknowledged
from tests.flows.tiny import Tiny
from tests.runtime.many import Many
from tests.runtime.served import Served, wait_until

SOON_S = 20.0  # far more than it takes: a bound for a machine that does other things, no measure


def trip(workspace: Workspace, tiny: Tiny, name: str = "ORD-LOCAL-1") -> tuple[int, int]:
    """Kill version 2 by the state files alone; return the epoch, and the moment before."""
    held: Held = playbook.by_person("x", tiny.scope(version="2"), Named.KILLED, "odd", name, tiny.clock())
    since = time.monotonic_ns()
    files = workspace.state_files()
    files.journal_kill(held)
    return files.epoch(), since


def by_name(found: tuple[Replica, ...]) -> dict[str, Replica]:
    return {one.name: one for one in found}


@pytest.mark.parametrize("control", [True, False])
def test_idle_workers_take_an_order_up_and_say_so(rolling: Tiny, control: bool) -> None:
    with Many(rolling) as many:
        if not control:
            many.kill("control")
        epoch, since = trip(many.workspace, rolling)
        found = by_name(acknowledged(many.workspace.home, epoch, since, SOON_S))
        assert set(found) == {"worker-0", "worker-1"}
        for one in found.values():
            assert one.state == "answers"
            assert one.took_ms is not None
            assert one.took_ms > 0
        assert {one.pid for one in found.values()} == {many.supervisor.children[name].pid for name in found}
        assert [many.decide(visit=f"v-{i}")["version"] for i in range(20)] == ["1"] * 20
    assert acknowledged(many.workspace.home, epoch, since) == ()  # all of them ended well


def test_a_worker_that_stands_still_or_died_is_named_and_not_assumed(rolling: Tiny) -> None:
    with Many(rolling) as many:
        many.stop("worker-1")
        stopped = many.supervisor.children["worker-1"].pid
        epoch, since = trip(many.workspace, rolling)
        wait_until(lambda: not by_name(acknowledged(many.workspace.home, epoch, since))["worker-0"].silent)
        assert by_name(acknowledged(many.workspace.home, epoch, since))["worker-1"].state == "stopped"
        os.kill(stopped, signal.SIGCONT)
        found = by_name(acknowledged(many.workspace.home, epoch, since, SOON_S))
        assert found["worker-1"].state == "answers"
        before = many.kill("worker-1")
        many.until_back("worker-1", before)
        again = by_name(acknowledged(many.workspace.home, epoch, since))["worker-1"]
        assert again.pid != before
        assert (again.state, again.took_ms) == ("answers", None)  # it never answered by anything older


def test_a_site_that_serves_alone_is_one_replica_and_the_status_shows_it(rolling: Tiny) -> None:
    with Served(rolling) as served:
        epoch, since = trip(rolling.workspace, rolling)
        (found,) = acknowledged(rolling.workspace.home, epoch, since, SOON_S)
        assert (found.name, found.state, found.pid) == ("gateway", "answers", os.getpid())
        (shown,) = served.status()["replicas"]
        assert (shown["name"], shown["state"], shown["epoch"]) == ("gateway", "answers", epoch)
        assert shown["seen_at"] == found.seen_at
    assert acknowledged(rolling.workspace.home, epoch, since) == ()


def test_the_status_of_many_shows_each_worker(rolling: Tiny) -> None:
    with Many(rolling) as many:
        shown = many.status()["replicas"]
        assert [one["name"] for one in shown] == ["worker-0", "worker-1"]
        assert {one["state"] for one in shown} == {"answers"}


def test_a_state_that_cannot_be_read_is_never_acknowledged(rolling: Tiny) -> None:
    with Served(rolling):
        home = rolling.workspace.home
        (home / "state.json").write_bytes(b"{}")
        files = rolling.workspace.state_files()
        files.announce(files.epoch() + 1)
        (found,) = acknowledged(home, files.epoch(), time.monotonic_ns(), within_s=0.3)
        assert found.state == "behind"
