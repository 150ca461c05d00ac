"""An order that holds without an incident, because who placed it ended too early, gets one at the next start."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shipworthy.facts import Named, Severity
from shipworthy.flows import incident, ledger
from shipworthy.flows.site_state import open_site
from shipworthy.respond import playbook
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, wait_until

pytestmark = pytest.mark.slow


def test_an_order_that_nobody_opened_an_incident_for_gets_one_at_the_next_start(rolling: Tiny) -> None:
    with open_site(rolling.workspace) as authority:
        held = playbook.by_person("ana", rolling.scope("2"), Named.KILLED, "by hand", "ORD-2027-0008", rolling.clock())
        authority.tighten(held)
        because = "never event never_deny_fast: the answer to x was withheld"
        lost = replace(held, order=replace(held.order, id="ORD-2027-0009", by="machine"), because=because)
        authority.hold(replace(lost, confirmed_by=""))  # journalled, and nothing after it
    with Served(rolling) as served:
        served.keep_up(1)
        wait_until(lambda: bool(incident.listed(rolling.workspace)))
        served.keep_up(1)
    (one,) = incident.listed(rolling.workspace)
    assert (one.slo, one.orders, one.detected_by) == ("never_deny_fast", ("ORD-2027-0009",), "never_event")
    assert one.severity == Severity.SEV1.value
    assert rolling.kinds().count("respond.incident_opened") == 1
    assert ledger.replay(rolling.workspace).problem == ""
