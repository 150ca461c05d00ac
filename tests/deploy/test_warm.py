"""Every loaded version is kept warm, and the gateway is ready only while its baseline answers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from shipworthy.deploy.http.warm import Warm
from tests.deploy.kit import ALL, Site, State, eventually, release, running, score_of_amount, upside_down
from tests.deploy.raw import answer, hung, raw

ROW = {"amount": 250, "supplier": "P01"}


def start(site: Site, silent_s: float = 5.0) -> Warm:
    async def begin() -> Warm:
        warm = site.gateway.warm = Warm(site.gateway.decider, silent_s)
        warm.start()
        return warm

    return asyncio.run_coroutine_threadsafe(begin(), site.loop).result(10)


def told(site: Site) -> dict[str, dict[str, Any]]:
    async def now() -> dict[str, dict[str, Any]]:
        return site.gateway.warm.told()

    return asyncio.run_coroutine_threadsafe(now(), site.loop).result(10)


def test_idle_versions_score_a_row_of_the_reference_and_nobody_counts_it() -> None:
    asked: list[Any] = []

    def scoring(rows: Any) -> Any:
        asked.append(rows)
        return score_of_amount(rows)

    state = State(routes=ALL)
    models = {"1": scoring, "2": scoring}
    with running(state, models, warm_row=lambda version: ROW, warm_every_s=0.02) as site:
        start(site)
        assert eventually(lambda: len(asked) >= 6)
        assert asked[0] == [[250, "P01"]]
        assert all(one["ready"] and one["trouble"] == "" for one in told(site).values())
        assert site.ask("GET", "/v2/health/ready")[0] == 200
    world = state.told
    assert [len(world.events), len(world.shadows), len(world.failures)] == [0, 0, 0]


def test_a_version_that_callers_ask_is_not_probed() -> None:
    asked: list[Any] = []

    def scoring(rows: Any) -> Any:
        asked.append(rows[0][0])
        return score_of_amount(rows)

    with running(State(), {"1": scoring}, warm_row=lambda version: ROW, warm_every_s=0.2) as site:
        site.decide(amount=1)
        start(site)
        assert eventually(lambda: site.gateway.decider.heard == set())
        assert told(site)["1"]["ready"]
        assert asked == [1]


def test_the_gateway_is_not_ready_while_its_baseline_does_not_answer() -> None:
    well = [False]

    async def sometimes(writer: asyncio.StreamWriter, number: int) -> None:
        if not well[0]:
            await hung(writer, number)
        writer.write(answer())

    with (
        raw(sometimes) as upstream,
        running(State(), {}, {"1": release()}, {"1": upstream.port}, deadline_s=0.1, warm_every_s=0.02) as site,
    ):
        assert site.ask("GET", "/v2/health/ready")[0] == 200  # nobody judges yet
        start(site, silent_s=0.3)
        assert eventually(lambda: told(site)["1"]["trouble"] == "its health check fails")
        assert site.ask("GET", "/v2/health/ready")[0] == 503
        assert told(site)["1"] == {"ready": False, "silent_s": None, "trouble": "its health check fails"}
        well[0] = True
        assert eventually(lambda: site.ask("GET", "/v2/health/ready")[0] == 200)
        well[0] = False
        assert eventually(lambda: site.ask("GET", "/v2/health/ready")[0] == 503)
        assert told(site)["1"]["silent_s"] > 0.3


def test_a_model_that_is_healthy_and_cannot_score_is_not_ready() -> None:
    def broken(rows: Any) -> Any:
        raise RuntimeError("no")

    with running(State(), {"1": broken}, warm_row=lambda version: ROW, warm_every_s=0.02) as site:
        start(site)
        assert eventually(lambda: told(site)["1"]["trouble"] == "status 500")
        assert site.ask("GET", "/v2/health/ready")[0] == 503


def test_a_candidate_that_is_silent_does_not_unready_the_gateway() -> None:
    with (
        raw(hung) as candidate,
        running(
            State(routes=ALL), {"1": score_of_amount}, {v: release(v) for v in "12"}, {"2": candidate.port},
            deadline_s=0.1, warm_row=lambda version: ROW, warm_every_s=0.02,
        ) as site,
    ):  # fmt: skip
        start(site, silent_s=0.3)
        assert eventually(lambda: told(site)["2"]["trouble"] != "" and told(site)["1"]["silent_s"] is not None)
        assert not told(site)["2"]["ready"]
        assert site.ask("GET", "/v2/health/ready")[0] == 200


def test_a_model_with_side_effects_is_asked_for_its_health_only() -> None:
    asked: list[Any] = []

    def acting(rows: Any) -> Any:
        asked.append(rows)
        return upside_down(rows)

    releases = {"1": release(idempotent=False)}
    with running(State(), {"1": acting}, releases, warm_row=lambda version: ROW, warm_every_s=0.01) as site:
        start(site)
        assert eventually(lambda: told(site)["1"]["silent_s"] is not None)
        time.sleep(0.05)
        assert asked == []
