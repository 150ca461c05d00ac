"""A Starlette application of one's own, guarded, over real HTTP: its answer leaves only where the contract lets it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shipworthy import Guard, GuardMiddleware
from shipworthy.deploy.receipt import unseal
from shipworthy.facts import AbuseKind
from shipworthy.runtime.reply import Decision
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.served import claim
from tests.runtime.test_guard import logistic

pytestmark = pytest.mark.slow
ASKED: list[Any] = []


async def predict(request: Request) -> Response:
    """The user's own model application."""
    body = await request.json()
    ASKED.append(body)
    if body.get("trouble") == "raise":
        raise RuntimeError("no model today")
    if body.get("trouble") == "text":
        return PlainTextResponse("0.99")
    score: Any = "high" if body.get("trouble") == "word" else logistic([body["row"]])[0]
    told = {"prediction": {"score": score, "word": body.get("own", "approve")}, "note": "raw answer"}
    return JSONResponse(told, headers={"x-own": "yes", "x-shipworthy-route": "forged"})


async def other(request: Request) -> Response:
    return PlainTextResponse("untouched")


@contextmanager
def served(guard: Guard, **given: Any) -> Iterator[int]:
    app = Starlette(routes=[Route("/predict", predict, methods=["POST"]), Route("/other", other)])
    wrapped = GuardMiddleware(app, guard, path="/predict", score_at="prediction.score", **given)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(wrapped, log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(10)


def post(port: int, body: object, path: str = "/predict") -> tuple[int, Mapping[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("POST", path, raw, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, json.loads(text) if text[:1] in b"{[" else text.decode()
    finally:
        connection.close()


@pytest.fixture
def guard(shipped: Tiny) -> Iterator[Guard]:
    ASKED.clear()
    with Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock) as one:
        yield one


def test_a_machine_answer_leaves_as_the_application_made_it(guard: Guard, shipped: Tiny) -> None:
    with served(guard) as port:
        status, headers, told = post(port, {"row": claim()})
        assert (status, told["note"], headers["x-own"]) == (200, "raw answer", "yes")
        assert [headers[f"x-shipworthy-{name}"] for name in ("route", "decision", "version", "arm")] == [
            "machine", "approve", "1", "baseline",
        ]  # fmt: skip
        receipt = unseal(shipped.workspace.host_key(), headers["x-shipworthy-receipt"])
        assert (receipt.decision, receipt.request) == ("approve", headers["x-request-id"])
    assert len(ASKED) == 1


def test_what_a_person_decides_leaves_as_our_reply_without_the_raw_answer(guard: Guard) -> None:
    with served(guard) as port:
        status, headers, told = post(port, {"row": claim(speed=10)})
    assert (status, told["route"], told["decision"], headers["x-shipworthy-route"]) == (
        200,
        "person",
        "review",
        "person",
    )
    assert "note" not in told
    assert len(guard._site.store.items()) == 1


def test_a_fallback_of_ones_own_leaves_instead(guard: Guard) -> None:
    def apology(decision: Decision) -> Any:
        return {"wait": decision.route}

    with served(guard, fallback=apology) as port:
        assert post(port, {"row": claim(speed=10)})[2] == {"wait": "person"}


def test_a_decision_of_the_applications_own_passes_the_never_events(guard: Guard) -> None:
    with served(guard, decision_at="prediction.word") as port:
        told = post(port, {"row": claim(speed=15, age=FAULTY_AGE), "own": "deny"})[2]
        assert told["why"][-1] == "never:never_deny_fast"
        assert (told["route"], told["score"]) == ("person", None)
        before = len(ASKED)
        told = post(port, {"row": claim()})[2]
        assert (told["route"], len(ASKED)) == ("person", before)  # killed: the application is not even asked
    assert guard._site.abuse._events[AbuseKind.NEVER_ATTEMPT] == 1


@pytest.mark.parametrize("trouble", ["raise", "text", "word"])
def test_an_application_in_trouble_gives_no_machine_answer(guard: Guard, trouble: str) -> None:
    with served(guard) as port:
        status, _, told = post(port, {"row": claim(), "trouble": trouble})
    assert (status, told["route"], told["score"]) == (200, "person", None)
    assert told["why"][0] == "model_failed"


def test_trouble_in_the_guard_is_a_503_and_never_the_raw_answer(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("not today")

    monkeypatch.setattr(guard._site.gateway.decider, "answered", broken)
    with served(guard) as port:
        status, _, told = post(port, {"row": claim()})
    assert status == 503
    assert set(told) == {"error"}


@pytest.mark.parametrize("body", [b"{", b"[]", b"3", b'{"row": 4}', b'{"row": {"speed": 3}}'])
def test_a_request_without_its_row_or_tenant_is_refused(guard: Guard, body: bytes) -> None:
    with served(guard) as port:
        assert post(port, body)[0] == 400
    assert ASKED == []


def test_other_paths_pass_untouched_and_only_post_is_answered(guard: Guard) -> None:
    with served(guard) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for path, status in (("/other", 200), ("/predict", 405)):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        connection.close()
