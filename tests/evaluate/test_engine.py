from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Callable

import pytest

from shipworthy.errors import CannotDecide, PolicySaysNo
from shipworthy.evaluate.pack import evaluate_all
from shipworthy.evaluate.run.engine import Remembering, evaluate_local
from shipworthy.evaluate.run.offline import is_local, no_network
from shipworthy.profile.rows import Value
from tests.evaluate.benches import Given, case, model_of, truth
from tests.evaluate.test_pack import CASES, POLICY, full

OUTSIDE = "192.0.2.1"  # TEST-NET-1 of RFC 5737: belongs to nobody


def connect() -> None:
    with socket.socket() as one:
        one.settimeout(0.01)
        one.connect((OUTSIDE, 80))


def create() -> None:
    socket.create_connection((OUTSIDE, 80), timeout=0.01)


def send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (OUTSIDE, 9))


def resolve() -> None:
    socket.getaddrinfo("example.invalid", 80)


def fetch() -> None:
    urllib.request.urlopen(f"http://{OUTSIDE}/", timeout=0.01)


def below() -> None:
    import _socket

    one = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        one.connect((OUTSIDE, 80))
    finally:
        one.close()


@pytest.mark.parametrize("reach", [connect, create, send, resolve, fetch, below])
def test_no_way_out_is_open_while_evaluating(reach: Callable[[], None]) -> None:
    with no_network(), pytest.raises(PolicySaysNo, match="evaluate"):
        reach()


def test_this_machine_stays_reachable() -> None:
    with socket.socket() as server, no_network():
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname(), timeout=1) as one:
            assert one.getpeername() == server.getsockname()


def test_the_guard_holds_in_other_threads_and_ends_with_the_block() -> None:
    caught: list[BaseException] = []

    def attempt() -> None:
        try:
            send()
        except PolicySaysNo as problem:
            caught.append(problem)

    with no_network(), no_network():
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert len(caught) == 1
    with pytest.raises(OSError):  # noqa: PT011 — not ours any more: the operating system's own answer
        connect()


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (("127.0.0.1", 1), True),
        (("127.9.9.9", 1), True),
        (("::1", 1, 0, 0), True),
        ("localhost", True),
        (b"localhost", True),
        (("10.0.0.1", 1), False),
        (("0.0.0.0", 1), False),
        ("localhost.example.com", False),
        ("metadata", False),
        (None, False),
        ((5, 5), False),
    ],
)
def test_only_loopback_is_this_machine(address: object, local: bool) -> None:
    assert is_local(address) is local


def test_a_model_that_phones_home_fails_its_evaluation() -> None:
    def chatty(batch: list[list[Value]]) -> Given:
        send()
        return Given([0.5 for _ in batch])

    with pytest.raises(PolicySaysNo):
        evaluate_local(full(model=chatty), POLICY, CASES)


def test_the_local_engine_shows_the_same_and_asks_each_row_once() -> None:
    heard: list[str] = []
    asked: list[int] = []
    plain = model_of(truth)

    def counting(batch: list[list[Value]]) -> object:
        asked.append(len(batch))
        return plain(batch)

    cases = (CASES[0], CASES[0], CASES[1])
    here = evaluate_local(full(model=counting), POLICY, cases, progress=heard.append)
    assert here == evaluate_all(full(), POLICY, cases)
    assert heard[-3:] == [one.id for one in cases]
    assert sum(asked) <= 2 * 200 + 2000 + 2000


def test_rows_that_differ_only_in_type_are_not_confused() -> None:
    def typed(batch: list[list[Value]]) -> Given:
        return Given([0.25 if type(row[0]) is int else 0.75 for row in batch])

    kept = Remembering(typed)
    assert list(kept([[1], [1.0], [True], [1]]).scores) == [0.25, 0.75, 0.75, 0.25]


def test_a_model_that_answers_the_same_row_differently_is_not_evaluated() -> None:
    calls: list[int] = []

    def moody(batch: list[list[Value]]) -> Given:
        calls.append(1)
        return Given([0.1 * len(calls) for _ in batch])

    with pytest.raises(CannotDecide, match="differently"):
        evaluate_local(full(model=moody), POLICY, CASES)


def test_a_model_that_answers_too_few_rows_is_not_evaluated() -> None:
    with pytest.raises((CannotDecide, ValueError)):
        evaluate_local(full(model=lambda batch: Given([0.5])), POLICY, (case(),))
