"""The guard in a process of one's own decides as the gateway does, with a callable of one's own or a model process."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import SimpleNamespace

import pytest

from shipworthy import Guard
from shipworthy.deploy.throttle import Throttles
from shipworthy.errors import CannotDecide, ShipworthyError, UsageError
from shipworthy.facts import AbuseKind
from shipworthy.flows import rollout
from shipworthy.models.spec import Cell
from shipworthy.runtime.guard import Throttled
from tests.flows.tiny import FAULTY_AGE, SUPPLIERS, Tiny
from tests.runtime.served import Served, claim

pytestmark = pytest.mark.slow


def logistic(rows: list[dict[str, Cell]]) -> list[float | None]:
    """Score as version 1 does, in this process."""
    return [1.0 / (1.0 + math.exp(-_logit(row))) for row in rows]


def _logit(row: Mapping[str, Cell]) -> float:
    speed, age = float(str(row["speed"])), float(str(row["age"]))
    return 0.5 * (speed - 10) + 0.04 * (age - 50) + SUPPLIERS.get(str(row["supplier"]), 0.0)


@pytest.fixture
def guard(shipped: Tiny) -> Iterator[Guard]:
    with Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock) as one:
        yield one


def test_a_guard_answers_as_the_gateway_does(shipped: Tiny) -> None:
    rows = [claim(speed=speed, supplier="S1") for speed in (1, 7, 10, 13, 18)]
    rows += [claim(speed=speed, supplier="S9") for speed in (1, 18)]
    with Served(shipped) as served:
        asked = [served.post("/decide", {"row": row})[1] for row in rows]
    with Guard(shipped.root, shipped.workspace.home, clock=shipped.clock) as one:
        mine = one.batch(rows)
    for theirs, ours in zip(asked, mine, strict=True):
        told = (ours.decision, ours.route, ours.score, list(ours.why), ours.version)
        assert told == tuple(theirs[key] for key in ("decision", "route", "score", "why", "version"))


def test_a_callable_of_ones_own_is_scored_in_this_process(guard: Guard) -> None:
    told = guard.decide(claim())
    assert (told.decision, told.route, told.version) == ("approve", "machine", "1")
    assert told.score == pytest.approx(logistic([claim()])[0])
    assert guard.status()["pids"] == {}


def test_nobody_is_the_synthetic_tenant_in_process(guard: Guard) -> None:
    for ask in (guard.decide, lambda row: guard.batch([claim(), row])):
        with pytest.raises(UsageError, match="tenant of drills"):
            ask(claim(tenant="__drill__"))


def test_a_label_finds_its_decision_once(guard: Guard, shipped: Tiny) -> None:
    receipt = guard.decide(claim()).receipt
    shipped.clock.advance(7200)
    assert guard.label(receipt, 1) == "accepted"
    assert guard.label(receipt, 1) == "used"


def test_a_row_that_does_not_say_whose_it_is_is_refused(guard: Guard) -> None:
    with pytest.raises(UsageError, match="tenant"):
        guard.decide({"speed": 1, "age": 30, "supplier": "S1"})


@pytest.mark.parametrize("score", [math.nan, 2.0, -1.0, None])
def test_a_score_that_is_none_goes_to_a_person(shipped: Tiny, score: float | None) -> None:
    def odd(rows: list[dict[str, Cell]]) -> list[float | None]:
        return logistic(rows) if len(rows) > 1 else [score]

    with Guard(shipped.root, shipped.workspace.home, model=odd, clock=shipped.clock) as one:
        told = one.decide(claim())
        assert (told.route, told.decision, told.score) == ("person", "review", None)


def test_a_callable_that_raises_decides_nothing_by_machine(shipped: Tiny) -> None:
    def broken(rows: list[dict[str, Cell]]) -> list[float | None]:
        if len(rows) == 1:
            raise RuntimeError("no model today")
        return logistic(rows)

    with Guard(shipped.root, shipped.workspace.home, model=broken, clock=shipped.clock) as one:
        assert one.decide(claim()).route == "person"


def test_a_tenant_over_its_rate_is_told_when_to_come_back_and_a_table_is_not_held_to_it(guard: Guard) -> None:
    rate = SimpleNamespace(rate_per_s=0.5, burst=2)
    guard._site.gateway.wiring.throttles = Throttles(rate)
    assert [guard.decide(claim()).route for _ in range(2)] == ["machine"] * 2
    with pytest.raises(Throttled, match="too many rows") as told:
        guard.decide(claim())
    assert told.value.retry_after_s == pytest.approx(2.0)
    assert guard.decide(claim(tenant="birch")).route == "machine"
    made = guard.batch([claim()] * 5)
    assert (made.priority, list(made.route)) == ("batch", ["machine"] * 5)
    assert guard._site.abuse._events[AbuseKind.FLOOD] == 1


def test_a_guard_behind_another_throttle_can_leave_it_to_that(shipped: Tiny) -> None:
    with Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock, throttled=False) as one:
        one._site.gateway.wiring.throttles = Throttles(SimpleNamespace(rate_per_s=0.5, burst=1))
        assert [one.decide(claim()).route for _ in range(3)] == ["machine"] * 3


def test_an_override_that_holds_is_told_with_every_decision(guard: Guard) -> None:
    assert (guard.decide(claim()).override, guard.batch([claim()]).override) == ("", "")
    guard._site.gateway.wiring.override = lambda: "OVR-2027-0001"
    assert guard.decide(claim()).override == "OVR-2027-0001"
    assert guard.batch([claim()])[0].override == "OVR-2027-0001"


def test_repeated_unfamiliar_inputs_order_here_too(guard: Guard) -> None:
    routes = [guard.decide(claim(supplier="S9", visit=f"v-{i}")).route for i in range(8)]
    assert routes == ["machine"] * 5 + ["person"] * 3
    assert guard.decide(claim()).route == "machine"


def test_never_events_are_withheld_here_too(rolling: Tiny) -> None:
    with Guard(rolling.root, rolling.workspace.home, clock=rolling.clock) as one:
        told = one.decide(claim(age=FAULTY_AGE, speed=15))
        assert (told.version, told.decision) == ("2", "review")
        assert one.decide(claim()).version == "1"
    assert rolling.kinds().count("respond.ordered") == 1
    rollout.abort(rolling.workspace, "ana")


def test_a_guard_serves_nothing_that_the_gate_did_not_pass(prepared: Tiny) -> None:
    with pytest.raises(CannotDecide):
        Guard(prepared.root, prepared.workspace.home, model=logistic, clock=prepared.clock)


def test_a_guard_serves_no_altered_release(shipped: Tiny) -> None:
    path = shipped.workspace.releases / "1/model/release.json"
    path.write_text(path.read_text().replace("0.", "1.", 1))
    with pytest.raises(ShipworthyError):
        Guard(shipped.root, shipped.workspace.home, model=logistic, clock=shipped.clock)
