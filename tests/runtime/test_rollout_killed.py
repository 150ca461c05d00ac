"""A process that moves a rollout is killed at every kind of write: what is found is legal, and it goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.deploy.routing import routes_of
from shipworthy.facts import RuntimeState
from shipworthy.store.failpoints import nothing
from shipworthy.testing.failpoints import VARIABLE
from tests.runtime.rollout_child import STAGES, opened, run
from tests.store.child import child_environ

pytestmark = pytest.mark.slow

WAY = ["running 0 100", "running 1 5000", "held 1 5000", "running 2 10000", "completed 2 10000", "completed 2 10000"]
PLACES = ["entries", "commit", "map", "json", "file.write", "file.rename"]


def killed(folder: Path, failpoint: str) -> list[str]:
    child = subprocess.run(
        [sys.executable, "-m", "tests.runtime.rollout_child", str(folder)],
        env=child_environ(**{VARIABLE: failpoint}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert child.returncode in (-signal.SIGKILL, 0), child.stderr
    return child.stdout.splitlines()


def is_legal(state: RuntimeState) -> bool:
    """True when what is served is a stage of the plan, or the baseline alone."""
    rollout = state.rollout
    routes = routes_of(state.baseline, rollout)
    if rollout is None or rollout.status not in ("running", "held"):
        return routes.candidate is None
    stage = STAGES[rollout.stage]
    return (routes.share_bp, routes.tenants) == (round(stage.share * 100), stage.tenants)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("place", PLACES)
def test_a_killed_rollout_resumes_from_a_legal_state(tmp_path: Path, place: str, n: int, when: str) -> None:
    told = killed(tmp_path, f"{place}.{when}:{n}")
    assert told == WAY[: len(told)]
    authority = opened(tmp_path)
    state = authority.begin()
    assert is_legal(state)
    assert authority.ledger.replay() == state
    if told and state.rollout is not None:  # nothing that was acknowledged is taken back
        now = f"{state.rollout.status} {state.rollout.stage} {state.rollout.share_bp}"
        assert WAY.index(now) >= WAY.index(told[-1])
    authority.store.close()
    rest: list[str] = []
    run(tmp_path, nothing, rest.append)
    again = opened(tmp_path)
    after = again.begin()
    assert (after.baseline, after.rollout.status if after.rollout else "") == ("2", "completed")
    kinds = [entry.kind for entry in again.ledger.entries() if entry.kind.startswith("deploy.")]
    assert kinds == [
        "deploy.baselined", "deploy.started", "deploy.advanced", "deploy.held", "deploy.advanced", "deploy.completed",
        "deploy.baselined",
    ]  # fmt: skip
    again.store.close()
