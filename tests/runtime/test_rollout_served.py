"""A rollout by halves, served for real: both arms are compared from windows, over restarts, and others may ask."""

from __future__ import annotations

import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from shipworthy.flows import rollout
from shipworthy.flows.keys import make_token
from shipworthy.testing.clock import HandClock
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, wait_until

pytestmark = pytest.mark.slow
PAGE = "/rollouts/tiny-triage/analysis?revision=2"
FAILED = {"name": "tiny", "namespace": "test", "phase": "Failed", "checksum": "1", "metadata": {"revision": "2"}}


@pytest.fixture(scope="module")
def _halved(_shipped: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Version 2 shipped and its rollout started: half of acme's units, then half of everybody's."""
    tiny = _shipped.copy(tmp_path_factory.mktemp("halved") / "tiny")
    tiny.clock.advance(3600)
    for tenants in ("[acme]", '["*"]'):
        plain = f"share: 100, tenants: {tenants}, min_samples: 20"  # a busy machine is slow, and not by the version
        tiny.edit("shipworthy.yaml", plain, f"share: 50, tenants: {tenants}, min_samples: 5000")
    tiny.release("2", slope=0.51)
    tiny.ship()
    tiny.start("2")
    return tiny


@pytest.fixture
def halved(_halved: Tiny, tmp_path: Path) -> Tiny:
    """Return a copy, at its own time."""
    copied = _halved.copy(tmp_path / "site")
    copied.clock = HandClock(_halved.clock())
    return copied


def play(served: Served, n: int, first: int = 0) -> tuple[int, int]:
    """Ask n times with units of their own; return how many each arm answered."""
    arms = [served.decide(visit=f"v-{at}")["arm"] for at in range(first, first + n)]
    return arms.count("candidate"), arms.count("baseline")


def tell(served: Served) -> dict[str, Any]:
    """Let a minute pass and be judged; return what the stage has shown."""
    served.keep_up(minutes=1)
    served.keep_up()
    stage: dict[str, Any] = served.status()["stage"]
    return stage


def compared(stage: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in stage["compared"] if one["slo"] == f"compare:{name}")


def post(served: Served, path: str, body: object, token: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    connection.request("POST", path, json.dumps(body), headers)
    answered = connection.getresponse()
    told = answered.status, json.loads(answered.read())
    connection.close()
    return told


def test_both_arms_are_counted_from_windows_and_survive_a_restart(halved: Tiny) -> None:
    with Served(halved) as served:
        ours, theirs = play(served, 60)
        stage = tell(served)
        assert stage["samples"] == ours
        assert ours > 10 < theirs
        errors = compared(stage, "errors")
        assert (errors["outcome"], errors["needs_n"] > 100) == ("undecided", True)
        assert f"of {ours}, baseline 0.00% of {theirs}" in errors["because"]
        assert served.get(PAGE)[1]["data"]["verdict"] == "inconclusive"
        text = served.site.metrics()
        assert f"{ours}.0" in str([one for one in text if one.name.endswith("rollout_samples")])
    with Served(halved) as served:
        served.until_served("2")
        assert tell(served)["samples"] == ours
        more, others = play(served, 20, first=100)
        stage = tell(served)
        assert stage["samples"] == ours + more
        assert f"of {theirs + others}" in compared(stage, "errors")["because"]
    kept = rollout.standing(halved.workspace)
    assert (kept.word, kept.stage, kept.stages) == ("inconclusive", "acme", 2)
    assert kept.verdict is not None
    assert kept.verdict.samples == ours + more


def test_a_candidate_that_dies_rolls_back_by_the_attempts_it_failed(halved: Tiny) -> None:
    with Served(halved) as served:
        play(served, 30)
        os.killpg(served.status()["pids"]["2"], signal.SIGKILL)
        ours, theirs = play(served, 60, first=30)
        assert theirs == 60 - ours  # nobody lost anything
        tell(served)
        assert served.status()["state"]["rollout"]["status"] == "aborted"
        because = str(halved.entries()[-1].body["because"])
        assert because.startswith("compare:errors on * breached: candidate")
        assert "baseline 0.00%" in because
        assert served.get(PAGE)[1]["data"]["verdict"] == "fail"
        assert served.post("/hooks/flagger/rollback", {"metadata": {"revision": "2"}})[0] == 200


def test_the_pages_for_others_ask_for_what_they_need_and_never_pass_the_unknown(halved: Tiny) -> None:
    with Served(halved) as served:
        status, told = served.get(PAGE)
        assert (status, told["data"]["verdict"], told["data"]["samples"]) == (200, "inconclusive", 0)
        assert served.get("/rollouts/other/analysis")[0] == 404
        assert served.get("/rollouts/tiny-triage/other")[0] == 404
        assert served.get("/rollouts/tiny-triage/analysis?revision=%ff")[0] == 404
        assert served.post(PAGE, {})[0] == 405
        assert served.get("/hooks/flagger/rollback")[0] == 405
        assert post(served, "/hooks/flagger/approve", {})[0] == 404
        assert post(served, "/hooks/flagger/rollback", [])[0] == 400
        assert post(served, "/hooks/flagger/rollback", {})[0] == 409
        status, told = post(served, "/hooks/flagger/confirm-rollout", {})
        assert (status, "is running" in told["reason"]) == (200, True)
        assert post(served, "/hooks/flagger/rollback", {"name": "x" * (64 << 10)})[0] == 413


def test_a_hook_that_acts_needs_a_token_of_its_scope_and_a_site_with_tokens_asks_readers_too(halved: Tiny) -> None:
    with Served(halved) as served:
        status, told = post(served, "/hooks/flagger/event", FAILED)
        assert (status, "nothing was done" in told["reason"]) == (200, True)
        reader, _ = make_token(halved.workspace, "read", "1d")
        ours, _ = make_token(halved.workspace, "rollout", "1d")
        assert "nothing was done" in post(served, "/hooks/flagger/event", FAILED, reader)[1]["reason"]
        assert served.get(PAGE)[0] == 401
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        connection.request("GET", PAGE, headers={"authorization": f"Bearer {reader}"})
        assert connection.getresponse().status == 200
        connection.close()
        assert "nothing was done" in post(served, "/hooks/flagger/event", FAILED, "swt_guessed")[1]["reason"]
        assert set(served.status()["abuse"]["events"]) == {"bad_token"}  # few are not numbered
        assert halved.rollout().status == "running"
        status, told = post(served, "/hooks/flagger/event", FAILED, ours)
        assert (status, told["reason"].endswith("is aborted")) == (200, True)
        assert halved.rollout().status == "aborted"
        assert "nothing was done" in post(served, "/hooks/flagger/event", FAILED, ours)[1]["reason"]
        assert halved.kinds().count("deploy.aborted") == 1


def test_a_held_rollout_is_judged_on_and_may_go_on_or_end(halved: Tiny) -> None:
    with Served(halved) as served:
        play(served, 30)
        rollout.hold(halved.workspace, "ana")
        served.keep_up()
        stage = tell(served)
        assert (stage["rollout"]["status"], stage["samples"] > 0) == ("held", True)
        assert served.get(PAGE)[1]["data"]["verdict"] == "inconclusive"
        os.killpg(served.status()["pids"]["2"], signal.SIGKILL)
        play(served, 60, first=30)
        tell(served)
        wait_until(lambda: halved.rollout().status == "aborted")
