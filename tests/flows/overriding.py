"""Break glass on the tiny model: version 2 is worse calibrated than version 1, which the gate refuses to ship."""

from __future__ import annotations

from typing import Any

from shipworthy.facts import Granted
from shipworthy.flows import override
from shipworthy.flows.override import Asked
from shipworthy.flows.ship import ship
from tests.flows.tiny import Tiny

DAY = 24 * 3600
ASKED: dict[str, Any] = {
    "reason": "the old version cannot read the new forms",
    "compensating_control": "ben reads every denial",
    "tenants": ("acme",),
    "share_bp": 10_000,
    "lasts_s": 2 * DAY,
}


def worse(tiny: Tiny, slope: float = 0.3) -> None:
    """Prepare version 2, which the gate blocks: `decision_ece_7d vs baseline` is breached, and nothing else."""
    tiny.clock.advance(3600)
    tiny.release("2", slope=slope)


def ask(tiny: Tiny, person: str = "ana", **asked: Any) -> Granted:
    """Ask for an override of the present verdict."""
    judged = tiny.judge()
    return override.request(tiny.workspace, judged.verdict, judged.contract, Asked(**(ASKED | asked)), person)


def approve(tiny: Tiny, name: str, person: str = "ben") -> Granted:
    """Approve an override."""
    return override.approve(tiny.workspace, tiny.workspace.contract().lock, name, person)


def overridden(tiny: Tiny, **asked: Any) -> str:
    """Let a version 2 that is worse through under an override of ana and ben; return its id."""
    worse(tiny)
    return let_through(tiny, **asked)


def let_through(tiny: Tiny, **asked: Any) -> str:
    """Let the blocked version 2 through under an override of ana and ben; return its id."""
    name = ask(tiny, **asked).override.id
    approve(tiny, name)
    assert ship(tiny.workspace, name).released_under == name
    return name
