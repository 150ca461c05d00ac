from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from shipworthy.decide import decide
from shipworthy.errors import PolicySaysNo
from shipworthy.evaluate.metered import Remembering
from shipworthy.evaluate.pack import evaluate_all
from shipworthy.evaluate.run.engine import Step, evaluate_local
from shipworthy.evaluate.run.kept import KeptFiles
from shipworthy.facts import Budget, Outcome
from shipworthy.models.deadline import Deadline
from shipworthy.models.offline import is_local, no_network
from shipworthy.profile.rows import Value
from tests.evaluate.benches import Given, model_of, truth
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
    heard: list[Step] = []
    asked: list[int] = []
    plain = model_of(truth)

    def counting(batch: list[list[Value]]) -> object:
        asked.append(len(batch))
        return plain(batch)

    cases = (CASES[0], CASES[0], CASES[1])
    here = evaluate_local(full(model=counting), POLICY, cases, progress=heard.append)
    assert here == evaluate_all(full(), POLICY, cases)
    assert [step.name for step in heard] == ["held-out rows", *(one.id for one in cases)]
    assert [(step.done, step.of) for step in heard] == [(at, 4) for at in (1, 2, 3, 4)]
    assert all(step.left_s is not None and step.left_s >= 0.0 for step in heard)
    assert heard[-1].left_s == 0.0
    assert sum(asked) <= 2 * 200 + 2000 + 2000 + 3 * 32


def test_rows_that_differ_only_in_type_are_not_confused() -> None:
    def typed(batch: list[list[Value]]) -> Given:
        return Given([0.25 if type(row[0]) is int else 0.75 for row in batch])

    kept = Remembering(typed)
    assert list(kept([[1], [1.0], [True], [1]]).scores) == [0.25, 0.75, 0.75, 0.25]


def test_a_model_that_answers_the_same_row_differently_is_not_evaluated() -> None:
    calls: list[int] = []

    def moody(batch: list[list[Value]]) -> Given:
        calls.append(1)
        return Given([0.001 * len(calls) for _ in batch])

    found = evaluate_local(full(model=moody), POLICY, CASES)
    assert found.problem is not None
    assert "differently" in found.problem
    assert {one.case: one.status for one in found.cases if one.status != "error"} == {"backdoor.rows": "pass"}
    assert found.coverage.executed == ("backdoor.rows",)


def test_a_model_that_is_noisy_only_off_the_data_is_found_by_the_case_that_asks_there() -> None:
    calls: list[int] = []

    def moody(batch: list[list[Value]]) -> Given:
        calls.append(1)
        return Given([0.001 * len(calls) if row[6] == "never-seen-before" else 0.5 for row in batch])

    found = evaluate_local(full(model=moody), POLICY, CASES[:2])
    assert found.problem is None
    assert [one.status for one in found.cases][1] == "error"
    assert "differently" in found.cases[1].because


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda batch: Given([0.5]), "1 answers to"),
        (lambda batch: Given([0.5] * len(batch), ["approve"]), "answers to"),
        (lambda batch: None, "AttributeError"),
        (lambda batch: 1 / 0, "ZeroDivisionError"),
        (lambda batch: Given([float("nan")] * len(batch)), "could not be told"),
        (lambda batch: Given([7.5] * len(batch)), "could not be told"),
        (lambda batch: Given([None] * len(batch)), "could not be told"),
    ],
)
def test_what_is_no_answer_is_never_green(wrong: Callable[[list[list[Value]]], Given], told: str) -> None:
    found = evaluate_local(full(model=wrong), POLICY, CASES)
    by = {one.case: one for one in found.cases}
    assert by.pop("backdoor.rows").status == "pass"
    by.pop("shift.hidden")  # without a score a person decides: nobody is denied
    assert "pass" not in {one.status for one in by.values()}
    assert told in by["tail.fast"].because
    met = {one.slo for one in decide(POLICY, found.measurements) if one.here and one.outcome is Outcome.MET}
    assert met <= {"backdoor_findings", "subgroup_gap", "never_event_violations", "ood_recall_7d", "ood_false_alarm"}


def test_what_was_finished_is_not_run_again_and_the_whole_is_the_same(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "kept")
    seen: list[str] = []

    def stop(step: Step) -> None:
        seen.append(step.name)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_local(full(), POLICY, CASES, progress=stop, kept=kept)
    assert kept.count() == 3
    heard: list[Step] = []
    again = evaluate_local(full(), POLICY, CASES, progress=heard.append, kept=kept)
    assert [step.name for step in heard] == [one.id for one in CASES[2:]]
    assert heard[-1].done == len(CASES) + 1
    assert again == evaluate_local(full(), POLICY, CASES)


def test_a_kept_piece_that_cannot_be_read_is_run_again(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "kept")
    whole = evaluate_local(full(), POLICY, CASES[:2], kept=kept)
    for name in ("held-out.json", "1.json"):
        (kept.folder / name).write_bytes(b'{"result": 7}')
    assert evaluate_local(full(), POLICY, CASES[:2], kept=kept) == whole
    kept.drop()
    assert kept.count() == 0


def test_a_kept_piece_of_another_case_is_run_again(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "kept")
    whole = evaluate_local(full(), POLICY, CASES[:2], kept=kept)
    (kept.folder / "1.json").write_bytes((kept.folder / "0.json").read_bytes())
    assert evaluate_local(full(), POLICY, CASES[:2], kept=kept) == whole
    easier = msgspec.structs.replace(CASES[0], oracle=msgspec.structs.replace(CASES[0].oracle, target=0.99))
    heard: list[Step] = []
    evaluate_local(full(), POLICY, (easier, CASES[1]), progress=heard.append, kept=kept)
    assert [step.name for step in heard] == [easier.id]


def test_when_the_packs_seconds_are_spent_the_rest_is_skipped() -> None:
    found = evaluate_local(full(), POLICY, CASES, Budget(seconds=0.0))
    assert {one.status for one in found.cases} == {"skipped"}
    assert "budget of 0 s" in found.cases[0].because


def test_a_case_ends_when_its_seconds_are_over() -> None:
    limit = Deadline()

    def slow(batch: list[list[Value]]) -> Given:
        time.sleep(0.03)
        return Given(model_of(truth)(batch).scores)

    hasty = msgspec.structs.replace(CASES[3], budget=Budget(seconds=0.02))
    found = evaluate_local(full(model=slow), POLICY, (hasty, CASES[0]), limit=limit)
    assert [one.status for one in found.cases] == ["inconclusive", "pass"]
    assert "seconds it may take were spent" in found.cases[0].because
    evaluate_local(full(model=slow), POLICY, (hasty,), limit=limit)
    assert not limit.passed(), "what comes after a case has its own time"
