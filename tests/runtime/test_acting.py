"""What the controller does by itself, how far it reaches, and what people must do to take it back."""

from __future__ import annotations

import pytest

from shipworthy.flows import incident, ledger, posture
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.served import Served, served_by, wait_until

pytestmark = pytest.mark.slow
UNSEEN = "supplier=__unseen__"


def unfamiliar(served: Served, n: int, start: int = 0, tenant: str = "acme") -> list[str]:
    """Send claims of a supplier that no model knows; return their routes."""
    return [served.decide(supplier=f"S{9 + i}", visit=f"u-{start + i}", tenant=tenant)["route"] for i in range(n)]


def restored(served: Served, people: dict[str, str], segment: str = "*") -> bool:
    """Let people approve a restore of version 2 one after the other; True when it happened."""
    served.tiny.clock.advance(60)
    scope = served.tiny.scope(version="2", segment=segment)
    told = [posture.restore(served.tiny.workspace, scope, who, role).done for who, role in people.items()]
    served.keep_up()
    return told[-1]


def test_repeated_unfamiliar_inputs_go_to_people_there_and_nowhere_else(rolling: Tiny) -> None:
    with Served(rolling) as served:
        routes = unfamiliar(served, 8)
        assert routes == ["machine"] * 5 + ["person"] * 3  # the fifth hit orders, the sixth request feels it
        (order,) = served.orders()
        assert order["scope"] == {"model": "tiny-triage", "version": "2", "tenant": "*", "segment": UNSEEN}
        assert (order["posture"], order["by"]) == ("safe_mode", "machine")
        assert served_by(served.decide()) == ("2", "machine")
        assert served_by(served.decide(tenant="birch")) == ("1", "machine")
        assert unfamiliar(served, 2, tenant="birch") == ["machine"] * 2  # another version: its own evidence
        (one,) = incident.listed(rolling.workspace)
        assert (one.slo, one.owner, one.orders[0]) == ("ood_repeats", "chidi", order["id"])


def test_an_order_in_one_segment_does_not_spread_with_time(rolling: Tiny) -> None:
    with Served(rolling) as served:
        unfamiliar(served, 8)
        for _ in range(3):
            served.keep_up(minutes=1)
            unfamiliar(served, 4, 100)
            served.decide()
        assert [order["scope"]["segment"] for order in served.orders()] == [UNSEEN]
        assert served_by(served.decide()) == ("2", "machine")


def test_a_restored_segment_answers_again_and_trips_on_new_evidence_only(rolling: Tiny) -> None:
    with Served(rolling) as served:
        unfamiliar(served, 8)
        assert restored(served, {"dana": "operator"}, UNSEEN)
        assert served.orders() == []
        for _ in range(3):
            served.keep_up(minutes=1)
        assert served.orders() == []  # what people have acknowledged does not trip again
        assert unfamiliar(served, 5, 50) == ["machine"] * 5
        assert len(served.orders()) == 1  # five new ones do


def test_a_never_event_is_withheld_and_kills_its_version(rolling: Tiny) -> None:
    with Served(rolling) as served:
        assert served_by(served.decide(age=FAULTY_AGE, speed=11)) != ("2", "refused")
        assert served.orders() == []
        told = served.decide(age=FAULTY_AGE, speed=15)
        assert (told["decision"], told["route"], told["score"]) == ("review", "person", None)
        assert "never:never_deny_fast" in told["why"]
        (order,) = served.orders()
        assert (order["posture"], order["scope"]["version"]) == ("killed", "2")
        again = served.decide(age=FAULTY_AGE, speed=15)  # its share goes to the baseline, which does no such thing
        assert again["version"] == "1"
        assert again["decision"] != "deny"
        wait_until(lambda: bool(incident.listed(rolling.workspace)))  # written after the order holds, not before
        (one,) = incident.listed(rolling.workspace)
        assert (one.severity, one.slo) == ("SEV1", "never_deny_fast")


def test_of_many_attempts_none_leaves(rolling: Tiny) -> None:
    with Served(rolling, observe_only=True) as served:  # even when nothing stops the version
        told = [served.decide(age=FAULTY_AGE, speed=12 + i % 8, visit=f"n-{i}") for i in range(40)]
        assert {one["version"] for one in told} == {"2"}
        assert "deny" not in {one["decision"] for one in told}
        assert {one["score"] for one in told} == {None}


def test_a_killed_candidate_comes_back_by_two_people_and_does_not_trip_on_the_old_event(rolling: Tiny) -> None:
    with Served(rolling) as served:
        served.decide(age=FAULTY_AGE, speed=15)
        assert not restored(served, {"dana": "operator"})
        assert not restored(served, {"dana": "reviewer"})  # the same person
        assert served_by(served.decide()) == ("1", "machine")
        assert restored(served, {"ana": "operator"})  # with dana as reviewer: two
        assert served.orders() == []
        served.keep_up(minutes=1)
        served.keep_up(minutes=1)
        assert served.orders() == []
        assert ledger.replay(rolling.workspace).same


def test_a_kill_by_hand_reaches_a_running_gateway_at_once(rolling: Tiny) -> None:
    from shipworthy.facts import Named

    with Served(rolling) as served:
        posture.tighten(rolling.workspace, rolling.scope(tenant="acme"), Named.KILLED, "wrong letters", "ben")
        told = served.decide()  # no keep_up in between: the epoch in shared memory is read on every request
        assert (told["route"], told["decision"]) == ("person", "review")
        assert served_by(served.decide(tenant="birch")) == ("1", "machine")


def test_the_ledger_of_a_night_verifies_and_replays(rolling: Tiny) -> None:
    with Served(rolling) as served:
        unfamiliar(served, 6)
        served.decide(age=FAULTY_AGE, speed=15)
        served.keep_up(minutes=3)
        status, told = served.get("/checkpoint")
        assert status == 200
    path = rolling.at / "kept.txt"
    path.write_text(told["checkpoint"])
    assert ledger.verify(rolling.workspace, path).ok
    assert ledger.replay(rolling.workspace).same
