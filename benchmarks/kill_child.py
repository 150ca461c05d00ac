"""Whoever trips and restores in `benchmarks/kill.py`: `python -m benchmarks.kill_child CLOCK ROOT HOME`.

A line is `kill` (as the verb does it), `local` (as `kill --local`) or `restore` (by two people). It answers each with
one JSON line: the moment before the order (nanoseconds, monotonic clock), its epoch, and what each replica says.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from shipworthy.facts import Named, Scope
from shipworthy.flows.kill_local import kill_local
from shipworthy.flows.posture import restore
from shipworthy.flows.tighten import record, trip
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.replicas import acknowledged
from shipworthy.testing.clock import SharedClock

SCOPE = Scope(model="tiny-triage", version="2")
WITHIN_S = 2.0


def main(clock: str, root: str, home: str) -> None:
    """Do what each line says."""
    shared = SharedClock(Path(clock))
    here = Workspace(root=Path(root), home=Path(home), clock=shared)
    for line in sys.stdin:
        told = {"kill": _kill, "local": _local, "restore": _restore}[line.strip()](here)
        print(json.dumps(told), flush=True)


def _kill(here: Workspace) -> dict[str, Any]:
    tripped = trip(here, SCOPE, Named.KILLED, "a trip", "ana")
    holds_ns = time.monotonic_ns()
    seen = acknowledged(here.home, tripped.epoch, tripped.since_ns, WITHIN_S)
    record(here, tripped, seen)
    return _told(tripped.epoch, tripped.since_ns, holds_ns, seen)


def _local(here: Workspace) -> dict[str, Any]:
    _, epoch, since_ns = kill_local(here.home, SCOPE, "a trip", "ana", here.clock())
    holds_ns = time.monotonic_ns()
    return _told(epoch, since_ns, holds_ns, acknowledged(here.home, epoch, since_ns, WITHIN_S))


def _told(epoch: int, since_ns: int, holds_ns: int, seen: Any) -> dict[str, Any]:  # noqa: ANN401
    replicas = {one.name: one.took_ms for one in seen if one.alive and not one.silent}
    silent = [one.name for one in seen if one.silent]
    return {
        "epoch": epoch,
        "since_ns": since_ns,
        "wrote_ms": (holds_ns - since_ns) / 1e6,
        "replicas": replicas,
        "silent": silent,
    }


def _restore(here: Workspace) -> dict[str, Any]:
    assert not restore(here, SCOPE, "ben", "reviewer").done
    assert restore(here, SCOPE, "ana", "operator").done
    return {}


if __name__ == "__main__":
    main(*sys.argv[1:])
