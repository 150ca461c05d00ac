"""The gateway: a bare ASGI callable.

In: `POST /decide`, `POST /labels` and the Open Inference Protocol V2 under `/v2`. Out: answers with receipts, and
`{"error": ...}` for everything else. What is unknown is refused; what fails inside is a 500 and never an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from shipworthy.deploy.answer import REFUSED
from shipworthy.deploy.body import BadBody, Cell, read_ask, read_labels
from shipworthy.deploy.http.decider import Decider, Outcome
from shipworthy.deploy.http.labels import take_labels
from shipworthy.deploy.http.peer import peer_of
from shipworthy.deploy.http.shadow import Shadows
from shipworthy.deploy.http.shed import BATCH, INTERACTIVE, Overloaded
from shipworthy.deploy.http.warm import Warm
from shipworthy.deploy.http.wire import (
    Headers,
    Receive,
    Refusal,
    Response,
    Scope,
    Send,
    encode,
    error,
    header,
    read_body,
    respond,
)
from shipworthy.deploy.http.wiring import Row, Wiring
from shipworthy.deploy.throttle import headers as throttle_headers
from shipworthy.deploy.v2 import EXTENSIONS, InferRow, infer_reply, metadata, read_infer
from shipworthy.errors import ShipworthyError, UsageError
from shipworthy.facts import MISSING, AbuseKind
from shipworthy.models.spec import text_of

ONLY_TENANT = "default"
_ABUSE = {429: AbuseKind.FLOOD, 413: AbuseKind.MALFORMED, 415: AbuseKind.MALFORMED}
_log = logging.getLogger("shipworthy.gateway")
_Handler = Callable[[Scope, Receive], Awaitable[Response]]


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


@dataclass(slots=True)
class _Asked:
    """One HTTP request under way: its body, whose it is, what was decided of its rows, and what of it was abuse."""

    now_s: float
    body: bytes = b""
    tenant: str = MISSING
    done: list[tuple[Outcome, Row]] = field(default_factory=list)
    abuse: AbuseKind | None = None
    abuses: int = 1


class Gateway:
    """ASGI application over one `Wiring`. One per event loop."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.decider = Decider(wiring)
        self.shadows = Shadows(self.decider)
        self.warm = Warm(self.decider)
        model = f"/v2/models/{wiring.model}"
        self._handlers: dict[tuple[str, str], _Handler] = {
            ("GET", "/v2"): self._server,
            ("GET", "/v2/"): self._server,
            ("GET", "/v2/health/live"): self._live,
            ("GET", "/v2/health/ready"): self._ready,
            ("GET", model): self._model,
            ("GET", f"{model}/ready"): self._ready,
        }
        self._posted = {"/decide": self._decide, f"{model}/infer": self._infer, "/labels": self._labels}
        self._paths = {path for _, path in self._handlers} | set(self._posted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        if scope["type"] != "http":
            raise RuntimeError(f"no {scope['type']} here")
        asked = _Asked(self.wiring.clock())
        try:
            response = await self._response(scope, receive, asked)
        except Refusal as refusal:
            response = error(refusal.status, str(refusal), refusal.headers)
            asked.abuse = _ABUSE.get(refusal.status)
        except Overloaded as problem:
            response = error(503, str(problem), [(b"retry-after", b"%d" % problem.retry_after_s)])
        except UsageError as problem:
            response = error(400, str(problem))
            asked.abuse = AbuseKind.MALFORMED if isinstance(problem, BadBody) else None
        except ShipworthyError as problem:
            _log.error("%s", problem)
            response = error(503, str(problem), [(b"retry-after", b"1")])
        except Exception:
            _log.exception("a request failed inside the gateway")
            response = error(500, "the gateway failed; nothing was decided")
        await respond(send, response)
        self._answered(asked, peer_of(scope))
        return None

    async def stop(self) -> None:
        """End background work."""
        await self.warm.stop()
        await self.shadows.stop()
        await self.decider.circuits.stop()

    def _answered(self, asked: _Asked, peer: str) -> None:
        """What is done after the answer has left: shadow scores, and the look for abuse."""
        w = self.wiring
        for outcome, row in asked.done:
            self.shadows.consider(outcome, row, asked.now_s)
            w.on_abuse.answered(outcome.event, row, peer)
        if asked.abuse is not None:
            minute = int(asked.now_s // 60)
            w.on_abuse.refused(asked.abuse, asked.tenant, peer, minute, asked.body, asked.abuses)

    async def _response(self, scope: Scope, receive: Receive, asked: _Asked) -> Response:
        path, method = scope["path"], scope["method"]
        posted = self._posted.get(path)
        if posted is not None and method == "POST":
            asked.body = await read_body(scope, receive)
            return await posted(scope, asked)
        handler = self._handlers.get((method, path))
        if handler is not None:
            return await handler(scope, receive)
        if path in self._paths:
            raise Refusal(405, f"{method} is not for {path}")
        raise Refusal(404, "no such path")

    async def _decide(self, scope: Scope, asked: _Asked) -> Response:
        row = read_ask(asked.body)
        tenant = asked.tenant = self._tenant(row)
        limit = self._admitted(tenant, 1, asked.now_s)
        self._pressed(scope, 1)
        outcome = await self.decider.decide(row, tenant, asked.now_s)
        asked.done.append((outcome, row))
        event = outcome.event
        headers = [*self._headers([outcome]), (b"x-request-id", event.request.encode()), *limit]
        if outcome.error:
            told = {"error": outcome.error, "request": event.request, "why": outcome.answer.why}
            return Response(outcome.status, encode(told), headers)
        return Response(200, encode(reply_of(outcome)), headers)

    async def _infer(self, scope: Scope, asked: _Asked) -> Response:
        length = header(scope, b"inference-header-content-length")
        if length is not None and not length.isdigit():
            raise BadBody("not a number", "Inference-Header-Content-Length")
        ask, rows = read_infer(asked.body, int(length) if length else None)
        infer_reply(self.wiring.model, ask, ())  # an output nobody has is refused before anything is decided
        tenants = [self._tenant(row) for row in rows]
        limit: Headers = []
        for tenant in dict.fromkeys(tenants):
            asked.tenant = tenant
            limit = self._admitted(tenant, tenants.count(tenant), asked.now_s)
        self._pressed(scope, len(rows))
        jobs = [self.decider.decide(row, tenant, asked.now_s) for row, tenant in zip(rows, tenants, strict=True)]
        outcomes = await asyncio.gather(*jobs)
        asked.done += zip(outcomes, rows, strict=True)
        headers = [*self._headers(outcomes), *limit]
        if all(outcome.error for outcome in outcomes):
            return Response(503, encode({"error": outcomes[0].error}), headers)
        return Response(200, encode(infer_reply(self.wiring.model, ask, [_row(one) for one in outcomes])), headers)

    def _tenant(self, row: Row) -> str:
        """Return whose row it is. A row that does not say is refused: it could be under anybody's orders."""
        key = self.wiring.keys.tenant
        if key is None:
            return ONLY_TENANT
        cell: Cell = row.get(key)
        if cell is None or cell == "":
            raise BadBody(f"no tenant: column {key!r} is missing", "row", "say whose request it is")
        return cell if isinstance(cell, str) else text_of(cell)

    def _admitted(self, tenant: str, cost: int, now_s: float) -> Headers:
        admission = self.wiring.throttles.admit(tenant, now_s, cost)
        if admission is None:
            return []
        if cost > admission.burst:
            raise BadBody(f"{cost} rows at once", "inputs", f"at most {admission.burst} for this tenant")
        if not admission.ok:
            raise Refusal(429, "too many requests of this tenant", throttle_headers(admission))
        return throttle_headers(admission)

    def _pressed(self, scope: Scope, rows: int) -> None:
        """Raise Overloaded when a request of so many rows has to wait for better times."""
        queued_s = self.decider.queued_s()
        if queued_s:
            batch = rows > 1 or header(scope, b"x-shipworthy-priority") == b"batch"
            self.decider.shed.refuse(BATCH if batch else INTERACTIVE, queued_s)

    def _headers(self, outcomes: Sequence[Outcome]) -> Headers:
        arms = ",".join(sorted({one.event.arm for one in outcomes}))
        versions = ",".join(sorted({one.event.version for one in outcomes}))
        override = self.wiring.override()
        return [
            (b"x-shipworthy-arm", arms.encode()),
            (b"x-shipworthy-version", versions.encode()),
            (b"x-shipworthy-epoch", b"%d" % outcomes[0].epoch),
            *([(b"x-shipworthy-override", override.encode())] if override else []),
        ]

    async def _labels(self, scope: Scope, asked: _Asked) -> Response:
        response, forged = await take_labels(self.wiring, read_labels(asked.body))
        if forged:
            asked.abuse, asked.abuses = AbuseKind.FORGED_RECEIPT, forged
        return response

    async def _server(self, scope: Scope, receive: Receive) -> Response:
        return Response(200, encode({"name": "shipworthy", "version": "2", "extensions": EXTENSIONS}), [])

    async def _live(self, scope: Scope, receive: Receive) -> Response:
        return Response(200, b'{"live":true}', [])

    async def _ready(self, scope: Scope, receive: Receive) -> Response:
        """Ready is: the baseline is loaded, has somewhere to be asked, and has answered lately."""
        w = self.wiring
        baseline = w.routes().baseline
        ready = baseline in w.releases and baseline in w.upstreams and self.warm.ready(baseline)
        told = {"name": w.model, "live": True, "ready": ready}
        return Response(200 if ready else 503, encode(told), [])

    async def _model(self, scope: Scope, receive: Receive) -> Response:
        w = self.wiring
        release = w.releases.get(w.routes().baseline)
        if release is None:
            raise Refusal(503, "the baseline is not loaded")
        return Response(200, encode(metadata(w.model, sorted(w.releases), release.columns)), [])

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _shown_score(outcome: Outcome) -> float | None:
    """A withheld answer does not leave by its score either."""
    given = outcome.answer
    return None if given.route == REFUSED or given.violated else given.score


def reply_of(outcome: Outcome) -> Reply:
    """Return what the caller hears of an outcome."""
    given, event = outcome.answer, outcome.event
    return Reply(
        decision=given.decision or None,
        route=given.route,
        score=_shown_score(outcome),
        uncertainty=given.uncertainty,
        why=given.why,
        version=event.version,
        arm=event.arm,
        receipt=outcome.receipt,
        request=event.request,
        epoch=outcome.epoch,
        at=event.at,
    )


def _row(outcome: Outcome) -> InferRow:
    given, event = outcome.answer, outcome.event
    return InferRow(given.decision, _shown_score(outcome), given.route, outcome.receipt, event.version, event.arm)
