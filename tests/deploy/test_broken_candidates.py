"""The promise, way by way: however a candidate breaks under load, no request is lost and the replays are told."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections import Counter
from typing import Any

import pytest

from shipworthy.deploy.routing import Routes
from tests.deploy.kit import State, release, running, score_of_amount
from tests.deploy.raw import WAYS, Handler, good, raw

CALLERS, EACH, HEALTHY = 6, 12, 8
HALF = Routes(baseline="1", candidate="2", share_bp=5_000, tenants=("*",), salt="s")


def breaks_after(handler: Handler, healthy: int) -> Handler:
    """Answer as one should so many times, then break for good."""

    async def answers(writer: asyncio.StreamWriter, number: int) -> None:
        await (good if number < healthy else handler)(writer, number)

    return answers


def load(port: int) -> list[tuple[int, dict[str, Any]]]:
    """Ask from several callers at once."""
    answers: list[tuple[int, dict[str, Any]]] = []

    def ask(caller: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for i in range(EACH):
            row = {"tenant": "acme", "claim": f"{caller}-{i}", "amount": 400, "supplier": "P01"}
            connection.request("POST", "/decide", json.dumps({"row": row}))
            response = connection.getresponse()
            answers.append((response.status, json.loads(response.read())))
        connection.close()

    threads = [threading.Thread(target=ask, args=(caller,)) for caller in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize("way", WAYS)
def test_a_candidate_that_breaks_under_load_loses_nothing(way: str) -> None:
    handler, reason = WAYS[way]
    state = State(routes=HALF)
    releases = {version: release(version) for version in "12"}
    deadline_s = 1.0 if reason == "timeout" else 10.0
    with (
        raw(breaks_after(handler, HEALTHY)) as candidate,
        running(state, {"1": score_of_amount}, releases, {"2": candidate.port}, deadline_s=deadline_s) as site,
    ):
        answers = load(site.port)
        circuits = site.gateway.decider.circuits
    assert Counter(status for status, _ in answers) == {200: CALLERS * EACH}
    events = state.told.events
    assert len(events) == CALLERS * EACH
    assert Counter(event.arm for event in events)["candidate"] == HEALTHY
    replayed = [event for event in events if event.replayed]
    assert len(replayed) >= len(state.told.failures) >= 5  # each failure rescued one, and the open circuit the others
    assert {version for version, _ in state.told.failures} == {"2"}
    assert all(told.startswith(reason) for _, told in state.told.failures)
    assert circuits.openings == {"2": 1}
    assert not any(event.failed for event in events)
    assert {event.score for event in events if event.arm == "baseline"} == {0.4}
