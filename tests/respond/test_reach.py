"""Which requests an order reaches: versions, tenants, segments, and what cannot be read."""

from __future__ import annotations

from shipworthy.facts import NORMAL, Decider, Named, RuntimeState, Source
from shipworthy.respond.compiled import Compiled
from shipworthy.respond.postures import closed, effective
from tests.respond.made import held, placed


def test_killing_a_whole_version_closes_it_and_a_part_does_not() -> None:
    assert closed(placed(held("ORD-1", Named.KILLED)), "claims", "2.0")
    assert not closed(placed(held("ORD-1", Named.KILLED)), "claims", "1.0")
    assert not closed(placed(held("ORD-1", Named.KILLED)), "other", "2.0")
    assert not closed(placed(held("ORD-1", Named.KILLED, tenant="acme")), "claims", "2.0")
    assert not closed(placed(held("ORD-1", Named.KILLED, segment="supplier=P42")), "claims", "2.0")
    assert not closed(placed(held("ORD-1", Named.SAFE_MODE)), "claims", "2.0")
    assert closed(placed(held("ORD-1", Named.KILLED, version="*")), "claims", "1.0")


def test_an_unseen_value_is_in_its_own_segment_and_in_the_unseen_one() -> None:
    state = placed(held("ORD-1", segment="supplier=__unseen__"))
    quick = Compiled(state, "claims", "baseline", None)
    assert quick.posture("2.0", "acme", {"supplier": "P42"}) == NORMAL
    assert quick.posture("2.0", "acme", {"supplier": "P42"}, unseen=("supplier",)).decider == "person"
    assert quick.posture("2.0", "acme", {"supplier": "__unseen__"}).decider == "person"
    named = Compiled(placed(held("ORD-1", segment="supplier=P42")), "claims", "baseline", None)
    assert named.posture("2.0", "acme", {"supplier": "P42"}, unseen=("supplier",)).decider == "person"


def test_a_segment_may_name_the_tenant() -> None:
    quick = Compiled(placed(held("ORD-1", segment="supplier=P42;tenant=acme")), "claims", "baseline", None)
    assert quick.posture("2.0", "acme", {"supplier": "P42"}).decider == "person"
    assert quick.posture("2.0", "bolt", {"supplier": "P42"}) == NORMAL


def test_an_unreadable_order_in_the_state_holds_for_every_request() -> None:
    state = RuntimeState(orders=(held("ORD-1", Named.KILLED, segment="not a segment"),))
    slow = effective(state, "claims", "2.0", "acme", {"supplier": "P02"}, "baseline", None)
    assert (slow.source, slow.decider) == (Source.NONE, Decider.NOBODY)
    assert Compiled(state, "claims", "baseline", None).posture("2.0", "acme", {}).source == "none"


def test_an_order_may_hold_for_what_is_not_told() -> None:
    quick = Compiled(placed(held("ORD-1", tenant="acme", segment="supplier=P42")), "claims", "baseline", None)
    for tenant, keys in (("acme", {"supplier": "P42"}), (None, {"supplier": "P42"}), ("acme", {}), (None, {})):
        assert quick.may_hold("2.0", tenant, keys).decider == "person"
    for tenant, keys in (("bolt", {"supplier": "P42"}), ("acme", {"supplier": "P02"}), (None, {"supplier": "P02"})):
        assert quick.may_hold("2.0", tenant, keys) == NORMAL
    assert quick.may_hold("1.0", None, {}) == NORMAL
    of_tenant = Compiled(placed(held("ORD-1", segment="tenant=acme")), "claims", "baseline", None)
    assert [of_tenant.may_hold("2.0", tenant, {}) == NORMAL for tenant in ("acme", "bolt", None)] == [
        False,
        True,
        False,
    ]
