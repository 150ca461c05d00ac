"""What people have acknowledged does not trip again: not by its windows, not by its alarms, not after a restart."""

from __future__ import annotations

import pytest

from shipworthy.flows import ledger
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.served import Served
from tests.runtime.test_acting import UNSEEN, restored, unfamiliar

BOTH = {"dana": "reviewer", "ana": "operator"}


@pytest.mark.parametrize("cause", ["alarm", "never"])
def test_an_old_breach_does_not_trip_again_after_a_restart(rolling: Tiny, cause: str) -> None:
    with Served(rolling) as served:
        if cause == "alarm":
            unfamiliar(served, 8)
            assert restored(served, {"dana": "operator"}, UNSEEN)
        else:
            served.decide(age=FAULTY_AGE, speed=15)
            assert restored(served, BOTH)
        assert served.orders() == []
        served.keep_up(minutes=1)
    for _ in range(2):
        with Served(rolling) as served:
            for _ in range(2):
                served.keep_up(minutes=1)
            assert served.orders() == []
            assert served.decide()["version"] == "2"
            assert served.status()["alarms"] == []
    with Served(rolling) as served:
        if cause == "alarm":
            assert unfamiliar(served, 5, 50) == ["machine"] * 5
        else:
            served.decide(age=FAULTY_AGE, speed=15)
        assert len(served.orders()) == 1  # what is new does
    assert ledger.replay(rolling.workspace).same
