"""Four workers under load: once all of them have acknowledged a kill, no answer of the killed version is given."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from shipworthy.facts import Named
from shipworthy.flows import ledger
from shipworthy.flows.kill_local import kill_local
from shipworthy.flows.tighten import record, trip
from shipworthy.store.replicas import acknowledged
from tests.flows.tiny import Tiny
from tests.runtime.many import Many
from tests.runtime.served import ask, claim, wait_until

WITHIN_S = 20.0  # a bound for a machine that does other things, no measure
MOST = 4_000


@pytest.mark.parametrize("control", [True, False])
def test_no_answer_of_a_killed_version_is_given_once_all_replicas_have_acknowledged(
    rolling: Tiny, control: bool, tmp_path: Path
) -> None:
    with Many(rolling, workers=4) as many:
        answers: list[tuple[int, int, str, int]] = []  # sent at, status, version, epoch
        over = threading.Event()

        def load() -> None:
            while not over.is_set() and len(answers) < MOST:
                sent_ns = time.monotonic_ns()
                status, told = ask(many.port, "POST", "/decide", {"row": claim()})
                answers.append((sent_ns, status, told["version"], told["epoch"]))

        callers = [threading.Thread(target=load) for _ in range(4)]
        for one in callers:
            one.start()
        wait_until(lambda: len(answers) > 20)
        before = 0 if control else many.kill("control")
        here = many.workspace
        if control:
            tripped = trip(here, rolling.scope(version="2"), Named.KILLED, "odd", "ana")
            held, epoch, since_ns = tripped
        else:
            held, epoch, since_ns = kill_local(here.home, rolling.scope(version="2"), "odd", "ana", here.clock())
        found = acknowledged(here.home, epoch, since_ns, WITHIN_S)
        all_ns = time.monotonic_ns()
        assert [(one.name, one.state) for one in found] == [(f"worker-{n}", "answers") for n in range(4)]
        n = len(answers)
        wait_until(lambda: len(answers) > n + 40)
        over.set()
        for one in callers:
            one.join()
        assert {status for _, status, _, _ in answers} == {200}
        assert {version for sent_ns, _, version, _ in answers if sent_ns > all_ns} == {"1"}
        assert {version for _, _, version, told in answers if told >= epoch} == {"1"}
        if control:
            assert record(here, tripped, found) == ""
        else:
            many.until_back("control", before)
            wait_until(lambda: not here.state_files().unreconciled())
    ordered = [entry.body["held"]["order"]["id"] for entry in rolling.entries() if entry.kind == "respond.ordered"]
    assert ordered == [held.order.id]
    assert ledger.replay(rolling.workspace).same
