"""What is owed is owed until it is taken, survives as one value, and is forgotten when nobody is owed it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import Entry, Severity, digest
from shipworthy.respond.moments import later
from shipworthy.respond.pages.notices import LASTS_S
from shipworthy.respond.pages.page import Page, Phase
from shipworthy.runtime.paging.outbox import MOST, Kept, Outbox, read_kept, write_kept
from tests.respond.pages.made import AT, TOLD, page

ALL = tuple(Severity)


def box(**hears: tuple[Severity, ...]) -> Outbox:
    return Outbox(Kept(), hears or {"a": ALL, "b": ALL})


def again(outbox: Outbox, **hears: tuple[Severity, ...]) -> Outbox:
    """The outbox after a restart."""
    return Outbox(read_kept(write_kept(outbox.kept())), hears or {"a": ALL, "b": ALL})


def test_a_page_is_owed_to_each_until_it_took_it() -> None:
    outbox = box()
    outbox.take([page()], AT)
    assert outbox.owed("a") == outbox.owed("b") == (page(),)
    outbox.taken("a", page())
    assert (outbox.owed("a"), outbox.owed("b")) == ((), (page(),))
    outbox.take([page(because="41 of 61", at="2027-01-04T09:01:00.000000Z", epoch=9)], later(AT, 60))
    assert outbox.owed("a") == ()
    assert outbox.pages[page().key] == page(because="41 of 61")


def test_its_end_is_owed_too_and_then_all_of_it_is_forgotten() -> None:
    outbox = box()
    outbox.take([page()], AT)
    for name in "ab":
        outbox.taken(name, page())
    outbox.take([], later(AT, 60))
    (over,) = outbox.owed("a")
    assert (over.phase, over.ended > over.at) == (Phase.RESOLVED, True)
    outbox.taken("a", over)
    assert outbox.owed("b") == (over,)
    outbox.taken("b", over)
    outbox.take([], later(AT, 120))
    assert (outbox.pages, outbox.kept().heard) == ({}, {"a": {}, "b": {}})


def test_what_cannot_be_seen_has_not_ended() -> None:
    outbox = box()
    outbox.take([page()], AT)
    outbox.take([page("state_files")], later(AT, 60), whole=False)
    assert [one.phase for one in outbox.owed("a")] == [Phase.FIRING] * 2
    outbox.take([], later(AT, 120))
    assert [one.phase for one in outbox.owed("a")] == [Phase.RESOLVED] * 2


def test_what_fires_again_is_a_new_page_with_its_own_beginning() -> None:
    outbox = box()
    outbox.take([page()], AT)
    outbox.taken("a", page())
    outbox.take([], later(AT, 60))
    anew = page(at="2027-01-04T09:10:00.000000Z")
    outbox.take([anew], later(AT, 600))
    assert outbox.owed("a") == outbox.owed("b") == (anew,)


def test_a_receiver_hears_its_severities_and_the_end_of_what_it_heard() -> None:
    outbox = box(a=(Severity.SEV1, Severity.SEV2), b=(Severity.SEV4,))
    outbox.take([page()], AT)
    assert outbox.owed("b") == ()
    outbox.taken("a", page())
    milder = page(severity=Severity.SEV3)
    outbox.take([milder], AT)
    assert outbox.owed("a") == (milder,)  # else it would ring on for ever there
    assert outbox.owed("b") == ()


def test_what_is_owed_and_what_was_heard_survive_a_restart_and_a_new_receiver_is_owed_all() -> None:
    outbox = box()
    outbox.take([page(), page("error_rate")], AT)
    outbox.taken("a", page())
    after = again(outbox, a=ALL, c=ALL)
    assert [one.slo for one in after.owed("a")] == ["error_rate"]
    assert len(after.owed("c")) == 2
    assert after.heard("a", page().key) == page()


def entry(kind: str, seq: int, **body: Any) -> Entry:
    return Entry(seq=seq, at=TOLD, actor="machine", kind=kind, body=body, prev=digest(b""))


def test_entries_are_read_once_and_their_notices_end_by_themselves() -> None:
    outbox = box()
    notice = page("review_queue", at=TOLD)
    outbox.read([entry("respond.review_expired", 7)], [notice], [])
    assert outbox.seq == 8
    outbox.take([], AT)
    after = again(outbox)
    assert after.seq == 8
    after.take([], later(AT, LASTS_S - 1))
    assert after.owed("a") == (notice,)
    after.take([], later(AT, LASTS_S))
    assert [one.phase for one in after.owed("a")] == [Phase.RESOLVED]


def test_incidents_are_known_by_order_while_it_holds() -> None:
    outbox = box()
    opened = entry("respond.incident_opened", 0, incident={"id": "INC-1", "orders": ["ORD-1"]})
    outbox.read([opened], [], ["ORD-1"])
    assert outbox.incidents == {"ORD-1": "INC-1"}
    outbox.read([], [], [])
    assert outbox.incidents == {}


def test_the_end_of_a_page_may_be_given_up_and_a_firing_one_never() -> None:
    outbox = box()
    outbox.take([page()], AT)
    outbox.give_up("a", page())
    assert outbox.owed("a") == (page(),)
    outbox.take([], AT)
    outbox.give_up("a", outbox.owed("a")[0])
    assert outbox.owed("a") == ()


def test_the_worst_and_oldest_go_first() -> None:
    outbox = box()
    mild, late = page("mild", severity=Severity.SEV3), page("late", at="2027-01-04T10:00:00.000000Z")
    outbox.take([late, mild, page("early")], AT)
    assert [one.slo for one in outbox.owed("a")] == ["early", "late", "mild"]


def test_pages_that_ended_are_bounded_and_firing_ones_are_kept() -> None:
    outbox = box()
    for start in range(0, 1_200, 400):
        outbox.take([page(f"slo_{at}") for at in range(start, start + 400)], later(AT, start))
    assert len(outbox.pages) <= MOST
    assert {f"slo_{at}" for at in range(800, 1_200)} <= {one.slo for one in outbox.pages.values()}


def test_what_is_not_ours_is_not_taken_for_an_outbox() -> None:
    for raw in (b"{", b"[]", b'{"seq": "x"}', b'{"other": 1}'):
        with pytest.raises(ValueError, match=r"."):
            read_kept(raw)
    assert read_kept(None) == Kept()


STEPS = st.lists(
    st.one_of(
        st.sets(st.sampled_from(["x", "y", "z"])).map(lambda names: ("take", tuple(sorted(names)))),
        st.sampled_from([("taken", ("a",)), ("taken", ("b",)), ("restart", ())]),
    ),
    max_size=30,
)


@given(STEPS)
def test_a_receiver_that_takes_all_it_is_owed_knows_exactly_what_fires(
    steps: list[tuple[str, tuple[str, ...]]],
) -> None:
    outbox, firing = box(), set[str]()
    heard: dict[str, dict[str, Page]] = {"a": {}, "b": {}}

    def drain(name: str) -> None:
        for one in outbox.owed(name):
            heard[name][one.key] = one
            outbox.taken(name, one)

    for at, (verb, told) in enumerate(steps):
        if verb == "take":
            firing = set(told)
            outbox.take([page(name, at=f"2027-01-04T09:{at:02}:00.000000Z") for name in told], later(AT, 60 * at))
        elif verb == "taken":
            drain(told[0])
        else:
            outbox = again(outbox)
    for name in "ab":
        drain(name)
        rings = {one.slo for one in heard[name].values() if one.phase is not Phase.RESOLVED}
        assert rings == firing
        assert outbox.owed(name) == ()
