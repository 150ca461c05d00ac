"""One bad segment of a running site: the order is for that segment only, and everybody else is answered as before."""

from __future__ import annotations

import pytest

from shipworthy.flows import ledger, posture
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.runtime.served import Served

pytestmark = pytest.mark.slow
SLO = """  - name: review_rate
    objective: "Most claims are answered without waiting for a person."
    target: "<= 0.30"
    window: "rolling"
    action_on_breach: "degrade_to_safe_mode"
never_events:
"""
BAD = "supplier=S3"


def send(served: Served, n: int, start: int, **row: object) -> list[dict[str, object]]:
    """Send claims; return what leaves, without receipt and request."""
    told = [served.decide(visit=f"v-{start + i}", **row) for i in range(n)]
    return [{key: one[key] for key in ("decision", "route", "score", "version", "why")} for one in told]


def uncertain(served: Served, n: int, start: int) -> None:
    """Claims of S3 that the model cannot tell: people answer them."""
    assert {one["route"] for one in send(served, n, start, supplier="S3", speed=10)} == {"person"}


def judged(served: Served) -> None:
    """Let a minute pass and stand still: then the controller judges."""
    served.keep_up(minutes=1)
    served.keep_up()


def test_the_order_is_for_the_bad_segment_and_others_are_answered_as_before(written: Tiny) -> None:
    written.edit("safety-slos.yaml", "never_events:\n", SLO)
    written.prepare()
    written.ship()
    with Served(written) as served:
        before = send(served, 110, 0, supplier="S2")
        uncertain(served, 100, 500)
        assert served.orders() == []
        judged(served)
        (order,) = served.orders()
        assert order["scope"] == {"model": "tiny-triage", "version": "1", "tenant": "*", "segment": BAD}
        (held,) = served.status()["state"]["orders"]
        assert "100 of 100" in held["because"]
        told = verb(written, "status").out
        assert "  supplier=S3        100        100" in told
        assert "  the rest           110          0" in told
        assert "the rest is shown healthy: 0 of 110" in held["because"]
        assert send(served, 20, 0, supplier="S2") == before[:20]
        assert {one["route"] for one in send(served, 1, 900, supplier="S3", speed=18)} == {"person"}

        for _ in range(3):  # the whole is still breached, the order answers it
            judged(served)
        assert len(served.orders()) == 1
        shown = posture.lies_of(written.workspace)
        assert [one["left_out"] for one in shown["versions"]["1"]] == [[BAD]]
        (lies,) = served.status()["lies"]["1"]
        assert (lies["outcome"], lies["rest"]["outcome"], lies["left_out"]) == ("breached", "met", [BAD])

        served.tiny.clock.advance(60)
        scope = written.scope(version="1", segment=BAD)
        assert posture.restore(written.workspace, scope, "ana", "operator").done
        for _ in range(3):  # what people have acknowledged in the segment does not trip the whole again
            judged(served)
        assert served.orders() == []

        uncertain(served, 120, 2000)
        judged(served)
        assert [one["scope"]["segment"] for one in served.orders()] == [BAD]  # new evidence does
    assert ledger.replay(written.workspace).same
