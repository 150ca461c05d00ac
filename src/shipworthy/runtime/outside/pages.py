"""The pages that other rollout controllers ask: one ASGI callable over `/rollouts/…` and `/hooks/flagger/…`.

In: requests, and `seen()` for what stands now. Out: answers. Reading needs no token, as `/status` does not, until a
site has tokens: then the analysis asks for one of any scope. Flagger's hooks answer without, for Flagger sends none;
what acts on our rollout acts only with a token of scope `rollout`, in the header `Authorization`, and says whether it
did.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote

from shipworthy.deploy.abuse import UNWATCHED, OnAbuse
from shipworthy.deploy.http.keys import Callers, everybody, everything
from shipworthy.deploy.http.peer import peer_of
from shipworthy.deploy.http.wire import (
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
from shipworthy.errors import ShipworthyError
from shipworthy.facts import MISSING, AbuseKind
from shipworthy.runtime.outside import analysis, flagger
from shipworthy.runtime.outside.alerts import PATH as ALERTS
from shipworthy.runtime.outside.seen import Seen
from shipworthy.runtime.token_folder import TokenFolder
from shipworthy.runtime.tokens import ROLLOUT, Token
from shipworthy.store.instants import rfc3339

ROLLOUTS, HOOKS = "/rollouts/", "/hooks/flagger/"
PREFIXES = (ROLLOUTS, HOOKS, ALERTS)
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
MOST_BYTES = 64 << 10
BODY_WITHIN_S = 5.0
_log = logging.getLogger("shipworthy.outside")


class Outside:
    """The pages of one site. `seen()` answers from memory; `abort(because)` ends the rollout under way."""

    def __init__(
        self,
        home: Path,
        seen: Callable[[], Seen],
        abort: Callable[[str], str],
        on_abuse: OnAbuse = UNWATCHED,
        caller: Callers = everybody,
        alerts: Asgi | None = None,
    ) -> None:
        """`alerts` answers the webhook of Alertmanager, which asks for a token of its own.

        `caller`: who calls by the key that was shown; where the site has keys, a key for all tenants or a token of
        the site is needed."""
        self._alerts = alerts
        self._caller = caller
        self._tokens = TokenFolder(home)
        self._on_abuse = on_abuse
        self._seen = seen
        self._abort = abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"] == ALERTS and self._alerts is not None:
            await self._alerts(scope, receive, send)
            return
        try:
            response = await self._response(scope, receive)
        except Refusal as refusal:
            response = error(refusal.status, str(refusal), refusal.headers)
        except ShipworthyError as problem:
            _log.error("%s", problem)
            response = error(503, str(problem), [(b"retry-after", b"1")])
        except Exception:
            _log.exception("a page for other controllers failed")
            response = error(500, "the page failed")
        await respond(send, response)

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        path: str = scope["path"]
        if await self._holder(scope) is None:
            everything(self._caller(scope))  # these pages tell of all tenants
        if path.startswith(ROLLOUTS):
            return await self._analysis(scope, path)
        if scope["method"] != "POST":
            raise Refusal(405, "a hook is posted")
        return await self._hook(scope, receive, path.removeprefix(HOOKS))

    async def _analysis(self, scope: Scope, path: str) -> Response:
        model, _, page = path.removeprefix(ROLLOUTS).partition("/")
        if page != "analysis":
            raise Refusal(404, "no such page")
        if scope["method"] != "GET":
            raise Refusal(405, "this page is only read")
        if await asyncio.to_thread(self._tokens.tokens) and await self._holder(scope) is None:
            raise Refusal(401, "unauthorised", [(b"www-authenticate", b"Bearer")])
        asked = {key: values[-1] for key, values in parse_qs(scope.get("query_string", b"").decode("latin-1")).items()}
        status, body = analysis.analysis(
            self._seen(), unquote(model), asked.get("revision", ""), asked.get("tenant", "")
        )
        return Response(status, encode(body), [])

    async def _hook(self, scope: Scope, receive: Receive, kind: str) -> Response:
        if kind not in flagger.HOOKS:
            raise Refusal(404, f"no such hook: {kind}")
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                raw = await read_body(scope, receive, MOST_BYTES, MOST_BYTES)
            hook = flagger.read_hook(raw)
        except TimeoutError as late:
            raise Refusal(408, "the body did not come in time") from late
        except ValueError as problem:
            raise Refusal(400, f"not a hook of Flagger: {problem}") from problem
        status, reason = flagger.hook_answer(self._seen(), kind, hook)
        if status == flagger.YES and flagger.announces_end(kind, hook):
            reason = f"{reason}; {await self._ended(scope, hook)}"
        return Response(status, encode(flagger.body_of((status, reason))), [])

    async def _ended(self, scope: Scope, hook: flagger.Hook) -> str:
        token = await self._holder(scope)
        if token is None or token.scope != ROLLOUT:
            return "nothing was done: it needs a token of scope rollout"
        return await asyncio.to_thread(self._abort, f"flagger rolled back {hook.namespace}/{hook.name} ({token.id})")

    async def _holder(self, scope: Scope) -> Token | None:
        shown, now = header(scope, b"authorization") or b"", self._seen().now
        if not shown.lower().startswith(b"bearer "):
            return None
        token = await asyncio.to_thread(self._tokens.holder, shown, rfc3339(now))
        if token is None:
            minute = int(now.timestamp() // 60)
            self._on_abuse.refused(AbuseKind.BAD_TOKEN, MISSING, peer_of(scope), minute, shown)
        return token
