"""A site of several processes: what holds when any one of them dies."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shipworthy.facts import Named
from shipworthy.flows import ledger
from shipworthy.respond import playbook
from shipworthy.testing.clock import SharedClock
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.many import Many, plain
from tests.runtime.served import ask, claim, wait_until


def windows(many: Many, version: str) -> int:
    """Return how many decisions of a version the store's windows count."""
    store = many.workspace.store()
    try:
        return sum(one.n for one in store.windows(version, 0, 1 << 40) if one.segment == "*" and one.tenant == "*")
    finally:
        store.close()


def killed(many: Many) -> None:
    """A person kills version 2 by this host's state files alone."""
    tiny = many.tiny
    held = playbook.by_person("x", tiny.scope(version="2"), Named.KILLED, "odd", "ORD-LOCAL-1", many.clock())
    many.workspace.state_files().journal_kill(held)


def test_workers_answer_alike_and_every_decision_is_counted_once(rolling: Tiny) -> None:
    with Many(rolling) as many:
        asked = [claim(visit=f"v-{i}", speed=i % 25, age=30 + i) for i in range(40)]
        first = [many.decide(**row) for row in asked]
        again = [many.decide(**row) for row in asked]
        assert [plain(one) for one in first] == [plain(one) for one in again]
        many.clock.advance(60)
        wait_until(lambda: windows(many, "2") == 80)
        heard = many.status()["workers"]
        assert heard["heard"] == 2
        assert set(heard["epochs"].values()) == {many.status()["state"]["epoch"]}
    with Many(rolling) as restarted:
        assert [plain(restarted.decide(**row)) for row in asked] == [plain(one) for one in first]


def test_with_the_control_process_dead_requests_are_decided_and_a_local_kill_holds(rolling: Tiny) -> None:
    with Many(rolling) as many:
        assert many.decide()["version"] == "2"
        before = many.kill("control")
        assert many.decide()["version"] == "2"
        assert many.decide(speed=10)["route"] == "person"  # and the review is durable without it
        assert many.post("/labels", {"receipt": "x", "label": 1})[0] == 503
        killed(many)
        assert [many.decide(visit=f"v-{i}")["version"] for i in range(20)] == ["1"] * 20
        many.until_back("control", before)
        wait_until(lambda: many.get("/status")[0] == 200)
        assert [many.decide(visit=f"v-{i}")["version"] for i in range(20)] == ["1"] * 20
    assert rolling.kinds().count("respond.ordered") == 1
    assert ledger.replay(rolling.workspace).same
    store = rolling.workspace.store()
    try:
        assert len(store.items()) == 1
    finally:
        store.close()


def test_a_never_event_closes_its_scope_in_every_worker_and_opens_one_incident(rolling: Tiny) -> None:
    with Many(rolling) as many:
        told = many.post("/decide", {"row": claim(age=FAULTY_AGE)})[1]
        assert told.get("decision") != "deny"
        assert [many.decide(visit=f"v-{i}")["version"] for i in range(20)] == ["1"] * 20
        wait_until(lambda: "respond.incident_opened" in rolling.kinds())
        assert many.get("/status")[1]["state"]["orders"][0]["order"]["by"] == "machine"
    assert rolling.kinds().count("respond.ordered") == 1
    assert rolling.kinds().count("respond.incident_opened") == 1


def test_a_worker_killed_under_load_is_replaced_and_the_others_go_on(rolling: Tiny) -> None:
    with Many(rolling) as many:
        answers: Counter[str] = Counter()
        over = threading.Event()

        def load() -> None:
            while not over.is_set():
                try:
                    status, _ = ask(many.port, "POST", "/decide", {"row": claim()})
                except OSError:
                    status = 0
                answers[str(status)] += 1

        callers = [threading.Thread(target=load) for _ in range(4)]
        for one in callers:
            one.start()
        before = many.kill("worker-0")
        many.until_back("worker-0", before)
        over.set()
        for one in callers:
            one.join()
        assert answers["0"] <= len(callers)  # at most what it had in hand; nothing after it
        assert set(answers) <= {"200", "0"}
        assert many.status()["workers"]["heard"] == 2


