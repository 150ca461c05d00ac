"""Junk from one tenant degrades that tenant: the others' answers stay byte for byte what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import pytest

from tests.flows.tiny import Tiny
from tests.runtime.many import Many, plain
from tests.runtime.served import Served, claim, wait_until

GOOD = [
    claim(visit=f"v-{i}", tenant=tenant, supplier=f"S{1 + i % 3}", speed=(7 * i) % 20, age=30 + i % 45)
    for i in range(66)
    for tenant in ("acme", "birch")
]


def ask_well(served: Served | Many) -> list[bytes]:
    """Two tenants send good rows of every segment; return the answers."""
    told = [served.decide(**row) for row in GOOD]
    return [plain({key: value for key, value in one.items() if key != "epoch"}) for one in told]


def junk(supplier: Callable[[], str], n: int, tenant: str = "evil") -> Iterator[dict[str, Any]]:
    for i in range(n):
        yield claim(visit=f"j-{i}", tenant=tenant, supplier=supplier(), speed=900 + i)


def scopes(orders: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["scope"]["tenant"], one["scope"]["segment"]) for one in orders}


@pytest.mark.parametrize(
    ("suppliers", "places"),
    [
        (("S2",), {("evil", "supplier=S2")}),
        (("S1", "S2", "S3"), {("evil", "*")}),
        (("ZZ",), {("*", "supplier=__unseen__")}),  # which nobody else uses
    ],
)
def test_a_flood_of_junk_degrades_who_sends_it(
    shipped: Tiny, suppliers: tuple[str, ...], places: set[tuple[str, str]]
) -> None:
    with Served(shipped) as served:
        before = ask_well(served)
        names = cycle(suppliers)
        answers = [served.post("/decide", {"row": row})[1] for row in junk(lambda: next(names), 60)]
        served.keep_up()
        assert scopes(served.orders()) == places
        assert ask_well(served) == before
        for row in junk(lambda: next(names), 20):
            answers.append(served.post("/decide", {"row": row})[1])
        served.keep_up(minutes=2)  # nor do the judges of windows widen it
        assert ask_well(served) == before
        assert {one["route"] for one in answers[10:]} == {"person"}


def test_the_same_by_many_workers(shipped: Tiny) -> None:
    with Many(shipped) as many:
        before = ask_well(many)
        for row in junk(lambda: "S2", 60):
            many.post("/decide", {"row": row})
        wait_until(lambda: bool(many.status()["state"]["orders"]))
        assert scopes([one["order"] for one in many.status()["state"]["orders"]]) == {("evil", "supplier=S2")}
        assert ask_well(many) == before


def test_without_others_who_are_seen_to_be_well_it_is_everybodys(shipped: Tiny) -> None:
    with Served(shipped) as served:
        for i in range(19):  # one less than it takes
            served.decide(visit=f"v-{i}", tenant="acme", supplier="S2")
        for row in junk(lambda: "S2", 6):
            served.post("/decide", {"row": row})
        served.keep_up()
        assert scopes(served.orders()) == {("*", "supplier=S2")}
