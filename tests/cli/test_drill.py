"""`shipworthy drill`: its exit codes and what it prints."""

from __future__ import annotations

import json

import pytest

from shipworthy.facts import Named
from shipworthy.flows.posture import tighten
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.runtime.served import Served


def test_0_passed_and_1_failed(shipped: Tiny) -> None:
    with Served(shipped) as served:
        asked = ("--as", "ana", "--trips", "1", "--url", f"http://127.0.0.1:{served.port}")
        left = verb(shipped, "drill", "kill", *asked)
        assert left.code == 0, left
        assert "DRL-2027-0001" in left.out
        assert "passed" in left.out
        assert "gateway" in left.out
        told = json.loads(verb(shipped, "drill", "show", "DRL-2027-0001", "--json").out)
        assert (told["drill"]["verdict"], told["drill"]["tenant"]) == ("passed", "__drill__")
        assert verb(shipped, "drill", "rollback", *asked).code == 4
        degraded = verb(shipped, "drill", "degrade", "--segment", "supplier=S2", *asked, "--json")
        assert (degraded.code, json.loads(degraded.out)["drill"]["segment"]) == (0, "supplier=S2")
        failed = verb(
            shipped, "drill", "gameday", "--fault", "unseen", "--confirm-within", "1", "--as", "ana", "--url", asked[-1]
        )
        assert failed.code == 1
        assert "to confirm" in failed.out
        assert "never" in failed.out
    assert [line.split()[0] for line in verb(shipped, "drill", "list").out.splitlines()] == [
        f"DRL-2027-000{number}" for number in range(1, 4)
    ]
    schedule = json.loads(verb(shipped, "drill", "schedule", "--json").out)
    assert schedule["last_passed"]["kill"]["drill"] == "DRL-2027-0001"
    assert schedule["last_passed"]["rollback"] == {"drill": None, "age_d": None}
    assert schedule["due"] is False
    assert "kill: DRL-2027-0001" in verb(shipped, "drill", "schedule").out


def test_4_no_gateway_serves_and_5_it_does_not_answer(shipped: Tiny) -> None:
    left = verb(shipped, "drill", "kill", "--as", "ana")
    assert left.code == 4
    assert "no gateway serves" in left.err
    assert "--url" not in left.err
    assert verb(shipped, "drill", "kill", "--as", "ana", "--url", "http://127.0.0.1:9").code == 5
    assert verb(shipped, "drill", "list").out == "no drill was ever run\n"


@pytest.mark.parametrize("content", ["", "{}", '{"url": "http://127.0.0.1:9", "pid": 4194305}'])
def test_4_is_an_address_of_a_gateway_that_has_died(shipped: Tiny, content: str) -> None:
    (shipped.workspace.home / "serving.json").write_text(content)
    assert verb(shipped, "drill", "kill", "--as", "ana").code == 4


def test_a_drill_does_not_hide_that_a_real_order_holds(shipped: Tiny) -> None:
    with Served(shipped) as served:
        tighten(shipped.workspace, shipped.scope(), Named.KILLED, "real", "ana")
        url = f"http://127.0.0.1:{served.port}"
        left = verb(shipped, "drill", "kill", "--as", "ana", "--trips", "1", "--url", url)
        assert left.code == 1
        assert "stopped nothing" in left.out