def test_a_model_that_is_killed_is_started_again_by_the_supervisor(shipped: Tiny) -> None:
    with Many(shipped) as many:
        pid = many.status()["pids"]["1"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: many.status()["pids"].get("1", pid) != pid)
        assert many.decide()["version"] == "1"


@pytest.mark.parametrize("observe_only", [True, False])
def test_workers_that_only_observe_never_act(rolling: Tiny, observe_only: bool) -> None:
    with Many(rolling, observe_only=observe_only) as many:
        many.post("/decide", {"row": claim(age=FAULTY_AGE)})
        expected = "2" if observe_only else "1"
        assert many.decide()["version"] == expected


def test_control_pages_are_reached_by_every_kind_of_request(shipped: Tiny) -> None:
    with Many(shipped) as many:
        label = gzip.compress(json.dumps({"receipt": "x", "label": 1}).encode(), mtime=0)
        for method, path, body, headers in (
            ("POST", "/labels", label, {"content-encoding": "gzip"}),
            ("POST", "/labels", b"{", {"expect": "100-continue"}),
            ("HEAD", "/status", None, {}),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", many.port, timeout=30)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (400, 405), (method, path, answer.status)
            connection.close()


def test_what_a_worker_refuses_is_counted_as_abuse(shipped: Tiny) -> None:
    with Many(shipped) as many:
        assert many.post("/decide", {"row": {}, "more": 1})[0] == 400

        def events() -> Any:
            return many.status()["abuse"]["events"]

        wait_until(lambda: bool(events()))
        assert set(events()) == {"malformed"}  # how many is not told while they are few


@contextmanager
def started(tiny: Tiny) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The supervisor as a process of its own, on a free port."""
    clock = tiny.at / "clock"
    SharedClock(clock, tiny.clock())
    command = [sys.executable, "-m", "tests.runtime.child", str(clock), str(tiny.workspace.root)]
    command += [str(tiny.workspace.home), "0", "--workers=2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline()
            yield process, int(said.strip().rpartition(":")[2])
        finally:
            process.kill()


def below(pid: int) -> list[int]:
    """Return the processes that one has started, and theirs."""
    told = [task.joinpath("children").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [each for children in told for child in children for each in (int(child), *below(int(child)))]


def test_a_supervisor_that_is_told_to_leave_answers_what_it_has_taken(rolling: Tiny) -> None:
    with started(rolling) as (process, port):
        answers: Counter[int] = Counter()
        asked = json.dumps({"row": claim()}).encode()

        def load() -> None:
            """Ask on one connection until it is said to be over."""
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            while True:
                connection.request("POST", "/decide", asked)
                answer = connection.getresponse()
                answer.read()
                answers[answer.status] += 1
                if answer.getheader("connection") == "close":
                    connection.close()
                    return

        callers = [threading.Thread(target=load) for _ in range(4)]
        for one in callers:
            one.start()
        wait_until(lambda: answers[200] > 20)
        process.terminate()
        for one in callers:
            one.join(60)
        assert set(answers) == {200}
        assert process.wait(60) == 0
    store = rolling.workspace.store()
    try:
        assert (
            sum(one.n for one in store.windows("2", 0, 1 << 40) if one.segment == "*" and one.tenant == "*")
            == (answers[200])
        )
    finally:
        store.close()


def test_when_the_supervisor_is_killed_nothing_of_it_stays(shipped: Tiny) -> None:
    with started(shipped) as (process, port):
        assert ask(port, "GET", "/v2/health/ready")[0] == 200
        children = below(process.pid)
        assert len(children) == 4  # control process, two workers, one model
        process.kill()
        process.wait()
        wait_until(lambda: not any(Path(f"/proc/{one}").exists() for one in children))
