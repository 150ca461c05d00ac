"""The real Alertmanager: it receives, hears again and sees the end of our pages, and its webhook degrades a segment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shipworthy.facts import Named
from shipworthy.flows.keys import make_token
from shipworthy.flows.posture import restore
from shipworthy.runtime.outside.alerts import PATH
from shipworthy.runtime.paging.listed import Pager
from tests.flows.tiny import Tiny
from tests.runtime.paging.alertmanager import PROGRAM, Alertmanager
from tests.runtime.served import Served, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM, reason="prometheus-alertmanager is not installed (SHIPWORTHY_ALERTMANAGER)"),
]
SEGMENT = "supplier=S2"


@pytest.fixture
def token(shipped: Tiny, tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(make_token(shipped.workspace, "trigger", "30d", SEGMENT, ("degrade", "review"))[0])
    return path


def alert(tiny: Tiny, **labels: str) -> dict[str, Any]:
    """Return an alert that began at the time of the site, which is not that of the Alertmanager."""
    told = {"alertname": "DriftSeenElsewhere", "model": "tiny-triage", "shipworthy_action": "degrade"}
    started = tiny.workspace.now()
    return {"labels": {**told, "segment": SEGMENT, **labels}, "startsAt": started, "endsAt": f"9{started[1:]}"}


def test_its_webhook_degrades_a_segment_and_it_hears_our_page_again_and_again_until_people_release_it(
    shipped: Tiny, tmp_path: Path, token: Path
) -> None:
    served = Served(shipped)
    manager = Alertmanager(tmp_path / "am", f"http://127.0.0.1:{served.port}{PATH}", token)
    served._pagers = (Pager(name="am", kind="alertmanager", url=manager.url),)
    with manager, served:
        assert served.decide(supplier="S2")["route"] == "machine"
        manager.post(alert(shipped))
        wait_until(lambda: bool(served.orders()))
        (order,) = served.orders()
        assert (order["scope"]["segment"], order["posture"]) == (SEGMENT, Named.SAFE_MODE.value)
        assert served.decide(supplier="S2")["route"] != "machine"
        assert served.decide(supplier="S1")["route"] == "machine"

        wait_until(lambda: bool(manager.alerts('sev="SEV2"')))
        (heard,) = manager.alerts('sev="SEV2"')
        assert heard["labels"]["slo"] == "alert:DriftSeenElsewhere"
        assert heard["labels"]["segment"] == SEGMENT
        assert heard["annotations"]["command"] == f"shipworthy confirm {order['id']} --as YOU"
        assert "shipworthy_action" not in heard["labels"]  # its own webhook gets it too, and it asks for nothing

        wait_until(lambda: manager.alerts('sev="SEV2"')[0]["endsAt"] > heard["endsAt"])
        assert [one["id"] for one in served.orders()] == [order["id"]]  # however often it is told

        scope = shipped.scope(segment=SEGMENT)
        shipped.clock.advance(60)
        assert restore(shipped.workspace, scope, "ana", "operator").done
        served.keep_up()
        wait_until(lambda: not manager.alerts('sev="SEV2"'))
        assert served.orders() == []  # the alert still fires, and people know of it
        assert shipped.kinds().count("respond.ordered") == 1
