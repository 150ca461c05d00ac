"""The life of one incident, from its order to its return, by processes that a failpoint may kill anywhere on the way.

`python -m tests.runtime.incident_child FOLDER POINT...`: for each failpoint, in a folder of its own, a forked process
lives it and is killed there. It goes on from whatever it finds, and writes each step that it acknowledged to `told`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.facts import CaseResult, Held, Incident, Named, Order, Scope, Severity, digest
from shipworthy.facts.incident import Harm, RegressionCase
from shipworthy.ledger.files.log import Ledger
from shipworthy.respond import closing, incidents
from shipworthy.respond.moments import told
from shipworthy.respond.playbook import Proposal
from shipworthy.runtime import incident_book
from shipworthy.runtime.authority import Authority
from shipworthy.store.failpoints import Failpoint, nothing
from shipworthy.store.posture import StateFiles
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.clock import START, HandClock
from shipworthy.testing.failpoints import VARIABLE, failpoint_from

CASE = RegressionCase(id="incident.speed", terms=digest(b"terms"))
STEPS = ("opened", "commanded", "updated", "promoted", "closed", "reopened")


def opened(folder: Path, failpoint: Failpoint = nothing) -> Authority:
    """Return the authority over a folder; the same keys each time."""
    store = SqliteStore(folder / "store.db", failpoint=failpoint)
    ledger = Ledger(store, Ed25519PrivateKey.from_private_bytes(bytes(32)), "tests/incident", HandClock())
    return Authority(StateFiles(folder, bytes(range(32)), failpoint=failpoint), ledger, store, HandClock())


def proposal(number: int, version: str) -> Proposal:
    """Return the order that a breach on a version asks for."""
    scope = Scope(model="m", version=version, segment="supplier=P1")
    at = told(START + timedelta(minutes=number))
    order = Order(
        id=f"ORD-2027-{number:04}", scope=scope, posture=Named.SAFE_MODE, cause=digest(b""), confirm_by=at, by="machine"
    )
    held = Held(order=order, at=at, because="error_rate breached: 9 of 10")
    return Proposal(held, "error_rate", Severity.SEV2)


def proof() -> closing.Proof:
    """Return what closes the incident."""

    def result(status: str) -> CaseResult:
        return CaseResult(
            case=CASE.id, status=status, clause="robustness", severity="blocker", n=9, hits=0, value=0.0, lo=0.0,
            hi=0.1, target="<= 0.15", because="b", seed=1,
        )  # fmt: skip

    return closing.Proof(
        before=(result("fail"),), after=(result("pass"),), artefact_before=digest(b"1"), artefact_after=digest(b"2"),
        version_before="1", version_after="2", terms={CASE.id: CASE.terms}, trained_on=(), note=digest(b"n"),
        threats="T1", unconfirmed=(),
    )  # fmt: skip


def live(folder: Path, failpoint: Failpoint, say: Callable[[str], None]) -> None:
    """Go through all steps; those that were made before change nothing."""
    authority = opened(folder, failpoint)
    authority.begin()
    for step in STEPS:
        _make(authority, step)
        say(step)
    authority.store.close()


def _make(authority: Authority, step: str) -> None:
    if step in ("opened", "reopened"):
        asked = proposal(1, "1") if step == "opened" else proposal(2, "2")
        authority.tighten(asked.held)
        incident_book.taken_up(authority, asked, START, "chidi")
        return
    (one,) = authority.store.incidents()
    if one.reopened or one.status == "closed":
        return  # it has come further than this step
    kind, to = CHANGES[step]
    incident_book.change(authority, "ana", kind, one.id, to)


CHANGES: dict[str, tuple[str, Callable[[Incident], Incident]]] = {
    "commanded": (incidents.COMMANDED, lambda one: incidents.command(one, "ana")),
    "updated": (
        incidents.UPDATED,
        lambda one: incidents.update(one, harm=Harm(type="none", severity="none")),
    ),
    "promoted": (incidents.PROMOTED, lambda one: incidents.promote(one, [CASE])),
    "closed": (incidents.CLOSED, lambda one: closing.close(one, proof(), START)),
}


def main(folder: Path, points: list[str]) -> None:
    """Fork one life for each failpoint; say how each ended."""
    for point in points:
        place = folder / point.replace(":", "-")
        place.mkdir()
        pid = os.fork()
        if pid == 0:
            with (place / "told").open("w") as file:
                live(place, failpoint_from({VARIABLE: point}), lambda text: print(text, file=file, flush=True))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(point, os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
