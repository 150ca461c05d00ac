"""The API of the shared ledger: `GET /api/facts` and `POST /api/entries`, for gates that run elsewhere.

In: requests with a bearer token. Out: facts, or the number of the appended entry with a signed checkpoint. Whoever has
no token, or one that is over, hears 401 and nothing else; one of another scope 403. The token is asked for before
anything is read of the body, but by a worker that hands it on, see `tree/forward.py`; bodies are small and must come in
time; each token has a rate of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from shipworthy.deploy.abuse import UNWATCHED, OnAbuse
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
from shipworthy.deploy.throttle import Gcra
from shipworthy.errors import ShipworthyError
from shipworthy.facts import MISSING, AbuseKind
from shipworthy.ledger.files.log import Ledger
from shipworthy.runtime.posted import ENTRIES, FACTS, MAX_BYTES, Unfit, read_posted
from shipworthy.runtime.reviews_api import ReviewsApi
from shipworthy.runtime.shared_facts import Told
from shipworthy.runtime.token_folder import TokenFolder
from shipworthy.runtime.tokens import GATE, READ, REVIEW, Token
from shipworthy.store.instants import rfc3339
from shipworthy.store.protocol import Store

VERSION = 1
BODY_WITHIN_S = 5.0
_METHODS = {FACTS: "GET", ENTRIES: "POST"}
_SCOPES = {FACTS: (GATE, READ), ENTRIES: (GATE,)}
_log = logging.getLogger("shipworthy.api")


class Rate(NamedTuple):
    """How often one token may ask."""

    rate_per_s: float = 2.0
    burst: int = 60


class Api:
    """The API over one ledger. One event loop; what touches the store runs beside it."""

    def __init__(
        self,
        home: Path,
        ledger: Ledger,
        store: Store,
        model: str,
        clock: Callable[[], datetime],
        body_within_s: float = BODY_WITHIN_S,
        rate: Rate = Rate(),  # noqa: B008 - a frozen value
        on_abuse: OnAbuse = UNWATCHED,
        reviews: ReviewsApi | None = None,
    ) -> None:
        self._tokens = TokenFolder(home)
        self._ledger = ledger
        self._model = model
        self._clock = clock
        self._told = Told(ledger, store, model)
        self._body_within_s = body_within_s
        self._rates = Gcra(rate)
        self._on_abuse = on_abuse
        self._reviews = reviews

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._response(scope, receive)
        except Refusal as refusal:
            response = error(refusal.status, str(refusal), [*refusal.headers, (b"connection", b"close")])
        except ShipworthyError as problem:
            _log.error("%s", problem)
            response = error(503, "the ledger does not answer", [(b"retry-after", b"1")])
        except Exception:
            _log.exception("a request failed inside the API")
            response = error(500, "the API failed; ask again: the same entry is recorded once")
        await respond(send, response)

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        path = scope["path"]
        method, scopes = self._asked_by(path)
        shown = header(scope, b"authorization")
        token = await asyncio.to_thread(self._tokens.holder, shown, self._now())
        if shown is not None and (token is None or token.scope not in scopes):
            minute = int(self._clock().timestamp() // 60)
            self._on_abuse.refused(AbuseKind.BAD_TOKEN, MISSING, peer_of(scope), minute, shown)
        if token is None:
            raise Refusal(401, "unauthorised", [(b"www-authenticate", b"Bearer")])
        if token.scope not in scopes:
            raise Refusal(403, "forbidden")
        if scope["method"] != method:
            raise Refusal(405, "another method")
        if not self._rates.admit(token.id, time.monotonic()).ok:
            raise Refusal(429, "too many requests of this token", [(b"retry-after", b"1")])
        if path == FACTS:
            return Response(200, encode(await asyncio.to_thread(self._told.facts, self._now())), [])
        if self._reviews is not None and token.scope == REVIEW:
            return await self._reviews.answer(scope, token, await self._body(scope, receive))
        return await self._append(token, await self._body(scope, receive))

    def _asked_by(self, path: str) -> tuple[str, tuple[str, ...]]:
        """Return the method of a path, and the scopes it is for."""
        if path in _METHODS:
            return _METHODS[path], _SCOPES[path]
        method = self._reviews.method(path) if self._reviews is not None else None
        if method is None:
            raise Refusal(404, "no such path")
        return method, (REVIEW,)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body. What is too large or too slow is not waited for."""
        length = header(scope, b"content-length")
        if length is not None and (not length.isdigit() or int(length) > MAX_BYTES):
            raise Refusal(413, f"the body is over {MAX_BYTES} bytes")
        try:
            async with asyncio.timeout(self._body_within_s):
                return await read_body(scope, receive, MAX_BYTES, MAX_BYTES)
        except TimeoutError as late:
            raise Refusal(408, "the body did not come in time") from late

    async def _append(self, token: Token, raw: bytes) -> Response:
        try:
            kind, body, key = read_posted(raw, self._model)
        except Unfit as problem:
            raise Refusal(400, str(problem)) from problem

        def append() -> dict[str, object]:
            self._ledger.append_once(key, f"gate@{token.id}", kind, structs.asdict(body))
            told = {"version": VERSION, "seq": self._ledger.seq_of(key)}
            return {**told, "checkpoint": self._ledger.checkpoint(), "key": self._ledger.verifier_key}

        return Response(200, encode(await asyncio.to_thread(append)), [])

    def _now(self) -> str:
        return rfc3339(self._clock())
