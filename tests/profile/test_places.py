from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shipworthy.profile.places import LEAST_ROWS, MOST_VALUES, places

Floats = NDArray[np.float64]


def table(seed: int, n: int = 600) -> tuple[Floats, list[str], list[str]]:
    """A number, a category that follows it under scrambled names, and a category that follows that one."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    names = np.array(["q", "b", "x", "a", "m"])
    first = names[np.digitize(x + 0.3 * rng.normal(size=n), [-1.0, -0.3, 0.3, 1.0])]
    second = np.where(rng.random(n) < 0.8, np.char.add(first, "!"), "none!")
    return x, first.tolist(), second.tolist()


def summed(scores: Floats, others: Floats) -> float:
    """Squared correlations of one column with all others, added up."""
    together = np.column_stack([scores, others])
    return float((np.asarray(np.corrcoef(together, rowvar=False))[0, 1:] ** 2).sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 50), st.lists(st.integers(-9, 9), min_size=5, max_size=5).filter(lambda v: len(set(v)) > 1))
def test_no_other_way_to_number_the_values_goes_better_with_the_other_columns(seed: int, other: list[int]) -> None:
    x, first, second = table(seed)
    found = places({"x": x.tolist()}, {"first": first, "second": second})["first"]
    others = np.column_stack([x, *(np.array(second) == value for value in sorted(set(second)))])
    ours = summed(np.array([found[value] for value in first]), others)
    theirs = summed(np.array([dict(zip(sorted(set(first)), other, strict=True))[value] for value in first]), others)
    assert ours >= theirs - 1e-6


def test_a_category_that_follows_a_number_is_placed_in_its_order_whatever_its_names() -> None:
    x, first, _ = table(1)
    found = places({"x": x.tolist()}, {"first": first})["first"]
    order = sorted(found, key=lambda value: found[value])
    assert order in (["q", "b", "x", "a", "m"], ["m", "a", "x", "b", "q"])


def test_common_and_seldom_values_weigh_by_their_share() -> None:
    rng = np.random.default_rng(4)
    words = np.repeat(["a", "b", "c"], [900, 80, 20])
    x = np.where(words == "a", 0.0, np.where(words == "b", 1.0, 3.0)) + 0.1 * rng.normal(size=1000)
    found = places({"x": x.tolist()}, {"words": words.tolist()})["words"]
    scores = np.array([found[word] for word in words])
    means = np.array([x[words == word].mean() for word in words])
    assert abs(np.corrcoef(scores, means)[0, 1]) > 0.999  # one other column: the best numbers are its means


def test_a_rare_value_has_no_place_and_nobody_has_more_than_32() -> None:
    rng = np.random.default_rng(0)
    n = 5000
    many = [f"v{int(at)}" for at in rng.integers(0, 60, n)]
    rare = ["seldom" if at < LEAST_ROWS - 1 else "ab"[at % 2] for at in range(200)]
    x = rng.normal(size=n).tolist()
    assert len(places({"x": x}, {"many": many})["many"]) == MOST_VALUES
    assert sorted(places({"x": x[:200]}, {"rare": rare})["rare"]) == ["a", "b"]
    kept = places({"x": x}, {"many": many})["many"]
    counts = Counter(many)
    assert min(counts[value] for value in kept) >= max(n for value, n in counts.items() if value not in kept)


def test_what_has_nothing_to_be_compared_with_has_no_place() -> None:
    words = ["a", "b"] * 50
    assert places({}, {"alone": words}) == {}
    assert places({"x": [1.0] * 100}, {"alone": words}) == {}
    assert places({"x": [None] * 100}, {"alone": words, "same": ["z"] * 100}) == {}
    assert places({"x": [1.0, 2.0] * 50}, {}) == {}


def test_empty_cells_and_overflowing_columns_do_not_stop_it() -> None:
    words: list[str | None] = [None if at % 7 == 0 else "abc"[at % 3] for at in range(300)]
    huge = [1e200 if at % 2 else -1e200 for at in range(300)]
    near = [None if at % 5 == 0 else float(at % 3) for at in range(300)]
    found = places({"huge": huge, "near": near}, {"words": words})["words"]
    assert sorted(found) == ["a", "b", "c"]
    assert all(np.isfinite(list(found.values())))
