"""A release under an override is served to whom it was meant for, says so, and is gone when its time is over."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from shipworthy.deploy import plan
from shipworthy.errors import CannotDecide, PolicySaysNo, Unreachable
from shipworthy.facts import Judgement, Outcome
from shipworthy.flows import rollout
from tests.flows.overriding import DAY, let_through
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, claim, served_by, wait_until

ENDED = "govern.override_expired"
UNTIL = "2027-01-06T10:00:00.000000Z"
HEADER = "x-shipworthy-override"


def header(served: Served, **row: Any) -> str | None:
    """Return the override that the headers of a decision name."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        body = json.dumps({"row": claim(**row)}).encode()
        connection.request("POST", "/decide", body, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.getheader(HEADER)
    finally:
        connection.close()


def started(tiny: Tiny, **asked: Any) -> str:
    """Let version 2 through under an override and start its rollout: all of acme in the first stage."""
    name = let_through(tiny, **asked)
    tiny.start("2")
    return name


def test_it_is_served_to_its_tenants_and_every_answer_says_so(blocked: Tiny) -> None:
    name = started(blocked)
    with Served(blocked) as served:
        assert served_by(served.decide(tenant="acme"))[0] == "2"
        assert served_by(served.decide(tenant="birch"))[0] == "1"
        assert header(served) == f"{name}; until={UNTIL}"
        assert header(served, tenant="birch") == header(served)
        assert [name in line for line in served.status()["overrides"]] == [True]


def test_a_tenant_outside_its_scope_gets_the_baseline(blocked: Tiny) -> None:
    started(blocked, tenants=("birch",))  # while the rollout's stage is all of acme
    with Served(blocked) as served:
        assert served_by(served.decide(tenant="acme"))[0] == "1"
        assert served_by(served.decide(tenant="birch"))[0] == "1"


def test_no_more_than_its_share_of_units_gets_it(blocked: Tiny) -> None:
    started(blocked, share_bp=2_000)
    with Served(blocked) as served:
        versions = [served_by(served.decide(visit=f"v-{index}"))[0] for index in range(100)]
    assert 5 <= versions.count("2") <= 40


def test_without_one_no_answer_names_one(shipped: Tiny) -> None:
    with Served(shipped) as served:
        assert header(served) is None


def test_when_its_time_is_over_the_baseline_answers_at_once(blocked: Tiny) -> None:
    started(blocked, lasts_s=DAY)
    with Served(blocked) as served:
        assert served_by(served.decide())[0] == "2"
        blocked.clock.advance(DAY)
        assert served_by(served.decide())[0] == "1"  # before the controller had its round
        assert header(served) is None
        served.keep_up()
        wait_until(lambda: ENDED in blocked.kinds())
        wait_until(lambda: blocked.rollout().status == "aborted")
        served.keep_up()
        assert "2" not in served.site.served
        served.keep_up()
        assert served_by(served.decide())[0] == "1"
    assert blocked.kinds().count(ENDED) == 1
    assert blocked.kinds()[-2:] == [ENDED, "deploy.aborted"]


def test_its_end_holds_while_the_ledger_is_dead_and_is_recorded_when_it_is_back(
    blocked: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(blocked, lasts_s=DAY)
    with Served(blocked) as served:
        served.decide()
        blocked.clock.advance(DAY)
        with monkeypatch.context() as dead:

            def refuses(*_: object) -> None:
                raise Unreachable("the disk is full")

            dead.setattr(served.site.ledger, "append_once", refuses)
            served.keep_up()
            assert served_by(served.decide())[0] == "1"
            assert ENDED not in blocked.kinds()
        served.keep_up()
        served.keep_up()
        wait_until(lambda: blocked.kinds().count(ENDED) == 1)


def test_an_end_while_nobody_served_is_noticed_at_the_next_start(blocked: Tiny) -> None:
    name = started(blocked, lasts_s=DAY)
    blocked.clock.advance(DAY)
    with Served(blocked) as served:
        assert served_by(served.decide())[0] == "1"
        assert "2" not in served.site.served
        served.keep_up()
        wait_until(lambda: blocked.rollout().status == "aborted")
    assert [entry.body["override"] for entry in blocked.entries() if entry.kind == ENDED] == [name]


def test_a_rollout_of_it_does_not_begin_after_its_end(blocked: Tiny) -> None:
    let_through(blocked, lasts_s=DAY)
    blocked.clock.advance(DAY)
    with pytest.raises(CannotDecide, match="ended at"):
        blocked.start("2")


@pytest.mark.parametrize("passed", [True, False])
def test_what_did_not_pass_never_becomes_the_baseline(request: pytest.FixtureRequest, passed: bool) -> None:
    tiny: Tiny = request.getfixturevalue("rolling" if passed else "blocked")
    if not passed:
        started(tiny, tenants=("*",))
    with Served(tiny) as served:
        one, controller = served.site.releases["2"], served.site.controller
        assert one.contract.manifest.rollout is not None
        before = tiny.rollout()
        last = plan.at_stage(one.contract.manifest.rollout.stages, before, 1)
        controller.authority.rollout("ana", "advanced", last, "as if", before)
        served.keep_up()
        controller.judgements["2"] = (met(),)
        controller._roll(tiny.clock())  # the samples of a stage count from when it is first seen
        for index in range(25):
            served.decide(visit=f"v-{index}")
        served.keep_up(1)
        served.keep_up()
        controller.judgements["2"] = (met(),)
        controller._roll(tiny.clock())
        assert tiny.rollout().status == ("completed" if passed else "running")
        assert tiny.state().baseline == ("2" if passed else "1")


def met() -> Judgement:
    """Return a judgement that lets a rollout advance."""
    return Judgement(slo="error_rate", segment="*", outcome=Outcome.MET, because="as if")


def test_people_of_the_shipped_contract_hold_and_abort_it(blocked: Tiny) -> None:
    started(blocked, lasts_s=DAY)
    assert rollout.hold(blocked.workspace, "ana").status == "held"
    with pytest.raises(PolicySaysNo):
        rollout.abort(blocked.workspace, "chidi")
    blocked.clock.advance(2 * DAY)
    assert rollout.abort(blocked.workspace, "ana").status == "aborted"
