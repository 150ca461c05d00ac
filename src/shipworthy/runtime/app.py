"""The ASGI application of one gateway process: decisions and labels go to the gateway, `/status` and
`/metrics` are answered here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.keys import Callers, everybody, everything
from shipworthy.deploy.http.wire import Refusal, Response, error, respond
from shipworthy.errors import ShipworthyError
from shipworthy.runtime.exports.prometheus import CONTENT_TYPE
from shipworthy.runtime.outside.pages import PREFIXES

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Asgi = Callable[[Any, Receive, Send], Awaitable[None]]
METRICS = "/metrics"
CONTROL = ("/status", "/quality", "/checkpoint", "/metrics", "/labels", "/api/", "/rollouts/", "/hooks/")
Told = Callable[[Mapping[str, str]], Any]


class App:
    """Read-only pages by path, the API of the ledger under `/api/`, what other rollout controllers ask, and everything
    else to the gateway."""

    def __init__(
        self,
        gateway: Gateway,
        pages: Mapping[str, Told],
        api: Asgi | None = None,
        metrics: Callable[[], str] | None = None,
        caller: Callers = everybody,
        outside: Asgi | None = None,
    ) -> None:
        self._caller = caller
        self._gateway = gateway
        self._api = api
        self._pages = dict(pages)
        self._metrics = metrics
        self._outside = outside

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401
        """Answer one request."""
        page = self._pages.get(scope.get("path", "")) if scope["type"] == "http" else None
        if self._api is not None and scope["type"] == "http" and scope["path"].startswith("/api/"):
            await self._api(scope, receive, send)
            return
        if self._outside is not None and scope["type"] == "http" and scope["path"].startswith(PREFIXES):
            await self._outside(scope, receive, send)
            return
        measured = self._metrics if scope.get("path") == METRICS else None
        if page is None and measured is None:
            await self._gateway(scope, receive, send)
            return
        try:
            everything(self._caller(scope))  # these pages tell of all tenants
        except Refusal as refusal:
            await respond(send, error(refusal.status, str(refusal), refusal.headers))
            return
        if scope["method"] != "GET":
            await respond(send, error(405, "this page is only read"))
            return
        if page is None:
            text = measured() if measured is not None else ""
            await respond(send, Response(200, text.encode(), []), (b"content-type", CONTENT_TYPE.encode()))
            return
        asked = {key: values[-1] for key, values in parse_qs(scope.get("query_string", b"").decode()).items()}
        try:
            await respond(send, Response(200, msgspec.json.encode(page(asked)), []))
        except (ShipworthyError, ValueError, KeyError) as problem:
            await respond(send, error(400, str(problem)))


class Divided:
    """Decisions are answered here, everything else is asked of the control process."""

    def __init__(self, gateway: Gateway, control: Asgi) -> None:
        self._gateway = gateway
        self._control = control

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401
        """Answer one request."""
        path = scope.get("path", "")
        asked = self._control if path.startswith(CONTROL) else self._gateway
        await asked(scope, receive, send)
