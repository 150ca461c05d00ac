"""Candidates with too much in hand, baselines with too much to do, and models that must not be asked twice."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from shipworthy.deploy.http.client import Pool
from shipworthy.deploy.http.drills import drill_token, with_drills
from shipworthy.deploy.http.keys import everybody
from shipworthy.deploy.http.retry import RESERVE
from shipworthy.deploy.routing import Routes
from shipworthy.facts import DRILL_TENANT
from tests.deploy.kit import ALL, Site, State, broken, eventually, release, running, score_of_amount
from tests.deploy.raw import answer, good, hung, raw

LITTLE = Routes(baseline="1", candidate="2", share_bp=600, tenants=("acme",), salt="s")
BOTH = {version: release(version) for version in "12"}


def many(site: Site, n: int, tenant: str = "acme", **headers: str) -> list[tuple[int, Any, dict[str, str]]]:
    """Ask n times at once; the units differ."""
    answers: list[tuple[int, Any, dict[str, str]]] = []

    def one(number: int) -> None:
        row = {"tenant": tenant, "supplier": "P01", "amount": 400, "claim": f"c-{number}"}
        answers.append(site.ask("POST", "/decide", {"row": row}, **headers))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_slow_candidate_over_its_cap_is_left_alone_and_the_baseline_answers_at_once() -> None:
    async def slow(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.3)
        writer.write(answer())

    state = State(routes=ALL)
    with (
        raw(slow) as candidate,
        running(state, {"1": score_of_amount}, BOTH, {"2": candidate.port}) as site,
    ):
        site.gateway.decider.shed.__init__(0.8, 4)  # type: ignore[misc]
        answers = many(site, 12)
        shed = site.gateway.decider.shed.told()
    assert [status for status, _, _ in answers] == [200] * 12
    assert candidate.most_asked <= 4
    moved = [event for event in state.told.events if event.arm == "baseline"]
    assert shed["moved"] == len(moved) > 0
    assert not any(event.replayed for event in moved)
    assert state.told.failures == []


def queue(site: Site, seconds: float) -> None:
    """Let the baseline's queue look that old."""
    site.gateway.decider.queued_s = lambda: seconds  # type: ignore[method-assign]


def test_batch_is_refused_before_interactive_and_hears_when_to_come_back() -> None:
    tensors = [
        {"name": "tenant", "shape": [2], "datatype": "BYTES", "data": ["acme", "acme"]},
        {"name": "amount", "shape": [2], "datatype": "FP64", "data": [100.0, 200.0]},
        {"name": "supplier", "shape": [2], "datatype": "BYTES", "data": ["P01", "P01"]},
    ]
    state = State()
    with running(state, {"1": score_of_amount}) as site:  # the budget is 40 % of 5 s
        infer = {"inputs": tensors}
        path = "/v2/models/claims/infer"
        assert site.ask("POST", path, infer)[0] == 200
        queue(site, 1.5)
        status, told, headers = site.ask("POST", path, infer)
        assert (status, headers["retry-after"]) == (503, "2")
        assert "batch" in told["error"]
        row = {"row": {"tenant": "acme", "supplier": "P01", "amount": 100}}
        assert site.ask("POST", "/decide", row, x_shipworthy_priority="batch")[0] == 503
        assert site.ask("POST", "/decide", row, x_shipworthy_priority="interactive")[0] == 200
        assert site.ask("POST", "/decide", row)[0] == 200
        queue(site, 2.1)
        status, told, headers = site.ask("POST", "/decide", row)
        assert (status, headers["retry-after"]) == (503, "3")
        assert "interactive" in told["error"]
        assert site.gateway.decider.shed.told()["batch"] == 2
    assert len(state.told.events) == 4  # what is refused is no decision


