"""What was worked out before is what is worked out now: sums, places and weights follow every change."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.facts import LabelCells, WindowSummary, digest
from shipworthy.runtime import hours, remembered
from shipworthy.runtime.remembered import Remembered
from tests.observe.made import REFERENCE, labelled

HOUR0 = 29_000_040
PLACES = [("2.0", "*", "*"), ("2.0", "*", "s=a"), ("2.0", "acme", "*"), ("2.1", "*", "*")]
OTHER_REFERENCE = digest(b"another profile")
WINDOWS = st.builds(
    lambda place, minute, arm, n, n_ood, full, reference: WindowSummary(
        version=place[0], tenant=place[1], segment=place[2], minute=HOUR0 + minute, arm=arm, n=n + n_ood, n_ood=n_ood,
        reference=reference, scores=(n, *(0,) * 59), cells=(n, 1) if full else (), latency=(n,) * 128 if full else (),
    ),
    st.sampled_from(PLACES), st.integers(0, 400), st.sampled_from(["candidate", "baseline"]), st.integers(0, 9),
    st.integers(0, 9), st.booleans(), st.sampled_from([REFERENCE, REFERENCE, OTHER_REFERENCE]),
)  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.lists(WINDOWS, max_size=4)),
        st.tuples(st.just("replace"), st.lists(WINDOWS, max_size=4)),
        st.tuples(st.just("cut"), st.integers(0, 400)),
        st.tuples(st.just("mend"), st.lists(WINDOWS, max_size=2)),
        st.tuples(st.just("forget"), st.integers(1440, 1800)),
        st.tuples(st.just("label"), st.sampled_from(["s=a", "s=b"])),
        st.tuples(st.just("ask"), st.tuples(st.integers(0, 420), st.integers(0, 420))),
    ),
    max_size=14,
)


def done(kept: Remembered, step: str, given_: Any) -> None:
    if step == "take":
        kept.take_windows(given_)
    elif step == "replace":
        kept.replace("2.0", [one for one in given_ if one.version == "2.0"], [], [])
    elif step == "cut":
        kept.cut(HOUR0 + given_)
    elif step == "mend":
        kept.set_aside(HOUR0)
        kept.mended([one for one in given_ if one.minute < HOUR0 + 60], [], None)
    elif step == "forget":
        kept.forget(HOUR0 + given_ - 1400)
    elif step == "label":
        kept.take_labels(labelled([(0.4, 1)], segments=(given_,)), [cells(HOUR0)])


def cells(minute: int) -> LabelCells:
    return LabelCells(version="2.0", bucket="*", minute=minute, n=(2, *(0,) * 99), positives=(1, *(0,) * 99))


def totals(windows: list[WindowSummary]) -> Counter[Any]:
    told: Counter[Any] = Counter()
    for one in windows:
        key = (one.arm, one.reference)
        told[(*key, "n")] += one.n
        told[(*key, "n_ood")] += one.n_ood
        for name in ("scores", "cells", "latency"):
            for at, n in enumerate(getattr(one, name)):
                told[(*key, name, at)] += n
    return +told


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(1, 3))
def test_sums_places_and_weights_follow_every_change(steps: list[tuple[str, Any]], most: int) -> None:
    kept = Remembered(HOUR0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hours, "MOST_INTERVALS", most)
        for step, given_ in steps:
            done(kept, step, given_)
            start, end = sorted(given_) if step == "ask" else (0, 420)
            for place in PLACES:
                plain = [one for one in kept.windows(place) if HOUR0 + start <= one.minute < HOUR0 + end]
                asked = kept.over(place, HOUR0 + start, HOUR0 + end)
                assert totals(asked) == totals(plain)
                assert all(HOUR0 + start <= one.minute < HOUR0 + end for one in asked)
            assert all(len(held) <= most for held in kept._hours._sums.values())
            known = {*kept._windows, *kept._labels}
            for version, tenant in (("2.0", "*"), ("2.0", "acme"), ("2.1", "*"), ("2.0", "nobody")):
                assert kept.places(version, tenant) == sorted(one[2] for one in known if one[:2] == (version, tenant))
            held = [one for here in kept._windows.values() for one in here.values()]
            assert kept._held == sum(map(remembered._weight, held))
            assert kept.labelled() == sum(sum(one.n) for one in kept.cells("2.0", "*", HOUR0 + 10**6))


def test_what_is_asked_for_is_the_callers_own() -> None:
    kept = Remembered(HOUR0)
    kept.take_windows([window(0)])
    kept.places("2.0").append("s=z")
    kept.over(("2.0", "*", "*"), HOUR0, HOUR0 + 60).clear()
    assert kept.places("2.0") == ["*"]
    assert len(kept.over(("2.0", "*", "*"), HOUR0, HOUR0 + 60)) == 1


def test_hours_that_are_over_are_one_window_an_arm_and_late_counts_are_in_it() -> None:
    kept, place = Remembered(HOUR0), ("2.0", "*", "*")
    kept.take_windows([window(60 * hour) for hour in range(50)])
    assert [one.n for one in kept.over(place, HOUR0, HOUR0 + 50 * 60)] == [49, 1]
    kept.take_windows([window(7), window(49 * 60 + 5)])
    assert [one.n for one in kept.over(place, HOUR0, HOUR0 + 50 * 60)] == [50, 2]
    assert [one.n for one in kept.over(place, HOUR0 + 1, HOUR0 + 50 * 60)] == [48, 2], "an hour that began before"
    kept.take_windows([window(50 * 60)])
    assert [one.n for one in kept.over(place, HOUR0, HOUR0 + 51 * 60)] == [52, 1]


def test_a_cut_begins_a_sum_inside_an_hour() -> None:
    kept, place = Remembered(HOUR0), ("2.0", "*", "*")
    kept.cut(HOUR0 + 20)
    kept.take_windows([window(10), window(30), window(70)])
    asked = [kept.over(place, HOUR0 + start, HOUR0 + 120) for start in (0, 5, 20, 21, 60)]
    assert [sum(one.n for one in found) for found in asked] == [3, 2, 2, 1, 1]
    assert [sum(one.n for one in kept.over(place, HOUR0, HOUR0 + end)) for end in (20, 21, 60, 61)] == [1, 2, 2, 3]


def test_places_fold_and_are_known_under_their_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_PLACES", 6)
    monkeypatch.setattr(remembered, "FEWER_PLACES", 3)
    kept = Remembered(HOUR0)
    for at in range(9):
        kept.take_windows([replace(window(0), segment=f"s=p{at}")])
        asked = [kept.over(("2.0", "*", place), HOUR0, HOUR0 + 60) for place in kept.places("2.0")]
        assert sum(one.n for found in asked for one in found) == at + 1
    assert "s=__other__" in kept.places("2.0")


def test_cells_of_whole_hours_come_in_their_order() -> None:
    kept = Remembered(HOUR0)
    kept.take_labels([], [cells(HOUR0 + 120), cells(HOUR0 + 60), cells(HOUR0), cells(HOUR0)])
    assert [(one.minute - HOUR0, one.n[0]) for one in kept.cells("2.0", "*", HOUR0 + 150)] == [(0, 4), (60, 2)]
    assert (kept.labelled(), kept.cells("2.0", "b", HOUR0 + 999)) == (8, [])
    kept.replace("2.0", [], [], [cells(HOUR0)])
    assert kept.labelled() == 2


def window(minute: int) -> WindowSummary:
    return WindowSummary(
        version="2.0", arm="candidate", tenant="*", segment="*", minute=HOUR0 + minute, reference=REFERENCE, n=1
    )
