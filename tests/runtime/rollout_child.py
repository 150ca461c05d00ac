"""A rollout moved from its start to its end by one process, which a failpoint may kill anywhere on the way.

`python -m tests.runtime.rollout_child FOLDER`: goes on from whatever it finds, and prints each state it acknowledged.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.contract.manifest import Stage
from shipworthy.deploy import plan
from shipworthy.facts import Judgement, Outcome, RolloutState
from shipworthy.ledger.files.log import Ledger
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.rolling import finish
from shipworthy.store.failpoints import Failpoint, nothing
from shipworthy.store.posture import StateFiles
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.clock import HandClock
from shipworthy.testing.failpoints import failpoint_from

STAGES = (
    Stage(name="one", share=1, tenants=("acme",), min_samples=1),
    Stage(name="half", share=50, tenants=("acme", "birch"), min_samples=1),
    Stage(name="all", share=100, tenants=("*",), min_samples=1),
)
MET = [Judgement(slo="auroc", segment="*", outcome=Outcome.MET, because="b")]
STEPS = {"advance": "advanced", "complete": "completed"}


def opened(folder: Path, failpoint: Failpoint = nothing) -> Authority:
    """Return the authority over a folder; the same keys each time."""
    store = SqliteStore(folder / "store.db", failpoint=failpoint)
    ledger = Ledger(store, Ed25519PrivateKey.from_private_bytes(bytes(32)), "tests/rollout", HandClock())
    return Authority(StateFiles(folder, bytes(range(32)), failpoint=failpoint), ledger, store, HandClock())


def moved(authority: Authority) -> RolloutState | None:
    """Make the next move and return where the rollout is then; None when there is none left."""
    state = authority.state()
    rollout = state.rollout
    if not state.baseline:
        authority.baseline("ana", "1")
        return moved(authority)
    if rollout is None:
        first = plan.start(STAGES, id="ROL-2027-0001", version="2", baseline="1", salt="s", started_at="t")
        return authority.rollout("ana", "started", first, "by ana", None).rollout
    if rollout.status == "completed":
        return rollout if finish(authority) else None
    if rollout.stage == 1 and rollout.status == "running" and not _was_held(authority):
        return authority.rollout("ana", "held", plan.hold(rollout, "lunch").next, "lunch", rollout).rollout
    step = plan.step(STAGES, plan.resume(rollout), MET, 1)
    return authority.rollout("machine", STEPS[step.kind], step.next, step.because, rollout).rollout


def run(folder: Path, failpoint: Failpoint, say: Callable[[str], None]) -> None:
    """Move until nothing is left."""
    authority = opened(folder, failpoint)
    authority.begin()
    while (rollout := moved(authority)) is not None:
        say(f"{rollout.status} {rollout.stage} {rollout.share_bp}")


def _was_held(authority: Authority) -> bool:
    return any(entry.kind == "deploy.held" for entry in authority.ledger.entries())


if __name__ == "__main__":
    run(Path(sys.argv[1]), failpoint_from(os.environ), lambda text: print(text, flush=True))
