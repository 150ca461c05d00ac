"""What people see: nothing of fewer than five events but that there was something, and one flooding caller in full."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import AbuseCount, AbuseKind
from shipworthy.observe.abuse_shown import LEAST, Shown, by_kind, shown

COUNTS = st.lists(
    st.builds(
        AbuseCount,
        hour=st.integers(10, 12),
        tenant=st.sampled_from(["acme", "birch"]),
        kind=st.sampled_from([AbuseKind.FLOOD, AbuseKind.MALFORMED]),
        caller=st.sampled_from(["p-1", "p-2", "p-3"]),
        segment=st.sampled_from(["*", "supplier=S1"]),
        n=st.integers(1, 7),
        evidence=st.sampled_from(["e-1", "e-2"]),
    ),
    max_size=25,
)


def count(
    n: int, hour: int = 10, caller: str = "p-1", segment: str = "*", tenant: str = "acme", evidence: str = "e-1"
) -> AbuseCount:
    return AbuseCount(
        hour=hour, tenant=tenant, kind=AbuseKind.FLOOD, caller=caller, segment=segment, n=n, evidence=evidence
    )


def rows(*counts: AbuseCount) -> list[tuple[str, int | None, str, int | None]]:
    return [(row.caller, row.hour, row.segment, row.n) for row in shown(counts)]


@given(COUNTS)
def test_no_number_from_1_to_4_is_ever_shown_and_no_event_is_shown_twice(counts: list[AbuseCount]) -> None:
    made = shown(counts)
    assert all(row.n is None or row.n >= LEAST for row in made)
    told = sum(row.n or 0 for row in made)
    hidden = [row for row in made if row.n is None]
    assert told + len(hidden) <= sum(one.n for one in counts) <= told + 4 * len(hidden)
    keys = [(row.kind, row.tenant, row.caller, row.hour, row.segment) for row in made if row.n is not None]
    assert len(keys) == len(set(keys))


@given(COUNTS)
def test_what_is_withheld_names_nobody_no_hour_no_segment_and_no_evidence(counts: list[AbuseCount]) -> None:
    hidden = [row for row in shown(counts) if row.n is None]
    assert all((row.caller, row.hour, row.segment, row.evidence) == ("*", None, "*", "") for row in hidden)
    assert len({(row.kind, row.tenant) for row in hidden}) == len(hidden)


@settings(max_examples=50)
@given(COUNTS, st.randoms())
def test_the_order_and_the_split_of_counts_do_not_matter(counts: list[AbuseCount], random: object) -> None:
    from msgspec.structs import replace

    split = [replace(one, n=1) for one in counts for _ in range(one.n)]
    random.shuffle(split)  # type: ignore[attr-defined]
    assert shown(split) == shown(counts)


def test_a_single_flooding_caller_is_seen_with_hour_and_segment() -> None:
    assert rows(count(500, segment="supplier=S1")) == [("p-1", 10, "supplier=S1", 500)]


def test_five_is_enough_and_four_is_not() -> None:
    assert rows(count(5)) == [("p-1", 10, "*", 5)]
    assert rows(count(4)) == [("*", None, "*", None)]


def test_a_caller_who_trickles_through_the_hours_is_seen_without_them() -> None:
    trickle = [count(2, hour=hour, segment=f"supplier=S{hour}") for hour in range(10, 14)]
    assert rows(*trickle) == [("p-1", None, "*", 8)]


def test_segments_go_before_hours_and_hours_before_callers() -> None:
    assert rows(count(3, segment="supplier=S1"), count(3, segment="supplier=S2")) == [("p-1", 10, "*", 6)]
    assert rows(count(4, caller="p-1"), count(4, caller="p-2")) == [("*", None, "*", 8)]


def test_a_rest_never_joins_what_is_shown() -> None:
    assert rows(count(20), count(3, hour=11)) == [("p-1", 10, "*", 20), ("*", None, "*", None)]


def test_tenants_and_kinds_are_never_joined() -> None:
    made = shown([count(3), count(3, tenant="birch")])
    assert [(row.tenant, row.n) for row in made] == [("acme", None), ("birch", None)]


def test_a_joined_row_keeps_the_smallest_evidence() -> None:
    (row,) = shown([count(3, evidence="e-7"), count(3, hour=11, evidence="e-2")])
    assert row == Shown(kind=AbuseKind.FLOOD, tenant="acme", caller="p-1", hour=None, segment="*", n=6, evidence="e-2")


def test_the_largest_row_comes_first() -> None:
    assert [row.n for row in shown([count(6), count(60, caller="p-2"), count(2, tenant="birch")])] == [60, 6, None]


def test_totals_by_kind_hide_small_numbers_too() -> None:
    told = by_kind({AbuseKind.FLOOD: 5, AbuseKind.MALFORMED: 4, AbuseKind.PROBING: 0})
    assert told == {"flood": 5, "malformed": None}
