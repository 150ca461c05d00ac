"""The gateway over real sockets: what it answers, refuses, replays, queues and tells."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import uvloop

from shipworthy.contract.manifest import ScopeLimit, Throttle
from shipworthy.deploy.http.places import Keys
from shipworthy.deploy.limits import compile_limits
from shipworthy.deploy.receipt import unseal
from shipworthy.deploy.routing import Routes
from shipworthy.deploy.throttle import Throttles
from shipworthy.facts import NORMAL, Decider, Posture, Source
from tests.deploy.kit import (
    ALL,
    KEY,
    NOW,
    State,
    eventually,
    never,
    release,
    running,
    score_of_amount,
    upside_down,
)

BOTH = {"1": score_of_amount, "2": upside_down}


def only(on: tuple[str, ...], posture: Posture) -> Callable[[str, str, Mapping[str, str]], Posture]:
    return lambda version, tenant, keys: posture if version in on else NORMAL


def test_a_decision_leaves_with_its_receipt_and_is_told_before() -> None:
    state = State()
    with running(state, {"1": score_of_amount}) as site:
        status, reply, headers = site.decide(amount=100, claim="c1")
        assert status == 200
        assert (reply["decision"], reply["route"], reply["score"], reply["arm"]) == ("deny", "machine", 0.1, "baseline")
        assert (reply["version"], reply["epoch"], reply["why"]) == ("1", 7, ["to_deny"])
        assert headers["x-shipworthy-arm"] == "baseline"
        assert headers["x-shipworthy-version"] == "1"
        assert headers["x-shipworthy-epoch"] == "7"
        assert headers["x-request-id"] == reply["request"]
        receipt = unseal(KEY, reply["receipt"])
        assert (receipt.request, receipt.tenant, receipt.segments) == (reply["request"], "acme", ("supplier=P01",))
        assert (receipt.minute, receipt.decision, receipt.route) == (int(NOW // 60), "deny", "machine")
        [event] = state.told.events
        assert (event.request, event.score, event.decision) == (reply["request"], 0.1, "deny")


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_both_event_loops_serve(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with running(State(routes=ALL), BOTH, new_loop=new_loop) as site:
        for _ in range(3):
            assert site.decide(amount=100)[1]["arm"] == "candidate"


def test_equal_requests_differ_only_in_receipt_request_epoch_and_time() -> None:
    with running(State(), {"1": score_of_amount}) as site:
        first, second = (site.decide(amount=100, claim="c1")[1] for _ in range(2))
        assert first["request"] != second["request"]
        for reply in (first, second):
            for name in ("receipt", "request", "epoch", "at"):
                del reply[name]
        assert json.dumps(first) == json.dumps(second)


def test_a_chosen_tenant_goes_to_the_candidate_and_no_other() -> None:
    state = State(routes=ALL)
    with running(state, BOTH) as site:
        assert site.decide(amount=100)[1]["arm"] == "candidate"
        assert site.decide(amount=100)[1]["decision"] == "approve"
        assert site.decide(amount=100, tenant="globex")[1]["arm"] == "baseline"
        state.routes = Routes(baseline="1", candidate="2", share_bp=0, tenants=("acme",), salt="s")
        assert site.decide(amount=100)[1]["arm"] == "baseline"


def test_a_unit_stays_on_its_arm() -> None:
    half = Routes(baseline="1", candidate="2", share_bp=5_000, tenants=("acme",), salt="s")
    with running(State(routes=half), BOTH) as site:
        arms = [{site.decide(amount=1, claim=f"c{i}")[1]["arm"] for _ in range(2)} for i in range(30)]
        assert all(len(arm) == 1 for arm in arms)
        assert {arm for one in arms for arm in one} == {"baseline", "candidate"}


def test_a_closed_candidate_leaves_its_share_to_the_baseline() -> None:
    state = State(routes=ALL, closed=frozenset({"2"}))
    with running(state, BOTH) as site:
        assert site.decide(amount=100)[1]["version"] == "1"


def test_a_closed_baseline_does_not_compute() -> None:
    state = State(closed=frozenset({"1"}))
    with running(state, {"1": score_of_amount}) as site:
        reply = site.decide(amount=100)[1]
        assert (reply["route"], reply["score"], reply["decision"]) == ("person", None, "review")


def test_what_a_person_decides_is_durable_before_it_is_promised() -> None:
    state = State(postures=only(("1",), Posture(decider=Decider.PERSON)))
    with running(state, {"1": score_of_amount}) as site:
        status, reply, _ = site.decide(amount=900)
        assert (status, reply["decision"], reply["route"]) == (200, "review", "person")
        [review] = state.told.reviews
        assert (review.suggestion, review.score, review.receipt) == ("approve", 0.9, reply["receipt"])
        assert review.row["amount"] == 900
        state.queue_works = False
        status, reply, _ = site.decide(amount=900)
        assert status == 503
        assert "queue" in reply["error"]
        event = state.told.events[-1]
        assert (event.route, event.decision, event.failed) == ("refused", "", True)


def test_a_posture_of_baseline_moves_the_request_there() -> None:
    state = State(routes=ALL, postures=only(("2",), Posture(source=Source.BASELINE)))
    with running(state, BOTH) as site:
        reply = site.decide(amount=100)[1]
        assert (reply["arm"], reply["decision"]) == ("baseline", "deny")
        assert state.told.failures == []


def test_a_posture_without_a_source_asks_no_model() -> None:
    asked: list[Any] = []

    def watched(rows: Any) -> Any:
        asked.append(rows)
        return score_of_amount(rows)

    state = State(postures=only(("1",), Posture(source=Source.NONE, decider=Decider.NOBODY)))
    with running(state, {"1": watched}) as site:
        status, reply, _ = site.decide(amount=100)
        assert (status, reply["decision"], reply["route"], reply["score"]) == (200, None, "refused", None)
        assert not asked


def test_an_order_on_a_supplier_holds_though_the_model_has_never_seen_it() -> None:
    def on_p73(version: str, tenant: str, keys: Mapping[str, str]) -> Posture:
        return Posture(decider=Decider.PERSON) if keys["supplier"] == "P73" else NORMAL

    state = State(postures=on_p73)
    with running(state, {"1": score_of_amount}, thresholds=lambda version, bucket: None) as site:
        reply = site.decide(amount=900, supplier="P73")[1]
        assert reply["route"] == "person"
        assert "posture:candidate/person" in reply["why"]
        assert state.told.events[0].segments == ("supplier=__unseen__",)


def test_a_scope_limit_turns_a_machine_decision_into_review() -> None:
    limit = ScopeLimit(name="expert_only", segment="supplier=P02", posture="human_review", decision="D")
    with running(State(), {"1": score_of_amount}, limits=compile_limits([limit], "refuse")) as site:
        assert site.decide(amount=900)[1]["route"] == "machine"
        reply = site.decide(amount=900, supplier="P02")[1]
        assert (reply["route"], reply["why"][-1]) == ("person", "limit:expert_only")


def test_a_limit_written_in_plain_words_holds_for_a_hidden_key() -> None:
    limit = ScopeLimit(name="expert_only", segment="supplier=P02", posture="human_review", decision="D")
    keys = Keys(tenant="tenant", segments=("supplier",), hide=lambda key, value: f"#{ord(value[-1])}")
    state = State()
    with running(state, {"1": score_of_amount}, limits=compile_limits([limit], "refuse"), keys=keys) as site:
        assert site.decide(amount=900, supplier="P02")[1]["route"] == "person"
        assert state.told.events[0].segments == ("supplier=#50",)


@pytest.mark.parametrize("named", ["P02", "#50"])
def test_an_order_on_a_hidden_key_holds_by_its_plain_value_and_by_what_stands_for_it(named: str) -> None:
    def ordered(version: str, tenant: str, keys: Mapping[str, str]) -> Posture:
        return Posture(decider=Decider.PERSON) if keys["supplier"] == named else NORMAL

    keys = Keys(tenant="tenant", segments=("supplier",), hide=lambda key, value: f"#{ord(value[-1])}")
    with running(State(postures=ordered), {"1": score_of_amount}, keys=keys) as site:
        assert site.decide(amount=900, supplier="P02")[1]["route"] == "person"
        assert site.decide(amount=900, supplier="P01")[1]["route"] == "machine"


def test_a_never_event_never_leaves_and_takes_its_score_along() -> None:
    state = State()
    guarded = release("1", never=never(no_big="decision == 'approve' and amount > 800"))
    with running(state, {"1": score_of_amount}, {"1": guarded}) as site:
        assert site.decide(amount=790)[1]["decision"] == "approve"
        status, reply, _ = site.decide(amount=900)
        assert (status, reply["decision"], reply["route"], reply["score"]) == (200, None, "refused", None)
        event = state.told.events[-1]
        assert (event.never, event.leaked, event.score) == (("no_big",), False, 0.9)
        receipt = unseal(KEY, reply["receipt"])  # the client can read it, so it tells no more than the answer
        assert (receipt.score_bin, receipt.score_q) == (-1, -1)


def test_a_models_own_decision_is_checked_too() -> None:
    state = State(postures=only(("1",), Posture(decider=Decider.PERSON)))
    guarded = release("1", never=never(no_denial="decision == 'deny'"))
    model = lambda rows: {"scores": [0.5], "decisions": ["deny"]}  # noqa: E731
    with running(state, {"1": model}, {"1": guarded}) as site:
        assert site.decide(amount=1)[1]["route"] == "person"
        assert state.told.events[0].never == ("no_denial",)
        assert state.told.reviews[0].suggestion is None


def test_the_throttle_holds_per_tenant_and_says_when_to_come_back() -> None:
    throttles = Throttles(Throttle(rate_per_s=0.5, burst=2))
    with running(State(), {"1": score_of_amount}, throttles=throttles) as site:
        first = site.decide(amount=100)
        assert first[2]["ratelimit"] == '"tenant";r=1;t=2'
        assert site.decide(amount=100)[0] == 200
        status, reply, headers = site.decide(amount=100)
        assert (status, headers["retry-after"]) == (429, "2")
        assert "error" in reply
        assert site.decide(amount=100, tenant="globex")[0] == 200


def test_the_candidate_scores_shadowed_requests_after_the_answer() -> None:
    human = Posture(source=Source.BASELINE)
    state = State(routes=ALL, postures=only(("2",), human), shadow=("supplier=P01",))
    with running(state, BOTH) as site:
        reply = site.decide(amount=100)[1]
        assert reply["arm"] == "baseline"
        assert eventually(lambda: len(state.told.shadows) == 1)
        [shadow] = state.told.shadows
        assert (shadow.request, shadow.version, shadow.arm, shadow.score) == (reply["request"], "2", "shadow", 0.9)
        site.decide(amount=100, supplier="P02")
        site.decide(amount=100, tenant="globex")
        state.closed = frozenset({"2"})
        site.decide(amount=100)
        time.sleep(0.05)
        assert len(state.told.shadows) == 1


def test_what_the_candidate_answered_is_not_shadowed_again() -> None:
    state = State(routes=ALL, shadow=("*",))
    with running(state, BOTH) as site:
        assert site.decide(amount=100)[1]["arm"] == "candidate"
        time.sleep(0.05)
        assert state.told.shadows == []


def test_labels_find_their_decisions_by_receipt() -> None:
    state = State()
    with running(state, {"1": score_of_amount}) as site:
        reply = site.decide(amount=100)[1]
        assert site.ask("POST", "/labels", {"receipt": reply["receipt"], "label": 1})[:2] == (
            200,
            {"status": "accepted"},
        )
        assert site.ask("POST", "/labels", {"receipt": "forged", "label": 1})[0] == 400
        many = [{"receipt": "forged", "label": 0}, {"receipt": reply["receipt"], "label": False}]
        status, told, _ = site.ask("POST", "/labels", many)
        assert status == 200
        assert ["error" in one for one in told["results"]] == [True, False]
        assert [label for _, label in state.told.labels] == [1, 0]
        assert state.told.labels[0][0].request == reply["request"]
