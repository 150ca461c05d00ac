"""The gateway: a bare ASGI callable.

In: the paths of `protocols/`: `/decide`, `/labels`, the Open Inference Protocol V2 under `/v2`, MLflow's `/invocations`
and what belongs to it, `/reviews/`. Out: answers with receipts, and `{"error": ...}` for everything else. What is
unknown is refused; what fails inside is a 500 and never an answer. A path that is posted to is one look into a table.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from shipworthy.deploy.body import BadBody
from shipworthy.deploy.http.decider import Decider
from shipworthy.deploy.http.keys import KeyRefusal, needs_key
from shipworthy.deploy.http.ofrep import PATH as FLAGS
from shipworthy.deploy.http.ofrep import Ofrep
from shipworthy.deploy.http.peer import peer_of
from shipworthy.deploy.http.protocols import mlflow
from shipworthy.deploy.http.protocols.decide import Decide, Reply, reply_of
from shipworthy.deploy.http.protocols.intake import ONLY_TENANT, REVIEWS, Asked, Got, Intake, Posted
from shipworthy.deploy.http.protocols.labels import Labels
from shipworthy.deploy.http.protocols.reviews import Reviews
from shipworthy.deploy.http.protocols.v2 import MODELS, V2
from shipworthy.deploy.http.shadow import Shadows
from shipworthy.deploy.http.shed import Overloaded
from shipworthy.deploy.http.warm import Warm
from shipworthy.deploy.http.wire import Headers, Receive, Refusal, Response, Scope, Send, error, read_body, respond
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.errors import ShipworthyError, UsageError
from shipworthy.facts import DRILL_TENANT, AbuseKind

__all__ = ["ONLY_TENANT", "Gateway", "Reply", "reply_of"]

ABUSE = {429: AbuseKind.FLOOD, 413: AbuseKind.MALFORMED, 415: AbuseKind.MALFORMED}
Quick = Callable[[Scope, bytes], Awaitable[Response]]
_log = logging.getLogger("shipworthy.gateway")
_Rare = Callable[[str, str], Awaitable[Response]]
_Told = Callable[[int, str, Headers], Response]


class Gateway:
    """ASGI application over one `Wiring`. One per event loop."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.decider = Decider(wiring)
        self.shadows = Shadows(self.decider)
        self.intake = Intake(wiring, self.decider, lambda version: self.warm.ready(version))
        self.v2 = V2(self.intake)
        self.warm = Warm(self.decider)
        self.ofrep = Ofrep(wiring, self.decider.may_serve)
        scoring = mlflow.Mlflow(self.intake)
        self.posted: Mapping[str, Posted] = {
            "/decide": Decide(self.intake).post,
            f"{self.v2.model}/infer": self.v2.infer,
            mlflow.INVOCATIONS: scoring.invocations,
            "/labels": Labels(wiring).post,
        }
        self._got: Mapping[str, Got] = {**self.v2.got, **scoring.got}
        self._rare: tuple[tuple[str, _Rare], ...] = (
            (MODELS, self.v2.of_a_version),
            (REVIEWS, Reviews(wiring).look),
        )
        self._errors: Mapping[str, _Told] = {mlflow.INVOCATIONS: mlflow.refused}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        if scope["type"] != "http":
            raise RuntimeError(f"no {scope['type']} here")
        asked = Asked(self.wiring.clock(), peer_of(scope), scope=scope)
        try:
            response = await self._response(scope, receive, asked)
        except Exception as problem:
            response = self._refused(problem, scope, asked)
        await respond(send, response)
        self.answered(asked)
        return None

    async def quick(self, scope: Scope, body: bytes) -> Response:
        """Answer a whole request to a path that is posted to; raises nothing. The same answer as by ASGI."""
        asked = Asked(self.wiring.clock(), peer_of(scope), body, scope=scope)
        try:
            asked.named(self.wiring.caller(scope))
            response = await self.posted[scope["path"]](scope, asked)
        except Exception as problem:
            response = self._refused(problem, scope, asked)
        if asked.abuse is not None or self.wiring.shadow():
            asyncio.get_running_loop().call_soon(self.answered, asked)
        return response

    def quick_paths(self, without: Collection[str] = ()) -> dict[str, Quick]:
        """Return what answers each path that is posted to."""
        return {path: self.quick for path in self.posted if path not in without}

    async def stop(self) -> None:
        """End background work."""
        await self.warm.stop()
        await self.shadows.stop()
        await self.decider.circuits.stop()
        await self.decider.rehearsed.circuits.stop()

    def refusal(self, problem: Exception, asked: Asked) -> tuple[int, str, Headers]:
        """Return status, one line and headers for what a request raised, and note what of it was abuse."""
        if isinstance(problem, Refusal):
            asked.abuse = ABUSE.get(problem.status)
            if isinstance(problem, KeyRefusal):
                asked.abuse, asked.body = problem.abuse, asked.body or problem.shown
            return problem.status, str(problem), problem.headers
        if isinstance(problem, Overloaded):
            return 503, str(problem), [(b"retry-after", b"%d" % problem.retry_after_s)]
        if isinstance(problem, UsageError):
            asked.abuse = AbuseKind.MALFORMED if isinstance(problem, BadBody) else None
            return 400, str(problem), []
        if isinstance(problem, ShipworthyError):
            _log.error("%s", problem)
            return 503, str(problem), [(b"retry-after", b"1")]
        _log.error("a request failed inside the gateway", exc_info=problem)
        return 500, "the gateway failed; nothing was decided", []

    def answered(self, asked: Asked) -> None:
        """Do what is done after the answer has left: shadow scores, and telling what was refused."""
        w = self.wiring
        for outcome, row in asked.done:
            if outcome.event.tenant == DRILL_TENANT:
                continue
            self.shadows.consider(outcome, row, asked.now_s)
        if asked.abuse is not None:
            minute = int(asked.now_s // 60)
            w.on_abuse.refused(asked.abuse, asked.tenant, asked.peer, minute, asked.body, asked.abuses)

    def _refused(self, problem: Exception, scope: Scope, asked: Asked) -> Response:
        status, why, headers = self.refusal(problem, asked)
        return self._errors.get(scope["path"], error)(status, why, headers)

    async def _response(self, scope: Scope, receive: Receive, asked: Asked) -> Response:
        path, method = scope["path"], scope["method"]
        if method == "POST":
            posted = self.posted.get(path)
            if posted is not None:
                asked.named(self.wiring.caller(scope))
                asked.body = await read_body(scope, receive)
                return await posted(scope, asked)
        if needs_key(scope):
            asked.named(self.wiring.caller(scope))
        if path.startswith(FLAGS) and path[len(FLAGS) :][:1] in ("", "/"):
            return await self.ofrep.answer(scope, receive, asked.caller)
        if method == "GET":
            got = self._got.get(path)
            if got is not None:
                return got()
        if path in self.posted or path in self._got:
            raise Refusal(405, f"{method} is not for {path}")
        for prefix, rare in self._rare:
            if path.startswith(prefix):
                return await rare(method, path)
        raise Refusal(404, "no such path")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})
