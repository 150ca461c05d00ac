"""A late label finds the minute of its decision, and adds up in any order."""

from __future__ import annotations

import itertools
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import FIXED, canonical
from shipworthy.observe.labels import ShadowScore, label_summary, matured, matured_before, merge, merged
from tests.observe.made import T0, WORDS, receipt

RECEIPTS = st.builds(
    receipt,
    st.one_of(st.none(), st.floats(0, 1)),
    st.integers(T0, T0 + 2),
    tenant=st.sampled_from(["acme", "bolt"]),
    segments=st.sampled_from([(), ("supplier=P02",), ("region=N", "supplier=P02")]),
    route=st.sampled_from(["machine", "person", "refused"]),
    decision=st.sampled_from(["auto_deny", "auto_approve", "to_person"]),
)


@given(st.lists(st.tuples(RECEIPTS, st.integers(0, 1)), max_size=20), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_bytes(labels: list[tuple[object, int]], random: Random) -> None:
    one_way = [one for got, label in labels for one in label_summary(got, label, WORDS)]  # type: ignore[arg-type]
    other_way = random.sample(one_way, len(one_way))
    cut = len(other_way) // 2
    halves = [*merged(other_way[:cut]), *merged(other_way[cut:])]
    assert canonical(merged(one_way)) == canonical(merged(halves))


@given(RECEIPTS, st.integers(0, 1))
def test_a_label_is_counted_in_the_minute_of_its_decision_and_in_every_place_once(got: object, label: int) -> None:
    summaries = label_summary(got, label, WORDS)  # type: ignore[arg-type]
    places = {(one.tenant, one.segment) for one in summaries}
    assert len(summaries) == len(places) == 2 * (1 + len(got.segments))  # type: ignore[attr-defined]
    assert {one.minute for one in summaries} == {got.minute}  # type: ignore[attr-defined]
    assert len({(one.n, one.positives, one.machine, one.machine_wrong) for one in summaries}) == 1


@pytest.mark.parametrize(
    ("route", "decision", "label", "machine", "wrong"),
    [
        ("machine", "auto_deny", 1, 1, 1),
        ("machine", "auto_deny", 0, 1, 0),
        ("machine", "auto_approve", 0, 1, 1),
        ("machine", "auto_approve", 1, 1, 0),
        ("machine", "a word nobody knows", 1, 1, 1),
        ("machine", "a word nobody knows", 0, 1, 1),
        ("person", "auto_deny", 1, 0, 0),
        ("refused", "", 1, 0, 0),
    ],
)
def test_only_machine_answers_count_as_machine_errors(
    route: str, decision: str, label: int, machine: int, wrong: int
) -> None:
    one = label_summary(receipt(0.2, route=route, decision=decision), label, WORDS)[0]
    assert (one.machine, one.machine_wrong) == (machine, wrong)
    assert (sum(one.n), sum(one.positives)) == (1, label)


def test_sums_are_fixed_point() -> None:
    one = label_summary(receipt(0.25), 1, WORDS)[0]
    assert one.n[15] == one.positives[15] == 1
    assert one.sum_p[15] == FIXED // 4
    assert one.sum_pq[15] == FIXED * 3 // 16


def test_a_decision_without_a_score_counts_no_calibration() -> None:
    one = label_summary(receipt(None), 1, WORDS)[0]
    assert (sum(one.n), one.machine, one.machine_wrong) == (0, 1, 1)


def test_a_shadow_is_counted_apart_and_answers_nothing() -> None:
    got = label_summary(receipt(0.9, route="person"), 1, WORDS, ShadowScore("3.0", 0.1))
    shadow = [one for one in got if one.arm == "shadow"]
    assert {one.version for one in shadow} == {"3.0"}
    assert {(one.n[6], one.positives[6], one.machine, one.machine_wrong) for one in shadow} == {(1, 1, 0, 0)}
    assert len(shadow) == len(got) - len(shadow) == 4
    for score in (None, math.nan, 1.5):
        assert len(label_summary(receipt(0.9), 1, WORDS, ShadowScore("3.0", score))) == 4


@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_is_zero_or_one(label: int) -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        label_summary(receipt(0.5), label, WORDS)


def test_two_keys_are_not_one() -> None:
    for a, b in itertools.combinations(label_summary(receipt(0.5), 1, WORDS), 2):
        with pytest.raises(ValueError, match="not one window"):
            merge(a, b)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(["30m", "24h", "2d"]))
def test_matured_is_the_same_as_before_the_limit(minute: int, now_minute: int, after: str) -> None:
    assert matured(minute, now_minute, after) == (minute < matured_before(now_minute, after))


def test_a_minute_matures_when_its_last_decision_has() -> None:
    assert not matured(T0, T0 + 72 * 60, "72h")
    assert matured(T0, T0 + 72 * 60 + 1, "72h")
    with pytest.raises(ValueError, match="no length"):
        matured(T0, T0, "rolling")
