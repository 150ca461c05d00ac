"""The client of a shared ledger: nothing that was not understood is ever taken for an answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shipworthy.errors import Unreachable, UsageError
from shipworthy.flows.keys import make_token
from shipworthy.runtime.ledger_client import MAX_BYTES, WAIT_S, WHOLE_S, LedgerClient, Place, ledger_client, place_of
from shipworthy.runtime.workspace import Environment, Workspace
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served, free_port
from tests.runtime.test_api import call

TOKEN = "swt_" + "A" * 43


@pytest.fixture(name="served")
def _served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as served:
        yield served


@contextmanager
def answering(reply: Callable[[bytes], bytes]) -> Iterator[int]:
    """Answer every connection on a free port with the bytes that `reply` makes of the request; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    caller, _ = listening.accept()
                except TimeoutError:
                    continue
                with caller:
                    caller.settimeout(5)
                    caller.sendall(reply(caller.recv(65_536)))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join(10)


def http_answer(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """Return a whole answer."""
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


def client(port: int, wait_s: float = WAIT_S, whole_s: float = WHOLE_S) -> LedgerClient:
    """Return a client of this machine."""
    return LedgerClient(Place(tls=False, host="127.0.0.1", port=port, prefix=""), TOKEN, wait_s, whole_s)


def call_facts(served: Served) -> dict[str, Any]:
    """Return the facts as the server tells them."""
    status, told = call(served, "GET", "/api/facts", make_token(served.tiny.workspace, "read", "1d")[0])
    assert status == 200
    return told


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "shipworthy/facts@2"},
        {"model": "another-model"},
        {"more": 1},
        {"shipped": None},
        {"shipped": [{"model": MODEL}]},
        {"size": 10_000},
        {"key": "x"},
        {"checkpoint": "x"},
        {"overrides": [{}]},
    ],
)
def test_facts_that_are_not_facts_are_no_answer(served: Served, change: dict[str, Any]) -> None:
    told = call_facts(served)
    with answering(lambda head: http_answer(json.dumps(told).encode())) as port:
        assert client(port).facts(MODEL).model == MODEL
    with answering(lambda head: http_answer(json.dumps(told | change).encode())) as port, pytest.raises(Unreachable):
        client(port).facts(MODEL)


@pytest.mark.parametrize("status", ["201 Created", "206 Partial Content", "302 Found", "401 No", "503 No"])
def test_good_words_under_another_status_are_no_answer(served: Served, status: str) -> None:
    told = json.dumps(call_facts(served)).encode()
    with answering(lambda head: http_answer(told, status)) as port, pytest.raises(Unreachable, match="it answers"):
        client(port).facts(MODEL)


def test_an_answer_that_was_cut_is_none_though_it_reads_well(served: Served) -> None:
    told = json.dumps(call_facts(served)).encode()
    cut = http_answer(told).replace(b"content-length: %d" % len(told), b"content-length: %d" % (len(told) + 5))
    with answering(lambda head: cut) as port, pytest.raises(Unreachable):
        client(port).facts(MODEL)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        http_answer(b""),
        http_answer(b"{}"),
        http_answer(b"[1, 2"),
        http_answer(b'{"a": 1, "a": 2}'),
        http_answer(b'{"a": NaN}'),
        http_answer(b"{}", "302 Found", "location: http://127.0.0.1:1/\r\n"),
        http_answer(b"{}", "500 No"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        f"HTTP/1.1 200 OK\r\ncontent-length: {MAX_BYTES + 1}\r\n\r\n".encode() + b" " * (MAX_BYTES + 1),
    ],
    ids=range(12),
)
def test_whatever_else_answers_is_unreachable(answer: bytes) -> None:
    with answering(lambda head: answer) as port:
        with pytest.raises(Unreachable):
            client(port).facts(MODEL)
        with pytest.raises(Unreachable):
            client(port).append("gate.decided", {})


def test_an_answer_that_trickles_in_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        over = threading.Event()

        def trickle() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.recv(65_536)
                caller.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                while not over.wait(0.05):
                    try:
                        caller.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Unreachable):
            client(port, wait_s=5.0, whole_s=0.5).facts(MODEL)
        assert time.monotonic() - began < 10
        over.set()
        thread.join(5)


def test_the_token_is_never_shown() -> None:
    one = ledger_client({"SHIPWORTHY_URL": "https://ledger.example", "SHIPWORTHY_TOKEN": TOKEN})
    environment = Environment({"SHIPWORTHY_TOKEN": TOKEN})
    assert TOKEN not in repr(one) + repr(environment)
    assert TOKEN not in repr(Workspace(root=Path(), home=Path(), environment=environment))
    with pytest.raises(Unreachable) as gone:
        client(free_port()).facts(MODEL)
    assert TOKEN not in str(gone.value)


@pytest.mark.parametrize(
    ("url", "unsafe", "expected"),
    [
        ("https://ledger.example", False, Place(tls=True, host="ledger.example", port=443, prefix="")),
        ("https://ledger.example:8443/site/", False, Place(tls=True, host="ledger.example", port=8443, prefix="/site")),
        ("http://127.0.0.1:8080", False, Place(tls=False, host="127.0.0.1", port=8080, prefix="")),
        ("http://[::1]:8080", False, Place(tls=False, host="::1", port=8080, prefix="")),
        ("http://ledger.example", True, Place(tls=False, host="ledger.example", port=80, prefix="")),
        ("http://ledger.example", False, None),
        ("http://127.0.0.1.example", False, None),
        ("http://localhost.example", False, None),
        ("ftp://ledger.example", False, None),
        ("ledger.example", False, None),
        ("https://", False, None),
        ("https://ana:secret@ledger.example", False, None),
        ("https://ledger.example/?a=1", False, None),
        ("https://ledger.example:99999", False, None),
        ("https://ledger.example/\r\nx: y", False, None),
    ],
)
def test_where_a_ledger_may_be(url: str, unsafe: bool, expected: Place | None) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            place_of(url, unsafe)
    else:
        assert place_of(url, unsafe) == expected


def test_the_token_comes_from_a_variable_or_a_file_and_not_from_both(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    url = {"SHIPWORTHY_URL": "https://ledger.example"}
    assert ledger_client({}) is None
    assert ledger_client({"SHIPWORTHY_URL": ""}) is None
    assert ledger_client(url | {"SHIPWORTHY_TOKEN_FILE": str(file)}) is not None
    for named in (
        {},
        {"SHIPWORTHY_TOKEN": TOKEN, "SHIPWORTHY_TOKEN_FILE": str(file)},
        {"SHIPWORTHY_TOKEN": "secret"},
        {"SHIPWORTHY_TOKEN": TOKEN + "\nx"},
        {"SHIPWORTHY_TOKEN_FILE": str(tmp_path / "none")},
        {"SHIPWORTHY_TOKEN_FILE": str(tmp_path)},
        {"SHIPWORTHY_TOKEN": TOKEN, "SHIPWORTHY_LEDGER_KEY": "x"},
    ):
        with pytest.raises(UsageError) as wrong:
            ledger_client(url | named)
        assert "secret" not in str(wrong.value)
