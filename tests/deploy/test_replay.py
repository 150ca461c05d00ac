"""A candidate that fails costs no request."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import msgspec
import pytest

from shipworthy.deploy.http.client import Pool
from shipworthy.facts import NORMAL, Decider, Posture
from tests.deploy.kit import ALL, State, broken, eventually, release, running, score_of_amount, upside_down


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (broken, "status 500"),
        (lambda rows: b"not what was asked", "body"),
        (lambda rows: {"scores": []}, "body"),
        (lambda rows: {"scores": [0.5, 0.5]}, "body"),
        (lambda rows: {"scores": ["0.5"]}, "body"),
        (lambda rows: {"scores": [None]}, "score"),
        (lambda rows: {"scores": [1.5]}, "score"),
        (lambda rows: {"scores": [-0.1]}, "score"),
        (lambda rows: {"scores": [0.5], "decisions": []}, "body"),
    ],
)
def test_a_candidate_that_fails_is_replayed_on_the_baseline(candidate: Any, reason: str) -> None:
    state = State(routes=ALL)
    with running(state, {"1": score_of_amount, "2": candidate}) as site:
        status, reply, headers = site.decide(amount=100)
        assert status == 200
        assert (reply["decision"], reply["arm"], headers["x-shipworthy-arm"]) == ("deny", "baseline", "baseline")
        [event] = state.told.events
        assert (event.replayed, event.failed, event.version, event.arm) == (True, False, "1", "baseline")
        [(version, told)] = state.told.failures
        assert version == "2"
        assert told.startswith(reason)


def test_a_candidate_that_hangs_is_replayed_within_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    state = State(routes=ALL)
    with running(state, {"1": score_of_amount}, {v: release(v) for v in "12"}, deadline_s=1.5) as site:
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(silent, "127.0.0.1", 0), site.loop).result(5)
        site.servers["2"] = server
        site.pools["2"] = Pool("127.0.0.1", server.sockets[0].getsockname()[1])
        site.gateway.wiring.upstreams["2"] = site.pools["2"]  # type: ignore[index]
        assert site.decide(amount=100)[1]["arm"] == "baseline"
        assert state.told.failures == [("2", "timeout")]


def test_an_open_circuit_closes_when_the_health_check_passes() -> None:
    sick = [True]

    def recovering(rows: Any) -> Any:
        return broken(rows) if sick[0] else upside_down(rows)

    state = State(routes=ALL)
    with running(state, {"1": score_of_amount, "2": recovering}, circuit_check_every_s=0.3) as site:
        for _ in range(5):
            assert site.decide(amount=100)[0] == 200
        before = len(state.told.failures)
        assert site.gateway.decider.circuits.open("2")
        assert site.decide(amount=100)[1]["arm"] == "baseline"
        assert len(state.told.failures) == before == 5
        sick[0] = False
        assert eventually(lambda: not site.gateway.decider.circuits.open("2"))
        assert site.decide(amount=100)[1]["arm"] == "candidate"


@pytest.mark.parametrize(("fallback", "status"), [("human_review", 200), ("refuse", 503), ("baseline", 503)])
def test_when_both_fail_a_person_decides_or_nobody_does(fallback: str, status: int) -> None:
    state = State(routes=ALL)
    releases = {version: release(version, fallback=fallback) for version in "12"}
    with running(state, {"1": broken, "2": broken}, releases) as site:
        got, reply, _ = site.decide(amount=100)
        assert got == status
        assert len(state.told.reviews) == (status == 200)
        [event] = state.told.events
        assert (event.failed, event.route) == (True, "person" if status == 200 else "refused")
        assert ("error" in reply) == (status == 503)


def test_a_candidate_that_is_closed_while_it_is_asked_does_not_answer() -> None:
    state = State(routes=ALL)

    def closes(rows: Any) -> Any:
        state.closed = frozenset({"2"})
        return upside_down(rows)

    with running(state, {"1": score_of_amount, "2": closes}) as site:
        status, reply, _ = site.decide(amount=100)
        assert (status, reply["arm"], reply["decision"]) == (200, "baseline", "deny")
        assert [event.version for event in state.told.events] == ["1"]


def test_an_order_on_the_candidate_still_holds_for_its_replay() -> None:
    person = Posture(decider=Decider.PERSON)
    state = State(routes=ALL, postures=lambda version, tenant, keys: person if version == "2" else NORMAL)
    with running(state, {"1": score_of_amount, "2": broken}) as site:
        reply = site.decide(amount=900)[1]
        assert (reply["arm"], reply["route"]) == ("baseline", "person")
        assert state.told.reviews[0].suggestion == "approve"


def test_an_order_that_comes_while_the_model_is_asked_holds_for_the_answer() -> None:
    state, epoch = State(), [7]

    def ordered(rows: Any) -> Any:
        if epoch[0] == 7:
            state.postures = lambda version, tenant, keys: Posture(decider=Decider.PERSON)
            epoch[0] = 8
        return score_of_amount(rows)

    with running(state, {"1": ordered}, epoch=lambda: epoch[0]) as site:
        reply = site.decide(amount=900)[1]
        assert (reply["route"], reply["epoch"]) == ("person", 8)
        assert len(state.told.events) == 1


@pytest.mark.parametrize(("fallback", "status"), [("human_review", 200), ("refuse", 503)])
def test_no_machine_answers_while_the_state_never_stands_still(fallback: str, status: int) -> None:
    epochs = itertools.count()
    state, releases = State(), {"1": release("1", fallback=fallback)}
    with running(state, {"1": score_of_amount}, releases, epoch=lambda: next(epochs)) as site:
        got, reply, _ = site.decide(amount=900)
        assert got == status
        assert reply.get("route", "refused") != "machine"
        assert state.told.events[0].route != "machine"


def test_what_an_open_circuit_keeps_from_a_dead_candidate_counts_as_failed_by_it() -> None:
    state = State(routes=ALL)
    with running(state, {"1": score_of_amount, "2": broken}, circuit_check_every_s=30.0) as site:
        for _ in range(9):
            assert site.decide(amount=100)[1]["arm"] == "baseline"
        assert len(state.told.failures) == 5  # then nobody asks it any more
        assert [event.replayed for event in state.told.events] == [True] * 9
        state.routes = msgspec.structs.replace(ALL, share_bp=0)
        site.decide(amount=100)  # dealt to the baseline: nobody failed it
        state.routes, state.closed = ALL, frozenset({"2"})
        site.decide(amount=100)  # an order keeps it from the candidate
        assert [event.replayed for event in state.told.events[-2:]] == [False, False]