def test_a_baseline_whose_queue_is_old_refuses_newcomers_and_serves_those_it_has() -> None:
    async def slow(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.2)
        writer.write(answer())

    state = State()
    with raw(slow) as baseline, running(state, {}, {"1": release()}, {"1": baseline.port}, deadline_s=1.0) as site:
        site.gateway.decider.shed.budget_s = 0.1

        async def narrow() -> None:
            pool = site.pools["1"] = Pool("127.0.0.1", baseline.port, cap=1)
            site.gateway.wiring.upstreams["1"] = pool  # type: ignore[index]

        asyncio.run_coroutine_threadsafe(narrow(), site.loop).result(10)
        threads = [threading.Thread(target=many, args=(site, 1)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.15)
        late = many(site, 3)
        for thread in threads:
            thread.join()
    assert 503 in {status for status, _, _ in late}
    assert all("retry-after" in headers for status, _, headers in late if status == 503)
    assert [event.failed for event in state.told.events].count(False) >= 4


def test_shadow_work_is_not_begun_while_anybody_waits() -> None:
    state = State(routes=Routes(baseline="1", candidate="2", share_bp=0, tenants=("acme",)), shadow=("*",))
    with running(state, {"1": score_of_amount, "2": score_of_amount}) as site:
        queue(site, 0.01)
        site.decide(amount=100)
        assert eventually(lambda: site.gateway.decider.shed.told()["shadow"] == 1)
        queue(site, 0.0)
        site.decide(amount=100)
        assert eventually(lambda: len(state.told.shadows) == 1)


@pytest.mark.parametrize(("fallback", "status"), [("refuse", 503), ("human_review", 200)])
def test_a_model_with_side_effects_is_not_replayed(fallback: str, status: int) -> None:
    state = State(routes=ALL)
    releases = {version: release(version, fallback=fallback, idempotent=False) for version in "12"}
    asked: list[Any] = []

    def baseline(rows: Any) -> Any:
        asked.append(rows)
        return score_of_amount(rows)

    with running(state, {"1": baseline, "2": broken}, releases) as site:
        got, reply, _ = site.decide(amount=900)
        assert got == status
        assert reply.get("route", "refused") != "machine"
    [event] = state.told.events
    assert (event.replayed, event.failed) == (False, True)
    assert asked == []


def test_what_was_never_sent_may_be_asked_elsewhere_whatever_it_does() -> None:
    state = State(routes=ALL)
    releases = {version: release(version, idempotent=False) for version in "12"}
    with raw(good) as gone:
        port = gone.port
    with running(state, {"1": score_of_amount}, releases, {"2": port}) as site:
        assert site.decide(amount=900)[1]["arm"] == "baseline"
    assert state.told.failures[0][1].startswith("connect")


def test_a_model_with_side_effects_is_not_asked_again_when_an_order_comes() -> None:
    epoch, asked = [7], []

    def ordered(rows: Any) -> Any:
        asked.append(rows)
        epoch[0] += 1
        return score_of_amount(rows)

    state = State()
    with running(state, {"1": ordered}, {"1": release(idempotent=False)}, epoch=lambda: epoch[0]) as site:
        assert site.decide(amount=900)[0] == 503
    assert len(asked) == 1


def test_a_model_with_side_effects_is_not_shadowed() -> None:
    state = State(routes=Routes(baseline="1", candidate="2", share_bp=0, tenants=("acme",)), shadow=("*",))
    releases = {"1": release("1"), "2": release("2", idempotent=False)}
    asked: list[Any] = []

    def candidate(rows: Any) -> Any:
        asked.append(rows)
        return score_of_amount(rows)

    with running(state, {"1": score_of_amount, "2": candidate}, releases) as site:
        site.decide(amount=900)
        time.sleep(0.05)
    assert asked == []


@pytest.mark.parametrize(("broken_times", "status", "idempotent"), [(1, 200, True), (3, 200, True), (1, 503, False)])
def test_a_baseline_whose_connections_break_unheard_is_asked_again_a_few_times(
    broken_times: int, status: int, idempotent: bool
) -> None:
    async def breaks(writer: asyncio.StreamWriter, number: int) -> None:
        if number < broken_times:
            writer.transport.abort()
        else:
            writer.write(answer())

    state = State()
    with (
        raw(breaks) as baseline,
        running(state, {}, {"1": release(idempotent=idempotent)}, {"1": baseline.port}) as site,
    ):
        assert site.decide(amount=1)[0] == status
    assert [why for _, why in state.told.failures] == ["reset"] * broken_times


def test_a_baseline_that_was_heard_is_not_asked_again() -> None:
    async def heard(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(answer(length=500))
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.transport.abort()

    state = State()
    with raw(heard) as baseline, running(state, {}, {"1": release()}, {"1": baseline.port}) as site:
        assert site.decide(amount=1)[0] == 503
    assert baseline.requests == 1


def test_retries_at_a_dead_baseline_stay_within_their_budget() -> None:
    state = State()
    with raw(good) as gone:
        port = gone.port
    with running(state, {}, {"1": release()}, {"1": port}) as site:
        many(site, 40)
        assert site.gateway.decider.circuits.openings == {}
    assert len(state.told.failures) <= 40 + 10 + 0.1 * 40


DRILL_KEY = bytes(range(32))
AS_DRILL = {"x-shipworthy-drill": drill_token(DRILL_KEY, "DRL-2027-0001", 60)}
DRILLS = with_drills(everybody, DRILL_KEY, lambda: 0.0)


def test_drills_at_a_dead_baseline_report_no_failure_and_spend_no_retry_of_others() -> None:
    state = State()
    with raw(good) as gone:
        port = gone.port
    with running(state, {}, {"1": release()}, {"1": port}, caller=DRILLS) as site:
        assert {status for status, _, _ in many(site, 20, DRILL_TENANT, **AS_DRILL)} == {503}
        decider = site.gateway.decider
        assert decider.account("acme").retries.tokens == RESERVE
        assert decider.account(DRILL_TENANT).retries.tokens < RESERVE
    assert state.told.failures == []


def test_drills_take_no_room_of_the_candidate_and_are_scored_in_no_shadow() -> None:
    async def slow(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.3)
        writer.write(answer())

    state = State(routes=ALL, shadow=("*",))
    with (
        raw(slow) as candidate,
        running(state, {"1": score_of_amount}, BOTH, {"2": candidate.port}, caller=DRILLS) as site,
    ):
        decider = site.gateway.decider
        decider.rehearsed.shed.__init__(0.8, 4)  # type: ignore[misc]
        drilling = threading.Thread(target=many, args=(site, 12, DRILL_TENANT), kwargs=AS_DRILL)
        drilling.start()
        assert eventually(lambda: decider.rehearsed.shed.in_hand == 4)
        assert decider.shed.in_hand == 0
        assert site.decide(amount=1)[2]["x-shipworthy-arm"] == "candidate"
        drilling.join()
        assert decider.shed.told()["moved"] == 0
        assert decider.rehearsed.shed.told()["moved"] > 0
        assert decider.shed.told()["shadow"] == 0
    assert {event.tenant for event in state.told.shadows} <= {"acme"}


def test_a_hung_baseline_takes_its_time_and_nobody_else_s() -> None:
    state = State()
    with raw(hung) as baseline, running(state, {}, {"1": release()}, {"1": baseline.port}, deadline_s=0.2) as site:
        assert {status for status, _, _ in many(site, 4)} == {503}
    assert {why for _, why in state.told.failures} == {"timeout"}
    assert len(state.told.failures) == 4
