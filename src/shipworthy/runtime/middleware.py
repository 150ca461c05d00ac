"""The guard around a model application of your own: it computes the score, the contract decides what leaves.

In: an ASGI application (FastAPI, Starlette, …) and a guard. Out: an ASGI application. A request for `path` goes to the
application as it came; from its JSON answer the score is read, and from the request the row; then the same checks,
posture, thresholds, never events, receipts and telemetry as the gateway's hold. The application's own answer leaves
only where the machine may decide, with our headers; else ours does: 200 with a route where a person decides, 503 where
nobody does. The application stands for one version, by default the baseline of the moment it is wrapped; a request of
another version's share is scored by the guard's own model, and then ours is the answer.

It fails closed: whatever goes wrong in here is a 503, never the raw answer. Other paths pass untouched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

import msgspec

from shipworthy.deploy.answer import MACHINE
from shipworthy.deploy.http.client import Scored
from shipworthy.deploy.http.peer import peer_of
from shipworthy.deploy.http.wire import MAX_BODY_BYTES, Headers, Refusal, Response, encode, error, read_body, respond
from shipworthy.deploy.throttle import headers as throttle_headers
from shipworthy.errors import ShipworthyError, UsageError
from shipworthy.models.spec import Cell
from shipworthy.runtime.guard import Guard, Throttled
from shipworthy.runtime.reply import Decision

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Row = Mapping[str, Cell]
OURS = b"x-shipworthy-"
_log = logging.getLogger("shipworthy.middleware")


class GuardMiddleware:
    """Wraps `app`; the guard stays the caller's to close.

    `row_of(body)`: the row of a parsed JSON request (by default its key `row`, else the body itself). `score_at`: where
    the score lies in the JSON answer (`"score"`, `"predictions.0.score"`); `decision_at`: where its own decision does,
    if it makes one. `fallback(decision)`: the JSON that leaves instead of a withheld answer (by default the decision).
    `version`: which release the application computes.
    """

    def __init__(
        self,
        app: App,
        guard: Guard,
        path: str = "/predict",
        row_of: Callable[[Any], Row] | None = None,
        score_at: str = "score",
        decision_at: str | None = None,
        version: str = "",
        fallback: Callable[[Decision], Any] | None = None,
    ) -> None:
        self._app, self._guard, self._path = app, guard, path
        self._row_of = row_of or _row_of
        self._score_at = tuple(score_at.split("."))
        self._decision_at = tuple(decision_at.split(".")) if decision_at else None
        self._version = version or guard.baseline()
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].rstrip("/") != self._path.rstrip("/"):
            await self._app(scope, receive, send)
            return
        if scope["method"] != "POST":
            await respond(send, error(405, "POST only"))
            return
        await respond_as(send, *await self._told(scope, receive))

    async def _told(self, scope: Scope, receive: Receive) -> tuple[Response, Headers | None]:
        try:
            return await self._guarded(scope, receive)
        except Refusal as refusal:
            return error(refusal.status, str(refusal), refusal.headers), None
        except Throttled as problem:
            return error(429, str(problem), throttle_headers(problem.admission)), None
        except UsageError as problem:
            return error(400, str(problem)), None
        except ShipworthyError as problem:
            _log.error("%s", problem)
            return error(503, str(problem), [(b"retry-after", b"1")]), None
        except Exception:
            _log.exception("a request failed inside the guard")
            return error(503, "the guard failed; nothing was decided"), None

    async def _guarded(self, scope: Scope, receive: Receive) -> tuple[Response, Headers | None]:
        """Return (the response, its own headers in place of ours when it is the application's)."""
        body = await read_body(scope, receive, MAX_BODY_BYTES)
        row = self._row(body)
        answered: list[_Answer] = []

        async def score() -> Scored | None:
            answered.append(await _asked(self._app, scope, body))
            return answered[-1].scored(self._score_at, self._decision_at)

        decision = await self._guard.decide_with(row, score, self._version, peer_of(scope))
        told = _headers(decision)
        if decision.route == MACHINE and decision.version == self._version and answered:
            return Response(answered[-1].status, answered[-1].body, []), [*answered[-1].kept(), *told]
        given = self._fallback(decision) if self._fallback is not None else decision
        return Response(200 if decision.decision is not None else 503, encode(given), told), None

    def _row(self, body: bytes) -> Row:
        try:
            row = self._row_of(msgspec.json.decode(body))
        except (msgspec.MsgspecError, RecursionError, LookupError, TypeError, ValueError) as problem:
            raise UsageError("no row in the request", self._path, "send JSON with a row") from problem
        if not isinstance(row, Mapping):
            raise UsageError("no row in the request", self._path, "send JSON with a row")
        return row


class _Answer:
    """What the application sent."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def scored(self, score_at: Sequence[str], decision_at: Sequence[str] | None) -> Scored | None:
        """Return the score and the decision, None for whatever is no 200 with a number in [0, 1] in its place."""
        if self.status != 200:
            return None
        try:
            told = msgspec.json.decode(self.body)
            score, decision = _at(told, score_at), _at(told, decision_at) if decision_at else None
        except (msgspec.MsgspecError, RecursionError, LookupError, TypeError, ValueError):
            return None
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0.0 <= score <= 1.0:
            return None
        return Scored(float(score), None if decision_at is None else str(decision))

    def kept(self) -> list[tuple[bytes, bytes]]:
        """Return its headers without those that only we may set."""
        return [(name, value) for name, value in self.headers if not name.lower().startswith(OURS)]


def _at(told: Any, path: Sequence[str]) -> Any:  # noqa: ANN401
    for part in path:
        told = told[int(part)] if isinstance(told, list) else told[part]
    return told


async def _asked(app: App, scope: Scope, body: bytes) -> _Answer:
    """Run the application on a request whose body was read already."""
    answer, sent, done = _Answer(), False, asyncio.Event()

    async def receive() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            await done.wait()
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = int(message["status"])
            answer.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            answer.body += bytes(message.get("body", b""))
            if not message.get("more_body", False):
                done.set()

    await app(dict(scope), receive, send)
    return answer


async def respond_as(send: Send, response: Response, headers: Headers | None) -> None:
    """Send a response; `headers`: those of the application, content type and length among them."""
    if headers is None:
        await respond(send, response)
        return
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _row_of(body: Any) -> Row:  # noqa: ANN401
    row: Row = body["row"] if isinstance(body, dict) and "row" in body else body
    return row


def _headers(decision: Decision) -> Headers:
    told = {
        "arm": decision.arm,
        "version": decision.version,
        "epoch": str(decision.epoch),
        "route": decision.route,
        "decision": decision.decision or "",
        "receipt": decision.receipt,
        **({"override": decision.override} if decision.override else {}),
    }
    lines = [(b"x-shipworthy-" + name.encode(), value.encode()) for name, value in told.items()]
    return [*lines, (b"x-request-id", decision.request.encode())]
