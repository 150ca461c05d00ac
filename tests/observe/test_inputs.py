"""Inputs become integers by the hundred, and the rows are gone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.facts import LATENCY_BINS, canonical
from shipworthy.observe import hitters
from shipworthy.observe.bins import latency_bin, latency_edges
from shipworthy.observe.collector import Collector
from shipworthy.observe.inputs import Inputs, inputs_of
from shipworthy.observe.windows import merged
from shipworthy.profile.bins import InputBins
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row
from tests.observe.made import T0, event


@dataclass(frozen=True)
class Declared:
    name: str
    type: str
    min: float | None = None
    max: float | None = None
    accepted: tuple[str, ...] = ()


FEATURES = [Declared("age", "int"), Declared("paid", "float"), Declared("region", "category")]


def rows_of(n: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "age": int(rng.integers(18, 90)),
            "paid": float(rng.exponential(100.0)),
            "region": str(rng.choice(list("NSEW"))),
        }
        for _ in range(n)
    ]


PROFILE = fit_profile(FEATURES, rows_of(600, 1), rows_of(400, 2))
ODD: list[dict[str, Any]] = [
    {"age": None, "paid": float("nan"), "region": ""},
    {"age": "old", "paid": 1e305, "region": "X"},
    {},
    {"age": True, "paid": 3, "region": "X"},
    {"age": 200, "paid": -5.0, "region": "Y"},
]


def inputs() -> Inputs:
    found = inputs_of(PROFILE)
    assert found is not None
    return found


def hashed(feature: str, value: str) -> int:
    return int.from_bytes(random.Random(f"{feature}={value}").randbytes(8), "big")


def test_every_row_is_counted_once_in_each_feature() -> None:
    found = inputs().count([*rows_of(50, 3), *ODD])
    assert PROFILE.bins is not None
    at = 0
    for one in PROFILE.bins.features:
        assert found.cells[at : at + len(one.counts)].sum() == 55
        at += len(one.counts)
    age, paid, region = (found.cells[s] for s in _slices(PROFILE.bins))
    assert age[-3:].tolist() == [1, 1, 3], "True is 1, 200 lies above, and None, text and nothing are empty"
    assert paid[-3:].tolist()[0] == 1
    assert paid[-3:].tolist()[2] == 3, "NaN, what overflows and nothing"
    assert region[-3:].tolist() == [0, 3, 2]
    assert found.joint.sum() == 9 * 55
    assert found.unseen is None, "without a key nothing is told of unseen values"
    assert inputs().count(rows_of(50, 3), hashed).unseen is None, "nothing is unseen"


@given(st.permutations(range(8)), st.integers(1, 7))
def test_any_split_gives_the_same_counts(order: list[int], cut: int) -> None:
    rows = [*rows_of(3, 4), *ODD]
    mixed = [rows[at] for at in order]
    whole = inputs().count(rows, hashed)
    parts = [inputs().count(some, hashed) for some in (mixed[:cut], mixed[cut:])]
    assert whole.cells.tolist() == (parts[0].cells + parts[1].cells).tolist()
    assert whole.joint.tolist() == (parts[0].joint + parts[1].joint).tolist()
    assert whole.unseen is not None
    told = [part.unseen for part in parts if part.unseen is not None]
    assert whole.unseen.tolist() == np.sum(told, axis=0).tolist()


def test_the_commonest_unseen_value_is_told_by_its_tag_alone() -> None:
    found = inputs().count([{"region": "X"}] * 30 + [{"region": f"r{i}"} for i in range(10)], hashed)
    assert found.unseen is not None
    told = dict(hitters.heavy(found.unseen.tolist(), 0))
    number = hashed("region", "X")
    tag = f"#{number & 15:x}{(number >> 4) & 0xFFFF:04x}"
    assert 30 <= told[tag] <= 40
    assert dict(hitters.heavy([], 0)) == {}
    even = hitters.empty(1)
    for value in (0b0000 << 4, 0b1111 << 4):
        hitters.count(even, 0, value)
    assert list(hitters.heavy(even.tolist(), 0)) == [], "no value has more than half"


def _roll(events: list[tuple[Any, Row | None]], split: int = 1) -> bytes:
    made = []
    for part in range(split):
        one = Collector(T0, hashed=lambda tenant, minute: hashed)
        one.watch("2.0", inputs())
        for each, row in events[part::split]:
            one.add(each, row)
        made += one.roll(T0 + 5)
    kept = (window for window in merged(made) if window.arm != "heartbeat")
    return canonical(tuple(replace(window, shards_seen=1) for window in kept))


@given(st.integers(1, 4), st.integers(0, 10))
def test_full_windows_are_the_same_bytes_in_any_order_and_split(split: int, seed: int) -> None:
    rows = [*rows_of(6, 5), *ODD]
    mixed = random.Random(seed)
    events: list[tuple[Any, Row | None]] = [
        (event(T0 + at % 3, tenant=("acme", "bolt")[at % 2], score=at / 11, took_ms=float(at), ood_flag=at % 4 == 0,
               ood_feature="paid", groups=("sex=F",)), row)
        for at, row in enumerate(rows)
    ]  # fmt: skip
    whole = _roll(events)
    mixed.shuffle(events)
    assert _roll(events, split) == whole


def test_all_tenants_are_the_sum_of_each_and_slim_windows_hold_no_inputs() -> None:
    one = Collector(T0)
    one.watch("2.0", inputs())
    for at, row in enumerate(rows_of(700, 6)):
        one.add(event(T0, tenant=f"t{at % 3}", took_ms=2.0, groups=("sex=F",)), row)
    windows = {(w.tenant, w.segment): w for w in one.roll(T0 + 1) if w.arm == "candidate"}
    parts = [windows[f"t{at}", "*"] for at in range(3)]
    whole = windows["*", "*"]
    for name in ("cells", "joint", "latency", "sum_p", "sum_pq"):
        assert [sum(each) for each in zip(*(getattr(part, name) for part in parts), strict=True)] == list(
            getattr(whole, name)
        )
    assert sum(whole.cells) == 3 * 700, "each row once in each of three features"
    assert whole.latency[latency_bin(2.0)] == 700
    assert whole.reference == inputs().reference
    slim = windows["*", "sex=F"]
    assert (slim.n, slim.cells, slim.latency, slim.joint) == (700, (), (), ())


def test_what_explained_the_flags_is_counted_by_feature() -> None:
    one = Collector(T0)
    one.watch("2.0", inputs())
    for feature, flag in (("paid", True), ("paid", True), ("region", True), ("age", False), ("else", True)):
        one.add(event(T0, ood_flag=flag, ood_feature=feature), {})
    (whole,) = [w for w in one.roll(T0 + 1) if (w.tenant, w.segment) == ("*", "*") and w.arm != "heartbeat"]
    assert dict(zip(inputs().features, whole.worst, strict=True)) == {"age": 0, "paid": 2, "region": 1}


def test_a_version_nobody_watches_counts_no_inputs() -> None:
    one = Collector(T0)
    one.add(event(T0), {"age": 3})
    (whole,) = [w for w in one.roll(T0 + 1) if (w.tenant, w.segment) == ("*", "*") and w.arm != "heartbeat"]
    assert (whole.n, whole.cells, whole.worst) == (1, (), ())


def test_probes_are_no_traffic() -> None:
    one = Collector(T0)
    one.watch("2.0", inputs())
    one.add(event(T0, probe="unit"), {"age": 3})
    assert all(w.cells == () for w in one.roll(T0 + 1))


@given(st.floats(0, 1e7))
def test_a_time_lies_in_its_bin(took_ms: float) -> None:
    edges = (*latency_edges(), float("inf"))
    at = latency_bin(took_ms)
    assert edges[at] <= took_ms < edges[at + 1] or at == LATENCY_BINS - 1


@pytest.mark.parametrize("took_ms", [-1.0, float("nan"), float("inf")])
def test_what_is_no_time_does_not_look_fast(took_ms: float) -> None:
    assert latency_bin(took_ms) == LATENCY_BINS - 1


def _slices(bins: InputBins) -> list[slice]:
    made, at = [], 0
    for one in bins.features:
        made.append(slice(at, at + len(one.counts)))
        at += len(one.counts)
    return made
