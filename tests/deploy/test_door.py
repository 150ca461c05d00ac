"""The door of a gateway on real sockets: slow, silent, oversized and broken callers cost the others nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from shipworthy.deploy.http.door import Bounds
from shipworthy.deploy.http.wire import Response, read_body, respond
from shipworthy.runtime.listening import LEAVING_S, Server, bind, config
from tests.deploy.kit import eventually

QUICK = Bounds(header_s=0.4, body_s=0.4, idle_s=0.8, read_s=0.4, header_bytes=4_096, connections=300, per_peer=50)
GET = b"GET /x HTTP/1.1\r\nhost: h\r\n\r\n"


class Echo:
    """An application that answers with what it read; `/slow` takes as long as it is told, `/big` answers much."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun.append(scope["path"])
        if scope["path"] == "/early":
            await respond(send, Response(403, b"{}", []))
            return
        body = await read_body(scope, receive)
        if scope["path"] == "/slow":
            await self.go.wait()
        if scope["path"] == "/big":
            body = bytes(64 << 20)
        await respond(send, Response(200, scope["path"].encode() + b" " + body, []))


class Running:
    """A server in a thread."""

    def __init__(self, bounds: Bounds) -> None:
        self.app = Echo()
        self.socket = bind("127.0.0.1", 0)
        self.port = int(self.socket.getsockname()[1])
        self.server = Server(config(self.app, bounds=bounds))
        self.doors = self.server.listening.doors
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            self.loop = runner.get_loop()
            runner.run(self.server.serve([self.socket]))

    def go(self) -> None:
        assert self.loop is not None
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.app.go.set)


@contextmanager
def serving(bounds: Bounds = QUICK) -> Iterator[Running]:
    one = Running(bounds)
    one.thread.start()
    assert eventually(lambda: one.server.started)
    try:
        yield one
    finally:
        one.go()
        one.server.leave()
        one.thread.join(20)
        assert not one.thread.is_alive()


@pytest.fixture(scope="module")
def _running() -> Iterator[Running]:
    with serving() as one:
        yield one


@pytest.fixture
def running(_running: Running) -> Running:
    assert eventually(lambda: not _running.doors.open)
    _running.app.begun.clear()
    _running.doors.refused.clear()
    _running.app.go.clear()
    return _running


def connect(running: Running, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.port), 20, (source, 0))


