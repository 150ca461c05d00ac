"""The API of the shared ledger over real HTTP: who may read, who may tell what, and what a bad caller costs."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shipworthy.flows.keys import make_token
from shipworthy.ledger.checkpoint import open_checkpoint
from shipworthy.ledger.note import parse_verifier_key
from shipworthy.runtime.posted import MAX_BYTES
from shipworthy.runtime.tokens import FOLDER, new_token
from shipworthy.store.instants import rfc3339
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served
from tests.runtime.test_posted import SUBJECT, D

Answer = tuple[int, dict[str, Any]]


@pytest.fixture(name="served")
def _served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as served:
        yield served


def token(tiny: Tiny, scope: str = "gate", lasts: str = "30d") -> str:
    """Make a token."""
    return make_token(tiny.workspace, scope, lasts)[0]


def call(served: Served, method: str, path: str, shown: str = "", body: bytes | None = None, **headers: str) -> Answer:
    """Send one request; return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        sent = {"authorization": f"Bearer {shown}"} if shown else {}
        connection.request(method, path, body, sent | headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def entry(kind: str = "gate.decided", model: str = MODEL, version: str = "2") -> bytes:
    """Return the bytes of an entry."""
    subject = SUBJECT | {"model": model, "version": version}
    told: dict[str, dict[str, Any]] = {
        "gate.decided": {"decision": "blocked", "verdict": D},
        "gate.shipped": {"first": False},
    }
    return json.dumps({"kind": kind, "body": {"subject": subject, **told[kind]}}).encode()


@pytest.mark.parametrize("scope", ["gate", "read"])
def test_facts_are_told_to_both_scopes(served: Served, scope: str) -> None:
    status, told = call(served, "GET", "/api/facts", token(served.tiny, scope))
    assert status == 200
    assert (told["schema"], told["model"]) == ("shipworthy/facts@1", MODEL)
    assert [one["version"] for one in told["shipped"]] == ["1"]
    origin, key = parse_verifier_key(told["key"])
    assert open_checkpoint(told["checkpoint"], origin, [key]).size >= told["size"] > 0


def test_an_entry_is_appended_once_and_the_answer_proves_it(served: Served) -> None:
    shown = token(served.tiny)
    before = len(served.tiny.entries())
    first = call(served, "POST", "/api/entries", shown, entry())
    again = call(served, "POST", "/api/entries", shown, entry())
    assert first[0] == again[0] == 200
    assert first[1]["seq"] == again[1]["seq"] == before
    entries = served.tiny.entries()
    assert len(entries) == before + 1
    assert entries[-1].kind == "gate.decided"
    assert entries[-1].body == json.loads(entry())["body"]
    assert entries[-1].actor.startswith("gate@")
    assert entries[-1].actor.removeprefix("gate@") not in shown
    origin, key = parse_verifier_key(first[1]["key"])
    assert open_checkpoint(first[1]["checkpoint"], origin, [key]).size == before + 1


def test_what_is_told_is_in_the_next_facts(served: Served) -> None:
    shown = token(served.tiny)
    call(served, "GET", "/api/facts", shown)
    assert call(served, "POST", "/api/entries", shown, entry("gate.shipped"))[0] == 200
    told = call(served, "GET", "/api/facts", shown)[1]
    assert [one["version"] for one in told["shipped"]] == ["1", "2"]


def test_an_entry_changes_nothing_that_holds(served: Served) -> None:
    before = served.tiny.state()
    call(served, "POST", "/api/entries", token(served.tiny), entry("gate.shipped"))
    assert served.tiny.state() == before


@pytest.mark.parametrize(
    ("shown", "path", "status"),
    [
        ("none", "/api/facts", 401),
        ("none", "/api/entries", 401),
        ("wrong", "/api/entries", 401),
        ("cut", "/api/entries", 401),
        ("over", "/api/facts", 401),
        ("over", "/api/entries", 401),
        ("deleted", "/api/facts", 401),
        ("read", "/api/entries", 403),
        ("gate", "/api/else", 404),
    ],
)
def test_who_may_not_hears_no_more_than_that(served: Served, shown: str, path: str, status: int) -> None:
    tiny = served.tiny
    now = tiny.clock()
    early = rfc3339(now - timedelta(days=2))
    given = {
        "none": "",
        "wrong": "swt_" + "A" * 43,
        "cut": token(tiny)[:-1],
        "over": new_token(tiny.workspace.home, "gate", early, rfc3339(now))[0],
        "deleted": "",
        "read": token(tiny, "read"),
        "gate": token(tiny),
    }
    if shown == "deleted":
        given["deleted"] = token(tiny)
        for file in (tiny.workspace.home / FOLDER).iterdir():
            file.unlink()
    before = len(tiny.entries())
    method = "GET" if path == "/api/facts" else "POST"
    answer = call(served, method, path, given[shown], None if method == "GET" else entry())
    words = {401: "unauthorised", 403: "forbidden", 404: "no such path"}
    assert answer == (status, {"error": words[status]})
    assert len(tiny.entries()) == before


@pytest.mark.parametrize("header", ["Basic {}", "{}", "Bearer", "bearer  {}", "Bearer {} x"])
def test_another_way_to_show_a_token_is_none(served: Served, header: str) -> None:
    sent = {"authorization": header.format(token(served.tiny))}
    assert call(served, "GET", "/api/facts", "", None, **sent)[0] == 401


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/facts"), ("GET", "/api/entries"), ("PUT", "/api/entries")])
def test_another_method_is_refused(served: Served, method: str, path: str) -> None:
    assert call(served, method, path, token(served.tiny))[0] == 405


@pytest.mark.parametrize(
    "body",
    [
        entry(model="another-model"),
        json.dumps({"kind": "deploy.baselined", "body": {"version": "2"}}).encode(),
        json.dumps({"kind": "respond.restored", "body": {}}).encode(),
        b"{",
        b"",
    ],
)
def test_nothing_else_is_appended(served: Served, body: bytes) -> None:
    before = len(served.tiny.entries())
    status, told = call(served, "POST", "/api/entries", token(served.tiny), body)
    assert status == 400
    assert told["error"]
    assert len(served.tiny.entries()) == before + 1  # the token's own entry


def test_a_body_that_is_too_large_is_not_read(served: Served) -> None:
    assert call(served, "POST", "/api/entries", token(served.tiny), b" " * (MAX_BYTES + 1))[0] == 413


def test_a_body_of_unknown_length_is_read_up_to_the_limit(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    sent = {"authorization": f"Bearer {token(served.tiny)}"}
    connection.request("POST", "/api/entries", iter([b" " * 8_000] * 3), sent, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_slow_body_is_not_waited_for(shipped: Tiny) -> None:
    with Served(shipped, body_within_s=0.3) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as caller:
            head = f"POST /api/entries HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token(shipped)}\r\n"
            caller.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
            began = time.monotonic()
            assert caller.recv(100).startswith(b"HTTP/1.1 408")
            assert time.monotonic() - began < 5
        assert served.get("/status")[0] == 200


def test_a_token_that_asks_too_often_waits(served: Served) -> None:
    shown, other = token(served.tiny), token(served.tiny)
    answers: list[int] = []
    while 429 not in answers and len(answers) < 300:
        answers.append(call(served, "GET", "/api/facts", shown)[0])
    assert answers[-1] == 429
    assert set(answers[:-1]) == {200}
    assert call(served, "GET", "/api/facts", other)[0] == 200


def test_the_gateway_decides_beside_it(served: Served) -> None:
    assert served.decide()["version"] == "1"
    assert call(served, "POST", "/decide", token(served.tiny), b"{}")[0] == 400
