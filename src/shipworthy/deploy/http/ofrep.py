"""OpenFeature Remote Evaluation Protocol 0.3.0 over the gateway's state in memory.

In: `POST /ofrep/v1/evaluate/flags/{key}` and `POST /ofrep/v1/evaluate/flags` with `{"context": {…}}`. Out: the flags of
`deploy/flags.py`, for what the context tells: `targetingKey` or the contract's unit key, the tenant key, segment keys.
What it does not tell may be anything, so that an order that might hold takes the permission away. Never 429: a client
mutes itself then, and would not hear that the candidate was stopped. Bulk answers have an ETag and answer 304.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from shipworthy.deploy.body import Cell
from shipworthy.deploy.flags import Asked, Flag, evaluate, names
from shipworthy.deploy.http.drills import check_tenant
from shipworthy.deploy.http.keys import Caller, tenant_for
from shipworthy.deploy.http.places import locate
from shipworthy.deploy.http.view import CLOSED
from shipworthy.deploy.http.wire import Headers, Receive, Response, Scope, encode, header, read_body
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.routing import Routes
from shipworthy.facts import Posture, join
from shipworthy.models.spec import text_of

PATH: Final = "/ofrep/v1/evaluate/flags"


class _Body(msgspec.Struct):
    context: dict[str, Any] = {}


_decode = msgspec.json.Decoder(_Body).decode


class Ofrep:
    """The endpoints over one wiring. `may_serve(version)`: loaded, not closed, its circuit not open."""

    def __init__(self, wiring: Wiring, may_serve: Callable[[str | None], bool]) -> None:
        self.wiring = wiring
        self._may_serve = may_serve

    async def answer(self, scope: Scope, receive: Receive, caller: Caller | None) -> Response:
        """Answer one request below `PATH`. Raises Refusal for a body too large, and for another tenant's context."""
        key = str(scope["path"])[len(PATH) :].removeprefix("/")
        if scope["method"] != "POST":
            return _error(405, key, "GENERAL", "ask with POST")
        raw = await read_body(scope, receive)
        try:
            context = (_decode(raw) if raw.strip() else _Body()).context
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
            return _error(400, key, "PARSE_ERROR", f"not an evaluation request: {problem}")
        if key and key not in names(self.wiring.model):
            return _error(404, key, "FLAG_NOT_FOUND", f"no flag {key!r} here")
        flags = self.flags(context, caller)
        if not key:
            return _bulk(flags, header(scope, b"if-none-match"))
        return Response(200, encode(next(flag for flag in flags if flag.key == key)), [])

    def flags(self, context: Mapping[str, Any], caller: Caller | None = None) -> tuple[Flag, ...]:
        """Return every flag for a context. Raises KeyRefusal for a tenant that the caller's key does not speak for."""
        w = self.wiring
        epoch = w.epoch()  # first: it takes up a newer state, and all that follows must be of one
        row = {name: cell for name, cell in context.items() if cell is None or isinstance(cell, str | int | float)}
        tenant = tenant_for(caller, _text(row.get(w.keys.tenant or "tenant")))
        check_tenant(tenant or "", caller)
        unit = _text(row.get(w.keys.unit)) if w.keys.unit else None
        asked = Asked(tenant, unit if unit is not None else _text(row.get("targetingKey")))
        routes = w.routes()
        if not self._may_serve(routes.candidate):
            routes = Routes(baseline=routes.baseline)
        told: dict[str, str | int] = {"epoch": epoch, "baseline": routes.baseline}
        return evaluate(w.model, routes, asked, lambda version: self._posture(version, tenant, row), told)

    def _posture(self, version: str, tenant: str | None, row: Mapping[str, Cell]) -> Posture:
        """Return the join of all orders and scope limits that hold or may hold."""
        w = self.wiring
        release = w.releases.get(version)
        if release is None:
            return CLOSED
        place = locate(w.keys, tenant or "", row, release.scorer.bucket(row))
        lacking = {key for key in w.keys.segments if row.get(key) in (None, "")}
        readings = place.orders if w.keys.hide is None else [*place.orders, *place.plain]
        held = [w.may_hold(version, tenant, _known(reading, tenant, lacking)) for reading in readings]
        held += [w.limits(_known(reading, tenant, lacking)).posture for reading in place.plain]
        return join([*held, CLOSED] if w.closed(version) else held)


def _known(reading: Mapping[str, str], tenant: str | None, lacking: set[str]) -> dict[str, str]:
    gone = lacking if tenant is not None else {*lacking, "tenant"}
    return {key: value for key, value in reading.items() if key not in gone}


def _text(cell: Cell) -> str | None:
    if cell is None or cell == "":
        return None
    return cell if isinstance(cell, str) else text_of(cell)


def _bulk(flags: tuple[Flag, ...], known: bytes | None) -> Response:
    """Return all flags, or 304 when the caller has just these (RFC 9110 §13.1.2)."""
    body = encode({"flags": flags, "metadata": {}})
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
    headers: Headers = [(b"etag", tag), (b"cache-control", b"no-cache")]
    if known is not None and (
        known.strip() == b"*" or tag in [one.strip().removeprefix(b"W/") for one in known.split(b",")]
    ):
        return Response(304, b"", headers)
    return Response(200, body, headers)


def _error(status: int, key: str, code: str, details: str) -> Response:
    """Return OFREP's error body: the Python client reads both `errorCode` and `errorDetails` of every one."""
    told = {"errorCode": code, "errorDetails": details, "error": details}
    return Response(status, encode({"key": key, **told} if key else told), [])
