"""What the serving site does about drills by itself: says one is due, once; runs it where the contract wants that."""

from __future__ import annotations

from concurrent.futures import Future
from typing import cast

import msgspec
import pytest

from shipworthy.contract.drills import Drills
from shipworthy.facts import DRILLER, Slo, Target
from shipworthy.facts.policy import Action, Clause
from shipworthy.flows import drill as flow
from shipworthy.flows.site_state import open_site
from shipworthy.respond.drills import DUE
from shipworthy.runtime import drill_watch
from shipworthy.runtime.address import FILE, announce, announced, serving
from tests.flows.tiny import Tiny
from tests.runtime.served import Served

DAY_S = 86_400


def with_drills(served: Served, **more: object) -> None:
    """Serve the baseline under another `drills:` section."""
    releases = served.site.releases
    for version, one in list(releases.items()):
        manifest = msgspec.structs.replace(one.contract.manifest, drills=Drills(**more))  # type: ignore[arg-type]
        contract = msgspec.structs.replace(one.contract, manifest=manifest)
        releases[version] = msgspec.structs.replace(one, contract=contract)


def test_a_drill_that_is_due_is_told_once_and_again_after_the_next(shipped: Tiny) -> None:
    with Served(shipped) as served:
        watch = served.site.drills
        watch.keep_up()
        assert watch.told()["due"] is False
        assert DUE not in shipped.kinds()
        shipped.clock.advance(31 * DAY_S)
        for _ in range(3):
            watch.keep_up()
        assert watch.told()["due"] is True
        assert shipped.kinds().count(DUE) == 1
        found = flow.drill(shipped.workspace, "kill", "ana", url=f"http://127.0.0.1:{served.port}", trips=1)
        watch.keep_up()
        told = served.site.drills.told()
        assert (told["due"], told["last"].id, told["open"]) == (False, found.id, [])
        shipped.clock.advance(31 * DAY_S)
        for _ in range(3):
            watch.keep_up()
        assert shipped.kinds().count(DUE) == 2
        assert shipped.entries()[-1].actor == DRILLER


def test_slos_on_drills_are_judged_by_the_last_ones_and_never_drilled_is_no_data(shipped: Tiny) -> None:
    slo = Slo(
        name="kill_time_ms", indicator="kill_time_ms", objective="o", target=Target(op="<=", value=1000.0),
        window="rolling", action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW, clause=Clause.SYSTEMIC_SAFETY, min_samples=1,
    )  # fmt: skip
    age = msgspec.structs.replace(slo, name="drill_age_d", indicator="drill_age_d", target=Target(op="<=", value=30.0))
    with Served(shipped) as served:
        one = served.site.releases["1"]
        policy = msgspec.structs.replace(one.contract.policy, slos=(slo, age))
        contract = msgspec.structs.replace(one.contract, policy=policy)
        served.site.releases["1"] = msgspec.structs.replace(one, contract=contract)

        def judged() -> list[str]:
            served.site.drills.keep_up()
            served.keep_up(1)
            served.keep_up(0)
            return [one["outcome"] for one in served.status()["judgements"]["1"]]

        assert judged() == ["no_data", "no_data"]
        flow.drill(shipped.workspace, "kill", "ana", url=f"http://127.0.0.1:{served.port}", trips=1)
        assert judged() == ["met", "met"]


def until_idle(served: Served) -> None:
    """Wait until what may take as long as it likes has been done."""
    cast(Future[None], served.site.drills._idly(lambda: None)).result(30)


@pytest.mark.parametrize(
    ("hour", "run", "ran"), [(2, "auto", False), (3, "auto", True), (4, "auto", False), (3, "by_hand", False)]
)
def test_a_due_drill_runs_by_itself_in_its_hour(shipped: Tiny, hour: int, run: str, ran: bool) -> None:
    with Served(shipped) as served, announced(shipped.workspace.home) as here:
        announce(here, f"http://127.0.0.1:{served.port}")
        with_drills(served, run=run, at="03:00")
        midnight = 24 * 3600 - shipped.clock().timestamp() % DAY_S
        shipped.clock.advance(31 * DAY_S + midnight + hour * 3600 + 600)
        for _ in range(3):
            served.site.drills.keep_up()
        until_idle(served)
        if ran:
            (found,) = flow.known(shipped.workspace)
            assert (found.by, found.verdict) == (DRILLER, "passed"), found.because
            served.site.drills.keep_up()
        assert len(flow.known(shipped.workspace)) == ran
        assert shipped.state().orders == ()
    assert not (shipped.workspace.home / FILE).exists()


@pytest.mark.parametrize(("at", "minute", "ran"), [("23:30", 10, True), ("23:30", 35, False)])
def test_the_hour_goes_on_past_midnight(shipped: Tiny, at: str, minute: int, ran: bool) -> None:
    with Served(shipped) as served, announced(shipped.workspace.home) as here:
        announce(here, f"http://127.0.0.1:{served.port}")
        with_drills(served, run="auto", at=at)
        midnight = 24 * 3600 - shipped.clock().timestamp() % DAY_S
        shipped.clock.advance(31 * DAY_S + midnight + minute * 60)
        served.site.drills.keep_up()
        until_idle(served)
        assert len(flow.known(shipped.workspace)) == ran


def test_a_drill_that_could_not_begin_is_on_the_page_and_begins_within_its_hour(shipped: Tiny) -> None:
    with Served(shipped) as served:
        with_drills(served, run="auto", at="03:00")
        midnight = 24 * 3600 - shipped.clock().timestamp() % DAY_S
        shipped.clock.advance(31 * DAY_S + midnight + 3 * 3600)
        watch = served.site.drills
        watch.keep_up()
        until_idle(served)
        assert flow.known(shipped.workspace) == ()
        assert "could not be run" in served.status()["drills"]["trouble"]  # nothing says where the gateway listens
        with announced(shipped.workspace.home) as here:
            announce(here, f"http://127.0.0.1:{served.port}")
            shipped.clock.advance(61)
            watch.keep_up()
            until_idle(served)
        (found,) = flow.known(shipped.workspace)
        assert found.verdict == "passed", found.because
        assert watch.told()["trouble"] == ""


@pytest.mark.parametrize("where", ["sweep", "run_auto"])
def test_a_fault_that_nobody_foresaw_is_on_the_page(shipped: Tiny, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nobody foreseen")

    with Served(shipped) as served:
        with_drills(served, run="auto", at="03:00")
        midnight = 24 * 3600 - shipped.clock().timestamp() % DAY_S
        shipped.clock.advance(31 * DAY_S + midnight + 3 * 3600)
        monkeypatch.setattr(drill_watch, where, broken)
        served.site.drills.keep_up()
        until_idle(served)
        assert "by nobody foreseen" in served.status()["drills"]["trouble"]


def test_an_address_is_private_and_names_this_machine(shipped: Tiny) -> None:
    home = shipped.workspace.home
    with announced(home) as here:
        announce(here, "http://0.0.0.0:8080")
        assert serving(home).url == "http://127.0.0.1:8080"
        assert here.stat().st_mode & 0o777 == 0o600
        here.write_bytes(here.read_bytes().replace(b'"pid":', b'"pid":1'))
    assert here.exists()  # another process has begun to serve meanwhile: it is its file


def test_a_sweep_without_drills_changes_nothing(shipped: Tiny) -> None:
    before = shipped.state()
    with Served(shipped) as served:
        served.site.drills.keep_up()
        assert served.site.drills.trouble == ""
    assert shipped.state() == before
    with open_site(shipped.workspace) as authority:
        assert authority.ledger.replay() == before
