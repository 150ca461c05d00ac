"""The fast lane says what the ordinary way says, byte for byte, and takes nothing that could be read in two ways."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.contract.manifest import Throttle
from shipworthy.deploy.http.lane import Heads, read_head
from shipworthy.deploy.throttle import Throttles
from shipworthy.models.spec import Cell, ScoreBody
from tests.deploy.kit import NOW, Site, State, eventually, running, score_of_amount

ROW = {"tenant": "acme", "supplier": "P01", "claim": "c-1", "amount": 900}
GOOD = json.dumps({"row": ROW}).encode()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Site, Site]]:
    """A gateway with the lane and one without, alike in all else."""
    with served(lane=True) as fast, served(lane=False) as plain:
        yield fast, plain


def served(lane: bool) -> AbstractContextManager[Site]:
    one = {"1": score_of_amount}
    return running(State(), one, lane=lane, throttles=few(), new_id=lambda now_s: "one-id", clock=lambda: NOW)


def few() -> Throttles:
    return Throttles(tenants={"slow": Throttle(rate_per_s=0.0001, burst=1)})


def said(site: Site, *parts: bytes) -> bytes:
    """Send the parts one by one on one connection, then close our half; return all that comes back."""
    with socket.create_connection(("127.0.0.1", site.port), 20) as one:
        for part in parts:
            one.sendall(part)
        one.shutdown(socket.SHUT_WR)
        told = b""
        while more := one.recv(65_536):
            told += more
    return told


def post(path: str, body: bytes, *lines: bytes, close: bool = True) -> bytes:
    head = [f"POST {path} HTTP/1.1".encode(), b"host: h", b"content-length: %d" % len(body), *lines]
    return b"\r\n".join([*head, *([b"connection: close"] if close else [])]) + b"\r\n\r\n" + body


def answers(told: bytes) -> list[tuple[bytes, frozenset[bytes], bytes]]:
    """Split into (status line, header lines without date and connection, body)."""
    found = []
    while told:
        head, _, rest = told.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
        kept = frozenset(line for line in lines if not line.lower().startswith((b"date", b"connection")))
        found.append((first, kept, rest[:length]))
        told = rest[length:]
    return found


BODIES = [
    ("/decide", GOOD),
    ("/decide", b"{"),
    ("/decide", b'{"row": {"tenant": "acme", "a": 1, "a": 2}}'),
    ("/decide", json.dumps({"row": {**ROW, "tenant": None}}).encode()),
    ("/decide", json.dumps({"row": {**ROW, "amount": None}}).encode()),
    ("/decide", json.dumps({"row": {**ROW, "amount": 5_000}}).encode()),
    ("/decide", json.dumps({"row": {**ROW, "supplier": "P99"}}).encode()),
    ("/labels", b'{"receipt": "x", "label": 1}'),
    ("/invocations", json.dumps({"dataframe_records": [ROW, ROW]}).encode()),
    ("/v2/models/claims/infer", b"{}"),
    ("/decide", b""),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
def test_every_answer_is_the_same_on_both_ways(both: tuple[Site, Site], path: str, body: bytes) -> None:
    fast, plain = both
    asked = post(path, body, b"content-type: application/json", close=False)
    assert answers(said(fast, asked)) == answers(said(plain, asked))


def test_what_the_throttle_says_is_the_same_too(both: tuple[Site, Site]) -> None:
    asked = post("/decide", json.dumps({"row": {**ROW, "tenant": "slow"}}).encode(), close=False)
    told = [[answers(said(one, asked))[0] for _ in range(2)] for one in both]
    assert told[0] == told[1]
    assert [first for first, _, _ in told[0]] == [b"HTTP/1.1 200 OK", b"HTTP/1.1 429 Too Many Requests"]


@given(st.integers(1, len(post("/decide", GOOD)) - 1), st.integers(2, 4))
@settings(max_examples=25, deadline=None)
def test_requests_in_any_pieces_and_in_a_row_are_answered_in_order(
    both: tuple[Site, Site], at: int, times: int
) -> None:
    fast, plain = both
    asked = post("/decide", GOOD, close=False) * (times - 1) + post("/invocations", b"{}", close=False)
    assert answers(said(fast, asked[:at], asked[at:])) == answers(said(plain, asked))
    assert len(answers(said(fast, asked))) == times


SECOND_READING = [
    b"transfer-encoding: chunked",
    b"Transfer-Encoding : chunked",
    b"content-length: 3",
    b"expect: 100-continue",
    b"connection: close",
    b"connection: upgrade",
    b"upgrade: h2c",
    b"content-encoding: gzip",
    b"x-forwarded-for: 192.0.2.1",
    b"host: other",
    b" folded: line",
    b"no colon",
    b"empty:",
    b"odd\x00: 1",
    b"ctl: a\x01b",
    b"te: trailers",
    b"name with space: 1",
]


@pytest.mark.parametrize("line", SECOND_READING)
def test_a_header_that_could_be_read_in_two_ways_is_left_to_the_ordinary_one(line: bytes) -> None:
    plain = b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-length: 2"
    assert read_head(plain) is not None
    assert read_head(plain + b"\r\n" + line) is None


@pytest.mark.parametrize(
    "head",
    [
        b"POST /decide HTTP/1.0\r\nhost: h\r\ncontent-length: 2",
        b"POST /decide?x=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 2",
        b"POST http://h/decide HTTP/1.1\r\nhost: h\r\ncontent-length: 2",
        b"POST /decide%20 HTTP/1.1\r\nhost: h\r\ncontent-length: 2",
        b"PUT /decide HTTP/1.1\r\nhost: h\r\ncontent-length: 2",
        b"POST /decide HTTP/1.1\r\ncontent-length: 2",
        b"POST /decide HTTP/1.1\r\nhost: h",
        b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-length: +2",
        b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-length: 2, 2",
        b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-length: 000000002",
        b"POST /decide HTTP/1.1\nhost: h\ncontent-length: 2",
        b"",
    ],
)
def test_only_a_plain_request_line_and_one_length_are_taken(head: bytes) -> None:
    assert read_head(head) is None


@given(st.binary(max_size=200))
def test_no_header_makes_the_lane_fail(head: bytes) -> None:
    assert Heads().read(head) == read_head(head)


def test_memory_of_headers_is_bounded() -> None:
    heads = Heads()
    for number in range(5_000):
        heads.read(b"POST /decide HTTP/1.1\r\nhost: h%d\r\ncontent-length: 2" % number)
    assert len(heads) <= 512
    assert heads.read(b"x" * 5_000) is None
    assert len(heads) <= 512


def test_what_comes_while_an_answer_is_made_is_answered_after_it() -> None:
    state, go = State(), threading.Event()

    def slow(rows: list[list[Cell]]) -> ScoreBody:
        go.wait(20)
        return score_of_amount(rows)

    with (
        running(state, {"1": slow}, deadline_s=30.0) as site,
        socket.create_connection(("127.0.0.1", site.port), 20) as one,
    ):
        one.sendall(post("/decide", GOOD, close=False))
        assert eventually(lambda: bool(site.gateway.decider.queued_s() or site.pools["1"].used))
        one.sendall(post("/decide", GOOD, close=False) + post("/invocations", b"{}", close=False))
        one.shutdown(socket.SHUT_WR)
        go.set()
        told = b""
        while more := one.recv(65_536):
            told += more
    firsts = [first for first, _, _ in answers(told)]
    assert firsts == [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 415 Unsupported Media Type"]
    assert len(state.told.events) == 2


def test_a_caller_that_goes_away_is_decided_and_told_to_nobody() -> None:
    state, go = State(), threading.Event()

    def slow(rows: list[list[Cell]]) -> ScoreBody:
        go.wait(20)
        return score_of_amount(rows)

    with running(state, {"1": slow}) as site:
        with socket.create_connection(("127.0.0.1", site.port), 20) as one:
            one.sendall(post("/decide", GOOD, close=False))
        go.set()
        assert eventually(lambda: len(state.told.events) == 1)
        assert site.decide(amount=900)[0] == 200


def test_two_words_about_the_connection_are_left_to_the_ordinary_way() -> None:
    head = b"POST /decide HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\nconnection: close\r\nconnection: keep-alive"
    assert read_head(head) is None
