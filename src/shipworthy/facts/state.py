"""The state of one site: what holds now. It is the fold of the ledger, plus what a local kill journalled.

`epoch` grows by one with every change; of two states the larger epoch wins; equal epochs with other content are
corrupt.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shipworthy.facts.base import Fact
from shipworthy.facts.posture import Order, Scope


class Held(Fact, frozen=True, kw_only=True):
    """An order that holds: since when, why, and who confirmed it (\"\" = nobody yet)."""

    order: Order
    at: str
    because: str
    confirmed_by: str = ""


class Acknowledged(Fact, frozen=True, kw_only=True):
    """Breaches in `scope` that ended before `up_to` are known and do not trip again."""

    scope: Scope
    up_to: str


class RolloutState(Fact, frozen=True, kw_only=True):
    """One rollout. `status`: `running held aborted completed`. `share_bp`: basis points of units inside each tenant.

    `stage_since`: when the present stage began; \"\" in entries of before it was written down.
    """

    id: str
    version: str
    baseline: str
    stage: int
    status: str
    share_bp: int
    tenants: tuple[str, ...]
    salt: str
    shadow: tuple[str, ...] = ()
    started_at: str = ""
    stage_since: str = ""


class LiveThresholds(Fact, frozen=True, kw_only=True):
    """Thresholds that recalibration moved, inside the signed bounds. None = nothing valid: a person decides.

    `n`: the labelled rows they rest on. The guarantee: with confidence 1 - `delta`, at most `denied` (`approved`) of
    what the machine denies (approves) is wrong. `auto`: its price, the share of those rows that the machine decides.
    """

    version: str
    bucket: str
    deny: float | None
    approve: float | None
    at: str
    n: int
    denied: float | None = None
    approved: float | None = None
    delta: float | None = None
    auto: float | None = None


class RuntimeState(Fact, frozen=True, kw_only=True):
    """All that the runtime must know to serve safely with everything else dead."""

    epoch: int = 0
    baseline: str = ""
    orders: tuple[Held, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    rollout: RolloutState | None = None
    thresholds: tuple[LiveThresholds, ...] = ()


def arrived(state: RuntimeState, orders: Iterable[Held]) -> RuntimeState:
    """Return the state with orders that came after it; the epoch grows by one for each that changes it."""
    for held in orders:
        after = hold(state, held)
        state = msgspec.structs.replace(after, epoch=state.epoch + (after != state))
    return state


def hold(state: RuntimeState, held: Held) -> RuntimeState:
    """Return the state with one more order, sorted by id; an order that holds already changes nothing.

    The one rule of the ledger's fold, of the journal and of the transitions: all three must give the same bytes. The
    epoch is the caller's: a fold counts entries, a journal files.
    """
    if any(before.order == held.order for before in state.orders):
        return state
    orders = sorted((*state.orders, held), key=lambda one: one.order.id)
    return msgspec.structs.replace(state, orders=tuple(orders))
