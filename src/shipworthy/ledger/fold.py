"""What holds now, from all that was ever written: the fold of the ledger. Pure.

In: entries in order. Out: the `RuntimeState`. One small function a kind of entry that changes the state; each of those
entries adds 1 to the epoch, every other kind leaves the state as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from shipworthy.errors import CannotDecide
from shipworthy.facts import (
    Acknowledged,
    Entry,
    Held,
    LiveThresholds,
    RolloutState,
    RuntimeState,
    Scope,
    hold,
    of_drill,
)

Step = Callable[[RuntimeState, Entry], RuntimeState]
ROOMS: Final = frozenset(
    {"contract", "artifact", "models", "profile", "store", "ledger", "evaluate", "gate", "deploy", "observe"}
    | {"respond", "govern", "runtime", "flows", "academy", "web", "cli"}
)
_KIND = re.compile(r"([a-z]+)\.[a-z]+(_[a-z]+)*")
_replace = msgspec.structs.replace


def fold(entries: Iterable[Entry], start: RuntimeState | None = None) -> RuntimeState:
    """Return the state after these entries, from `start` or from nothing.

    Raises CannotDecide at an entry whose kind names no room or whose body does not fit its kind: a state that leaves
    something out could be looser than what was ordered.
    """
    state = RuntimeState() if start is None else start
    for entry in entries:
        state = step(state, entry)
    return state


def step(state: RuntimeState, entry: Entry) -> RuntimeState:
    """Return the state after one entry."""
    room = _KIND.fullmatch(entry.kind)
    if room is None or room[1] not in ROOMS:
        raise CannotDecide(f"unknown kind {entry.kind!r}", f"entry {entry.seq}", "use the Shipworthy that wrote it")
    change = CHANGES.get(entry.kind)
    if change is None:
        return state
    try:
        after = change(state, entry)
    except (KeyError, TypeError, ValueError) as error:  # msgspec.ValidationError is a ValueError
        raise CannotDecide(
            f"the body does not fit {entry.kind}: {error}", f"entry {entry.seq}", "run `ledger verify`"
        ) from error
    return _replace(after, epoch=state.epoch + 1)


def _ordered(state: RuntimeState, entry: Entry) -> RuntimeState:
    """An order holds from now on. The same order twice is one; nothing that holds is ever replaced."""
    return hold(state, entry.read(Held, "held"))


def _confirmed(state: RuntimeState, entry: Entry) -> RuntimeState:
    """A person confirmed an order; one that was restored meanwhile stays gone."""
    order, person = _text(entry, "order"), _text(entry, "by")
    orders = tuple(_replace(held, confirmed_by=person) if held.order.id == order else held for held in state.orders)
    return _replace(state, orders=orders)


def _restored(state: RuntimeState, entry: Entry) -> RuntimeState:
    """People took orders back; breaches of that scope up to then are known and do not trip again."""
    gone = msgspec.convert(entry.body["orders"], frozenset[str])
    scope: Scope = entry.read(Scope, "scope")
    if not isinstance(entry.body["approvals"], list | tuple):
        raise TypeError("approvals must be a list")
    up_to = max([_text(entry, "up_to"), *(known.up_to for known in state.acknowledged if known.scope == scope)])
    others = [known for known in state.acknowledged if known.scope != scope]
    known = sorted([*others, Acknowledged(scope=scope, up_to=up_to)], key=_by_scope)
    orders = tuple(held for held in state.orders if held.order.id not in gone)
    return _replace(state, orders=orders, acknowledged=tuple(known))


def _drill_released(state: RuntimeState, entry: Entry) -> RuntimeState:
    """A drill is over: what it placed over its own tenant ends. No other order ends by this, whoever names it."""
    gone = msgspec.convert(entry.body["orders"], frozenset[str])
    return _replace(state, orders=tuple(one for one in state.orders if one.order.id not in gone or not of_drill(one)))


def _rolled(state: RuntimeState, entry: Entry) -> RuntimeState:
    """A rollout moved; the entry holds all of it."""
    return _replace(state, rollout=entry.read(RolloutState, "rollout"))


def _baselined(state: RuntimeState, entry: Entry) -> RuntimeState:
    """Another version is the warm baseline."""
    return _replace(state, baseline=_text(entry, "version"))


def _recalibrated(state: RuntimeState, entry: Entry) -> RuntimeState:
    """The thresholds of one version and bucket moved."""
    moved: LiveThresholds = entry.read(LiveThresholds, "thresholds")
    others = [live for live in state.thresholds if (live.version, live.bucket) != (moved.version, moved.bucket)]
    return _replace(state, thresholds=tuple(sorted([*others, moved], key=lambda live: (live.version, live.bucket))))


def _text(entry: Entry, key: str) -> str:
    return msgspec.convert(entry.body[key], str)


def _by_scope(known: Acknowledged) -> tuple[str, str, str, str]:
    return (known.scope.model, known.scope.version, known.scope.tenant, known.scope.segment)


CHANGES: Final[dict[str, Step]] = {
    "respond.ordered": _ordered,
    "respond.confirmed": _confirmed,
    "respond.restored": _restored,
    "respond.drill_released": _drill_released,
    "deploy.started": _rolled,
    "deploy.advanced": _rolled,
    "deploy.held": _rolled,
    "deploy.aborted": _rolled,
    "deploy.completed": _rolled,
    "deploy.baselined": _baselined,
    "observe.recalibrated": _recalibrated,
}
