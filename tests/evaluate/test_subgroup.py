from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.evaluate import proxy, subgroup
from shipworthy.evaluate.answered import answer
from shipworthy.evaluate.bench import Ask
from shipworthy.facts import Measurement
from shipworthy.stats.group_gaps import LEAST_ROWS
from tests.evaluate.benches import bench, model_of, rows, truth


def gaps(metric: str | None = None, **changes: object) -> list[Measurement]:
    on = bench(**changes)  # type: ignore[arg-type]
    ask = Ask(indicator="subgroup_gap", metric=metric)
    return list(subgroup.evaluate(on, [ask], answer(on, on.rows("test"))))


def judged(found: list[Measurement]) -> Measurement:
    return next(one for one in found if one.part is None)


def test_a_model_that_is_worse_for_one_group_shows_the_gap_and_names_the_pair() -> None:
    found = gaps(model=model_of(lambda row: 0.01 if row["sex"] == "f" else truth(row)))
    worst = judged(found)
    assert worst.lo is not None
    assert worst.lo > 0.1
    assert max((one for one in found if one.part), key=lambda one: one.value or 0.0).part == "sex: f - m"


def test_an_even_model_shows_no_gap_beyond_chance() -> None:
    worst = judged(gaps())
    assert worst.lo == 0.0
    assert worst.hi is not None
    assert worst.hi < 0.15


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(subgroup.METRICS)))
def test_the_judged_gap_is_the_largest_part_that_has_enough_rows(seed: int, metric: str) -> None:
    found = gaps(metric, datasets={"test": rows(700, seed)})
    parts = [one for one in found if one.part and one.n >= LEAST_ROWS]
    worst = judged(found)
    assert worst.value == max((one.value or 0.0 for one in parts), default=None)
    assert all(0.0 <= (one.lo or 0.0) <= (one.value or 0.0) <= (one.hi or 0.0) for one in parts)


def test_thin_groups_are_listed_and_not_judged() -> None:
    thin = [{**row, "sex": "x" if at < 40 else row["sex"]} for at, row in enumerate(rows(1500, 6))]
    found = gaps(datasets={"test": thin}, model=model_of(lambda row: 0.0 if row["sex"] == "x" else truth(row)))
    listed = [one for one in found if one.part and "x" in one.part.split(": ")[1]]
    assert len(listed) == 2
    assert all("not judged" in one.method for one in listed)
    assert (judged(found).value or 0.0) < max(one.value or 0.0 for one in listed)


def test_two_handfuls_are_not_compared_at_all() -> None:
    assert judged(gaps(datasets={"test": rows(120, 6)})).value is None


def test_an_unknown_metric_is_told_and_has_no_value() -> None:
    worst = judged(gaps("vibes"))
    assert worst.value is None
    assert "vibes" in worst.method


def test_without_protected_features_there_is_nothing_to_compare() -> None:
    on = bench()
    assert judged(gaps(features=tuple(one for one in on.features if not one.protected))).value is None


def test_a_score_that_follows_the_group_gives_it_away_and_an_even_one_does_not() -> None:
    on = bench(model=model_of(lambda row: 0.9 * truth(row) + (0.1 if row["sex"] == "m" else 0.0)))
    ask = Ask(indicator="proxy_auc")
    told = proxy.evaluate(on, [ask], answer(on, on.rows("test")))
    assert (told[0].lo or 0.0) > 0.55
    even = bench()
    fair = proxy.evaluate(even, [ask], answer(even, even.rows("test")))
    assert fair[0].lo == pytest.approx(0.5)
    assert (fair[0].hi or 1.0) < 0.62
