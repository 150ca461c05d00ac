"""What is told of a mutant: of a survivor what parts it from healthy ones, of a healthy one what was too tight."""

from __future__ import annotations

from shipworthy.evaluate.mutants.catalogue import BY_ID
from shipworthy.evaluate.mutants.moved import Seen
from shipworthy.flows.strength.told import told
from shipworthy.flows.strength.trial import Base, Found
from shipworthy.gate.strength import Where


def seen(value: float) -> dict[str, Seen]:
    return {"decision_ece": Seen(value=value, lo=value - 0.01, hi=value + 0.01, good="down")}


def one(name: str, stopped: Where, value: float = 0.02, why: tuple[str, ...] = ()) -> str:
    """Return what is told of one, beside a release and a healthy variant."""
    found = [
        (BY_ID["healthy.fewer"], Found(id="healthy.fewer", stopped="nowhere", seen=seen(0.03))),
        (BY_ID[name], Found(id=name, stopped=stopped, seen=seen(value), why=why)),
    ]
    return told(found, Base(not_green={}, seen=seen(0.02), orders=()))[-1].told


def test_a_survivor_that_moved_is_told_the_limit_and_what_is_made_for_it() -> None:
    assert one("labels.random", "nowhere", 0.2) == (
        "would have noticed it: decision_ece <= 0.125 (0.2 here, 0.02 to 0.03 in healthy ones); "
        f"made for its kind: {BY_ID['labels.random'].asks_for}"
    )


def test_a_survivor_that_did_not_move_is_told_what_is_made_for_it() -> None:
    assert one("backdoor.pair", "nowhere").startswith("nothing that is measured parts it")


def test_what_was_stopped_or_ships_needs_no_word() -> None:
    assert one("labels.random", "gate", 0.2) == one("traffic.unit", "runtime") == ""
    assert one("healthy.reordered", "nowhere") == ""


def test_why_it_was_too_tight_or_was_not_made() -> None:
    assert one("healthy.reordered", "gate", why=("a", "b")) == "a; b"
    assert one("traffic.unit", "not made", why=("no unit",)) == "no unit"
