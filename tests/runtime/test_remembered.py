"""Sums in memory: bounded whatever comes, exact in total, and parted where people restored."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from shipworthy.facts import OTHER, LabelSummary, WindowSummary, heartbeat
from shipworthy.observe.collector import Collector
from shipworthy.observe.windows import MOST_LIVE_KEYS
from shipworthy.runtime import remembered
from shipworthy.runtime.remembered import MOST_PLACES, Blurred, Remembered
from tests.observe.made import REFERENCE, T0, event, labelled

HOUR0 = T0 - T0 % 60
ALL = ("2.0", "*", "*")


def window(minute: int, n: int = 1, segment: str = "*", tenant: str = "*", n_ood: int = 0) -> WindowSummary:
    return WindowSummary(
        version="2.0",
        arm="candidate",
        tenant=tenant,
        segment=segment,
        minute=minute,
        reference=REFERENCE,
        n=n,
        n_ood=n_ood,
    )


def told(kept: Remembered, since: int = 0) -> int:
    return sum(one.n for one in kept.windows(ALL) if one.minute >= since)


def test_a_flood_of_tenants_costs_their_names_and_never_a_count() -> None:
    kept, collector = Remembered(T0), Collector(T0)
    sent = 0
    for minute in range(T0, T0 + 60):
        for _ in range(834):  # 50,040 tenants in an hour
            collector.add(event(minute, tenant=f"t{sent}", segments=(), score=0.1))
            sent += 1
        closed = collector.roll(minute + 1)
        assert len(closed) <= MOST_LIVE_KEYS + 200
        kept.take_windows(closed)
    tenants = kept.tenants("2.0")
    assert len(tenants) <= MOST_PLACES + 1
    assert told(kept) == sent
    own = Counter({tenant: sum(one.n for one in kept.windows(("2.0", tenant, "*"))) for tenant in tenants})
    assert own.total() - own["*"] == sent
    assert own[OTHER] > sent / 2


def test_what_an_slo_asks_about_is_never_added_to_others() -> None:
    kept, collector = Remembered(T0), Collector(T0)
    for one in (collector.keep_apart, kept.watch):
        one("2.0", ["supplier=P9999"])
    for k in range(MOST_LIVE_KEYS + 100):
        collector.add(event(segments=(f"supplier=P{k}",), tenant=f"t{k}"))
    collector.add(event(segments=("supplier=P9999",), tenant="late"))
    kept.take_windows(collector.roll(T0 + 1))
    assert [one.n for one in kept.windows(("2.0", "*", "supplier=P9999"))] == [1]
    kept.take_windows(window(T0, 5, f"supplier=Q{k}") for k in range(MOST_PLACES))
    assert kept.folded > 0
    assert [one.n for one in kept.windows(("2.0", "*", "supplier=P9999"))] == [1]


def test_windows_are_bounded_as_places_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_HELD", 200)
    kept = Remembered(T0)
    for hour in range(100):
        kept.take_windows(window(HOUR0 + 60 * hour, 1 + k, f"supplier=P{k}") for k in range(5))
        kept.take_windows([window(HOUR0 + 60 * hour, 15)])
    held = sum(len(kept.windows(("2.0", "*", segment))) for segment in kept.places("2.0"))
    assert held <= 300  # `*` and `__other__` of a hundred hours, and the rest
    assert told(kept) == 1500
    parts = [segment for segment in kept.places("2.0") if segment != "*"]
    assert sum(one.n for segment in parts for one in kept.windows(("2.0", "*", segment))) == 1500


def test_a_full_window_weighs_what_its_vectors_weigh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_HELD", 400)
    kept = Remembered(T0)
    full = replace(window(HOUR0, tenant="acme"), cells=(1,) * 1500, hitters=(0,) * 2500)
    for k in range(9):
        kept.take_windows([replace(full, tenant=f"t{k}")])
    assert len(kept.tenants("2.0")) == 9
    kept.take_windows([replace(full, tenant="last")])
    assert OTHER in kept.tenants("2.0")
    assert sum(one.cells[0] for tenant in kept.tenants("2.0") for one in kept.windows(("2.0", tenant, "*"))) == 10


def test_labels_of_many_tenants_are_bounded_and_none_is_lost() -> None:
    kept = Remembered(T0)
    (one,) = (each for each in labelled([(0.3, 1)], segments=()) if each.tenant == "*")
    kept.take_labels(replace(one, tenant=f"t{k}") for k in range(MOST_PLACES + 500))
    here = [f"t{k}" for k in range(MOST_PLACES + 500)]
    counts = [sum(map(total, kept.labels(("2.0", tenant, "*")))) for tenant in here]
    others = sum(map(total, kept.labels(("2.0", OTHER, "*"))))
    assert others > 2000
    assert sum(counts) + others == MOST_PLACES + 500


def total(one: LabelSummary) -> int:
    return sum(one.n)


def test_a_cut_in_the_past_hides_nothing_until_it_is_mended() -> None:
    kept = Remembered(HOUR0)
    minutes = [window(HOUR0 + n, 1, n_ood=int(n >= 10)) for n in range(30)]
    kept.take_windows([*minutes, *(heartbeat(HOUR0 + n, 1) for n in range(40))])
    assert kept.silent(HOUR0, HOUR0 + 30) == ()
    kept.cut(HOUR0 + 10)
    assert kept.blurred() == Blurred(HOUR0 + 10, HOUR0 + 30)
    assert kept.silent(HOUR0 + 10, HOUR0 + 40) == tuple(range(HOUR0 + 10, HOUR0 + 30))
    kept.set_aside(HOUR0)
    kept.take_windows([window(HOUR0 + 30, 1)])  # comes while the store is asked
    kept.mended(minutes, [], None)
    assert kept.blurred() is None
    assert kept.silent(HOUR0 + 10, HOUR0 + 40) == ()
    assert told(kept, HOUR0 + 10) == 21
    assert told(kept) == 31


def test_what_the_store_cannot_part_either_stays_a_gap_until_it_is_forgotten() -> None:
    kept = Remembered(HOUR0)
    kept.take_windows([*(window(HOUR0 + n) for n in range(20)), *(heartbeat(HOUR0 + n, 1) for n in range(20))])
    kept.cut(HOUR0 + 7)
    kept.set_aside(HOUR0)
    kept.mended([window(HOUR0, 5), window(HOUR0 + 5, 15)], [], Blurred(HOUR0 + 7, HOUR0 + 10))
    assert kept.silent(HOUR0, HOUR0 + 20) == (HOUR0 + 7, HOUR0 + 8, HOUR0 + 9)
    kept.forget(HOUR0 + 2 * 24 * 60)
    assert kept.kept_since == HOUR0 + 2 * 24 * 60
    assert kept.windows(ALL) == []


def test_a_cut_before_anything_came_after_it_blurs_nothing() -> None:
    kept = Remembered(HOUR0)
    kept.take_windows([window(HOUR0 + 5)])
    kept.cut(HOUR0 + 6)
    kept.cut(HOUR0 + 60)
    assert kept.blurred() is None
    kept.take_windows([window(HOUR0 + 6), window(HOUR0 + 70)])
    assert sorted(one.minute for one in kept.windows(ALL)) == [HOUR0 + 5 - 5, HOUR0 + 6, HOUR0 + 60]


def test_replacing_a_version_forgets_what_was_known_of_it_and_nothing_else() -> None:
    kept = Remembered(HOUR0)
    other = replace(window(HOUR0, 9), version="1.0")
    kept.take_windows([window(HOUR0, 3), other])
    kept.take_labels(labelled([(0.2, 0)]))
    kept.replace("2.0", [window(HOUR0, 4)], [], [])
    assert (told(kept), sum(one.n for one in kept.windows(("1.0", "*", "*")))) == (4, 9)
    assert kept.labels(ALL) == []
    assert kept.versions() == ("1.0", "2.0")