def rest(one: socket.socket) -> bytes:
    """Read until the other side closes."""
    parts = []
    try:
        while part := one.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def answer(one: socket.socket) -> bytes:
    """Read one answer with a length."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = one.recv(65_536)
        assert part, got
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(
        next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    )
    while len(body) < length:
        body += one.recv(65_536)
    return head + b"\r\n\r\n" + body


def fine(running: Running, source: str = "127.0.0.1") -> bool:
    with connect(running, source) as one:
        one.sendall(GET)
        return answer(one).startswith(b"HTTP/1.1 200")


def refused(told: bytes, status: int) -> bool:
    head, _, body = told.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    return (
        lines[0].startswith(b"http/1.1 %d " % status) and b"connection: close" in lines and "error" in json.loads(body)
    )


@pytest.mark.parametrize(
    "sent",
    [b"G", b"GET /x HTTP/1.1\r\n", b"GET /x HTTP/1.1\r\nhost: h\r\nx: ", b"\r\n", GET + b"GET /y HT"],
    ids=["letter", "line", "half a header", "nothing but a line end", "behind another"],
)
def test_a_header_that_does_not_come_in_time_is_closed(running: Running, sent: bytes) -> None:
    with connect(running) as one:
        one.sendall(sent)
        if sent.startswith(GET):
            assert b" 200 " in answer(one)
        assert refused(rest(one), 408)


def trickle(one: socket.socket) -> None:
    """Send a byte at a time, for twenty seconds at most."""
    for _ in range(400):
        one.sendall(b"a")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "begun", [b"GET /x HTTP/1.1\r\nhost: h\r\nx: ", b"POST /x HTTP/1.1\r\ncontent-length: 1000\r\n\r\n"]
)
def test_what_trickles_is_not_waited_for(running: Running, begun: bytes) -> None:
    with connect(running) as one:
        one.sendall(begun)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            trickle(one)


def test_a_body_that_does_not_come_in_time_is_closed(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\nabc")
        assert refused(rest(one), 408)


def test_two_hundred_slow_callers_do_not_stop_another(running: Running) -> None:
    slow = [connect(running, f"127.0.0.{2 + i % 5}") for i in range(200)]
    for one in slow:
        one.sendall(b"GET /x HTTP/1.1\r\nhost: h\r\nx: ")
    assert fine(running)
    assert all(refused(rest(one), 408) for one in slow)
    for one in slow:
        one.close()
    assert eventually(lambda: not running.doors.open)


def test_callers_over_their_connections_are_told_and_others_are_not_hurt(running: Running) -> None:
    held = [connect(running, "127.0.0.2") for _ in range(50)]
    assert eventually(lambda: len(running.doors.open) == 50)
    with connect(running, "127.0.0.2") as one:
        assert refused(rest(one), 429)
    assert fine(running, "127.0.0.3")
    held.pop().close()
    assert eventually(lambda: len(running.doors.open) < 50)
    assert fine(running, "127.0.0.2")
    held += [connect(running, f"127.0.1.{i // 50}") for i in range(251)]
    assert eventually(lambda: len(running.doors.open) == 300)
    with connect(running) as one:
        assert refused(rest(one), 503)
    for one in held:
        one.close()
    assert eventually(lambda: fine(running))


def test_a_trusted_peer_may_hold_as_many_as_there_are(running: Running) -> None:
    held = [connect(running) for _ in range(60)]
    assert fine(running)
    for one in held:
        one.close()


def test_a_silent_connection_is_kept_and_not_for_ever(running: Running) -> None:
    with connect(running) as fresh, connect(running) as used:
        used.sendall(GET)
        answer(used)
        time.sleep(0.5)  # longer than a header may take
        used.sendall(GET)
        assert b" 200 " in answer(used)
        assert rest(fresh) == b""
        assert rest(used) == b""


def test_a_caller_that_shuts_its_half_gets_nothing_and_holds_nothing(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"GET /x HTTP/1.1\r\nhost")
        one.shutdown(socket.SHUT_WR)
        rest(one)
    assert eventually(lambda: not running.doors.open)


@pytest.mark.parametrize(
    "header", [b"x: " + b"a" * 100_000, b"\r\n".join(b"x%d: a" % i for i in range(5_000))], ids=["long", "many"]
)
@pytest.mark.parametrize("step", [1_000, 1 << 20], ids=["in parts", "at once"])
def test_a_huge_header_is_refused(running: Running, header: bytes, step: int) -> None:
    with connect(running) as one:
        whole = b"POST /huge HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n" + header + b"\r\n\r\nabc"
        for at in range(0, len(whole), step):
            one.sendall(whole[at : at + step])
        assert refused(rest(one), 431)
    assert running.app.begun == []


def test_a_long_path_is_a_huge_header(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"GET /" + b"a" * 50_000)
        assert refused(rest(one), 431)


def test_a_large_body_behind_a_small_header_is_no_huge_header(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 500000\r\n\r\n" + b"b" * 500_000)
        assert answer(one).endswith(b"b" * 500_000)


def test_requests_sent_behind_each_other_are_answered_in_order(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"".join(b"POST /%d HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nab" % i for i in range(50)))
        got = b""
        while got.count(b" ab") < 50:
            got += one.recv(65_536)
        assert [got.index(b"/%d ab" % i) for i in range(50)] == sorted(got.index(b"/%d ab" % i) for i in range(50))
        one.sendall(GET)
        assert b" 200 " in answer(one)


def test_an_answer_under_way_is_not_cut_by_what_comes_behind_it(running: Running) -> None:
    for behind in (b"GARBAGE\r\n\r\n", b"GET /y HTTP/1.1\r\nhos"):
        running.app.go.clear()
        with connect(running) as one:
            one.sendall(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n" + behind)
            time.sleep(0.8)
            running.go()
            assert b"/slow " in answer(one)


def test_what_is_no_http_is_told_so(running: Running) -> None:
    for sent in (
        b"GARBAGE\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ):
        with connect(running) as one:
            one.sendall(sent)
            assert refused(rest(one), 400)
    assert fine(running)


@pytest.mark.parametrize("name", [b"upgrade", b"Upgrade"])
def test_a_caller_that_would_rather_speak_another_protocol_is_answered_in_this_one(
    running: Running, name: bytes
) -> None:
    """Java's client asks for h2c with every request; its body must not be lost."""
    with connect(running) as one:
        wish = b"connection: Upgrade, HTTP2-Settings\r\n" + name + b": h2c\r\nhttp2-settings: AAMAAABk\r\n"
        body = b"\r\nupgrade: x"
        one.sendall(b"POST /x HTTP/1.1\r\nhost: h\r\n" + wish + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert answer(one).endswith(b"/x " + body)
        one.sendall(GET)
        assert b" 200 " in answer(one)


def test_a_caller_that_waits_to_be_asked_for_its_body_is_asked(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n")
        assert one.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.sendall(b"abc")
        assert answer(one).endswith(b"/x abc")


def test_a_caller_that_is_refused_early_is_not_asked_and_holds_nothing(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"POST /early HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n")
        assert answer(one).startswith(b"HTTP/1.1 403")
        rest(one)  # the body never comes: the connection does not wait for it for ever


def test_a_caller_that_does_not_read_its_answer_is_cut_off(running: Running) -> None:
    with connect(running) as one:
        one.sendall(b"GET /big HTTP/1.1\r\nhost: h\r\n\r\n")
        assert eventually(lambda: running.doors.told().get("unread") == 1)
        assert eventually(lambda: not running.doors.open)


def test_connections_that_end_are_forgotten(running: Running) -> None:
    for _ in range(100):
        assert fine(running, "127.0.0.2")
    assert eventually(lambda: not running.doors.open)
    assert not running.doors._peers


def test_while_it_drains_what_is_under_way_is_answered() -> None:
    with serving(QUICK._replace(header_s=10.0, body_s=10.0)) as running:
        draining(running)


def draining(running: Running) -> None:
    with connect(running) as slow, connect(running) as half, connect(running) as idle, connect(running) as body:
        slow.sendall(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n")
        half.sendall(b"GET /half HTTP/1.1\r\nho")
        body.sendall(b"POST /body HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\na")
        assert eventually(lambda: len(running.app.begun) == 2)
        running.server.leave()
        time.sleep(2 * LEAVING_S)  # long after the address was closed
        half.sendall(b"st: h\r\n\r\n")
        body.sendall(b"bc")
        running.go()
        for one in (slow, half, body):
            told = rest(one)
            assert b" 200 " in told
            assert b"connection: close" in told
        assert rest(idle) == b""
    running.thread.join(20)
    with pytest.raises(ConnectionRefusedError):
        connect(running)


def test_nothing_is_lost_when_one_of_two_leaves_under_load() -> None:
    """Callers keep a connection while they may, and open a new one elsewhere when the address is closed."""
    with serving() as first, serving() as second:
        lost: list[str] = []
        answered = [0, 0]
        stop = threading.Event()

        def caller() -> None:
            at, one = 0, connect(first)
            while not stop.is_set():
                try:
                    one.sendall(GET)
                    told = answer(one)
                except (OSError, AssertionError) as problem:
                    lost.append(repr(problem))
                    return
                answered[at] += 1
                if b"connection: close" in told.lower():
                    one.close()
                    try:
                        one = connect((first, second)[at])
                    except OSError:
                        at = 1
                        one = connect(second)
            one.close()

        threads = [threading.Thread(target=caller) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert eventually(lambda: answered[0] > 500)
        first.server.leave()
        first.thread.join(20)
        assert eventually(lambda: answered[1] > 200)
        stop.set()
        for thread in threads:
            thread.join(20)
        assert lost == []
