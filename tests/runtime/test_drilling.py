"""Drills against served sites: what they measure, whom they touch, and what is left when they die."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any

import msgspec
import pytest

from shipworthy.deploy.http.drills import HEADER, MARK, Mark, drill_token
from shipworthy.errors import CannotDecide, Unreachable, UsageError
from shipworthy.facts import DRILL_TENANT, DRILLER, Drill, Held, Named, canonical
from shipworthy.flows import drill as flow
from shipworthy.flows.posture import confirm, tighten
from shipworthy.flows.site_state import open_site
from shipworthy.respond.drills import DRILLED, STARTED, Started, drill_order
from shipworthy.respond.moments import later, moment, told
from shipworthy.runtime import drilling
from shipworthy.runtime.api_keys import new_key, with_key
from shipworthy.store.api_keys import KeyFile
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served, claim, wait_until


def url_of(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}"


def practised(served: Served, kind: str, **more: Any) -> Drill:
    return flow.drill(served.tiny.workspace, kind, "ana", url=url_of(served), **{"trips": 1, **more})


def ask_with(port: int, row: dict[str, Any], headers: dict[str, str]) -> tuple[int, dict[str, Any], dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/decide", json.dumps({"row": row}), {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), dict(answer.getheaders())
    finally:
        connection.close()


def test_a_kill_drill_passes_on_the_candidate_and_leaves_nothing_held(rolling: Tiny) -> None:
    with Served(rolling) as served:
        before = rolling.state()
        found = practised(served, "kill", trips=2)
        assert (found.verdict, found.arm, found.version, found.tenant) == ("passed", "candidate", "2", DRILL_TENANT)
        assert found.trips == 2
        assert [one.name for one in found.replicas] == ["gateway"]
        assert found.p99_ms is not None
        assert 0 < found.p99_ms < found.target_ms
        after = rolling.state()
        assert (after.orders, after.acknowledged, after.rollout) == ((), (), before.rollout)
        assert after.epoch == before.epoch + 4
        kinds = rolling.kinds()[-6:]
        assert kinds == [STARTED, *["respond.ordered", "respond.drill_released"] * 2, DRILLED]
        assert flow.known(rolling.workspace) == (found,)
        assert found.order == rolling.entries()[-2].body["orders"][0]


def test_a_rollback_drill_moves_the_synthetic_tenant_and_nobody_else(rolling: Tiny) -> None:
    with Served(rolling) as served:
        found = practised(served, "rollback")
        assert (found.verdict, found.arm) == ("passed", "candidate"), found.because
        assert "no real traffic was aborted" in found.because
        assert rolling.rollout().status == "running"
        assert served.decide()["version"] == "2"


def test_a_rollback_without_a_candidate_is_not_begun(shipped: Tiny) -> None:
    with Served(shipped) as served, pytest.raises(CannotDecide, match="no candidate answers"):
        practised(served, "rollback")
    assert STARTED not in shipped.kinds()


def test_a_candidate_that_answers_nobody_is_not_what_a_drill_stopped(rolling: Tiny) -> None:
    with Served(rolling) as served:
        tighten(rolling.workspace, rolling.scope(version="2"), Named.KILLED, "real", "ana")
        found = practised(served, "kill")
        assert (found.verdict, found.arm, found.version, found.answers[0]) == ("failed", "candidate", "2", 0)
        assert "the candidate of version 2 answered nothing before it, so it stopped nothing" in found.because


@pytest.mark.parametrize("segment", ["supplier", "supplier=S2;", "=S2", "nonsense=1"])
def test_what_is_no_segment_here_is_not_begun(shipped: Tiny, segment: str) -> None:
    with Served(shipped) as served, pytest.raises(UsageError, match="segment"):
        practised(served, "degrade", segment=segment)
    assert STARTED not in shipped.kinds()


@pytest.mark.parametrize("problem", [ZeroDivisionError("x"), KeyboardInterrupt()])
def test_our_own_fault_is_on_record_as_a_failed_drill_and_is_not_hidden(
    shipped: Tiny, problem: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise problem

    monkeypatch.setattr(drilling, "_trip", broken)
    with Served(shipped) as served, pytest.raises(type(problem)):
        practised(served, "kill")
    (found,) = flow.known(shipped.workspace)
    assert found.verdict == "failed"
    assert type(problem).__name__ in found.because
    assert shipped.kinds()[-2:] == [STARTED, DRILLED]


@pytest.mark.parametrize("segment", ["*", "supplier=S3", "supplier=__unseen__"])
def test_a_degrade_drill_is_answered_by_the_fallback(shipped: Tiny, segment: str) -> None:
    with Served(shipped) as served:
        found = practised(served, "degrade", segment=segment)
        assert (found.verdict, found.arm, found.segment) == ("passed", "baseline", segment), found.because
        assert "the baseline of version 1" in found.because
        assert shipped.workspace.store().items() == ()  # nobody is asked about claims that nobody made


def test_a_drill_that_a_real_kill_already_covers_stops_nothing_and_says_so(shipped: Tiny) -> None:
    with Served(shipped) as served:
        tighten(shipped.workspace, shipped.scope(), Named.KILLED, "real", "ana")
        found = practised(served, "kill")
        assert found.verdict == "failed"
        assert "the baseline of version 1 answered nothing before it" in found.because
        assert [held.order.by for held in shipped.state().orders] == ["ana"]


def test_nobody_but_a_drill_can_be_the_synthetic_tenant(shipped: Tiny) -> None:
    key = shipped.workspace.host_key()
    now = int(shipped.clock().timestamp())
    good = drill_token(key, "DRL-2027-0001", now + 60)
    tokens = {
        "none": ({}, 403),
        "over": ({HEADER.decode(): drill_token(key, "DRL-2027-0001", now)}, 401),
        "of another key": ({HEADER.decode(): drill_token(bytes(32), "DRL-2027-0001", now + 60)}, 401),
        "no token": ({HEADER.decode(): "DRL-2027-0001"}, 401),
        "good": ({HEADER.decode(): good}, 200),
    }
    with Served(shipped) as served:
        for name, (headers, wanted) in tokens.items():
            status, told, _ = ask_with(served.port, claim(tenant=DRILL_TENANT), headers)
            assert status == wanted, (name, told)
        assert ask_with(served.port, claim(tenant="acme"), {HEADER.decode(): good})[0] == 403
        with pytest.raises(UsageError, match="tenant of drills"):
            new_key(DRILL_TENANT, shipped.workspace.now(), "2099-01-01T00:00:00.000000Z")
        assert served.post("/v2/models/x/infer", {})[0] == 404
        raw = {"context": {"tenant": DRILL_TENANT, "targetingKey": "a"}}
        assert served.post("/ofrep/v1/evaluate/flags", raw)[0] == 403
        refused = served.status()["abuse"]
        assert "__drill__" not in json.dumps(refused)


def test_a_key_in_the_name_of_the_synthetic_tenant_opens_nothing(shipped: Tiny) -> None:
    """Such a key may stand in a file that was written before keys for that tenant were refused."""
    now = shipped.workspace.now()
    shown, one = new_key("acme", now, "2099-01-01T00:00:00.000000Z")
    with Served(shipped) as served:
        file = KeyFile(shipped.workspace.home, shipped.workspace.host_key())
        file.write(with_key(None, msgspec.structs.replace(one, tenant=DRILL_TENANT)))
        wait_until(lambda: ask_with(served.port, claim(), {})[0] == 401)  # the gateway has seen the keys
        bearer = {"authorization": f"Bearer {shown}"}
        nobodys = {key: value for key, value in claim().items() if key != "tenant"}
        for row in (claim(tenant=DRILL_TENANT), nobodys):
            assert ask_with(served.port, row, bearer)[0] == 403
        assert ask_with(served.port, claim(tenant=DRILL_TENANT), token_of(shipped))[0] == 200


def test_a_mark_of_a_drill_that_never_began_orders_nothing(shipped: Tiny) -> None:
    """The token is good, the mark is made up: what is in no ledger must not hold anything, however long."""
    row = claim(tenant=DRILL_TENANT, supplier="nobody-saw-it")
    with Served(shipped) as served:
        began(shipped, "DRL-2027-0002", kind="kill")
        for drill in ("DRL-2027-0001", "DRL-2027-0002"):
            mark = Mark("unseen", drill, 1 << 40).text()
            for number in range(30):
                asked = {**row, "visit": f"v-{number}", MARK: mark}
                assert ask_with(served.port, asked, token_of(shipped))[0] == 200
        assert shipped.state().orders == ()


def test_what_a_game_day_ordered_holds_no_longer_than_it_was_begun_for(shipped: Tiny) -> None:
    with Served(shipped) as served:
        started = began(shipped, "DRL-2027-0001", kind="gameday")
        mark = Mark("unseen", started.id, 1 << 33).text()
        row = claim(tenant=DRILL_TENANT, supplier="nobody-saw-it", **{MARK: mark})

        def ordered() -> bool:
            assert ask_with(served.port, row, token_of(shipped))[0] == 200
            return bool(settled(shipped))

        wait_until(ordered)
        (held,) = shipped.state().orders
        assert moment(held.order.confirm_by) <= moment(started.until)


def began(tiny: Tiny, drill: str, kind: str) -> Started:
    """Write that a drill began, as the verb does."""
    now = tiny.clock()
    started = Started(
        id=drill, kind=kind, model=MODEL, version="1", by="ana", at=told(now), until=told(later(now, 300)),
        target_ms=1000.0, fault="unseen" if kind == "gameday" else "",
    )  # fmt: skip
    with open_site(tiny.workspace) as authority:
        authority.note("ana", STARTED, {"drill": started})
    return started


def test_a_mark_in_a_row_of_somebody_else_means_nothing(rolling: Tiny) -> None:
    mark = Mark("candidate-500", "DRL-2027-0001", 1 << 40).text()
    with Served(rolling) as served:
        told = served.decide(**{MARK: mark})
        assert (told["version"], told["arm"]) == ("2", "candidate")


def seen_windows(tiny: Tiny) -> bytes:
    store = tiny.workspace.store()
    try:
        found = [store.windows(one, 0, 1 << 40, tenant=None, segment=None) for one in ("*", "1", "2")]
        timeless = [msgspec.structs.replace(one, latency=()) for each in found for one in each]
        return canonical(sorted(timeless, key=canonical))
    finally:
        store.close()


def test_windows_are_byte_for_byte_those_of_a_site_without_a_drill(rolling: Tiny, tmp_path: Any) -> None:
    told: list[bytes] = []
    for drilled in (False, True):
        tiny = rolling.copy(tmp_path / str(drilled))
        with Served(tiny) as served:
            for number in range(20):
                served.decide(visit=f"v-{number}", supplier="S9" if number == 3 else "S2")
            if drilled:
                assert practised(served, "kill").verdict == "passed"
                played = flow.gameday(tiny.workspace, "unseen", "ana", url=url_of(served), confirm_within_s=0.01)
                assert played.order, played.because
                receipt = ask_with(served.port, claim(tenant=DRILL_TENANT), token_of(tiny))[1]["receipt"]
                status = served.post("/labels", {"receipt": receipt, "label": 1})
                assert status == (200, {"status": "drill"})
            served.keep_up(1)
            served.keep_up(1)
            page = served.status()
            assert page["alarms"] == []
            assert page["failures"] == {}
            assert page["circuits"] == {}
            assert all(one["n"] == 0 for one in page["abuse"].get("counts", []))
        told.append(seen_windows(tiny))
    assert told[0] == told[1]
    assert len(told[0]) > 100


def token_of(tiny: Tiny) -> dict[str, str]:
    until = int(tiny.clock().timestamp()) + 600
    return {HEADER.decode(): drill_token(tiny.workspace.host_key(), "DRL-2027-0009", until)}


def test_without_a_gateway_nothing_is_begun(shipped: Tiny) -> None:
    before = shipped.kinds()
    with pytest.raises(CannotDecide, match="no gateway serves"):
        flow.drill(shipped.workspace, "kill", "ana")
    with pytest.raises(Unreachable, match="does not answer"):
        flow.drill(shipped.workspace, "kill", "ana", url="http://127.0.0.1:9")
    with pytest.raises(UsageError, match="not one of the people"):
        flow.drill(shipped.workspace, "kill", "mallory", url="http://127.0.0.1:9")
    assert shipped.kinds() == before


def test_what_a_dead_drill_left_is_ended_by_the_site_and_recorded_as_failed(shipped: Tiny) -> None:
    with Served(shipped) as served:
        with open_site(shipped.workspace) as authority:
            now = shipped.clock()
            started = Started(
                id="DRL-2027-0001", kind="kill", model=MODEL, version="1", by="ana", at=told(now),
                until=told(later(now, 30)), target_ms=1000.0,
            )  # fmt: skip
            authority.note("ana", STARTED, {"drill": started})
            scope = shipped.scope(tenant=DRILL_TENANT)
            authority.hold(drill_order("ORD-2027-0001", scope, Named.KILLED, started.id, now, 30))
        tighten(shipped.workspace, shipped.scope(tenant="acme"), Named.KILLED, "real", "ana")
        served.site.drills.keep_up()
        assert len(shipped.state().orders) == 2  # it may still be under way
        shipped.clock.advance(31)
        served.site.drills.keep_up()
        assert [held.order.by for held in shipped.state().orders] == ["ana"]
        shipped.clock.advance(86_400 * 2)
        served.site.drills.keep_up()
        assert [held.order.by for held in shipped.state().orders] == ["ana"]  # a real order never expires
        (found,) = flow.known(shipped.workspace)
        assert (found.id, found.verdict, found.p99_ms) == (started.id, "failed", None)
        assert "whoever ran it is gone" in found.because
        with open_site(shipped.workspace) as authority:
            assert authority.ledger.replay() == authority.state()


def confirming(tiny: Tiny, person: str = "dana") -> threading.Thread:
    """Return a thread in which a person stands by the first order that a drill placed."""

    def stand_by() -> None:
        def confirmed() -> bool:
            held = [one for one in settled(tiny) if one.order.by == DRILLER]
            if held:
                confirm(tiny.workspace, held[0].order.id, person)
            return bool(held)

        wait_until(confirmed)

    thread = threading.Thread(target=stand_by)
    thread.start()
    return thread


def settled(tiny: Tiny) -> tuple[Held, ...]:
    try:
        return tiny.state().orders
    except CannotDecide:
        return ()  # between two steps of writing it


@pytest.mark.parametrize(
    ("fault", "segment", "posture"),
    [
        ("unseen", "supplier=__unseen__", Named.SAFE_MODE),
        ("junk-tenant", "", Named.SAFE_MODE),
        ("never-event", "*", Named.KILLED),
    ],
)
def test_a_game_day_is_detected_by_the_rules_of_everybody_and_confirmed_by_a_person(
    rolling: Tiny, fault: str, segment: str, posture: Named
) -> None:
    with Served(rolling) as served:
        person = confirming(rolling)
        found = flow.gameday(rolling.workspace, fault, "ana", url=url_of(served), confirm_within_s=20)
        person.join()
        assert (found.verdict, found.fault, found.kind) == ("passed", fault, "gameday"), found.because
        times = (found.detect_ms, found.degrade_ms, found.confirm_ms)
        assert all(time is not None and time > 0 for time in times)
        assert found.detect_ms <= found.degrade_ms <= found.confirm_ms  # type: ignore[operator]
        assert rolling.state().orders == ()
        ordered = [entry for entry in rolling.entries() if entry.kind == "respond.ordered"]
        (held,) = [one.read(Held, "held") for one in ordered]
        assert (held.order.scope.tenant, held.order.posture, held.order.by) == (DRILL_TENANT, posture, DRILLER)
        assert segment in ("", held.order.scope.segment)
        assert served.decide()["version"] == "2"
        assert "respond.incident_opened" not in rolling.kinds()


def test_a_game_day_that_nobody_confirms_has_failed_and_is_released(shipped: Tiny) -> None:
    with Served(shipped) as served:
        found = flow.gameday(shipped.workspace, "unseen", "ana", url=url_of(served), confirm_within_s=0.1)
        assert found.verdict == "failed"
        assert f"nobody confirmed {found.order} in time" in found.because
        assert found.detect_ms is not None
        assert shipped.state().orders == ()


@pytest.mark.parametrize("fault", ["candidate-500", "candidate-hang"])
def test_a_broken_candidate_is_met_by_a_circuit_that_is_not_the_real_one(rolling: Tiny, fault: str) -> None:
    with Served(rolling) as served:
        found = flow.gameday(rolling.workspace, fault, "ana", url=url_of(served))
        assert found.verdict == "passed", found.because
        assert "circuits, which place no order" in found.because
        assert (found.order, found.confirm_ms) == ("", None)
        assert served.status()["circuits"] == {}
        assert served.decide()["version"] == "2"


def test_a_fault_that_cannot_be_injected_is_not_begun(shipped: Tiny) -> None:
    with Served(shipped) as served:
        with pytest.raises(CannotDecide, match="no candidate answers"):
            flow.gameday(shipped.workspace, "candidate-500", "ana", url=url_of(served))
        with pytest.raises(UsageError, match="no fault"):
            flow.gameday(shipped.workspace, "rain", "ana", url=url_of(served))
    assert STARTED not in shipped.kinds()
