"""Alerts of other systems as triggers: an alert, what its sender may ask for, and what holds become an order or a no.

In: labels and times of an alert, the bounds of the token that came with it, the state and the time. Out: a `Trigger`,
an order, or the reason why there is none. Pure. A trigger only tightens, only inside the bounds of its token; an alert
that is over loosens nothing; the same alert again, also after people released its order, orders nothing.

Source of an alert's fields: prometheus/alertmanager notify/webhook (payload version 4): `fingerprint` names its labels,
`startsAt` the time from which it fires.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shipworthy.facts import (
    RESERVED,
    Digest,
    Held,
    Named,
    Order,
    RuntimeState,
    Scope,
    canonical_segment,
    contains,
    digest,
    parse_segment,
)
from shipworthy.respond.moments import moment, told
from shipworthy.respond.postures import MACHINE, acknowledged, covered
from shipworthy.respond.severity import confirm_by, severity_of

ACTIONS: Final = {"review": Named.HUMAN_REVIEW, "degrade": Named.SAFE_MODE, "kill": Named.KILLED}
LABEL: Final = "shipworthy_action"
STALE_S: Final = 3600.0
SKEW_S: Final = 300.0
MOST_HELD: Final = 100
MOST_TEXT: Final = 400


class Refused(Exception):
    """A trigger that is not followed. `foreign`: it asked beyond what its token may ask for."""

    def __init__(self, why: str, foreign: bool = False) -> None:
        super().__init__(why)
        self.foreign = foreign


@dataclass(frozen=True, slots=True)
class Trigger:
    """What an alert asks for. `started`: since when it fires, canonical RFC 3339 text."""

    action: str
    scope: Scope
    fingerprint: str
    name: str
    started: str

    @property
    def cause(self) -> Digest:
        """What the order names as its cause: this alert, since this moment, asking for this."""
        return digest({"alert": self.fingerprint, "started": self.started, "action": self.action, "scope": self.scope})


@dataclass(frozen=True, slots=True)
class Known:
    """What an alert may name: the model, its loaded versions, and the keys that segments have.

    `hide(key, value)`: what stands for the value of a key that is not public, None when all keys are.
    """

    model: str
    versions: Collection[str]
    keys: Collection[str]
    hide: Callable[[str, str], str] | None = None

    def hidden(self, segment: str) -> str:
        """Return a segment as the gateway matches it. Raises ValueError for a text that is none."""
        terms = parse_segment(segment)
        if self.hide is None:
            return segment
        return canonical_segment({key: [self._value(key, value) for value in values] for key, values in terms.items()})

    def _value(self, key: str, value: str) -> str:
        plain = key == "tenant" or value in RESERVED or value.startswith("#") or self.hide is None
        return value if plain or self.hide is None else self.hide(key, value)


def read_trigger(labels: Mapping[str, str], fingerprint: str, started: str, known: Known) -> Trigger:
    """Return what an alert asks for. Raises Refused with one line.

    Labels: `shipworthy_action`, `model`; `version`, `tenant`, `segment` mean everything when they are not there.
    """
    action = labels.get(LABEL, "")
    if action not in ACTIONS:
        raise Refused(f"{LABEL} is one of {', '.join(ACTIONS)}")
    if labels.get("model") != known.model:
        raise Refused(f"this is the model {known.model}", foreign=True)
    version, tenant, segment = (labels.get(name) or "*" for name in ("version", "tenant", "segment"))
    if any(len(text) > MOST_TEXT or not text.isprintable() for text in (version, tenant, segment, fingerprint)):
        raise Refused("a label is too long or does not print")
    if version != "*" and version not in known.versions:
        raise Refused("no such version is loaded", foreign=True)
    try:
        unknown = set(parse_segment(segment)) - set(known.keys)
        segment, since = known.hidden(segment), told(moment(started))
    except (ValueError, OverflowError) as problem:
        raise Refused(f"cannot be read: {str(problem)[:MOST_TEXT]}") from problem
    if unknown:
        raise Refused(f"no segment has the key {sorted(unknown)[0]!r}")
    if not fingerprint:
        raise Refused("an alert has a fingerprint")
    scope = Scope(model=known.model, version=version, tenant=tenant, segment=segment)
    return Trigger(action, scope, fingerprint, _name(labels), since)


def beyond(trigger: Trigger, limit: str, actions: Collection[str]) -> str:
    """Return why a trigger is beyond the bounds of its token, "" when it is inside. `limit`: a canonical segment, its
    values hidden as those of the trigger are."""
    if trigger.action not in actions:
        return f"this token may not ask for {trigger.action}"
    terms = dict(parse_segment(trigger.scope.segment))
    if trigger.scope.tenant != "*":
        named = frozenset({trigger.scope.tenant})
        terms["tenant"] = terms["tenant"] & named if "tenant" in terms else named
    if not all(terms.values()):
        return "its segment and its tenant have nothing in common"
    if limit != "*" and not contains(limit, canonical_segment(terms)):
        return "this token ends at another segment or tenant"
    return ""


def placed(state: RuntimeState, trigger: Trigger) -> Held | None:
    """Return the order that this very alert has placed, if it holds."""
    return next((held for held in state.orders if held.order.cause == trigger.cause), None)


def order_of(trigger: Trigger, token: str, state: RuntimeState, now: datetime) -> Held | None:
    """Return the order that a firing alert asks for; None when it holds already or people know of it.

    `token`: the id of the token that it came with, for the record.

    Raises Refused for an alert that is too old, from the future, or one too many.
    """
    if placed(state, trigger) is not None or acknowledged(state, trigger.scope, trigger.started):
        return None
    age_s = (now - moment(trigger.started)).total_seconds()
    if age_s > STALE_S:
        raise Refused(f"it fires since {trigger.started}: what is that old is for people to look at")
    if age_s < -SKEW_S:
        raise Refused(f"it fires since {trigger.started}, which is yet to come")
    posture = ACTIONS[trigger.action]
    if covered(state, trigger.scope, posture):
        return None
    if sum(held.because.startswith("alert ") for held in state.orders) >= MOST_HELD:
        raise Refused(f"{MOST_HELD} orders of alerts hold: people have to look first")
    name = f"ORD-{trigger.started[:4]}-{trigger.cause.removeprefix('sha256:')[:16]}"
    order = Order(
        id=name,
        scope=trigger.scope,
        posture=posture,
        cause=trigger.cause,
        confirm_by=confirm_by(severity_of(posture), now),
        by=MACHINE,
    )
    because = f"alert {trigger.name}: {trigger.fingerprint} fires since {trigger.started}, told with token {token}"
    return Held(order=order, at=told(now), because=because)


def _name(labels: Mapping[str, str]) -> str:
    """The name of an alert as one word."""
    whole = "".join(each if each.isalnum() or each in "_.-" else "_" for each in labels.get("alertname", ""))
    return whole[:100] or "unnamed"
