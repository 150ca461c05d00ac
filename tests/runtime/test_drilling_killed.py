"""A drill that is killed leaves nothing held, and is on record as failed; what people ordered is not touched."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from shipworthy.facts import Named
from shipworthy.flows import drill as flow
from shipworthy.flows.posture import tighten
from shipworthy.flows.site_state import open_site
from shipworthy.respond.drills import DRILLED, STARTED
from shipworthy.testing.failpoints import VARIABLE
from tests.flows.tiny import Tiny
from tests.runtime.served import Served
from tests.store.child import child_environ

pytestmark = pytest.mark.slow

PLACES = [
    "counters.after:1", "entries.before:1", "commit.after:2", "counters.before:2", "map.before:1", "map.after:1",
    "journal.before:1", "journal.after:1", "json.before:1", "json.after:1", "map.after:2", "entries.before:2",
    "entries.after:2", "entries.before:3", "entries.after:3", "json.before:2", "map.after:3", "entries.before:4",
]  # fmt: skip


def test_a_drill_killed_anywhere_leaves_nothing_held_and_is_on_record(shipped: Tiny) -> None:
    tighten(shipped.workspace, shipped.scope(tenant="birch"), Named.KILLED, "real", "ana")
    died = 0
    with Served(shipped) as served:
        for place in PLACES:
            died += killed(shipped, served, place)
            shipped.clock.advance(600)
            served.site.drills.keep_up()
            state = shipped.state()
            assert [held.order.by for held in state.orders] == ["ana"], place
            with open_site(shipped.workspace) as authority:
                assert authority.ledger.replay() == state, place
            begun = [entry.body["drill"]["id"] for entry in shipped.entries() if entry.kind == STARTED]
            done = [entry.body["drill"]["id"] for entry in shipped.entries() if entry.kind == DRILLED]
            assert begun == done, place
            assert served.decide()["route"] == "machine"
    assert died == len(PLACES)
    assert {one.verdict for one in flow.known(shipped.workspace)} == {"failed"}


def killed(tiny: Tiny, served: Served, failpoint: str) -> bool:
    """Run a drill that dies at a failpoint; return whether it did."""
    url = f"http://127.0.0.1:{served.port}"
    command = [sys.executable, "-m", "tests.runtime.drill_child"]
    child = subprocess.run(
        [*command, str(tiny.root), str(tiny.workspace.home), url, tiny.clock().isoformat()],
        env=child_environ(**{VARIABLE: failpoint}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert child.returncode in (-signal.SIGKILL, 0), child.stderr
    return child.returncode == -signal.SIGKILL
