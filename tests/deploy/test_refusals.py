"""What the gateway refuses, in one shape."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from shipworthy.deploy.http.wire import Refusal, read_body
from shipworthy.deploy.routing import Routes
from shipworthy.facts import Posture
from tests.deploy.kit import State, running, score_of_amount


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/decide", b"{", 400),
        ("POST", "/decide", b'{"row": {"tenant": "acme", "a": 1, "a": 2}}', 400),
        ("POST", "/decide", b'{"row": {"amount": 1}}', 400),
        ("POST", "/decide", b'{"row": {"tenant": ""}}', 400),
        ("POST", "/decide", b" " * ((1 << 20) + 1), 413),
        ("GET", "/decide", None, 405),
        ("GET", "/nothing", None, 404),
        ("POST", "/labels", b"[", 400),
        ("POST", "/v2/models/other/infer", b"{}", 404),
        ("POST", "/v2/models/claims/infer", b"{}", 400),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_shape(method: str, path: str, body: bytes | None, status: int) -> None:
    state = State()
    with running(state, {"1": score_of_amount}) as site:
        got, reply, _ = site.ask(method, path, body)
        assert got == status
        assert set(reply) == {"error"}
        assert state.told.events == []


def test_a_body_that_hides_its_length_is_cut_off_too() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

    with pytest.raises(Refusal, match="1048576 bytes"):
        asyncio.run(read_body({"headers": [(b"transfer-encoding", b"chunked")]}, receive))


def test_an_encoded_body_is_refused() -> None:
    with running(State(), {"1": score_of_amount}) as site:
        assert site.ask("POST", "/decide", b"x", content_encoding="gzip")[0] == 415


def test_a_fault_of_ours_refuses_the_request_and_decides_nothing() -> None:
    def fault(version: str, tenant: str, keys: Mapping[str, str]) -> Posture:
        raise KeyError("no state")

    with running(State(postures=fault), {"1": score_of_amount}) as site:
        assert site.decide(amount=1)[0] == 500


def test_without_a_baseline_nothing_is_ready_and_nothing_decides() -> None:
    with running(State(routes=Routes(baseline="")), {"1": score_of_amount}) as site:
        assert site.ask("GET", "/v2/health/ready")[0] == 503
        status, reply, headers = site.decide(amount=1)
        assert (status, headers["retry-after"]) == (503, "1")
        assert "not loaded" in reply["error"]
