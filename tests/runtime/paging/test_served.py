"""A served site and its pagers: what happens pages, whatever the pagers do; what the pagers do costs nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import apsw
import pytest

from shipworthy.facts import Severity
from shipworthy.flows import incident, posture
from shipworthy.flows.keys import make_token
from shipworthy.flows.pagers import owed
from shipworthy.runtime.exports.prometheus import text_of
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.outbox import KEPT_AS
from shipworthy.testing.clock import SharedClock
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.paging.receivers import Receiver
from tests.runtime.served import Served, ask, claim, free_port, wait_until
from tests.runtime.test_alerts import alert, hook, post
from tests.store.child import child_environ

pytestmark = pytest.mark.slow
ALL = tuple(Severity)


def bus(url: str, name: str = "bus", **given: Any) -> Pager:
    return Pager(name=name, kind="cloudevents", url=url, **given)


def heard(receiver: Receiver, kind: str = "") -> list[dict[str, Any]]:
    """Return the data of the events that a receiver took, of one kind or all."""
    return [one.json["data"] for one in list(receiver.took) if one.json["type"].startswith(f"dev.shipworthy.{kind}")]


def phases(receiver: Receiver, kind: str) -> list[str]:
    return [one["state"] for one in heard(receiver, kind)]


def never(served: Served) -> None:
    """Let version 2 do what it must never do."""
    assert served.decide(age=FAULTY_AGE, speed=15)["decision"] == "review"


def test_a_kill_pages_is_acknowledged_calls_the_next_person_and_is_resolved_by_two_people(rolling: Tiny) -> None:
    with Receiver(202) as receiver, Served(rolling, pagers=[bus(receiver.url)]) as served:
        assert served.status()["paging"]["firing"] == 0
        never(served)
        wait_until(lambda: bool(heard(receiver, "killswitch")))
        first = heard(receiver, "killswitch")[0]
        (order,) = served.orders()
        assert (first["severity"], first["slo"], first["version"]) == ("SEV1", "never_deny_fast", "2")
        assert first["command"] == f"shipworthy confirm {order['id']} --as YOU"
        assert first["confirm"].startswith("Confirm that everything of version 2 stays closed")
        wait_until(lambda: served.site.paging._outbox.incidents == {order["id"]: "INC-2027-0001"})

        rolling.clock.advance(301)
        served.keep_up()
        wait_until(lambda: any(one["escalation"]["step"] == 1 for one in heard(receiver, "killswitch")))
        assert heard(receiver, "killswitch")[-1]["incident"] == "INC-2027-0001"

        posture.confirm(rolling.workspace, order["id"], "ana")
        served.keep_up()
        wait_until(lambda: phases(receiver, "killswitch")[-1] == "acknowledged")
        rolling.clock.advance(60)
        for who, role in {"ana": "operator", "ben": "reviewer"}.items():
            posture.restore(rolling.workspace, rolling.scope(version="2"), who, role)
        served.keep_up()
        wait_until(lambda: phases(receiver, "killswitch")[-1] == "resolved")
        assert phases(receiver, "killswitch") == ["firing", "firing", "acknowledged", "resolved"]
        told = served.status()["paging"]
        assert (told["firing"], told["pagers"]["bus"]["ok"], told["pagers"]["bus"]["owed"]) == (0, True, 0)


def test_pagers_that_hang_refuse_and_break_off_cost_neither_each_other_nor_a_kill(rolling: Tiny) -> None:
    with ExitStack() as stack:
        broken = {does: stack.enter_context(Receiver(does)) for does in ("hang", "close", "half", "drip", 500)}
        good = stack.enter_context(Receiver(200))
        pagers = [bus(one.url, f"p{at}") for at, one in enumerate(broken.values())]
        pagers += [bus("http://127.0.0.1:9/", "nobody"), bus(good.url, "good")]
        served = stack.enter_context(Served(rolling, pagers=pagers))
        wait_until(lambda: all(one.asked == 0 for one in broken.values()))
        never(served)
        assert served.decide()["version"] == "1"  # the kill holds at once
        wait_until(lambda: bool(heard(good, "killswitch")))
        wait_until(lambda: all(one.asked > 1 for one in broken.values()))  # nobody is given up
        assert served.decide()["route"] == "machine"
        wait_until(
            lambda: all(not one["ok"] for name, one in served.status()["paging"]["pagers"].items() if name != "good")
        )
        told = served.status()["paging"]["pagers"]
        assert (told["good"]["ok"], told["good"]["owed"]) == (True, 0)
        assert all(one["failing_since"] and one["owed"] for name, one in told.items() if name != "good")
        text = text_of(served.site.metrics())
        assert 'shipworthy_pages_owed{pager="p0"} 1' in text
        assert 'shipworthy_pager_ok{pager="good"} 1' in text


def test_with_the_store_hanging_a_kill_holds_and_is_paged_from_memory(rolling: Tiny) -> None:
    with Receiver(200) as receiver, Served(rolling, pagers=[bus(receiver.url)]) as served:
        wait_until(lambda: served.site.paging._outbox.seq > 0)
        held = apsw.Connection(str(rolling.workspace.home / "store.db"))
        held.set_busy_timeout(10_000)
        held.execute("BEGIN IMMEDIATE")  # nobody else can write now
        try:
            served.post("/decide", {"row": claim(age=FAULTY_AGE, speed=15)})  # no review can be kept: no answer either
            wait_until(lambda: bool(heard(receiver, "killswitch")))
            assert served.decide()["version"] == "1"
        finally:
            held.execute("ROLLBACK")
            held.close()
        wait_until(lambda: bool(incident.listed(rolling.workspace)))


def test_what_is_owed_is_sent_by_the_next_run_and_what_was_taken_is_not_sent_again(rolling: Tiny) -> None:
    nobody, other = bus("http://127.0.0.1:9/"), bus("http://127.0.0.1:9/", "mild", severities=(Severity.SEV4,))
    with Served(rolling, pagers=[nobody, other]) as served:
        never(served)
        wait_until(lambda: not served.status()["paging"]["pagers"]["bus"]["ok"])
    assert [(one.pager, one.severity) for one in owed(rolling.workspace)] == [("bus", "SEV1")]
    with Receiver(200) as receiver:
        with Served(rolling, pagers=[bus(receiver.url)]):
            wait_until(lambda: bool(heard(receiver, "killswitch")))
        assert owed(rolling.workspace) == ()
        with Served(rolling, pagers=[bus(receiver.url)]) as served:
            wait_until(lambda: served.site.paging._outbox.seq > 0)
            served.keep_up(minutes=1)
        assert phases(receiver, "killswitch") == ["firing"]
        (rolling.workspace.home / "state.map").unlink()  # what cannot be read any more has not ended
        with Served(rolling, pagers=[bus(receiver.url)]) as served:
            served.keep_up(minutes=1)
            served.keep_up()
        assert "resolved" not in phases(receiver, "killswitch")


def test_a_page_that_was_owed_when_the_site_was_killed_is_sent_by_the_next(rolling: Tiny, tmp_path: Path) -> None:
    SharedClock(tmp_path / "clock", rolling.clock()).close()
    with Receiver("hang") as dead, Receiver(200) as receiver:
        listed, port = tmp_path / "pagers.yaml", free_port()
        listed.write_text(f"pagers: [{{name: bus, kind: cloudevents, url: '{dead.url}'}}]\n")
        args = [str(tmp_path / "clock"), str(rolling.root), str(rolling.workspace.home), str(port)]
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.child", *args, f"--pagers={listed}"], env=child_environ()
        )
        try:
            wait_until(lambda: answers(port), 60)
            ask(port, "POST", "/decide", {"row": claim(age=FAULTY_AGE, speed=15)})
            wait_until(lambda: dead.asked > 0)
            wait_until(lambda: bool(kept(rolling)))
        finally:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        with Served(rolling, pagers=[bus(receiver.url)]) as served:
            wait_until(lambda: bool(heard(receiver, "killswitch")))
            assert len(served.orders()) == 1
        assert len({one["orders"][0] for one in heard(receiver, "killswitch")}) == 1
        assert phases(receiver, "killswitch") == ["firing"]


def kept(tiny: Tiny) -> tuple[object, ...]:
    return owed(tiny.workspace)


def answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/status")[0] == 200
    except OSError:
        return False


def test_a_gap_pages_once_and_ends_when_the_evidence_is_back(shipped: Tiny) -> None:
    only = bus("", severities=(Severity.SEV3,))
    with Receiver(200) as receiver, Served(shipped, pagers=[bus(receiver.url, severities=only.severities)]) as served:
        for _ in range(3):
            served.decide()
            served.keep_up(minutes=1)
            served.keep_up()
        assert heard(receiver, "evidence") == []  # few samples page nobody
        served.site.telemetry.lost([int(shipped.clock().timestamp() // 60) - 1])
        for _ in range(3):
            served.keep_up(minutes=1)
            served.keep_up()
        wait_until(lambda: bool(heard(receiver, "evidence")))
        served.keep_up(minutes=1)
        served.keep_up()
        found = heard(receiver, "evidence")
        assert len({one["slo"] for one in found}) == len(found)
        assert all("minutes are missing" in one["because"] for one in found)


def test_a_tenant_is_nowhere_on_a_page_unless_the_contract_shows_it(shipped: Tiny) -> None:
    token = make_token(shipped.workspace, "trigger", "1d", "tenant=acme", ("degrade",))[0]
    with Receiver(200) as receiver, Served(shipped, pagers=[bus(receiver.url)]) as served:
        assert post(served, hook(alert(shipped, tenant="acme")), token)[1]["ordered"] == 1
        wait_until(lambda: bool(heard(receiver, "segment.degraded")))
        raw = b"".join(one.body for one in receiver.took)
        assert b"acme" not in raw
        assert heard(receiver)[0]["tenant"].startswith("#")
        assert heard(receiver)[0]["slo"] == "alert:A"


def test_high_stakes_without_a_pager_are_a_warning_and_no_refusal(
    shipped: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Served(shipped) as served:
        assert served.status()["paging"]["warning"] == ""
        high = type("High", (), {"stakes": "high"})()
        monkeypatch.setattr(served.site.paging, "_site", type("S", (), {"manifest": high})())
        assert "nobody is paged" in served.status()["paging"]["warning"]
        assert served.decide()["route"] == "machine"


def test_an_outbox_that_cannot_be_read_is_begun_anew_and_told(rolling: Tiny) -> None:
    store = rolling.workspace.store()
    store.put(KEPT_AS, b"{nonsense")
    store.close()
    with Receiver(200) as receiver, Served(rolling, pagers=[bus(receiver.url)]) as served:
        never(served)
        wait_until(lambda: bool(heard(receiver, "killswitch")))


def test_a_site_of_several_processes_pages_from_its_control_process(rolling: Tiny, tmp_path: Path) -> None:
    SharedClock(tmp_path / "clock", rolling.clock()).close()
    with Receiver(200) as receiver:
        listed, port = tmp_path / "pagers.yaml", free_port()
        listed.write_text(f"pagers: [{{name: bus, kind: cloudevents, url: '{receiver.url}'}}]\n")
        args = [str(tmp_path / "clock"), str(rolling.root), str(rolling.workspace.home), str(port)]
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.runtime.child", *args, "--workers=2", f"--pagers={listed}"],
            env=child_environ(),
        )
        try:
            wait_until(lambda: answers(port), 60)
            ask(port, "POST", "/decide", {"row": claim(age=FAULTY_AGE, speed=15)})
            wait_until(lambda: bool(heard(receiver, "killswitch")))
            assert ask(port, "GET", "/status")[1]["paging"]["pagers"]["bus"]["ok"]
        finally:
            child.terminate()
            child.wait(30)
