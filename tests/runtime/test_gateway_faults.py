"""Faults of a gateway's world, each on real processes: its state files, its disk, its clock."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from shipworthy.facts import Named
from shipworthy.respond import playbook
from tests.flows.tiny import Tiny
from tests.runtime.many import Many
from tests.runtime.served import Served, claim, wait_until

STATE = ("state.json", "state.map")


def killed(tiny: Tiny, many: Many | None = None) -> None:
    """A person kills version 2 by this host's state files alone."""
    clock = many.clock if many else tiny.clock
    held = playbook.by_person("x", tiny.scope(version="2"), Named.KILLED, "odd", "ORD-LOCAL-1", clock())
    tiny.workspace.state_files().journal_kill(held)


def kept(tiny: Tiny, to: Path) -> None:
    to.mkdir()
    for name in STATE:
        shutil.copy(tiny.workspace.home / name, to / name)


def versions(many: Many | Served) -> set[str]:
    return {many.decide(visit=f"v-{i}")["version"] for i in range(8)}


@pytest.mark.parametrize("place", ["replaced", "in place"])
def test_an_older_state_that_is_played_back_opens_nothing(rolling: Tiny, tmp_path: Path, place: str) -> None:
    kept(rolling, tmp_path / "old")
    with Many(rolling) as many:
        assert versions(many) == {"2"}
        killed(rolling, many)
        assert versions(many) == {"1"}
        for name in STATE:
            home = rolling.workspace.home / name
            if place == "replaced":
                shutil.copy(tmp_path / "old" / name, home.with_suffix(".old"))
                home.with_suffix(".old").rename(home)
            else:
                home.write_bytes((tmp_path / "old" / name).read_bytes())
        assert versions(many) == {"1"}
        wait_until(lambda: [one["order"]["posture"] for one in many.status()["state"]["orders"]] == ["killed"])
        wait_until(lambda: "respond.ordered" in rolling.kinds())
        assert versions(many) == {"1"}


@pytest.mark.parametrize(
    ("name", "raw"), [("state.map", b""), ("state.map", b"\xff" * 64), ("state.json", b"{" * 4_096)]
)
def test_a_state_file_that_is_damaged_under_load_closes_the_candidate_and_kills_no_worker(
    rolling: Tiny, name: str, raw: bytes
) -> None:
    with Served(rolling) as served:
        assert versions(served) == {"2"}
        (rolling.workspace.home / name).write_bytes(raw)
        if name == "state.json":  # it is read when the epoch moves
            with pytest.raises(Exception, match=r"."):
                rolling.workspace.state_files().read()
            rolling.workspace.state_files().announce(99)
        assert versions(served) == {"1"}


def test_a_state_directory_that_is_gone_leaves_the_baseline(rolling: Tiny) -> None:
    with Many(rolling) as many:
        assert versions(many) == {"2"}
        for name in STATE:
            (rolling.workspace.home / name).unlink()
        wait_until(lambda: versions(many) == {"1"})


@pytest.mark.parametrize("days", [2, -2])
def test_a_clock_that_jumps_two_days_refuses_nobody_and_stops_nothing(rolling: Tiny, days: int) -> None:
    with Many(rolling) as many:
        assert versions(many) == {"2"}
        many.clock.advance(days * 86_400)
        assert versions(many) == {"2"}
        wait_until(lambda: many.status()["judged_until"] == many.workspace.now())
        many.clock.advance(-days * 86_400 + 60)
        assert versions(many) == {"2"}
        killed(rolling, many)
        assert versions(many) == {"1"}
        wait_until(lambda: many.status()["trouble"] == "")


def test_a_full_disk_refuses_reviews_and_lets_decisions_go_on(rolling: Tiny) -> None:
    """The store's writes fail as they do on a full disk: a limit on the size of files is the nearest thing to it."""
    import resource

    with Served(rolling) as served:
        assert served.decide()["decision"] == "approve"
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
        try:
            assert served.decide()["decision"] == "approve"
            status, told = served.post("/decide", {"row": claim(speed=10)})
            assert status == 503
            assert "review queue" in told["error"]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        status, told = served.post("/decide", {"row": claim(speed=10)})
        assert (status, told["route"]) == (200, "person")
        assert os.path.exists(rolling.workspace.home / "store.db")
