"""The promise: a candidate that is killed under load costs no request."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shipworthy.deploy.routing import Routes
from shipworthy.models.child import ModelProcess
from shipworthy.models.spec import OpenSpec
from tests.deploy.kit import KnowsSuppliers, State, release, running, score_of_amount
from tests.models.conftest import COLUMNS, write_model

WORKERS, EACH = 8, 60


@pytest.mark.slow
def test_a_candidate_killed_under_load_fails_no_request(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    process = ModelProcess(folder, OpenSpec(kind="sklearn", encoding="encoding.json"), COLUMNS, tmp_path / "log")
    process.start()
    half = Routes(baseline="1", candidate="2", share_bp=5_000, tenants=("*",), salt="s")
    state = State(routes=half)
    releases = {"1": release("1"), "2": release("2", columns=COLUMNS, scorer=KnowsSuppliers())}
    try:
        with running(state, {"1": score_of_amount}, releases, {"2": process.port}) as site:
            answers = load(site.port, after=WORKERS * EACH // 3, kill=lambda: os.kill(process.pid, signal.SIGKILL))
    finally:
        process.stop()
    assert Counter(status for status, _ in answers) == {200: WORKERS * EACH}
    assert len(state.told.events) == WORKERS * EACH
    arms = Counter(event.arm for event in state.told.events)
    replayed = [event for event in state.told.events if event.replayed]
    assert arms["candidate"] > 20  # it did serve
    assert replayed  # and it did die with requests in its hands
    assert {version for version, _ in state.told.failures} == {"2"}
    assert all(reply["arm"] in ("candidate", "baseline") for _, reply in answers)


def load(port: int, after: int, kill: Any) -> list[tuple[int, Any]]:
    """Ask from several threads at once over kept-alive connections; kill once `after` answers have come."""
    answers: list[tuple[int, Any]] = []
    once = threading.Lock()

    def ask(worker: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for i in range(EACH):
            row = {"tenant": "acme", "claim": f"{worker}-{i}", "amount": 0.4, "urgent": True, "supplier": "P01"}
            connection.request("POST", "/decide", json.dumps({"row": row}))
            response = connection.getresponse()
            answers.append((response.status, json.loads(response.read())))
            if len(answers) >= after and once.acquire(blocking=False):
                kill()
        connection.close()

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
