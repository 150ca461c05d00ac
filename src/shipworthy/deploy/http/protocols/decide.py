"""`POST /decide`: one row, one answer.

In: `{"row": {column: value}}`. Out: a `Reply`; 503 with `{"error"}` when nobody could take it. With `Prefer:
respond-async` what waits for a person is a 202 with a `Location`.
"""

from __future__ import annotations

import msgspec

from shipworthy.deploy.body import read_ask
from shipworthy.deploy.http.decider import Outcome
from shipworthy.deploy.http.protocols.intake import Asked, Intake, later, look_of, shown_score
from shipworthy.deploy.http.wire import Response, Scope, encode


class Reply(msgspec.Struct, frozen=True):
    """The answer of `POST /decide`. `decision` is null when refused; equal inputs differ only in the last four."""

    decision: str | None
    route: str
    score: float | None
    uncertainty: float | None
    why: tuple[str, ...]
    version: str
    arm: str
    receipt: str
    request: str
    epoch: int
    at: str


class Decide:
    """The house's own protocol."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def post(self, scope: Scope, asked: Asked) -> Response:
        """Answer one row."""
        intake = self._intake
        row = read_ask(asked.body)
        tenant = asked.tenant = intake.tenant(row, asked.caller)
        limit = intake.admitted(tenant, 1, asked.now_s)
        intake.pressed(scope, 1)
        outcome = await intake.decider.decide(row, tenant, asked.now_s, asked.peer)
        asked.done.append((outcome, row))
        event = outcome.event
        headers = [*intake.headers((outcome,)), (b"x-request-id", event.request.encode()), *limit]
        if outcome.error:
            told = {"error": outcome.error, "request": event.request, "why": outcome.answer.why}
            return Response(outcome.status, encode(told), headers)
        look = look_of((outcome,), scope)
        return Response(202 if look else 200, encode(reply_of(outcome)), headers + later(look) if look else headers)


def reply_of(outcome: Outcome) -> Reply:
    """Return what the caller hears of an outcome."""
    given, event = outcome.answer, outcome.event
    return Reply(
        decision=given.decision or None,
        route=given.route,
        score=shown_score(outcome),
        uncertainty=given.uncertainty,
        why=given.why,
        version=event.version,
        arm=event.arm,
        receipt=outcome.receipt,
        request=event.request,
        epoch=outcome.epoch,
        at=event.at,
    )
