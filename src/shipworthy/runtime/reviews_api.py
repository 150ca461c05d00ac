"""The review queue by HTTP: `GET /api/reviews` and the moves of one item, for a token that is bound to a person.

In: a path, a token that was checked, a small JSON body. Out: metadata of items; of one that was taken, what was sealed
in it. A caller names nobody: who acts is who the token was made for, and what the shipped contract says of them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.deploy.http.wire import Refusal, Response, Scope, encode
from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Fact
from shipworthy.runtime.desk import Desk
from shipworthy.runtime.tokens import Token
from shipworthy.store.review import QueueItem

PREFIX = "/api/reviews"
TAKE = f"{PREFIX}/take"
MOST_LISTED = 200
_ITEM = re.compile(rf"{PREFIX}/([A-Za-z0-9-]{{1,64}})/(answer|give-back)")
_NO_STORE = [(b"cache-control", b"no-store")]
Body = TypeVar("Body", bound=Fact)


class Take(Fact, frozen=True, kw_only=True):
    """Which item is asked for: of one tenant, or by its id; without both the most urgent."""

    tenant: str | None = None
    item: str | None = None


class Answered(Fact, frozen=True, kw_only=True):
    """What a person decided, in the words of the contract, and why if they say so."""

    decision: str
    because: str = ""


class Nothing(Fact, frozen=True, kw_only=True):
    """A body that says nothing."""


class ReviewsApi:
    """Answers whoever shows a token of scope `review`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @staticmethod
    def method(path: str) -> str | None:
        """Return the method that a path is asked by, None for a path that is none of ours."""
        if path == PREFIX:
            return "GET"
        return "POST" if path == TAKE or _ITEM.fullmatch(path) else None

    async def answer(self, scope: Scope, token: Token, raw: bytes) -> Response:
        """Answer one request. Raises Refusal: 400 for a body that does not fit, 403 for a person who may not, 404 for
        an item that is not there, 409 for a move that is not theirs to make."""
        try:
            await asyncio.to_thread(self._desk.may_review, token.person)
        except PolicySaysNo as problem:
            raise Refusal(403, "forbidden") from problem
        told = await asyncio.to_thread(_said, self._asked(scope, token, raw))
        return Response(200, encode(told), _NO_STORE)

    def _asked(self, scope: Scope, token: Token, raw: bytes) -> Callable[[], Mapping[str, Any]]:
        path, desk, person = scope["path"], self._desk, token.person
        if path == PREFIX:
            tenant = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("tenant", [None])[-1]
            return lambda: self._listed(tenant)
        if path == TAKE:
            take = _read(raw or b"{}", Take)
            return lambda: self._taken(take, person, token.id)
        found = _ITEM.fullmatch(path)
        if found is None:
            raise Refusal(404, "no such path")
        item_id, verb = found[1], found[2]
        if verb == "give-back":
            _read(raw or b"{}", Nothing)
            return lambda: {"item": told_of(desk.give_back(item_id, person, token.id))}
        said = _read(raw, Answered)
        return lambda: {"item": told_of(desk.answer(item_id, person, said.decision, said.because, token.id))}

    def _listed(self, tenant: str | None) -> dict[str, Any]:
        items = self._desk.waiting(tenant)
        return {"n": len(items), "items": [told_of(item) for item in items[:MOST_LISTED]]}

    def _taken(self, take: Take, person: str, by: str) -> dict[str, Any]:
        opened = self._desk.take(person, take.tenant, take.item, by)
        if opened is None:
            return {"item": None}
        return {"item": told_of(opened.item), "content": opened.content}


def told_of(item: QueueItem) -> dict[str, Any]:
    """Return what may be told of an item to people who work at the queue: neither its input nor who said what."""
    return {
        "id": item.id,
        "tenant": item.tenant,
        "version": item.version,
        "segments": item.segments,
        "deadline": item.deadline,
        "status": item.status.value,
        "held_by": item.leased_by,
        "held_until": item.lease_until,
        "people": item.people,
        "answers": len(item.answers),
        "answer": item.answer,
    }


def _said(run: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return run()
    except UsageError as problem:
        raise Refusal(404 if "no such item" in problem.what else 400, str(problem)) from problem
    except PolicySaysNo as problem:
        raise Refusal(409, str(problem)) from problem


def _read(raw: bytes, kind: type[Body]) -> Body:
    try:
        return msgspec.convert(loads(raw, "body"), kind, strict=True)
    except (CannotDecide, msgspec.ValidationError) as problem:
        raise Refusal(400, str(problem)[:200]) from problem
