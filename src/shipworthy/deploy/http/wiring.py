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
from shipworthy.deploy.answer import Answer
from shipworthy.deploy.body import Cell
from shipworthy.deploy.http.ids import uuids
from shipworthy.deploy.http.keys import Callers, everybody
from shipworthy.deploy.http.places import Keys, Places, Row
from shipworthy.deploy.http.upstream import Upstream
from shipworthy.deploy.limits import UNLIMITED, Limited, Limits
from shipworthy.deploy.release import Cut, Release, Words
from shipworthy.deploy.routing import Routes
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import Decider, Event, Posture, Receipt, Source
from shipworthy.store.review import Admission


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


def for_review(event: Event, row: Mapping[str, Cell], words: Words, given: Answer, receipt: str) -> ForReview:
    """Return what a person is asked about a decision; score and uncertainty are those of the event."""
    return ForReview(
        request=event.request,
        at=event.at,
        version=event.version,
        arm=event.arm,
        tenant=event.tenant,
        segments=event.segments,
        row=dict(row),
        review_word=words.review,
        suggestion=given.suggestion,
        score=event.score,
        uncertainty=event.uncertainty,
        why=given.why,
        receipt=receipt,
    )


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """What may be told of a review: `waiting`, `answered` or `expired`; `decision` is None until a person decided."""

    status: str
    decision: str | None
    deadline: str


async def _no_label(receipt: Receipt, label: int, source: str) -> str:
    return "accepted"


async def _no_review(request: str) -> Reviewed | None:
    return None


def _ignore(*_: Any) -> None:  # noqa: ANN401
    return None


def _may_hold(version: str, tenant: str | None, keys: Mapping[str, str]) -> Posture:
    """Know nothing of what might hold: then anything might."""
    return Posture(source=Source.BASELINE, decider=Decider.PERSON)


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
    - `enqueue`: makes a review durable before the answer leaves, and says whether it fits; raising is as no room.
    - `sink(event, row, peer)`: called just before an answer is sent; `peer`: who called. `sink_shadow(event, row)`:
      after it, arm `shadow`. `sink_drill`: as `sink`, for the synthetic tenant, which nothing else counts.
    - `override()`: the overrides that hold, as the header `x-shipworthy-override` tells them; "" when none does.
    - `on_failure(version, reason)`: each failed attempt, replayed or not.
    - `on_abuse`: told of what was refused, after the answer has left.
    - `review(request)`: what became of a review, None when there is none of that request.
    - `warm_row(version)`: a row of the reference that keeps the version warm and shows that it scores.
    - `on_label(receipt, label, source)`: returns a status word; `source`: whose key sent it, "" without keys.
    - `deadline_s`: of a request; a candidate gets 60 % of it.
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
    sink: Callable[[Event, Row, str], None]
    enqueue: Callable[[ForReview], Awaitable[Admission]]
    keys: Keys = field(default_factory=Keys)
    limits: Limits = _unlimited
    may_hold: Callable[[str, str | None, Mapping[str, str]], Posture] = _may_hold
    throttles: Throttles = field(default_factory=Throttles)
    caller: Callers = everybody
    on_label: Callable[[Receipt, int, str], Awaitable[str]] = _no_label
    sink_drill: Callable[[Event, Row, str], None] = _ignore
    sink_shadow: Callable[[Event, Row], None] = _ignore
    shadow: Callable[[], tuple[str, ...]] = tuple
    override: Callable[[], str] = str
    on_failure: Callable[[str, str], None] = _ignore
    on_abuse: OnAbuse = UNWATCHED
    review: Callable[[str], Awaitable[Reviewed | None]] = _no_review
    clock: Callable[[], float] = time.time
    new_id: Callable[[float], str] = field(default_factory=uuids)
    deadline_s: float = 2.0
    shadow_pending: int = 64
    circuit_check_every_s: float = 0.25
    warm_row: Callable[[str], Row | None] = _no_row
    warm_every_s: float = 1.0
    places: Places = field(init=False)

    def __post_init__(self) -> None:
        self.places = Places(self.keys)
