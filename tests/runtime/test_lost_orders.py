"""An order that holds without an incident, because who placed it ended too early, gets one: at the next start, or a
round later while the site goes on."""

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


def test_an_order_of_a_worker_that_died_gets_its_incident_while_the_site_goes_on(rolling: Tiny) -> None:
    with Served(rolling) as served:
        judged(served)
        with open_site(rolling.workspace) as authority:
            held = playbook.by_person("ana", rolling.scope("2"), Named.KILLED, "x", "ORD-2027-0009", rolling.clock())
            because = "never event never_deny_fast: the answer to x was withheld"
            lost = replace(held, order=replace(held.order, by="machine"), because=because, confirmed_by="")
            authority.hold(lost)  # by a worker whose frame never came
        judged(served)
        assert not incident.listed(rolling.workspace), "it may still tell of it"
        judged(served)
        wait_until(lambda: bool(incident.listed(rolling.workspace)))
        judged(served)
    (one,) = incident.listed(rolling.workspace)
    assert (one.slo, one.orders) == ("never_deny_fast", ("ORD-2027-0009",))
    assert rolling.kinds().count("respond.incident_opened") == 1


def judged(served: Served) -> None:
    """Let a minute pass and be judged."""
    served.keep_up(1)
    served.keep_up()
