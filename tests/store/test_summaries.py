"""Packed windows: small, the same bytes for the same counts, and old ones stay readable."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.windows import minute_of_traffic
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import (
    FIXED,
    LABEL_CELLS,
    LAG_BINS,
    OOD_P_BINS,
    SCORE_BINS,
    LabelCells,
    WindowSummary,
    heartbeat,
)
from shipworthy.facts.adding import NAMES
from shipworthy.store.summaries import checked, numbers_of, packed, unpacked
from tests.store.rows import labels, window

COUNT = st.one_of(st.integers(0, 3), st.integers(0, 1 << 62))


def vector(length: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Vectors of counts, mostly zeros, of which many are none at all."""
    some = st.dictionaries(st.integers(0, length - 1), COUNT, max_size=4)
    return some.map(lambda at: tuple(at.get(place, 0) for place in range(length)))


def anything(length: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.one_of(st.just(()), vector(length))


WINDOWS = st.builds(
    lambda **more: msgspec.structs.replace(window(), **more),
    shards_seen=st.integers(0, 3), n=COUNT, n_ood=COUNT, n_degraded=COUNT,
    scores=vector(SCORE_BINS), ood_p=vector(OOD_P_BINS), sum_p=anything(SCORE_BINS), latency=anything(128),
    cells=anything(9), hitters=anything(5),
)  # fmt: skip
LABELS = st.builds(
    lambda **more: msgspec.structs.replace(labels(), **more),
    n=vector(SCORE_BINS), sum_p=vector(SCORE_BINS), machine=COUNT, overturned=COUNT, lag=vector(LAG_BINS),
)  # fmt: skip
CELLS = st.builds(LabelCells, version=st.just("1"), bucket=st.just("*"), minute=st.just(60), n=vector(LABEL_CELLS))


def key_of(summary: Any) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in summary.__struct_fields__ if name in NAMES}


@settings(max_examples=60, deadline=None)
@given(st.one_of(WINDOWS, LABELS, CELLS))
def test_what_is_unpacked_is_what_was_packed(summary: Any) -> None:
    body = packed(checked(summary))
    again = unpacked(body, type(summary), key_of(summary))
    assert again == summary
    assert packed(again) == body


@settings(max_examples=30, deadline=None)
@given(WINDOWS)
def test_numbers_are_read_without_the_vectors(one: WindowSummary) -> None:
    spoilt = packed(one)[: 2 + packed(one)[1]] + b"not deflated"
    assert numbers_of(spoilt, ("n_ood", "shards_seen", "n")) == [one.n_ood, one.shards_seen, one.n]


def test_bodies_written_before_this_form_stay_readable() -> None:
    kept: tuple[Any, ...] = (window(n=7), labels(machine=3))
    for one in kept:
        old = zlib.compress(msgspec.json.Encoder(order="deterministic").encode(one), 1)
        assert unpacked(old, type(one), {}) == one
    old = zlib.compress(msgspec.json.encode(window(n=7)), 1)
    assert numbers_of(old, ("n", "n_ood")) == [7, 0]


def test_a_form_that_is_not_known_is_not_guessed_at() -> None:
    for body in (b"", b"\x01", b"\x02\x01\x90"):
        with pytest.raises(CannotDecide, match="not known"):
            unpacked(body, WindowSummary, {})


def test_a_minute_of_500_requests_with_30_features_is_small() -> None:
    windows, _ = minute_of_traffic()
    assert windows["*"].n == 500
    assert len(windows["*"].cells) > 1500
    assert len(packed(windows["*"])) <= 2200  # 3,000 is what is claimed
    assert max(len(packed(one)) for segment, one in windows.items() if segment != "*") <= 300


def test_a_slim_window_of_a_whole_minute_is_small_and_a_heartbeat_is_nearly_nothing() -> None:
    windows, _ = minute_of_traffic()
    slim = msgspec.structs.replace(windows["*"], **dict.fromkeys(("sum_p", "sum_pq", "latency", "cells", "worst"), ()))
    slim = msgspec.structs.replace(slim, joint=(), hitters=())
    assert len(packed(slim)) <= 300
    assert len(packed(heartbeat(29_000_000, 1))) <= 20


def test_counts_beyond_what_can_be_stored_are_refused() -> None:
    with pytest.raises(UsageError):
        checked(window(n=1 << 63))
    large = msgspec.structs.replace(window(), sum_p=(FIXED * 1_000_000,) * SCORE_BINS)
    assert checked(large) is large


def test_a_body_of_before_a_number_was_counted_reads_as_none_of_it_and_one_of_later_is_refused() -> None:
    body = packed(window(n=7))
    numbers = msgspec.msgpack.decode(body[2 : 2 + body[1]])
    for more, head in ((-1, msgspec.msgpack.encode(numbers[:-1])), (1, msgspec.msgpack.encode([*numbers, 3]))):
        other = bytes((body[0], len(head))) + head + body[2 + body[1] :]
        key = {name: getattr(window(n=7), name) for name in NAMES if hasattr(window(n=7), name)}
        if more < 0:
            assert unpacked(other, WindowSummary, key) == window(n=7)
            assert numbers_of(other, ("n", "n_disagreed")) == [7, 0]
        else:
            with pytest.raises(CannotDecide, match="not known"):
                unpacked(other, WindowSummary, key)
