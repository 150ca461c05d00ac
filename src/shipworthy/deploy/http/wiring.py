"""Everything the gateway is given. It reads no clock, no state file, no key and no store of its own accord.

Callables without an await are called on the request path: they must answer from memory. What raises there is our own
fault and refuses the request (500), never lets it pass.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from shipworthy.deploy.abuse import UNWATCHED, OnAbuse
from shipworthy.deploy.body import Cell
from shipworthy.deploy.http.ids import uuid7
from shipworthy.deploy.http.upstream import Upstream
from shipworthy.deploy.limits import UNLIMITED, Limited, Limits
from shipworthy.deploy.release import Cut, Release
from shipworthy.deploy.routing import Routes
from shipworthy.deploy.segments import Hide
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import Event, Posture, Receipt

Row = Mapping[str, Cell]


class ForReview(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked to decide. `row` is the raw input: it may live in the review queue only."""

    request: str
    at: str
    version: str
    arm: str
    tenant: str
    segments: tuple[str, ...]
    row: dict[str, Cell]
    review_word: str
    suggestion: str | None
    score: float | None
    uncertainty: float | None
    why: tuple[str, ...]
    receipt: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a row says whose it is. `tenant` None: there are no tenants, all are `default`.

    `segments`: keys and declared pairs; `groups`: audited features, whose groups windows tell apart; `bins`: edges of
    numeric keys; `hide`: what stands for a non-public value.
    """

    tenant: str | None = None
    unit: str | None = None
    segments: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    bins: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    hide: Hide | None = None


async def _no_label(receipt: Receipt, label: int) -> str:
    return "accepted"


def _ignore(*_: Any) -> None:  # noqa: ANN401
    return None


def _no_row(version: str) -> None:
    return None


def _unlimited(keys: Mapping[str, str]) -> Limited:
    return UNLIMITED


@dataclass(slots=True)
class Wiring:
    """What one gateway works with.

    - `routes()`, `epoch()`, `closed(version)`, `posture(version, tenant, keys)`, `thresholds(version, bucket)`,
      `shadow()`: the state of the moment. `shadow()` gives canonical segments that the candidate also scores.
    - `releases`, `upstreams`: by version. `limits`: scope limits. `throttles`: per tenant.
    - `enqueue`: makes a review durable before the answer leaves; raising refuses the request.
    - `sink(event, row)`: called just before an answer is sent. `sink_shadow(event, row)`: after it, arm `shadow`.
    - `override()`: the overrides that hold, as the header `x-shipworthy-override` tells them; "" when none does.
    - `on_failure(version, reason)`: each failed attempt, replayed or not.
    - `on_abuse`: told of what was refused and of what was answered, after the answer has left.
    - `warm_row(version)`: a row of the reference that keeps the version warm and shows that it scores.
    - `on_label(receipt, label)`: returns a status word. `deadline_s`: of a request; a candidate gets 60 % of it.
    """

    model: str
    mac_key: bytes
    routes: Callable[[], Routes]
    releases: Mapping[str, Release]
    upstreams: Mapping[str, Upstream]
    posture: Callable[[str, str, Mapping[str, str]], Posture]
    closed: Callable[[str], bool]
    epoch: Callable[[], int]
    thresholds: Callable[[str, str], Cut | None]
    sink: Callable[[Event, Row], None]
    enqueue: Callable[[ForReview], Awaitable[None]]
    keys: Keys = field(default_factory=Keys)
    limits: Limits = _unlimited
    throttles: Throttles = field(default_factory=Throttles)
    on_label: Callable[[Receipt, int], Awaitable[str]] = _no_label
    sink_shadow: Callable[[Event, Row], None] = _ignore
    shadow: Callable[[], tuple[str, ...]] = tuple
    override: Callable[[], str] = str
    on_failure: Callable[[str, str], None] = _ignore
    on_abuse: OnAbuse = UNWATCHED
    clock: Callable[[], float] = time.time
    new_id: Callable[[float], str] = uuid7
    deadline_s: float = 2.0
    shadow_pending: int = 64
    circuit_check_every_s: float = 0.25
    warm_row: Callable[[str], Row | None] = _no_row
    warm_every_s: float = 1.0
