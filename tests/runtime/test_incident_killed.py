"""A process that leads an incident through its life is killed at every write: record, ledger and posture agree."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.facts import Incident
from shipworthy.respond.incident_log import fold
from shipworthy.store.failpoints import nothing
from tests.runtime.incident_child import STEPS, live, opened
from tests.store.child import child_environ

KINDS = [
    "respond.ordered", "respond.incident_opened", "respond.incident_commanded", "respond.incident_updated",
    "respond.incident_promoted", "respond.incident_closed", "respond.ordered", "respond.incident_reopened",
]  # fmt: skip
# How often each place is written on the way; of the state files, whose own tests are elsewhere, the second order's.
WRITES = {
    "entries": range(1, 9), "incidents": range(1, 7), "commit": range(1, 9), "counters": (1,), "kv": (1, 2),
    "map": (3, 5), "journal": (3,), "json": (3,),
}  # fmt: skip
POINTS = [f"{place}.{when}:{n}" for place, times in WRITES.items() for when in ("before", "after") for n in times]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All the folders that killed processes left, by failpoint."""
    folder = tmp_path_factory.mktemp("killed")
    child = subprocess.run(
        [sys.executable, "-m", "tests.runtime.incident_child", str(folder), *POINTS],
        env=child_environ(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    ended = dict(line.split() for line in child.stdout.splitlines())
    assert set(ended) == set(POINTS)
    assert set(ended.values()) == {str(-signal.SIGKILL)}, ended
    return folder


def reached(incidents: tuple[Incident, ...]) -> int:
    """Return how many of the steps the record has made."""
    if not incidents:
        return 0
    (one,) = incidents
    return len(STEPS) if one.reopened else one.revision


@pytest.mark.parametrize("point", POINTS)
def test_record_ledger_and_posture_agree_wherever_the_process_was_killed(killed: Path, point: str) -> None:
    folder = killed / point.replace(":", "-")
    acknowledged = (folder / "told").read_text().split()
    authority = opened(folder)
    state = authority.begin()
    kept = authority.store.incidents()
    entries = list(authority.ledger.entries())
    assert fold(entries) == kept
    assert authority.ledger.replay() == state
    assert reached(kept) >= len(acknowledged)
    orders = {held.order.id for held in state.orders}
    assert {name for one in kept for name in one.orders} <= orders
    assert [entry.kind for entry in entries] == KINDS[: len(entries)]
    authority.store.close()
    live(folder, nothing, lambda text: None)
    again = opened(folder)
    after = again.begin()
    (one,) = again.store.incidents()
    assert [entry.kind for entry in again.ledger.entries()] == KINDS
    assert fold(again.ledger.entries()) == (one,)
    assert (one.id, one.status, len(one.reopened), one.orders) == (
        "INC-2027-0001", "active", 1, ("ORD-2027-0001", "ORD-2027-0002"),
    )  # fmt: skip
    assert {held.order.id for held in after.orders} == set(one.orders)
    again.store.close()
